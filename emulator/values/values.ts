import { badRequest, ServerError } from '../http/errors.ts';
import { isFieldName } from './identifiers.ts';

/**
 * A Convex value. The types stay apart as Convex keeps them: bigint is int64, number is float64, ArrayBuffer is bytes.
 * Objects that the emulator hands out have no prototype, so a field may be called `__proto__`.
 */
export type Value = null | bigint | number | boolean | string | ArrayBuffer | Value[] | ValueObject;
export interface ValueObject {
  [field: string]: Value;
}

/** Limits of one value (crates/value/src/{size,object,array}.rs, crates/common/src/document.rs). */
export const VALUE_LIMITS = {
  fields: 1024,
  elements: 8192,
  nesting: 64,
  bytes: 1 << 25,
  documentBytes: 1 << 20,
  documentNesting: 16,
} as const;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Makes objects that inherit nothing: their prototype is empty and has no prototype. V8 keeps the fields of objects whose own
 * prototype is null in a hash table each, which takes four times the memory and time of documents that share a layout.
 */
const Fields = function () {
  // empty
} as unknown as new () => ValueObject;
Fields.prototype = Object.create(null) as ValueObject;

/** An object that inherits nothing: every key is an own field, also `__proto__`. */
export function emptyObject(): ValueObject {
  return new Fields();
}

export function isObject(value: Value): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ArrayBuffer);
}

/** Field names in the order in which Convex keeps and prints them: by bytes (they are ASCII). */
export function sortedKeys(object: ValueObject): string[] {
  return sorted(Object.keys(object));
}

/** Most objects have their fields in this order already. */
function sorted(names: string[]): string[] {
  for (let at = 1; at < names.length; at++) if ((names[at - 1] ?? '') >= (names[at] ?? '')) return names.sort();
  return names;
}

/**
 * A private copy of a caller's value, checked as Convex checks it: fields sorted, `undefined` fields absent.
 * @throws ServerError with the backend's code, or TypeError where the value is none that Convex has.
 */
export function toValue(input: unknown): Value {
  if (input === null || typeof input === 'boolean' || typeof input === 'number') return input;
  if (typeof input === 'string') {
    if (!input.isWellFormed()) throw new TypeError('strings must be valid Unicode');
    return input;
  }
  if (typeof input === 'bigint') {
    if (input < INT64_MIN || input > INT64_MAX) throw new TypeError('int64 out of range');
    return input;
  }
  if (typeof input !== 'object') throw new TypeError(`${typeof input} is no Convex value`);
  if (input instanceof ArrayBuffer) return input.slice(0);
  if (ArrayBuffer.isView(input)) throw new TypeError('bytes are an ArrayBuffer, not a view');
  return Array.isArray(input) ? checkedArray(input.map(toValue)) : toObject(input);
}

/** As `toValue`, for an object: entries in any order, checked. */
export function toObject(input: object): ValueObject {
  const fields = input as Readonly<Record<string, unknown>>;
  const names = Object.keys(fields).filter((name) => fields[name] !== undefined);
  return objectWith(names, (name) => toValue(fields[name]));
}

/**
 * An object of fields with different names, in any order; `valueOf` gives their checked values. The array is used up.
 * @throws as `objectFromFields`
 */
export function objectWith(names: string[], valueOf: (name: string) => Value): ValueObject {
  const object = emptyObject();
  for (const name of sorted(names)) {
    if (!isFieldName(name)) throw new ServerError(`invalid field name`);
    object[name] = valueOf(name);
  }
  checkFieldCount(names.length);
  return object;
}

/**
 * An object of checked values; a later field of the same name wins.
 * @throws ServerError 500 for a bad name (the backend does not tag that error), 400 `TooManyFieldsError`.
 */
export function objectFromFields(fields: [string, Value][]): ValueObject {
  const object = emptyObject();
  if (!fields.every(([name], at) => at === 0 || (fields[at - 1]?.[0] ?? '') < name)) fields.sort(byName);
  for (const [name, value] of fields) {
    if (!isFieldName(name)) throw new ServerError(`invalid field name`);
    object[name] = value;
  }
  if (fields.length > VALUE_LIMITS.fields) checkFieldCount(Object.keys(object).length);
  return object;
}

/** @throws 400 `TooManyFieldsError` */
export function checkFieldCount(count: number): void {
  if (count <= VALUE_LIMITS.fields) return;
  throw badRequest(
    'TooManyFieldsError',
    `Object has too many fields (${count} > maximum number ${VALUE_LIMITS.fields})`,
  );
}

function byName([a]: [string, Value], [b]: [string, Value]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function checkedArray(array: Value[]): Value[] {
  if (array.length > VALUE_LIMITS.elements) {
    throw badRequest(
      'ArrayTooLong',
      `Array length is too long (${array.length} > maximum length ${VALUE_LIMITS.elements})`,
    );
  }
  return array;
}

/** Convex's size of a value in bytes (crates/value/src/size.rs), what all its limits count. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 2;
  if (typeof value === 'number' || typeof value === 'bigint') return 9;
  if (value === null || typeof value === 'boolean') return 1;
  if (value instanceof ArrayBuffer) return value.byteLength + 2;
  let size = 2;
  if (Array.isArray(value)) for (const element of value) size += sizeOf(element);
  else for (const name in value) size += name.length + 1 + sizeOf(value[name] ?? null);
  return size;
}

/** How deep a value nests: scalars 0, containers one more than their deepest element. */
export function nestingOf(value: Value): number {
  if (typeof value !== 'object' || value === null || value instanceof ArrayBuffer) return 0;
  let deepest = 0;
  if (Array.isArray(value)) for (const element of value) deepest = Math.max(deepest, nestingOf(element));
  else for (const name in value) deepest = Math.max(deepest, nestingOf(value[name] ?? null));
  return 1 + deepest;
}

/** The value at a path of fields, or undefined where a step is missing or no object. */
export function valueAt(object: ValueObject, path: readonly string[]): Value | undefined {
  let value: Value | undefined = object;
  for (const name of path) {
    if (value === undefined || !isObject(value)) return undefined;
    value = value[name];
  }
  return value;
}
