/**
 * Convex's JSON Schemas become ones that destinations understand. Pure.
 *
 * Convex infers a table's schema from the documents that it holds at the moment. Later documents may have
 * other fields, so nothing is required, everything of the user's is nullable and additional properties are
 * allowed. Destinations take a list of types where Convex writes `anyOf`, and know neither `items: false` nor
 * `$description` (C82).
 */

import { OFFERED_COLUMNS, offeredColumns } from '../columns.ts';

export interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: true;
  $schema?: string;
  /** Of a stream's schema: see columns.ts. */
  [OFFERED_COLUMNS]?: string[];
}

/** The order in which types are listed; null first, as is usual in Airbyte's catalogs. */
const TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'object', 'array'];
const ANY = ['null', 'boolean', 'number', 'string', 'object', 'array'];

/** Columns that this source adds to a document; see record.ts. */
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

/** The schema of a stream's records, from what `json_schemas` says of its table. */
export function streamSchema(table: unknown): JsonSchema {
  const { properties } = convert(table);
  return record(properties ?? {});
}

/** The schema of a stream's records from some of its documents, and the names of its other columns. */
export function sampleSchema(sample: JsonSchema, columns: readonly string[]): JsonSchema {
  const properties = new Map(columns.map((column): [string, JsonSchema] => [column, { type: [...ANY] }]));
  for (const [name, schema] of Object.entries(sample.properties ?? {}))
    // Only nulls have been seen: any value may follow.
    properties.set(name, typesOf(schema).every((type) => type === 'null') ? { type: [...ANY] } : schema);
  return record(Object.fromEntries(properties));
}

function record(properties: Record<string, JsonSchema>): JsonSchema {
  const own = Object.entries(properties).filter(
    ([name]) => !Object.hasOwn(META_COLUMNS, name) && !Object.hasOwn(SOURCE_COLUMNS, name),
  );
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      _id: describedId(properties['_id']),
      ...META_COLUMNS_WITHOUT_ID,
      ...Object.fromEntries(own.map(([name, schema]) => [name, nullable(schema)])),
      ...SOURCE_COLUMNS,
    },
    additionalProperties: true,
    [OFFERED_COLUMNS]: offeredColumns(own.map(([name]) => name)),
  };
}

const { _id: ID, ...META_COLUMNS_WITHOUT_ID } = META_COLUMNS;

function describedId(id: JsonSchema | undefined): JsonSchema {
  return { type: 'string', description: id?.description ?? ID!.description! };
}

/** Values are nested 64 deep at most. */
const MAX_DEPTH = 100;

/** One schema of Convex's. What is not understood, or nested deeper than any value, may be anything. */
function convert(schema: unknown, depth = 0): JsonSchema {
  if (!isObject(schema) || depth > MAX_DEPTH) return { type: [...ANY] };
  const { anyOf, $description } = schema;
  const own = Array.isArray(anyOf)
    ? mergeAll(anyOf.map((variant) => convert(variant, depth + 1)))
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
      // `false`: only empty arrays have been seen.
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

function mergeAll(variants: JsonSchema[]): JsonSchema {
  return variants.reduce(merge, {});
}

/** A schema that allows what either allows. */
export function merge(a: JsonSchema, b: JsonSchema): JsonSchema {
  const types = new Set([...typesOf(a), ...typesOf(b)]);
  const list = TYPES.filter((type) => types.has(type));
  const merged: JsonSchema = list.length === 1 ? { type: list[0]! } : { type: list };
  const descriptions = [...new Set([a.description, b.description].filter((text) => text !== undefined))];
  if (descriptions.length > 0) merged.description = descriptions.join(', or ');
  if (a.properties !== undefined || b.properties !== undefined) {
    // By entries: a field may be called __proto__, to which an object cannot be assigned.
    const properties = new Map(Object.entries(a.properties ?? {}));
    for (const [name, property] of Object.entries(b.properties ?? {})) {
      const other = properties.get(name);
      properties.set(name, other === undefined ? property : merge(other, property));
    }
    merged.properties = Object.fromEntries(properties);
    merged.additionalProperties = true;
  }
  if (a.items !== undefined || b.items !== undefined) {
    merged.items =
      a.items === undefined || b.items === undefined ? (a.items ?? b.items)! : mergeItems(a.items, b.items);
  }
  return merged;
}

/** An empty schema stands for "nothing seen yet" here: only empty arrays. */
function mergeItems(a: JsonSchema, b: JsonSchema): JsonSchema {
  if (a.type === undefined) return b;
  return b.type === undefined ? a : merge(a, b);
}

/** The same schema, with null allowed. */
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
