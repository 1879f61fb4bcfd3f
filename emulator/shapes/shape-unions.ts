import { isFieldName } from '../values/identifiers.ts';
import { tableNumberOf } from '../values/ids.ts';
import { isFloatKind, isStringKind, isSubtype, mayOverlap } from './shape-relations.ts';
import {
  empty,
  type Field,
  MAX_OBJECT_FIELDS,
  MAX_UNION_LENGTH,
  type Shape,
  shapeOfString,
  variantsOf,
} from './shapes.ts';

const ORDER = [
  'never',
  'null',
  'int64',
  'negativeInfinity',
  'positiveInfinity',
  'negativeZero',
  'nan',
  'normalFloat64',
  'float64',
  'boolean',
  'literal',
  'id',
  'fieldName',
  'string',
  'bytes',
  'array',
  'object',
  'record',
  'union',
  'unknown',
];

/** One shape for all values of several; the variants of a union are disjoint, and there are not too many. */
export function union(shapes: Shape[]): Shape {
  return contract(shapes.reduce<Shape[]>((variants, shape) => push(variants, shape), []));
}

/** The union of variants that are disjoint already. */
export function contract(variants: Shape[]): Shape {
  const [first, ...others] = variants.filter((variant) => variant.count > 0);
  if (first === undefined) return empty();
  if (others.length === 0) return first;
  return { kind: 'union', variants: sorted([first, ...others]), count: total([first, ...others]) };
}

/** A union with one more shape in it. */
export function extend(shape: Shape, added: Shape): Shape {
  return contract(push(variantsOf(shape), added));
}

function total(shapes: Shape[]): number {
  return shapes.reduce((sum, shape) => sum + shape.count, 0);
}

function sorted(shapes: Shape[]): Shape[] {
  return shapes.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (detail(a) < detail(b) ? -1 : 1));
}

function detail(shape: Shape): string {
  if (shape.kind === 'literal') return shape.text;
  if (shape.kind === 'id') return String(shape.table).padStart(10, '0');
  return shape.kind === 'object' ? [...shape.fields.keys()].join(' ') : '';
}

function push(variants: Shape[], shape: Shape): Shape[] {
  if (shape.count === 0) return variants;
  if (shape.kind === 'union') return shape.variants.reduce(push, variants);
  for (const [position, variant] of variants.entries()) {
    if (isSubtype(shape, variant)) return variants.with(position, merge(shape, variant));
  }
  return narrow(sorted(add(variants, shape)), MAX_UNION_LENGTH);
}

/** Adds a shape to disjoint ones and keeps them disjoint. */
function add(variants: Shape[], shape: Shape): Shape[] {
  const rest: Shape[] = [];
  let added = shape;
  for (const variant of variants) {
    if (isSubtype(variant, added)) added = merge(variant, added);
    else rest.push(variant);
  }
  const overlapping = rest.filter((variant) => mayOverlap(variant, added));
  if (overlapping.length === 0) return [...rest, added];
  const [widened] = narrow(sorted([...overlapping, added]), 1);
  const apart = rest.filter((variant) => !overlapping.includes(variant));
  return widened === undefined ? apart : add(apart, widened);
}

/** Widens shapes until no more than `goal` are left. */
function narrow(shapes: Shape[], goal: number): Shape[] {
  let left = shapes;
  while (left.length > goal) {
    const before = left;
    for (const { shape, merged } of supertypes(before)) {
      const next = add(
        before.filter((candidate) => !merged.includes(candidate)),
        shape,
      );
      if (next.length < before.length) {
        left = sorted(next);
        break;
      }
    }
  }
  return left;
}

interface Supertype {
  shape: Shape;
  merged: Shape[];
}

/** Shapes that could stand for several of the given ones, the least lossy first. */
function* supertypes(shapes: Shape[]): Generator<Supertype> {
  const anyRecord = shapes.some((shape) => shape.kind === 'record');
  yield* arrayOf(shapes);
  if (anyRecord) yield* recordOf(shapes);
  yield* idsOf(shapes);
  yield* merging(shapes, 'fieldName', isNameLike);
  yield* merging(shapes, 'string', isStringKind);
  yield* merging(shapes, 'float64', isFloatKind);
  yield* objectOf(shapes);
  if (!anyRecord) yield* recordOf(shapes);
  yield { shape: { kind: 'unknown', count: total(shapes) }, merged: shapes };
}

function isNameLike(shape: Shape): boolean {
  if (shape.kind === 'literal') return isFieldName(shape.text);
  return shape.kind === 'id' || shape.kind === 'fieldName';
}

function* merging(
  shapes: Shape[],
  kind: 'fieldName' | 'string' | 'float64',
  fits: (shape: Shape) => boolean,
): Generator<Supertype> {
  const merged = shapes.filter(fits);
  if (merged.length >= 2) yield { shape: { kind, count: total(merged) }, merged };
}

function* idsOf(shapes: Shape[]): Generator<Supertype> {
  const byTable = new Map<number, Shape[]>();
  for (const shape of shapes) {
    const table = shape.kind === 'id' ? shape.table : shape.kind === 'literal' ? tableNumberOf(shape.text) : undefined;
    if (table !== undefined) byTable.set(table, [...(byTable.get(table) ?? []), shape]);
  }
  for (const [table, merged] of [...byTable].sort(([a], [b]) => a - b)) {
    if (merged.length >= 2) yield { shape: { kind: 'id', table, count: total(merged) }, merged };
  }
}

function* arrayOf(shapes: Shape[]): Generator<Supertype> {
  const merged = shapes.filter((shape) => shape.kind === 'array');
  if (merged.length < 2) return;
  const element = union(merged.map((shape) => shape.element));
  yield { shape: { kind: 'array', element, count: total(merged) }, merged };
}

/** The fields of all objects; those that not all of them have are optional. */
export function mergeFields(objects: { count: number; fields: Map<string, Field> }[]): Map<string, Field> {
  const shapes = new Map<string, Shape[]>();
  const optional = new Set<string>();
  let first = true;
  for (const { fields } of objects) {
    for (const [name, field] of fields) {
      if (field.optional || (!first && !shapes.has(name))) optional.add(name);
      shapes.set(name, [...(shapes.get(name) ?? []), field.shape]);
    }
    for (const name of shapes.keys()) if (!fields.has(name)) optional.add(name);
    first = false;
  }
  const names = [...shapes.keys()].sort();
  return new Map(names.map((name) => [name, { shape: union(shapes.get(name) ?? []), optional: optional.has(name) }]));
}

function* objectOf(shapes: Shape[]): Generator<Supertype> {
  const merged = shapes.filter((shape) => shape.kind === 'object');
  if (merged.length < 2) return;
  const fields = mergeFields(merged);
  if (fields.size <= MAX_OBJECT_FIELDS) yield { shape: { kind: 'object', fields, count: total(merged) }, merged };
}

function* recordOf(shapes: Shape[]): Generator<Supertype> {
  const names: Shape[] = [];
  const values: Shape[] = [];
  const merged = shapes.filter((shape) => shape.kind === 'record' || shape.kind === 'object');
  if (merged.length < 2) return;
  for (const shape of merged) {
    if (shape.kind === 'record') {
      names.push(shape.field);
      values.push(shape.value);
      continue;
    }
    for (const [name, field] of shape.fields) {
      names.push(shapeOfString(name, field.shape.count));
      values.push(field.shape);
    }
  }
  yield { shape: { kind: 'record', field: union(names), value: union(values), count: total(merged) }, merged };
}

/** `other` with the counts of `shape`, which is a subtype of it, added at every depth. */
function merge(shape: Shape, other: Shape): Shape {
  const count = shape.count + other.count;
  if (shape.kind === 'never') return other;
  if (shape.kind === 'union') return shape.variants.reduce((sum, variant) => merge(variant, sum), other);
  if (other.kind === 'union') {
    const position = other.variants.findIndex((variant) => isSubtype(shape, variant));
    const variants = other.variants.map((variant, at) => (at === position ? merge(shape, variant) : variant));
    return { kind: 'union', variants, count };
  }
  if (shape.kind === 'array' && other.kind === 'array') {
    return { kind: 'array', element: merge(shape.element, other.element), count };
  }
  if (shape.kind === 'object' && other.kind === 'object') {
    const fields = new Map<string, Field>();
    for (const [name, field] of other.fields) {
      const mine = shape.fields.get(name);
      fields.set(
        name,
        mine === undefined ? field : { shape: merge(mine.shape, field.shape), optional: field.optional },
      );
    }
    return { kind: 'object', fields, count };
  }
  if (shape.kind === 'object' && other.kind === 'record') {
    let { field, value } = other;
    for (const [name, { shape: element }] of shape.fields) {
      field = merge(shapeOfString(name, element.count), field);
      value = merge(element, value);
    }
    return { kind: 'record', field, value, count };
  }
  if (shape.kind === 'record' && other.kind === 'record') {
    return { kind: 'record', field: merge(shape.field, other.field), value: merge(shape.value, other.value), count };
  }
  return { ...other, count };
}
