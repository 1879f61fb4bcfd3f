/** Infers a value's JSON schema from its bytes: query streams, and tables without a schema. */
import type { ValueFormat } from '../shared/convex/streaming-export.ts';
import { eachElement } from '../shared/json/array.ts';
import { Members, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../shared/json/raw.ts';
import { merge, nullable, type JsonSchema } from './streaming-export/schema.ts';

/** The schema of the value `buffer[start, end)`. Only field names are decoded. */
export function schemaOf(buffer: Buffer, start: number, end: number, format: ValueFormat): JsonSchema {
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
        items = merge(items, schemaOf(buffer, from, to, format));
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
