import type { Format } from '../values/json-format.ts';

/** A piece of JSON Schema. Objects without prototype keep fields like `__proto__`. */
export type Fragment = false | { [keyword: string]: unknown };

/** What the backend says of each type, quirks included (crates/common/src/json_schemas/mod.rs). */
export const any = (): Fragment => ({});
export const never = (): Fragment => false;
export const nullType = (): Fragment => ({ type: 'null' });
export const boolean = (): Fragment => ({ type: 'boolean' });
export const string = (): Fragment => ({ type: 'string' });
export const id = (table: string): Fragment => ({ $description: `Id(${table})`, type: 'string' });
export const array = (element: Fragment): Fragment => ({ type: 'array', items: element });
export const union = (variants: Fragment[]): Fragment => ({ anyOf: variants });

/** No valid JSON Schema: a schema stands where a type name belongs (C82). */
export const record = (keys: string, value: Fragment): Fragment => ({
  type: 'object',
  $description: `Record with keys of type ${keys}`,
  additionalProperties: { type: value },
});

export function int64(format: Format): Fragment {
  if (format === 'json') return { $description: 'int64 represented as base10 string', type: 'string' };
  if (format === 'export_json') return { $description: 'int64', type: 'number' };
  const encoded = { $description: 'int64 -> little-endian -> base64', type: 'string' };
  return { $description: 'int64', type: 'object', properties: { $integer: encoded } };
}

export function float64(special: boolean, format: Format): Fragment {
  if (!special) return { type: 'number' };
  if (format === 'json') {
    return {
      $description: 'float64',
      anyOf: [{ type: 'number' }, { type: 'string', $description: '-inf, inf, or NaN' }],
    };
  }
  const encoded = { $description: 'float64 -> little-endian -> base64', type: 'string' };
  const $description = format === 'export_json' ? '-inf, inf, or NaN' : '-0, -inf, inf, or NaN';
  return {
    $description: 'float64',
    anyOf: [{ type: 'number' }, { type: 'object', $description, properties: { $float: encoded } }],
  };
}

export function bytes(format: Format): Fragment {
  if (format === 'json') return { $description: 'base64 bytes', type: 'string' };
  return { type: 'object', $description: 'base64 bytes', properties: { $bytes: { type: 'string' } } };
}

export interface FieldFragment {
  schema: Fragment;
  optional: boolean;
}

export interface ObjectFragment {
  [keyword: string]: unknown;
  properties: Record<string, Fragment>;
}

/** Closed, whatever the next document brings (C81). Fields and `required` are in alphabetical order. */
export function object(fields: ReadonlyMap<string, FieldFragment>): ObjectFragment {
  const names = [...fields.keys()].sort();
  const properties = Object.create(null) as Record<string, Fragment>;
  for (const name of names) properties[name] = fields.get(name)?.schema ?? false;
  return {
    type: 'object',
    properties,
    additionalProperties: false,
    required: names.filter((name) => fields.get(name)?.optional === false),
  };
}

/** The fields that every document has. */
export function systemFields(table: string): [string, FieldFragment][] {
  return [
    ['_id', { schema: id(table), optional: false }],
    ['_creationTime', { schema: { type: 'number' }, optional: false }],
  ];
}
