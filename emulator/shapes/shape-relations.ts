import { isFieldName } from '../values/identifiers.ts';
import { tableNumberOf } from '../values/ids.ts';
import { floatKind, type ObjectShape, type Shape, shapeOfString } from './shapes.ts';
import { isObject, type Value } from '../values/values.ts';

const STRINGS = new Set(['literal', 'id', 'fieldName', 'string']);
const FLOATS = new Set(['negativeInfinity', 'positiveInfinity', 'negativeZero', 'nan', 'normalFloat64', 'float64']);

export function isStringKind(shape: Shape): boolean {
  return STRINGS.has(shape.kind);
}

export function isFloatKind(shape: Shape): boolean {
  return FLOATS.has(shape.kind);
}

/** Whether a value is one of those that a shape describes. */
export function contains(shape: Shape, value: Value): boolean {
  switch (shape.kind) {
    case 'never':
      return false;
    case 'unknown':
      return true;
    case 'null':
      return value === null;
    case 'int64':
      return typeof value === 'bigint';
    case 'boolean':
      return typeof value === 'boolean';
    case 'bytes':
      return value instanceof ArrayBuffer;
    case 'float64':
      return typeof value === 'number';
    case 'negativeInfinity':
    case 'positiveInfinity':
    case 'negativeZero':
    case 'nan':
    case 'normalFloat64':
      return typeof value === 'number' && floatKind(value) === shape.kind;
    case 'literal':
      return value === shape.text;
    case 'id':
      return typeof value === 'string' && tableNumberOf(value) === shape.table;
    case 'fieldName':
      return typeof value === 'string' && isFieldName(value);
    case 'string':
      return typeof value === 'string';
    case 'array':
      return Array.isArray(value) && value.every((element) => contains(shape.element, element));
    case 'object':
      return containsObject(shape, value);
    case 'record':
      return (
        isObject(value) &&
        Object.entries(value).every(([name, field]) => contains(shape.field, name) && contains(shape.value, field))
      );
    case 'union':
      return shape.variants.some((variant) => contains(variant, value));
  }
}

function containsObject(shape: ObjectShape, value: Value): boolean {
  if (!isObject(value)) return false;
  for (const [name, field] of shape.fields) if (!field.optional && !(name in value)) return false;
  for (const name in value) {
    const field = shape.fields.get(name);
    if (field === undefined || !contains(field.shape, value[name] ?? null)) return false;
  }
  return true;
}

/** Whether all values of `shape` are values of `other`. */
export function isSubtype(shape: Shape, other: Shape): boolean {
  if (shape.kind === 'never') return true;
  if (shape.kind === 'union') return shape.variants.every((variant) => isSubtype(variant, other));
  if (other.kind === 'union') return other.variants.some((variant) => isSubtype(shape, variant));
  if (other.kind === 'unknown') return true;
  if (isStringKind(shape) && isStringKind(other)) return isStringSubtype(shape, other);
  if (isFloatKind(shape) && isFloatKind(other)) return other.kind === 'float64' || shape.kind === other.kind;
  if (shape.kind === 'array' && other.kind === 'array') return isSubtype(shape.element, other.element);
  if (shape.kind === 'object' && other.kind === 'object') return isObjectSubtype(shape, other);
  if (shape.kind === 'object' && other.kind === 'record') {
    return [...shape.fields].every(
      ([name, field]) => isSubtype(shapeOfString(name, 1), other.field) && isSubtype(field.shape, other.value),
    );
  }
  if (shape.kind === 'record' && other.kind === 'record') {
    return isSubtype(shape.field, other.field) && isSubtype(shape.value, other.value);
  }
  return shape.kind === other.kind;
}

function isStringSubtype(shape: Shape, other: Shape): boolean {
  if (other.kind === 'string') return true;
  if (other.kind === 'fieldName')
    return shape.kind !== 'string' && (shape.kind !== 'literal' || isFieldName(shape.text));
  if (shape.kind === 'literal') {
    if (other.kind === 'literal') return shape.text === other.text;
    return other.kind === 'id' && tableNumberOf(shape.text) === other.table;
  }
  return shape.kind === 'id' && other.kind === 'id' && shape.table === other.table;
}

/** No structural subtyping: objects with other fields are other objects, unless the fields are optional. */
function isObjectSubtype(shape: ObjectShape, other: ObjectShape): boolean {
  for (const [name, field] of shape.fields) {
    const otherField = other.fields.get(name);
    if (otherField === undefined || (field.optional && !otherField.optional)) return false;
    if (!isSubtype(field.shape, otherField.shape)) return false;
  }
  return [...other.fields].every(([name, field]) => shape.fields.has(name) || field.optional);
}

/** Whether two shapes may share values, in which case they cannot both be in one union. */
export function mayOverlap(shape: Shape, other: Shape): boolean {
  if (shape.kind === 'union' || other.kind === 'union') return true;
  if (shape.kind === 'unknown' || other.kind === 'unknown') return true;
  if (shape.kind === 'object' && other.kind === 'object') {
    const missing = (a: ObjectShape, b: ObjectShape) =>
      [...a.fields].some(([name, field]) => !field.optional && !b.fields.has(name));
    return !missing(shape, other) && !missing(other, shape);
  }
  const objects = new Set(['object', 'record']);
  if (objects.has(shape.kind) && objects.has(other.kind)) return true;
  if (shape.kind === 'array' && other.kind === 'array') return true;
  return isSubtype(shape, other) && isSubtype(other, shape);
}
