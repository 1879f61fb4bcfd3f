import type { Deployment, Value, ValueObject } from '../../emulator/index.ts';

/** How a copy differs from its original, in words; never with the content of a document. */
export type Difference = string;

export interface Comparison {
  /** Documents of the original. */
  documents: number;
  differences: Difference[];
}

/**
 * Compares each document of a deployment with its copy in another one, as a sync with append_dedup on `_id` has to leave it.
 *
 * It knows by itself what becomes of a document on its way: plain JSON has no int64, so it becomes a string; Convex's import gives names
 * that begin with `_` another name; the source adds where the document is from. It shares no code with what it judges.
 */
export function compare(source: Deployment, destination: Deployment): Comparison {
  const differences: Difference[] = [];
  let documents = 0;
  const expectedTables = new Set<string>();
  for (const { table, component } of source.tables()) {
    const copiedTable = component === '' ? table : `${component}_${table}`;
    expectedTables.add(copiedTable);
    const copies = copiesById(destination, copiedTable, differences);
    const revisions = source.catalog.get(table, component)?.documents;
    for (const original of source.documents(table, component)) {
      documents++;
      const { _id } = original;
      const copy = copies.get(_id);
      copies.delete(_id);
      if (copy === undefined) {
        differences.push(`${copiedTable}: ${_id} is missing`);
        continue;
      }
      const ts = Number(revisions?.get(_id)?.head?.ts);
      const added = { source_component: component, source_table: table, source_ts: ts, source_deleted: false };
      for (const path of differing(original, copy, added))
        differences.push(`${copiedTable}: ${_id} differs in ${path}`);
    }
    for (const id of copies.keys()) differences.push(`${copiedTable}: ${id} should not be there`);
  }
  for (const { table } of destination.tables()) {
    // The destination's bookkeeping: empty tables whose indexes remember generations.
    const isMarker = table.startsWith('airbyte_generation_') && [...destination.documents(table)].length === 0;
    if (!isMarker && !expectedTables.has(table)) differences.push(`${table}: the original has no such table`);
  }
  return { documents, differences };
}

/** The documents of a copied table by the `_id` of their originals. */
function copiesById(destination: Deployment, table: string, differences: Difference[]): Map<string, ValueObject> {
  const copies = new Map<string, ValueObject>();
  for (const document of destination.documents(table)) {
    const original = document['source_id'];
    const id = typeof original === 'string' ? original : `(the copy ${document._id} names no original)`;
    if (copies.has(id)) differences.push(`${table}: ${id} is there more than once`);
    copies.set(id, document);
  }
  return copies;
}

/** What a deployment adds to its documents by itself. */
const OWN = ['_id', '_creationTime'];

/** The paths at which a copy is not what its original, with some fields added, should have become. */
function differing(original: ValueObject, copy: ValueObject, added: ValueObject): string[] {
  const names = Object.keys(added);
  if (isCopy(original, copy, names.length + OWN.length) && names.every((name) => Object.is(added[name], copy[name])))
    return [];
  const found: string[] = [];
  compareFields(original, copy, '', found, [...names, ...OWN]);
  for (const name of names) compareValues(added[name], copy[name], name, found);
  return found;
}

/** Whether `compareFields` would find nothing: most documents are equal, and need no paths. */
function isCopy(original: ValueObject, copy: ValueObject, more = 0): boolean {
  let fields = more;
  for (const name in original) {
    fields++;
    const value = original[name];
    const copied = copy[importedName(name)];
    if (isObject(value) && isObject(copied) ? !isCopy(value, copied) : !Object.is(inPlainJson(value), copied))
      return false;
  }
  return Object.keys(copy).length === fields;
}

/** `more`: fields that the copy has besides those of the original. */
function compareFields(
  original: ValueObject,
  copy: ValueObject,
  path: string,
  found: string[],
  more: string[] = [],
): void {
  const names = Object.keys(original);
  for (const name of names) {
    const imported = importedName(name);
    compareValues(original[name], copy[imported], `${path}${imported}`, found);
  }
  // A copy with as many fields has no other ones: each that is missing has been found already.
  if (Object.keys(copy).length === names.length + more.length) return;
  const expected = new Set([...names.map(importedName), ...more]);
  for (const name of Object.keys(copy)) if (!expected.has(name)) found.push(`${path}${name}`);
}

/** Types count: an int64 is no float64, and 0 is not -0. */
function compareValues(original: Value | undefined, copy: Value | undefined, path: string, found: string[]): void {
  if (Array.isArray(original) && Array.isArray(copy)) {
    for (let at = 0; at < Math.max(original.length, copy.length); at++) {
      compareValues(original[at], copy[at], `${path}.${at}`, found);
    }
  } else if (isObject(original) && isObject(copy)) {
    compareFields(original, copy, `${path}.`, found);
  } else if (!Object.is(inPlainJson(original), copy)) {
    found.push(path);
  }
}

/** A value that is no container, as plain JSON can say it. */
function inPlainJson(value: Value | undefined): Value | undefined {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  return value instanceof ArrayBuffer ? Buffer.from(value).toString('base64') : value;
}

/** The name that the import gives to a field: those that Convex keeps for itself get the prefix `source`. */
function importedName(name: string): string {
  return name.startsWith('_') ? `source_${name.replace(/^_+/, '').toLowerCase()}` : name;
}

function isObject(value: Value | undefined): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ArrayBuffer);
}
