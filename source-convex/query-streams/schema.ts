/** The schema of a query stream, inferred from its records and merged as for tables. Pure. */
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import { nullable, settled, type JsonSchema } from '../streaming-export/schema.ts';
import { withDocument } from '../value-schema.ts';
import type { QueryPage } from './page.ts';

/** Fields that are listed even if no record has them. */
export interface Essential {
  primaryKey: readonly string[];
  cursorField: string | undefined;
}

const SCALARS = ['boolean', 'number', 'string'];

export function recordsSchema(
  page: QueryPage,
  format: ValueFormat,
  { primaryKey, cursorField }: Essential,
): JsonSchema {
  let seen: JsonSchema = {};
  for (let i = 0; i < page.places.length; i += 2)
    seen = withDocument(seen, page.buffer, page.places[i]!, page.places[i + 1]!, format);
  const fields = new Map(Object.entries(seen.properties ?? {}));
  const properties = new Map<string, JsonSchema>();
  for (const name of primaryKey) properties.set(name, keySchema(name, fields.get(name)));
  for (const [name, schema] of fields) if (!properties.has(name)) properties.set(name, settled(nullable(schema)));
  if (cursorField !== undefined && !properties.has(cursorField))
    properties.set(cursorField, { type: ['null', ...SCALARS] });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: true,
  };
}

/** Key fields are in every record and never null. */
function keySchema(name: string, seen: JsonSchema | undefined): JsonSchema {
  if (name === '_id') return { type: 'string', description: 'The id of the document.' };
  const types = [seen?.type ?? SCALARS].flat().filter((type) => type !== 'null');
  return { ...seen, type: types.length === 1 ? types[0]! : types.length === 0 ? SCALARS : types };
}
