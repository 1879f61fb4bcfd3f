import type { Deployment } from '../../emulator/index.ts';

/** How a copy differs from its original, in words; never with the content of a document. */
export type Difference = string;

export interface Comparison {
  /** Documents of the original. */
  documents: number;
  differences: Difference[];
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * Compares each document of a deployment with its copy in another one, as a sync with append_dedup on `_id` has to leave it.
 *
 * It knows by itself what Convex's import makes of a document (names that begin with `_` get another name, every number becomes
 * a float64) and what the clean JSON format of the export does before that (an int64 becomes a string), and shares no code
 * with what it judges.
 */
export function compare(source: Deployment, destination: Deployment): Comparison {
  const differences: Difference[] = [];
  let documents = 0;
  const expectedTables = new Set<string>();
  for (const { table, component } of source.tables()) {
    const copy = component === '' ? table : `${component}_${table}`;
    expectedTables.add(copy);
    const copies = copiesById(destination, copy, differences);
    for (const [id, text] of source.encoded(table, component, 'json')) {
      documents++;
      const ts = source.find(id)?.[1].head?.ts;
      const meta = { source_component: component, source_table: table, source_ts: Number(ts), source_deleted: false };
      const expected: Json = { ...(renamed(JSON.parse(text) as Json) as object), ...meta };
      const actual = copies.get(id);
      copies.delete(id);
      if (actual === undefined) differences.push(`${copy}: ${id} is missing`);
      else for (const path of differing(expected, actual)) differences.push(`${copy}: ${id} differs in ${path}`);
    }
    for (const id of copies.keys()) differences.push(`${copy}: ${id} should not be there`);
  }
  for (const { table } of destination.tables()) {
    if (!expectedTables.has(table)) differences.push(`${table}: the original has no such table`);
  }
  return { documents, differences };
}

/** The documents of a copied table by the `_id` of their originals, without what the copy's own deployment adds. */
function copiesById(destination: Deployment, table: string, differences: Difference[]): Map<string, object> {
  const copies = new Map<string, object>();
  for (const { _id, _creationTime, ...fields } of destination.documents(table)) {
    const id = typeof fields['source_id'] === 'string' ? fields['source_id'] : `(the copy ${_id} names no original)`;
    if (copies.has(id)) differences.push(`${table}: ${id} is there more than once`);
    copies.set(id, fields);
  }
  return copies;
}

/** The names of fields as the import changes them: those that Convex keeps for itself get the prefix `source`. */
function renamed(value: Json): Json {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.startsWith('_') ? `source_${name.replace(/^_+/, '').toLowerCase()}` : name,
      renamed(inner),
    ]),
  );
}

/** The paths at which two values differ. Types count: an int64 is no float64, and 0 is not -0. */
function* differing(expected: unknown, actual: unknown, path = ''): Generator<string> {
  if (isContainer(expected) && isContainer(actual) && Array.isArray(expected) === Array.isArray(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      yield* differing(expected[key], actual[key], path === '' ? key : `${path}.${key}`);
    }
  } else if (!Object.is(expected, actual)) {
    yield path;
  }
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof ArrayBuffer);
}
