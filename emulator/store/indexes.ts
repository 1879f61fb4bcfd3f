import { formatValue } from '../values/json-format.ts';
import type { Entry } from './tablets.ts';
import { type Value, type ValueObject, valueAt } from '../values/values.ts';

/** The reserved index of airbyte imports; developers never see it (crates/model/src/airbyte_import/mod.rs). */
export const PRIMARY_KEY_INDEX = '_by_airbyte_primary_key';

/** A field that is missing sorts and matches apart from one that is null. */
const MISSING = 'missing';

function keyPart(value: Value | undefined): string {
  // The encoded form tells all types apart: 1.0 is not int64 1, "1" is neither, -0 is not 0.
  return value === undefined ? MISSING : formatValue(value, 'convex_encoded_json');
}

/**
 * The index on the primary key of an imported table: Backfilling at first, Enabled when its backfill is done.
 * It is no unique index: rows appended earlier may share a key.
 */
export class PrimaryKeyIndex {
  readonly fields: readonly (readonly string[])[];
  state: 'backfilling' | 'enabled' = 'backfilling';
  /** Mostly one of a key, which then needs no set of its own. */
  readonly #entries = new Map<string, Entry | Set<Entry>>();

  constructor(fields: readonly (readonly string[])[]) {
    this.fields = fields;
  }

  sameFields(fields: readonly (readonly string[])[]): boolean {
    return JSON.stringify(fields) === JSON.stringify(this.fields);
  }

  add(entry: Entry, document: ValueObject): void {
    const key = this.#key(document);
    const entries = this.#entries.get(key);
    if (entries === undefined) this.#entries.set(key, entry);
    else if (entries instanceof Set) entries.add(entry);
    else if (entries !== entry) this.#entries.set(key, new Set([entries, entry]));
  }

  delete(entry: Entry, document: ValueObject): void {
    const key = this.#key(document);
    const entries = this.#entries.get(key);
    if (entries instanceof Set) entries.delete(entry);
    if (entries === entry || (entries instanceof Set && entries.size === 0)) this.#entries.delete(key);
  }

  /**
   * The entries whose fields equal all of `values`; values are in the index's order and may be a prefix of it. `range` is
   * their range, for callers that have it.
   */
  find(values: readonly Value[], range = this.rangeOf(values)): Entry[] {
    if (values.length === this.fields.length) return listOf(this.#entries.get(range));
    const parts = values.map(keyPart);
    const found: Entry[] = [];
    for (const [key, entries] of this.#entries) {
      const stored = JSON.parse(key) as string[];
      if (parts.every((part, position) => stored[position] === part)) found.push(...listOf(entries));
    }
    return found;
  }

  /** The range of all documents that start with `values`, as text. */
  rangeOf(values: readonly Value[]): string {
    return JSON.stringify(values.map(keyPart));
  }

  /** The range that a document falls into, where only the first `length` fields count. */
  rangeIn(document: ValueObject, length: number): string {
    return JSON.stringify(this.fields.slice(0, length).map((path) => keyPart(valueAt(document, path))));
  }

  #key(document: ValueObject): string {
    return this.rangeIn(document, this.fields.length);
  }
}

function listOf(entries: Entry | Set<Entry> | undefined): Entry[] {
  if (entries === undefined) return [];
  return entries instanceof Set ? [...entries] : [entries];
}
