/** Infers a value's JSON schema from its bytes: query streams, and tables without a schema. */
import type { ValueFormat } from '../shared/convex/streaming-export.ts';
import { eachElement } from '../shared/json/array.ts';
import { Members, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../shared/json/raw.ts';
import { mapped, merge, nullable, type JsonSchema } from './streaming-export/schema.ts';

/** Fields of an object from which on Convex's own schemas take its keys for data as well (C80). */
const MAX_FIELDS = 64;

/** The schema of documents that were seen before, and of the document `buffer[start, end)`. */
export function withDocument(
  seen: JsonSchema,
  buffer: Buffer,
  start: number,
  end: number,
  format: ValueFormat,
): JsonSchema {
  const { properties = {}, ...rest } = merge(seen, schemaOf(buffer, start, end, format));
  return { ...rest, properties: mapped(properties, bounded) };
}

/** Leaves out the fields of objects that have too many: each document of a record has other keys. */
function bounded({ properties, items, ...rest }: JsonSchema): JsonSchema {
  const known = properties !== undefined && Object.keys(properties).length <= MAX_FIELDS;
  return {
    ...rest,
    ...(known ? { properties: mapped(properties, bounded) } : {}),
    ...(items === undefined ? {} : { items: bounded(items) }),
  };
}

/** The schema of the value `buffer[start, end)`. Only field names are decoded. */
function schemaOf(buffer: Buffer, start: number, end: number, format: ValueFormat): JsonSchema {
  switch (buffer[start]) {
    case OPEN_BRACE: {
      const properties = new Map<string, JsonSchema>();
      const members = new Members().open(buffer, start, end);
      while (members.next())
        properties.set(members.key(), nullable(schemaOf(buffer, members.valueStart, members.valueEnd, format)));
      return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: true };
    }
    case OPEN_BRACKET: {
      let items: JsonSchema = {};
      eachElement(buffer, start, end, (from, to) => {
        items = bounded(merge(items, schemaOf(buffer, from, to, format)));
      });
      return { type: 'array', items: items.type === undefined ? {} : nullable(items) };
    }
    case QUOTE:
      return { type: 'string' };
    case 0x74:
    case 0x66:
      return { type: 'boolean' };
    case 0x6e:
      return { type: 'null' };
    case undefined:
    default:
      return { type: isInt64(buffer, start, end, format) ? 'integer' : 'number' };
  }
}

/** Only export_json has int64 values as numbers: those without a point (C42). */
function isInt64(buffer: Buffer, start: number, end: number, format: ValueFormat): boolean {
  return format === 'export_json' && /^-?\d+$/.test(buffer.toString('latin1', start, end));
}
