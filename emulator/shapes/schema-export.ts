import { badRequest } from '../http/errors.ts';
import type { Format } from '../values/json-format.ts';
import * as fragments from './json-schema-fragments.ts';
import {
  describeValidator,
  documentType,
  type FieldJson,
  type SchemaJson,
  type ValidatorJson,
} from '../store/schema.ts';

/**
 * The JSON Schema of a table from schema.ts, which is asked only where the data has no shape of its own.
 * @throws HttpError 400 `NoSchemaForExport`, `NoTableDefinitionForExport`, `UnsupportedSchemaForExport`
 */
export function schemaFragment(
  schema: SchemaJson | undefined,
  table: string,
  format: Format,
): fragments.ObjectFragment {
  if (schema === undefined) {
    throw badRequest('NoSchemaForExport', 'There is no active schema, which is needed for streaming export.');
  }
  const type = documentType(schema, table);
  if (type === undefined) {
    throw badRequest(
      'NoTableDefinitionForExport',
      `The table "${table}" does not have a schema, which is needed for streaming export.`,
    );
  }
  // v.any() promises the system fields only, and no others (C82).
  if (type.type === 'any') return fragments.object(new Map(fragments.systemFields(table)));
  const objects = type.type === 'union' ? type.value : [type];
  const [only] = objects;
  if (objects.length !== 1 || only?.type !== 'object') {
    throw badRequest(
      'UnsupportedSchemaForExport',
      `Schema for table "${table}" contains a union of object types, which is unsupported for streaming export`,
    );
  }
  const fields = userFields(only.value);
  for (const [, { fieldType }] of fields) checkSupported(fieldType);
  return fragments.object(new Map([...fieldFragments(fields, format), ...fragments.systemFields(table)]));
}

/** Validators of `_id` and `_creationTime` are dropped from what was pushed. */
function userFields(fields: Record<string, FieldJson>): [string, FieldJson][] {
  return Object.entries(fields).filter(([name]) => !name.startsWith('_'));
}

function fieldFragments(fields: [string, FieldJson][], format: Format): [string, fragments.FieldFragment][] {
  return fields.map(([name, { fieldType, optional }]) => [name, { schema: fragmentOf(fieldType, format), optional }]);
}

function fragmentOf(validator: ValidatorJson, format: Format): fragments.Fragment {
  switch (validator.type) {
    case 'id':
      return fragments.id(validator.tableName);
    case 'null':
      return fragments.nullType();
    case 'number':
      return fragments.float64(true, format);
    case 'bigint':
      return fragments.int64(format);
    case 'boolean':
      return fragments.boolean();
    case 'string':
      return fragments.string();
    case 'bytes':
      return fragments.bytes(format);
    case 'any':
      return fragments.any();
    case 'literal':
      return literalFragment(validator.value, format);
    case 'array':
      return fragments.array(fragmentOf(validator.value, format));
    case 'record':
      return fragments.record(describeValidator(validator.keys), fragmentOf(validator.values.fieldType, format));
    case 'object':
      return fragments.object(new Map(fieldFragments(Object.entries(validator.value), format)));
    case 'union':
      return fragments.union(validator.value.map((variant) => fragmentOf(variant, format)));
  }
}

function literalFragment(value: unknown, format: Format): fragments.Fragment {
  if (typeof value === 'string') return fragments.string();
  if (typeof value === 'boolean') return fragments.boolean();
  return typeof value === 'number' ? fragments.float64(true, format) : fragments.int64(format);
}

function checkSupported(validator: ValidatorJson): void {
  if (validator.type === 'array') checkSupported(validator.value);
  if (validator.type === 'object')
    for (const { fieldType } of Object.values(validator.value)) checkSupported(fieldType);
  if (validator.type !== 'union') return;
  validator.value.forEach(checkSupported);
  if (validator.value.filter(({ type }) => type === 'object').length > 1) {
    throw badRequest(
      'UnsupportedSchemaForExport',
      'Schema contains a union of objects, which is not supported for export',
    );
  }
}
