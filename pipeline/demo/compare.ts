import type { Deployment, Value, ValueObject } from '../../emulator/index.ts';

/** How a copy differs from its original, in words; never with the content of a document. */
export type Difference = string;

export interface Comparison {
  /** Documents of the original. */
  documents: number;
  differences: Difference[];
}

/** What is looked at of a deployment that holds copies: its tables in the root, and their documents. */
export interface Copies {
  tables: () => { table: string }[];
  documents: (table: string) => Iterable<ValueObject>;
}

/**
 * Compares each document of a deployment with its copy in another one, as a sync with append_dedup on `_id` has to leave it.
 *
 * It knows by itself what becomes of a document on its way: plain JSON has no int64, so it becomes a string; Convex's import gives names
 * that begin with `_` another name; the source adds where the document is from. It shares no code with what it judges.
 *
 * `imported`: a table of the app that was imported over. Only this one is compared. Its copies may have a later timestamp than the originals,
 * which have one of before the import.
 */
export function compare(source: Deployment, destination: Copies, imported?: string): Comparison {
  const differences: Difference[] = [];
  let documents = 0;
  const expectedTables = new Set<string>();
  for (const { table, component } of source.tables()) {
    if (imported !== undefined && (table !== imported || component !== '')) continue;
    const copiedTable = copiedName(table, component);
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
      const ts = revisions?.get(_id)?.head?.ts;
      const added = addedTo(table, component, ts);
      if (table === imported) added['source_ts'] = Math.max(Number(ts), Number(copy['source_ts']));
      for (const path of differing(original, copy, added))
        differences.push(`${copiedTable}: ${_id} differs in ${path}`);
    }
    for (const id of copies.keys()) differences.push(`${copiedTable}: ${id} should not be there`);
  }
  for (const { table } of destination.tables()) {
    const known = expectedTables.has(table) || isMarker(table, [...destination.documents(table)].length);
    if (!known) differences.push(`${table}: the original has no such table`);
  }
  return { documents, differences };
}

/** The table that the destination copies a table into. */
export function copiedName(table: string, component: string): string {
  return component === '' ? table : `${component}_${table}`;
}

/** The fields that a copy has besides those of its original: what the source adds, as the import names it. */
export function addedTo(table: string, component: string, ts: bigint | undefined): ValueObject {
  return { source_component: component, source_table: table, source_ts: Number(ts), source_deleted: false };
}

/** The destination's bookkeeping: empty tables whose indexes remember generations. */
export function isMarker(table: string, documents: number): boolean {
  return table.startsWith('airbyte_generation_') && documents === 0;
}

/** The documents of a copied table by the `_id` of their originals. */
function copiesById(destination: Copies, table: string, differences: Difference[]): Map<string, ValueObject> {
  const copies = new Map<string, ValueObject>();
  for (const document of destination.documents(table)) {
    const { source_id: original, _id } = document;
    const id =
      typeof original === 'string' ? original : `(the copy ${typeof _id === 'string' ? _id : ''} names no original)`;
    if (copies.has(id)) differences.push(`${table}: ${id} is there more than once`);
    copies.set(id, document);
  }
  return copies;
}

/** What a deployment adds to its documents by itself. */
export const OWN: readonly string[] = ['_id', '_creationTime'];

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
export function inPlainJson(value: Value | undefined): Value | undefined {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  return value instanceof ArrayBuffer ? Buffer.from(value).toString('base64') : value;
}

/** The name that the import gives to a field: those that Convex keeps for itself get the prefix `source`. */
export function importedName(name: string): string {
  return name.startsWith('_') ? `source_${name.replace(/^_+/, '').toLowerCase()}` : name;
}

export function isObject(value: Value | undefined): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ArrayBuffer);
}
