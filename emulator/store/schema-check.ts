import { badRequest } from '../http/errors.ts';
import { display } from '../values/display.ts';
import { tableNumberOf } from '../values/ids.ts';
import { formatValue } from '../values/json-format.ts';
import {
  describeLiteral,
  describeObject,
  describeValidator,
  documentType,
  type FieldJson,
  type SchemaJson,
  type ValidatorJson,
} from './schema.ts';
import { isObject, type Value, type ValueObject } from '../values/values.ts';

/** Gives the name of the table with a number, in the component of the document. */
export type TableNames = (number: number) => string | undefined;

/**
 * Checks a document against the active schema, as every write does.
 * @throws 400 `SchemaEnforcementError`; the message has several lines and contains the document.
 */
export function enforceSchema(
  schema: SchemaJson | undefined,
  table: string,
  document: ValueObject,
  tableNames: TableNames,
): void {
  if (schema?.schemaValidation !== true) return;
  const validator = documentType(schema, table);
  if (validator === undefined) return;
  const fields: ValueObject = Object.create(null) as ValueObject;
  for (const [name, value] of Object.entries(document)) if (!name.startsWith('_')) fields[name] = value;
  const mismatch = mismatchOf(withoutSystemFields(validator), fields, '', tableNames);
  if (mismatch === undefined) return;
  throw badRequest(
    'SchemaEnforcementError',
    `Failed to insert or update a document in table "${table}" because it does not match the schema: ${mismatch}`,
  );
}

function withoutSystemFields(validator: ValidatorJson): ValidatorJson {
  if (validator.type === 'union') return { type: 'union', value: validator.value.map(withoutSystemFields) };
  if (validator.type !== 'object') return validator;
  const fields = Object.entries(validator.value).filter(([name]) => !name.startsWith('_'));
  return { type: 'object', value: Object.fromEntries(fields) };
}

/** What of a value does not match, in the words of the backend, or undefined. Path: '' at the top. */
export function mismatchOf(
  validator: ValidatorJson,
  value: Value,
  path: string,
  tableNames: TableNames,
): string | undefined {
  if (validator.type === 'any') return undefined;
  if (validator.type === 'id') return checkId(validator, value, path, tableNames);
  if (validator.type === 'literal') return checkLiteral(validator.value, value, path);
  if (validator.type === 'union') return checkUnion(validator, value, path, tableNames);
  if (validator.type === 'array' && Array.isArray(value)) {
    const { value: element } = validator;
    return first(value.map((item, position) => () => mismatchOf(element, item, `${path}[${position}]`, tableNames)));
  }
  if (validator.type === 'record' && isObject(value)) return checkRecord(validator, value, path, tableNames);
  if (validator.type === 'object' && isObject(value)) return checkObject(validator.value, value, path, tableNames);
  return hasType(validator.type, value) ? undefined : noMatch(validator, value, path);
}

const TYPES: Record<string, (value: Value) => boolean> = {
  null: (value) => value === null,
  number: (value) => typeof value === 'number',
  bigint: (value) => typeof value === 'bigint',
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  bytes: (value) => value instanceof ArrayBuffer,
};

function hasType(type: string, value: Value): boolean {
  return TYPES[type]?.(value) ?? false;
}

function first(checks: (() => string | undefined)[]): string | undefined {
  for (const run of checks) {
    const mismatch = run();
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

function checkUnion(
  validator: { type: 'union'; value: ValidatorJson[] },
  value: Value,
  path: string,
  tableNames: TableNames,
): string | undefined {
  const [only] = validator.value;
  if (validator.value.length === 1 && only !== undefined) return mismatchOf(only, value, path, tableNames);
  const matches = validator.value.some((variant) => mismatchOf(variant, value, path, tableNames) === undefined);
  return matches ? undefined : noMatch(validator, value, path);
}

function checkLiteral(literal: unknown, value: Value, path: string): string | undefined {
  if (literalMatches(literal, value)) return undefined;
  return `\`${display(value)}\` does not match literal validator \`v.literal(${describeLiteral(literal)})\`.${where(path)}`;
}

function checkId(
  validator: { type: 'id'; tableName: string },
  value: Value,
  path: string,
  tableNames: TableNames,
): string | undefined {
  const number = typeof value === 'string' ? tableNumberOf(value) : undefined;
  const found = number === undefined ? undefined : tableNames(number);
  if (found === undefined) return noMatch(validator, value, path);
  if (found === validator.tableName) return undefined;
  return (
    `Found ID ${display(value)} from table \`${found}\`, which does not match the table name in validator ` +
    `\`v.id("${validator.tableName}")\`.${where(path)}`
  );
}

function checkRecord(
  validator: { keys: ValidatorJson; values: FieldJson },
  object: ValueObject,
  path: string,
  tableNames: TableNames,
): string | undefined {
  return first(
    Object.keys(object).flatMap((name) => [
      () => mismatchOf(validator.keys, name, `${path}.keys()`, tableNames),
      () => mismatchOf(validator.values.fieldType, object[name] ?? null, `${path}.values()`, tableNames),
    ]),
  );
}

function checkObject(
  fields: Record<string, FieldJson>,
  object: ValueObject,
  path: string,
  tableNames: TableNames,
): string | undefined {
  const details = () => `\n${where(path)}\nObject: ${display(object)}\nValidator: ${describeObject(fields)}`;
  for (const [name, { fieldType, optional }] of Object.entries(fields)) {
    const value = object[name];
    if (value !== undefined) {
      const mismatch = mismatchOf(fieldType, value, `${path}.${name}`, tableNames);
      if (mismatch !== undefined) return mismatch;
    } else if (!optional) {
      return `Object is missing the required field \`${name}\`. Consider wrapping the field validator in \`v.optional(...)\` if this is expected.${details()}`;
    }
  }
  const extra = Object.keys(object).find((name) => !Object.hasOwn(fields, name));
  if (extra === undefined) return undefined;
  return `Object contains extra field \`${extra}\` that is not in the validator.${details()}`;
}

function literalMatches(literal: unknown, value: Value): boolean {
  if (typeof literal !== 'object' || literal === null) return literal === value;
  return typeof value === 'bigint' && formatValue(value, 'convex_encoded_json') === JSON.stringify(literal);
}

function noMatch(validator: ValidatorJson, value: Value, path: string): string {
  return `Value does not match validator.\n${where(path)}\nValue: ${display(value)}\nValidator: ${describeValidator(validator)}`;
}

function where(path: string): string {
  return path === '' ? '' : `Path: ${path}`;
}
