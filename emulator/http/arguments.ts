import { badRequest, type HttpError } from './errors.ts';
import { formatFloat } from '../values/json-format.ts';
import { type Json, JsonNumber, JsonObject } from '../values/json-parse.ts';

/** A struct of the backend's: its decoder takes an object with the fields, or a list of their values in this order. */
export interface Struct {
  name: string;
  fields: readonly string[];
  /** So many of the last fields have a default, and a list may end before them. An object may leave out more. */
  defaults?: number;
}

/**
 * Arguments of a request, from the query string or from a JSON body, read with the strictness of the backend's decoder:
 * unknown names are ignored, known ones must have exactly the right type. All failures are 400.
 */
export class Arguments {
  readonly #values: JsonObject | Json[];
  readonly #code: 'BadQueryArgs' | 'BadJsonBody';

  private constructor(values: JsonObject | Json[], code: 'BadQueryArgs' | 'BadJsonBody') {
    this.#values = values;
    this.#code = code;
  }

  static fromBody(body: Json): Arguments {
    if (!Array.isArray(body) && !(body instanceof JsonObject)) {
      throw bodyError('', `invalid type: ${describe(body)}, expected a map`);
    }
    return new Arguments(body, 'BadJsonBody');
  }

  /** The same arguments by name, where a body may also be a list of them. @throws 400 for a list of another length */
  as(struct: Struct): Arguments {
    return new Arguments(structOf(this.#values, '', struct), this.#code);
  }

  static fromQuery(query: URLSearchParams): Arguments {
    const values = new JsonObject();
    for (const [name, value] of query) {
      values.add(name, value);
    }
    return new Arguments(values, 'BadQueryArgs');
  }

  /** All arguments, for parts of the API that are decoded as "whatever fits". @throws 400 where the body is a list */
  get all(): JsonObject {
    if (Array.isArray(this.#values)) throw this.error('', 'invalid type: sequence, expected a map');
    return this.#values;
  }

  /** The value, or undefined where it is absent or null. */
  optional(name: string): Json | undefined {
    if (this.all.duplicates.has(name)) throw this.error('', `duplicate field \`${name}\``);
    return this.all.get(name) ?? undefined;
  }

  required(name: string): Json {
    const value = this.optional(name);
    if (value === undefined && !this.all.has(name)) throw this.error('', `missing field \`${name}\``);
    return value ?? null;
  }

  optionalString(name: string): string | undefined {
    const value = this.optional(name);
    if (value === undefined || typeof value === 'string') return value;
    throw this.error(name, `invalid type: ${describe(value)}, expected a string`);
  }

  /** A signed 64-bit integer: in a body an integer literal and nothing else, in a query its digits. */
  optionalInt64(name: string): bigint | undefined {
    const value = this.optional(name);
    if (value === undefined) return undefined;
    if (this.#code === 'BadQueryArgs') return this.#digits(name, value as string);
    if (!(value instanceof JsonNumber)) throw this.error(name, `invalid type: ${describe(value)}, expected i64`);
    const integer = value.isInteger ? BigInt(value.text) : undefined;
    // Beyond 64 bits the decoder falls back to a float, which is no integer.
    if (integer === undefined || integer >= 2n ** 64n || integer < -(2n ** 63n)) {
      throw this.error(name, `invalid type: floating point \`${formatFloat(Number(value.text))}\`, expected i64`);
    }
    if (integer >= 2n ** 63n) throw this.error(name, `invalid value: integer \`${integer}\`, expected i64`);
    return integer;
  }

  /** Absent is false; a query takes the words `true` and `false` and no others. */
  flag(name: string): boolean {
    const value = this.optional(name);
    if (value === undefined || value === false || value === 'false') return false;
    if (value === true || value === 'true') return true;
    throw this.error(name, 'provided string was not `true` or `false`');
  }

  error(path: string, reason: string): HttpError {
    if (this.#code === 'BadJsonBody') return bodyError(path, reason);
    return badRequest('BadQueryArgs', `Failed to deserialize query string: ${path === '' ? '' : `${path}: `}${reason}`);
  }

  #digits(name: string, text: string): bigint {
    if (text === '') throw this.error(name, 'cannot parse integer from empty string');
    if (!/^[+-]?\d+$/.test(text)) throw this.error(name, 'invalid digit found in string');
    const integer = BigInt(text.replace('+', ''));
    if (integer >= 2n ** 63n) throw this.error(name, 'number too large to fit in target type');
    if (integer < -(2n ** 63n)) throw this.error(name, 'number too small to fit in target type');
    return integer;
  }
}

export function bodyError(path: string, reason: string): HttpError {
  const where = path === '' ? '' : `${path}: `;
  return badRequest(
    'BadJsonBody',
    `Failed to deserialize the JSON body into the target type: ${where}${reason} at line 1 column 1`,
  );
}

/** A JSON value as serde's messages name it. */
export function describe(value: Json): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return `boolean \`${value}\``;
  if (typeof value === 'string') return `string ${JSON.stringify(value)}`;
  if (value instanceof JsonNumber) {
    return value.isInteger ? `integer \`${value.text}\`` : `floating point \`${formatFloat(Number(value.text))}\``;
  }
  return Array.isArray(value) ? 'sequence' : 'map';
}

/** The fields of a struct by name. @throws 400 for fields that come twice, and for lists that are too short or too long */
export function structOf(value: Json, path: string, { name, fields, defaults = 0 }: Struct): JsonObject {
  if (value instanceof JsonObject) {
    const duplicate = fields.find((field) => value.duplicates.has(field));
    if (duplicate !== undefined) throw bodyError('', `duplicate field \`${duplicate}\``);
    return value;
  }
  if (!Array.isArray(value)) throw bodyError(path, `invalid type: ${describe(value)}, expected struct ${name}`);
  if (value.length < fields.length - defaults) {
    const elements = fields.length === 1 ? '1 element' : `${fields.length} elements`;
    throw bodyError(path, `invalid length ${value.length}, expected struct ${name} with ${elements}`);
  }
  if (value.length > fields.length) {
    const where = path === '' ? '' : `${path}: `;
    const reason = `${where}trailing characters at line 1 column 1`;
    throw badRequest('BadJsonBody', `Failed to parse the request body as JSON: ${reason}`);
  }
  return new JsonObject(value.map((element, index) => [fields[index] ?? '', element]));
}

/** A list whose elements `read` accepts. */
export function listOf<T>(value: Json, path: string, read: (element: Json, path: string) => T): T[] {
  if (!Array.isArray(value)) throw bodyError(path, `invalid type: ${describe(value)}, expected a sequence`);
  return value.map((element, index) => read(element, `${path}[${index}]`));
}

export function stringOf(value: Json, path: string): string {
  if (typeof value !== 'string') throw bodyError(path, `invalid type: ${describe(value)}, expected a string`);
  return value;
}

export function mapOf<T>(value: Json, path: string, read: (element: Json, path: string) => T): Map<string, T> {
  if (!(value instanceof JsonObject)) throw bodyError(path, `invalid type: ${describe(value)}, expected a map`);
  // The backend's maps are sorted by key.
  const keys = [...value.keys()].sort();
  return new Map(keys.map((key) => [key, read(value.get(key) ?? null, `${path}.${key}`)]));
}
