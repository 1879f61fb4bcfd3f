import { isFieldName, isIdentifier } from '../values/identifiers.ts';
import { decodeId } from '../values/ids.ts';
import { contains } from './shape-relations.ts';
import { contract, extend, union } from './shape-unions.ts';
import { isObject, type Value, type ValueObject } from '../values/values.ts';

/**
 * The shape of a multiset of values, as the backend infers it from a table's documents (crates/shape_inference): what
 * json_schemas tells about a table. Shapes only ever widen while values are in them: a table in which one odd document
 * was once keeps the shape that it gave it, also when the document is deleted.
 */
export type Shape = Leaf | Literal | Id | ArrayShape | ObjectShape | RecordShape | UnionShape;

/** In the backend's order, in which it lists the variants of a union. */
export type LeafKind =
  | 'never'
  | 'null'
  | 'int64'
  | 'negativeInfinity'
  | 'positiveInfinity'
  | 'negativeZero'
  | 'nan'
  | 'normalFloat64'
  | 'float64'
  | 'boolean'
  | 'fieldName'
  | 'string'
  | 'bytes'
  | 'unknown';

interface Counted {
  /** How many values are in it. */
  count: number;
}
export interface Leaf extends Counted {
  kind: LeafKind;
}
/** One string that is an identifier. */
export interface Literal extends Counted {
  kind: 'literal';
  text: string;
}
/** Ids of the table with a number. */
export interface Id extends Counted {
  kind: 'id';
  table: number;
}
export interface ArrayShape extends Counted {
  kind: 'array';
  element: Shape;
}
export interface ObjectShape extends Counted {
  kind: 'object';
  fields: Map<string, Field>;
}
export interface Field {
  shape: Shape;
  optional: boolean;
}
/** An object with too many fields, or with one whose name is no identifier. */
export interface RecordShape extends Counted {
  kind: 'record';
  field: Shape;
  value: Shape;
}
export interface UnionShape extends Counted {
  kind: 'union';
  variants: Shape[];
}

export const MAX_OBJECT_FIELDS = 64;
export const MAX_UNION_LENGTH = 16;

export function empty(): Shape {
  return { kind: 'never', count: 0 };
}

/** The shape of a table's documents after one more. The given shape is used up. */
export function insert(shape: Shape, document: ValueObject): Shape {
  // The common case, a document like the others, costs no new shapes.
  if (contains(shape, document)) {
    count(shape, document);
    return shape;
  }
  return extend(shape, shapeOf(document));
}

/** The shape of a table's documents after one of them is gone. */
export function remove(shape: Shape, document: ValueObject): Shape {
  const removed = without(shape, document);
  if (removed === undefined) throw new Error('a value was removed from a shape that does not have it');
  return removed;
}

export function variantsOf(shape: Shape): Shape[] {
  if (shape.kind === 'never') return [];
  return shape.kind === 'union' ? shape.variants : [shape];
}

export function shapeOf(value: Value): Shape {
  if (value === null) return { kind: 'null', count: 1 };
  if (typeof value === 'bigint') return { kind: 'int64', count: 1 };
  if (typeof value === 'number') return { kind: floatKind(value), count: 1 };
  if (typeof value === 'boolean') return { kind: 'boolean', count: 1 };
  if (typeof value === 'string') return shapeOfString(value, 1);
  if (value instanceof ArrayBuffer) return { kind: 'bytes', count: 1 };
  if (Array.isArray(value)) return { kind: 'array', count: 1, element: union(value.map(shapeOf)) };
  const entries = Object.entries(value);
  if (entries.length <= MAX_OBJECT_FIELDS && entries.every(([name]) => isIdentifier(name))) {
    const fields = new Map(entries.map(([name, field]) => [name, { shape: shapeOf(field), optional: false }]));
    return { kind: 'object', count: 1, fields };
  }
  return {
    kind: 'record',
    count: 1,
    field: union(entries.map(([name]) => shapeOfString(name, 1))),
    value: union(entries.map(([, field]) => shapeOf(field))),
  };
}

export function floatKind(value: number): LeafKind {
  if (Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'positiveInfinity';
  if (value === -Infinity) return 'negativeInfinity';
  return Object.is(value, -0) ? 'negativeZero' : 'normalFloat64';
}

export function shapeOfString(text: string, times: number): Shape {
  if (isIdentifier(text)) return { kind: 'literal', text, count: times };
  const id = decodeId(text);
  if (id !== undefined) return { kind: 'id', table: id.tableNumber, count: times };
  return { kind: isFieldName(text) ? 'fieldName' : 'string', count: times };
}

/** Counts a value that a shape contains. */
function count(shape: Shape, value: Value): void {
  shape.count++;
  if (shape.kind === 'union') {
    const variant = shape.variants.find((candidate) => contains(candidate, value));
    if (variant !== undefined) count(variant, value);
  } else if (shape.kind === 'array' && Array.isArray(value)) {
    for (const element of value) count(shape.element, element);
  } else if (shape.kind === 'object' && isObject(value)) {
    for (const [name, element] of Object.entries(value)) {
      const field = shape.fields.get(name);
      if (field !== undefined) count(field.shape, element);
    }
  } else if (shape.kind === 'record' && isObject(value)) {
    for (const [name, element] of Object.entries(value)) {
      count(shape.field, name);
      count(shape.value, element);
    }
  }
}

/** The shape without a value, or undefined where it never had it. */
function without(shape: Shape, value: Value): Shape | undefined {
  if (shape.count === 0) return undefined;
  const rest = withoutVariant(shape, value);
  return rest !== undefined && shape.count === 1 ? empty() : rest;
}

function withoutVariant(shape: Shape, value: Value): Shape | undefined {
  const left = shape.count - 1;
  if (shape.kind === 'unknown') return { kind: 'unknown', count: left };
  if (shape.kind === 'union') {
    for (const variant of shape.variants) {
      const rest = without(variant, value);
      if (rest !== undefined) return contract([...shape.variants.filter((other) => other !== variant), rest]);
    }
    return undefined;
  }
  if (shape.kind === 'array' && Array.isArray(value)) {
    let element: Shape | undefined = shape.element;
    for (const item of value) element = element === undefined ? undefined : without(element, item);
    return element === undefined ? undefined : { kind: 'array', element, count: left };
  }
  if (shape.kind === 'object' && isObject(value)) return objectWithout(shape, value, left);
  if (shape.kind === 'record' && isObject(value)) return recordWithout(shape, value, left);
  return contains(shape, value) ? { ...shape, count: left } : undefined;
}

function objectWithout(shape: ObjectShape, value: ValueObject, left: number): Shape | undefined {
  const fields = new Map<string, Field>();
  for (const [name, element] of Object.entries(value)) {
    const field = shape.fields.get(name);
    const rest = field === undefined ? undefined : without(field.shape, element);
    if (field === undefined || rest === undefined) return undefined;
    if (rest.count > 0) fields.set(name, { shape: rest, optional: field.optional });
  }
  for (const [name, field] of shape.fields) {
    if (name in value) continue;
    if (!field.optional) return undefined;
    fields.set(name, { shape: field.shape, optional: field.shape.count !== left });
  }
  return { kind: 'object', count: left, fields: new Map([...fields].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function recordWithout(shape: RecordShape, value: ValueObject, left: number): Shape | undefined {
  let { field, value: element }: { field: Shape | undefined; value: Shape | undefined } = shape;
  for (const [name, item] of Object.entries(value)) {
    field = field === undefined ? undefined : without(field, name);
    element = element === undefined ? undefined : without(element, item);
  }
  return field === undefined || element === undefined
    ? undefined
    : { kind: 'record', count: left, field, value: element };
}
