import { tableNumberOf } from '../values/ids.ts';
import { mergeFields } from './shape-unions.ts';
import type { Field, LeafKind, Shape, UnionShape } from './shapes.ts';

/**
 * A shape made simpler for export (crates/common/src/shapes/reduced.rs): all objects of a union become one, whose fields
 * are optional where not all have them; literals become strings, or ids where a table with their number exists.
 */
export type Reduced =
  | { kind: 'unknown' | 'never' | 'null' | 'int64' | 'boolean' | 'string' | 'bytes' | 'record' }
  | { kind: 'id'; table: number }
  | { kind: 'float64'; special: boolean }
  | { kind: 'object'; fields: Map<string, { shape: Reduced; optional: boolean }> }
  | { kind: 'array'; element: Reduced }
  | { kind: 'union'; variants: Reduced[] };

const ORDER = [
  'unknown',
  'never',
  'id',
  'null',
  'int64',
  'float64',
  'boolean',
  'string',
  'bytes',
  'object',
  'array',
  'record',
  'union',
];

/** `exists` tells whether a table with a number exists in the table's component. */
export function reduce(shape: Shape, exists: (table: number) => boolean): Reduced {
  if (shape.kind === 'literal') {
    const table = tableNumberOf(shape.text);
    return table !== undefined && exists(table) ? { kind: 'id', table } : { kind: 'string' };
  }
  if (shape.kind === 'id') return exists(shape.table) ? { kind: 'id', table: shape.table } : { kind: 'string' };
  if (shape.kind === 'array') return { kind: 'array', element: reduce(shape.element, exists) };
  if (shape.kind === 'object') return reduceFields(shape.fields, exists);
  if (shape.kind === 'record') return { kind: 'record' };
  if (shape.kind === 'union') return reduceUnion(shape, exists);
  return reduceLeaf(shape.kind);
}

function reduceLeaf(kind: LeafKind): Reduced {
  switch (kind) {
    case 'normalFloat64':
      return { kind: 'float64', special: false };
    case 'float64':
    case 'negativeInfinity':
    case 'positiveInfinity':
    case 'negativeZero':
    case 'nan':
      return { kind: 'float64', special: true };
    case 'fieldName':
      return { kind: 'string' };
    case 'unknown':
    case 'never':
    case 'null':
    case 'int64':
    case 'boolean':
    case 'string':
    case 'bytes':
      return { kind };
  }
}

function reduceFields(fields: Map<string, Field>, exists: (table: number) => boolean): Reduced {
  const sorted = [...fields].sort(([a], [b]) => (a < b ? -1 : 1));
  const reduced = sorted.map(
    ([name, { shape, optional }]) => [name, { shape: reduce(shape, exists), optional }] as const,
  );
  return { kind: 'object', fields: new Map(reduced) };
}

function reduceUnion(shape: UnionShape, exists: (table: number) => boolean): Reduced {
  const objects = shape.variants.filter((variant) => variant.kind === 'object');
  const others = shape.variants
    .filter((variant) => variant.kind !== 'object')
    .map((variant) => reduce(variant, exists));
  const floats = others.filter((variant) => variant.kind === 'float64');
  const distinct = new Map<string, Reduced>();
  for (const variant of others) if (variant.kind !== 'float64') distinct.set(keyOf(variant), variant);
  const variants = [...distinct.values()];
  if (floats.length > 0) variants.push({ kind: 'float64', special: floats.some(({ special }) => special) });
  if (objects.length > 0) variants.push(reduceFields(mergeFields(objects), exists));
  variants.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (keyOf(a) < keyOf(b) ? -1 : 1));
  const [first, ...rest] = variants;
  if (first === undefined) return { kind: 'never' };
  return rest.length === 0 ? first : { kind: 'union', variants };
}

function keyOf(shape: Reduced): string {
  if (shape.kind === 'id') return `id ${String(shape.table).padStart(10, '0')}`;
  // Of arrays and records there is at most one in a union, and what else has content is handled apart.
  return shape.kind;
}
