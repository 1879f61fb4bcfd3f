import type { Format } from '../values/json-format.ts';
import { formatFields } from '../values/json-format.ts';
import type { TabletId } from '../values/ids.ts';
import type { PrimaryKeyIndex } from './indexes.ts';
import { Log } from './log.ts';
import type { Columns } from '../export/selection.ts';
import { empty, insert, remove, type Shape } from '../shapes/shapes.ts';
import { sizeOf, type ValueObject } from '../values/values.ts';

/** One revision of a document. `value` is null for a tombstone. Fields include `_id` and `_creationTime`. */
export class Revision {
  readonly ts: bigint;
  readonly value: ValueObject | null;
  readonly previous: Revision | undefined;
  #texts: Partial<Record<Format, string>> | undefined;
  /** The format that was asked for last. */
  #asked: Format | undefined;
  #size: number | undefined;

  constructor(ts: bigint, value: ValueObject | null, previous: Revision | undefined) {
    this.ts = ts;
    this.value = value;
    this.previous = previous;
  }

  /** The document that it took the place of. */
  get replaced(): ValueObject | null {
    return this.previous?.value ?? null;
  }

  /** Bytes, as Convex counts them; 0 for a tombstone. */
  get size(): number {
    return (this.#size ??= this.value === null ? 0 : sizeOf(this.value));
  }

  /** The document's fields as JSON text without braces. It is kept when somebody asks for it the second time. */
  fields(format: Format, columns?: Columns): string {
    if (columns !== undefined) return formatFields(this.value ?? {}, format, columns);
    const kept = this.#texts?.[format];
    if (kept !== undefined) return kept;
    const text = formatFields(this.value ?? {}, format);
    if (this.#asked === format) (this.#texts ??= {})[format] = text;
    this.#asked = format;
    return text;
  }
}

/** A document through time: its newest committed revision and, inside a transaction, the write not yet committed. */
export class Entry {
  readonly id: string;
  head: Revision | undefined;
  staged: { value: ValueObject | null } | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** The document as the running transaction sees it. */
  get current(): ValueObject | null {
    return this.staged === undefined ? (this.head?.value ?? null) : this.staged.value;
  }

  /** The revision that was newest at `ts`, if it is a live document. */
  at(ts: bigint): Revision | undefined {
    let revision = this.head;
    while (revision !== undefined && revision.ts > ts) revision = revision.previous;
    return revision?.value === null ? undefined : revision;
  }
}

const CHUNK = 128;

/**
 * The documents of a tablet in the order of their ids. A list of short sorted arrays: inserting and finding the start of
 * a page cost the same in a table of three hundred thousand documents as in a small one. What is added waits in a map until
 * somebody reads in order: a table that is filled first is sorted once.
 */
export class SortedEntries {
  #chunks: Entry[][] = [[]];
  readonly #added = new Map<string, Entry>();
  /** How many entries pages have looked at: lets a test prove that pages of a large table do no more work. */
  visited = 0;

  get(id: string): Entry | undefined {
    const added = this.#added.get(id);
    if (added !== undefined) return added;
    const chunk = this.#chunks[this.#chunkOf(id)] ?? [];
    const entry = chunk[lowerBound(chunk, id)];
    return entry?.id === id ? entry : undefined;
  }

  add(entry: Entry): void {
    this.#added.set(entry.id, entry);
  }

  delete(id: string): void {
    if (this.#added.delete(id)) return;
    const position = this.#chunkOf(id);
    const chunk = this.#chunks[position] ?? [];
    const index = lowerBound(chunk, id);
    if (chunk[index]?.id !== id) return;
    chunk.splice(index, 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(position, 1);
  }

  /** All entries with an id greater than `id`, in order. */
  *after(id: string): Generator<Entry> {
    this.#sort();
    let position = this.#chunkOf(id);
    let index = lowerBound(this.#chunks[position] ?? [], id);
    for (; position < this.#chunks.length; position++, index = 0) {
      const chunk = this.#chunks[position] ?? [];
      for (; index < chunk.length; index++) {
        const entry = chunk[index];
        if (entry === undefined || entry.id === id) continue;
        this.visited++;
        yield entry;
      }
    }
  }

  *[Symbol.iterator](): Generator<Entry> {
    this.#sort();
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** Files what was added since somebody last read in order. */
  #sort(): void {
    if (this.#added.size === 0) return;
    const added = [...this.#added.values()];
    this.#added.clear();
    if (added.length < this.#chunks.length) {
      for (const entry of added) this.#insert(entry);
      return;
    }
    const all = [...this.#chunks.flat(), ...added].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    this.#chunks = [];
    for (let start = 0; start < all.length; start += CHUNK) this.#chunks.push(all.slice(start, start + CHUNK));
  }

  #insert(entry: Entry): void {
    const position = this.#chunkOf(entry.id);
    const chunk = this.#chunks[position] ?? [];
    chunk.splice(lowerBound(chunk, entry.id), 0, entry);
    if (chunk.length > CHUNK) this.#chunks.splice(position + 1, 0, chunk.splice(CHUNK / 2));
  }

  /** The last chunk whose first id is not greater than `id`. */
  #chunkOf(id: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#chunks[middle]?.[0]?.id ?? '') <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lowerBound(chunk: Entry[], id: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle]?.id ?? '') < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * One incarnation of a table. Dropping, clearing and importing over a table retire its tablet, and a name may get a new
 * one; the documents of the old tablet stay readable at older snapshots, and get no tombstones.
 *
 * A tablet is hidden, then active, then retired; it may be active from its first commit, and the tablet of an import
 * that failed stays hidden until it is cleaned up.
 */
export class Tablet {
  readonly id: TabletId;
  readonly number: number;
  readonly name: string;
  readonly component: string;
  readonly documents = new SortedEntries();
  /** Its own rows of the log. */
  readonly log = new Log();
  /** When a hidden tablet is cleaned up, if nothing has made it active by then. */
  hiddenUntil: bigint | undefined;
  /** The commit that made it active; undefined while it is hidden. */
  activeFrom: bigint | undefined;
  /** The commit that retired it. */
  activeUntil: bigint | undefined;
  /** How many documents it holds. */
  size = 0;
  index: PrimaryKeyIndex | undefined;
  #shape = empty();
  #unshaped: Revision[] = [];

  constructor(id: TabletId, number: number, name: string, component: string) {
    this.id = id;
    this.number = number;
    this.name = name;
    this.component = component;
  }

  /** Counts a revision that has just been committed. */
  commit(revision: Revision): void {
    this.size += (revision.value === null ? 0 : 1) - (revision.replaced === null ? 0 : 1);
    this.#unshaped.push(revision);
  }

  /** The shape of its documents: what all writes, in their order, have made of it. */
  shape(): Shape {
    for (const { value, replaced } of this.#unshaped) {
      if (replaced !== null) this.#shape = remove(this.#shape, replaced);
      if (value !== null) this.#shape = insert(this.#shape, value);
    }
    this.#unshaped = [];
    return this.#shape;
  }

  activeAt(ts: bigint): boolean {
    return (
      this.activeFrom !== undefined &&
      this.activeFrom <= ts &&
      (this.activeUntil === undefined || ts < this.activeUntil)
    );
  }

  get active(): boolean {
    return this.activeFrom !== undefined && this.activeUntil === undefined;
  }

  /**
   * Whether readers of the log find a table of its name behind this tablet: document_deltas and data/sync take hidden
   * tablets for tables, list_snapshot and functions do not.
   */
  namedInLog(now: bigint): boolean {
    if (this.activeFrom !== undefined) return this.activeUntil === undefined;
    return this.hiddenUntil !== undefined && now < this.hiddenUntil;
  }
}
