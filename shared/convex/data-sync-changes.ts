/** The changes of one batch of a Data Sync page, one after another: `{"component","table","ts","deleted","value"}` (C101). */
import { COMMA, JsonError, Members, OPEN_BRACE, bytesAre, stringAt } from '../json/raw.ts';
import { findEnd, type Unfinished } from '../json/wasm/find.ts';
import { notConvex } from './client.ts';
import type { DocumentBatch } from './pages.ts';

const NOTHING: Buffer = Buffer.alloc(0);
const COMPONENT = Buffer.from('component');
const TABLE = Buffer.from('table');
const TS = Buffer.from('ts');
const DELETED = Buffer.from('deleted');
const VALUE = Buffer.from('value');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const LIVE = Buffer.from(',"deleted":false,"value":');
const TOMBSTONE = Buffer.from(',"deleted":true,"value":');
const MAX_TIMESTAMP_DIGITS = 19;

/** `while (changes.next())`: the members describe the change that `next` found, and are valid until it is called again. */
export class Changes {
  readonly kind = 'changes';
  /** Component path; '' is the root. */
  component = '';
  table = '';
  /** True for a tombstone, whose value is `{"_id":…}`. */
  deleted = false;
  /** The value, a document in `export_json`, is `buffer` from `start` to before `end`, braces included. */
  buffer = NOTHING;
  start = 0;
  end = 0;
  readonly #path: string;
  readonly #members = new Members();
  readonly #scan: Unfinished = { depth: 0, inString: false, escaped: false };
  #batch: DocumentBatch | undefined;
  #index = 0;
  #tsStart = 0;
  #tsEnd = 0;
  /** What the last change began with, up to the digits of its `ts`; empty if the members were in another order. */
  #beginning = NOTHING;

  constructor(path: string) {
    this.#path = path;
  }

  /** When this revision was committed: digits, nanoseconds (C20: never a number). */
  get ts(): string {
    return this.buffer.toString('latin1', this.#tsStart, this.#tsEnd);
  }

  get tsLength(): number {
    return this.#tsEnd - this.#tsStart;
  }

  /** Copies the digits of `ts` to `out[at]`. */
  copyTs(out: Buffer, at: number): void {
    const { buffer } = this;
    for (let from = this.#tsStart; from < this.#tsEnd; from++) out[at++] = buffer[from]!;
  }

  /** How many changes the batch has. */
  get length(): number {
    return this.#batch?.length ?? 0;
  }

  /** Starts at the first change of a batch. */
  open(batch: DocumentBatch): this {
    this.#batch = batch;
    this.#index = 0;
    return this;
  }

  /** Moves to the next change; false at the end of the batch. Throws `ConvexApiError` for one that is not built as it should be. */
  next(): boolean {
    const batch = this.#batch!;
    const index = this.#index++;
    if (index >= batch.length) return false;
    const buffer = (this.buffer = batch.buffers[index]!);
    const start = batch.starts[index]!;
    const end = batch.ends[index]!;
    try {
      if (!this.#readLikeLast(buffer, start, end)) this.#walk(buffer, start, end);
    } catch (error) {
      throw error instanceof JsonError ? notConvex(`${this.#path}: ${error.message}`, 200) : error;
    }
    return true;
  }

  #readLikeLast(buffer: Buffer, start: number, end: number): boolean {
    const beginning = this.#beginning;
    const { length } = beginning;
    if (length === 0 || !bytesAre(buffer, start, Math.min(end, start + length), beginning)) return false;
    const digits = start + length;
    const after = digitsEnd(buffer, digits, end);
    if (after === -1 || buffer[after] !== COMMA) return false;
    const deleted = bytesAre(buffer, after, after + TOMBSTONE.length, TOMBSTONE);
    if (!deleted && !bytesAre(buffer, after, after + LIVE.length, LIVE)) return false;
    const value = after + (deleted ? TOMBSTONE : LIVE).length;
    // The value has to be the last member: what might follow it is not part of the document.
    if (buffer[value] !== OPEN_BRACE || this.#endOf(buffer, value, end) !== end - 1) return false;
    this.#set(deleted, { tsStart: digits, tsEnd: after, start: value, end: end - 1 });
    return true;
  }

  #endOf(buffer: Buffer, at: number, limit: number): number {
    const scan = this.#scan;
    scan.depth = 0;
    scan.inString = scan.escaped = false;
    return findEnd(buffer, at, limit, scan);
  }

  #walk(buffer: Buffer, start: number, end: number): void {
    const members = this.#members.open(buffer, start, end);
    this.#beginning = NOTHING;
    let component: string | undefined;
    let table: string | undefined;
    let deleted: boolean | undefined;
    let ts: { tsStart: number; tsEnd: number } | undefined;
    let value: { start: number; end: number } | undefined;
    let beginning = NOTHING;
    for (let place = 0; members.next(); place++) {
      const { valueStart, valueEnd } = members;
      if (members.keyIs(COMPONENT)) {
        component = stringAt(buffer, valueStart, valueEnd);
      } else if (members.keyIs(TABLE)) {
        table = stringAt(buffer, valueStart, valueEnd);
      } else if (members.keyIs(TS)) {
        if (digitsEnd(buffer, valueStart, valueEnd) !== valueEnd)
          throw new JsonError('a change has a "ts" that is no timestamp');
        ts = { tsStart: valueStart, tsEnd: valueEnd };
        if (place === 2 && component !== undefined && table !== undefined)
          beginning = Buffer.from(buffer.subarray(start, valueStart));
      } else if (members.keyIs(DELETED)) {
        if (bytesAre(buffer, valueStart, valueEnd, TRUE)) deleted = true;
        else if (bytesAre(buffer, valueStart, valueEnd, FALSE)) deleted = false;
        else throw new JsonError('a change has a "deleted" that is neither true nor false');
      } else if (members.keyIs(VALUE)) {
        if (buffer[valueStart] !== OPEN_BRACE) throw new JsonError('a change has a "value" that is no document');
        value = { start: valueStart, end: valueEnd };
      }
    }
    if (component === undefined || table === undefined || ts === undefined || deleted === undefined || !value)
      throw new JsonError('a change lacks one of "component", "table", "ts", "deleted" and "value"');
    if (table === '') throw new JsonError('a change has no table');
    this.component = component;
    this.table = table;
    this.#set(deleted, { ...ts, ...value });
    this.#beginning = beginning;
  }

  #set(deleted: boolean, places: { tsStart: number; tsEnd: number; start: number; end: number }): void {
    this.deleted = deleted;
    this.#tsStart = places.tsStart;
    this.#tsEnd = places.tsEnd;
    this.start = places.start;
    this.end = places.end;
  }
}

/** Where an integer of at most 19 digits that starts at `at` ends; -1 if there is none. */
function digitsEnd(buffer: Buffer, at: number, limit: number): number {
  const last = Math.min(limit, at + MAX_TIMESTAMP_DIGITS + 1);
  let end = at;
  while (end < last && buffer[end]! >= 0x30 && buffer[end]! <= 0x39) end++;
  if (end === at || end - at > MAX_TIMESTAMP_DIGITS || (buffer[at] === 0x30 && end > at + 1)) return -1;
  return end;
}
