/**
 * Converts Convex's JSON Schemas into ones that destinations understand (DEC16). Pure.
 *
 * Nothing is required, user fields are nullable and additional properties are allowed, since later documents
 * may have other fields (C81). `anyOf` becomes a list of types; `items: false` and `$description` are
 * replaced (C82).
 */

import { OFFERED_COLUMNS, offeredColumns } from '../columns.ts';

export interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: true;
  $schema?: string;
  /** Only in a stream's schema: see columns.ts. */
  [OFFERED_COLUMNS]?: string[];
}

/** Order of types in a list: null first, as in Airbyte's catalogs. */
const TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'object', 'array'];
const ANY = ['null', 'boolean', 'number', 'string', 'object', 'array'];

/** Columns that this source adds to each document: see record-encoder.ts. */
const SOURCE_COLUMNS: Record<string, JsonSchema> = {
  _ab_cdc_lsn: { type: 'integer', description: 'The same as _ts: nanoseconds since 1970.' },
  _ab_cdc_updated_at: { type: 'string', description: 'When the document was written: UTC, to the microsecond.' },
  _ab_cdc_deleted_at: {
    type: ['null', 'string'],
    description: 'When the document was deleted: UTC, to the microsecond; null if it was not.',
  },
};

const META_COLUMNS: Record<string, JsonSchema> = {
  _id: { type: 'string', description: 'The id of the document.' },
  _creationTime: {
    type: ['null', 'number'],
    description: 'When the document was created: milliseconds since 1970. Null for deleted documents.',
  },
  _ts: { type: 'integer', description: 'When this revision was committed: nanoseconds since 1970.' },
  _table: { type: 'string', description: 'The name of the table.' },
  _component: { type: 'string', description: 'The path of the component; empty for the app itself.' },
  _deleted: { type: 'boolean', description: 'Whether the document was deleted.' },
};

/** The schema of a stream's records. `table`: the answer of `json_schemas` for its table. */
export function streamSchema(table: unknown): JsonSchema {
  const { properties } = convert(table);
  return record(properties ?? {});
}

/** The schema of a stream's records. `sample`: that of some documents; `columns`: all column names. */
export function sampleSchema(sample: JsonSchema, columns: readonly string[]): JsonSchema {
  const properties = new Map(columns.map((column): [string, JsonSchema] => [column, { type: [...ANY] }]));
  for (const [name, schema] of Object.entries(sample.properties ?? {})) properties.set(name, schema);
  return record(Object.fromEntries(properties));
}

function record(properties: Record<string, JsonSchema>): JsonSchema {
  const own = Object.entries(properties).filter(
    ([name]) => !Object.hasOwn(META_COLUMNS, name) && !Object.hasOwn(SOURCE_COLUMNS, name),
  );
  const id = properties['_id']?.description;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      ...META_COLUMNS,
      _id: { ...META_COLUMNS['_id'], ...(id === undefined ? {} : { description: id }) },
      ...Object.fromEntries(own.map(([name, schema]) => [name, settled(nullable(schema))])),
      ...SOURCE_COLUMNS,
    },
    additionalProperties: true,
    [OFFERED_COLUMNS]: offeredColumns(own.map(([name]) => name)),
  };
}

/** Convex nests values at most 64 deep. */
const MAX_DEPTH = 100;

/** Converts a schema. One that is not understood, or nested deeper than any value, allows any type. */
function convert(schema: unknown, depth = 0): JsonSchema {
  if (!isObject(schema) || depth > MAX_DEPTH) return { type: [...ANY] };
  const { anyOf, $description } = schema;
  const own = Array.isArray(anyOf)
    ? anyOf.map((variant) => convert(variant, depth + 1)).reduce(merge, {})
    : convertOne(schema, depth + 1);
  const description = typeof $description === 'string' ? $description : own.description;
  return description === undefined ? own : { ...own, description };
}

function convertOne(node: Record<string, unknown>, depth: number): JsonSchema {
  switch (node['type']) {
    case 'object': {
      const properties = isObject(node['properties']) ? node['properties'] : {};
      const converted = Object.entries(properties).map(([name, property]) => [
        name,
        nullable(convert(property, depth)),
      ]);
      return {
        type: 'object',
        properties: Object.fromEntries(converted) as Record<string, JsonSchema>,
        additionalProperties: true,
      };
    }
    case 'array':
      // `false` means that only empty arrays were seen (C82).
      return { type: 'array', items: isObject(node['items']) ? nullable(convert(node['items'], depth)) : {} };
    case 'null':
    case 'boolean':
    case 'integer':
    case 'number':
    case 'string':
      return { type: node['type'] };
    default:
      return { type: [...ANY] };
  }
}

/**
 * A schema that allows everything that `a` or `b` allows. An object without `properties`, or an array without
 * `items`, may hold anything, so what the other one says of its contents does not hold for both.
 */
export function merge(a: JsonSchema, b: JsonSchema): JsonSchema {
  const holdsAnything = (type: string, member: 'properties' | 'items') =>
    [a, b].some((one) => typesOf(one).includes(type) && one[member] === undefined);
  const types = new Set([...typesOf(a), ...typesOf(b)]);
  const list = TYPES.filter((type) => types.has(type));
  const merged: JsonSchema = list.length === 1 ? { type: list[0]! } : { type: list };
  const descriptions = [...new Set([a.description, b.description].filter((text) => text !== undefined))];
  if (descriptions.length > 0) merged.description = descriptions.join(', or ');
  if ((a.properties !== undefined || b.properties !== undefined) && !holdsAnything('object', 'properties')) {
    // A Map, since assigning a field `__proto__` to an object would set its prototype.
    const properties = new Map(Object.entries(a.properties ?? {}));
    for (const [name, property] of Object.entries(b.properties ?? {})) {
      const other = properties.get(name);
      properties.set(name, other === undefined ? property : merge(other, property));
    }
    merged.properties = Object.fromEntries(properties);
    merged.additionalProperties = true;
  }
  if ((a.items !== undefined || b.items !== undefined) && !holdsAnything('array', 'items')) {
    merged.items =
      a.items === undefined || b.items === undefined ? (a.items ?? b.items)! : mergeItems(a.items, b.items);
  }
  return merged;
}

/** An empty schema means that no element was seen. */
function mergeItems(a: JsonSchema, b: JsonSchema): JsonSchema {
  if (a.type === undefined) return b;
  return b.type === undefined ? a : merge(a, b);
}

/** The same schema with any type allowed where only nulls were seen: the next value has another type. */
export function settled(schema: JsonSchema): JsonSchema {
  if (typesOf(schema).every((type) => type === 'null')) return { ...schema, type: [...ANY] };
  const { properties, items } = schema;
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: mapped(properties, settled) }),
    // No elements were seen if it has no type.
    ...(items?.type === undefined ? {} : { items: settled(items) }),
  };
}

/** The same properties with other schemas. */
export function mapped(
  properties: Record<string, JsonSchema>,
  map: (schema: JsonSchema) => JsonSchema,
): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, map(schema)]));
}

/** The same schema with null allowed. */
export function nullable(schema: JsonSchema): JsonSchema {
  const types = new Set(['null', ...typesOf(schema)]);
  return { ...schema, type: TYPES.filter((type) => types.has(type)) };
}

function typesOf({ type }: JsonSchema): string[] {
  return type === undefined ? [] : Array.isArray(type) ? type : [type];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
