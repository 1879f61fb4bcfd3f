/** The changes of a batch of a Data Sync page: `{"component","table","ts","deleted","value"}` (C101). */
import type { ElementBatch } from '../json/element-batch.ts';
import { isTimestamp } from '../json/integers.ts';
import { JsonError, Members, OPEN_BRACE, bytesAre, stringAt } from '../json/raw.ts';
import { ALONE, IN_CHUNK, findChanges, foundChanges } from '../json/wasm/find.ts';
import { notConvex } from './client.ts';
import type { SpecialValues } from './export-values.ts';

const NOTHING: Buffer = Buffer.alloc(0);
const COMPONENT = Buffer.from('component');
const TABLE = Buffer.from('table');
const TS = Buffer.from('ts');
const DELETED = Buffer.from('deleted');
const VALUE = Buffer.from('value');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
// Where names stand in a change that is written as a deployment writes it.
const BEFORE_COMPONENT = '{"component":"'.length;
const BEFORE_TABLE = '","table":"'.length;
const AFTER_TABLE = '","ts":'.length;
// See findChanges.
const CHANGE_NUMBERS = 7;
const IS_DELETED = 1;
const SAME_TS = 2;
const SAME_TABLE = 4;

/** `while (changes.next())`: the members describe the change that `next` found, until its next call. */
export class Changes {
  readonly kind = 'changes';
  /** Component path; '' is the root. */
  component = '';
  table = '';
  /** When this revision was committed: digits, nanoseconds (C20: never a number). */
  ts = '';
  /** True for a tombstone, whose value is `{"_id":…}`. */
  deleted = false;
  /** The value, a document in `export_json`, is `buffer` from `start` to before `end`, braces included. */
  buffer = NOTHING;
  start = 0;
  end = 0;
  /** The values that other formats write differently; undefined if they were not looked for. */
  special: SpecialValues | undefined;
  /** Where the document begins in the chunk that `find` was given last; -1 if it is not known to be there. */
  inChunk = -1;
  readonly #path: string;
  readonly #members = new Members();
  readonly #special: SpecialValues = { positions: foundChanges, first: 0, count: 0, base: 0 };
  /** What `find` has found last: changes of this buffer from `base` on. */
  readonly #found = { buffer: NOTHING, base: 0, count: 0 };
  #batch: ElementBatch | undefined;
  #index = 0;
  /** Changes `[#foundFrom, #foundTo)` of the batch were found so. `#at`: the next in `foundChanges`. */
  #foundFrom = 0;
  #foundTo = 0;
  #at = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Finds changes for an `ElementScanner`, whose next batch is then given to `open`. */
  readonly find = (chunk: Buffer, at: number, limit: number): number => {
    this.#found.buffer = chunk;
    this.#found.base = at;
    return (this.#found.count = findChanges(chunk, at, limit, IN_CHUNK));
  };

  /** Starts at the first change of a batch. */
  open(batch: ElementBatch): this {
    const { buffer, base, count } = this.#found;
    this.#batch = batch;
    this.#index = 0;
    this.#at = IN_CHUNK;
    // The first one may have begun in the chunk before.
    const from = batch.buffers[0] === buffer && batch.starts[0] === base ? 0 : 1;
    const known = batch.buffers[from] === buffer && batch.starts[from] === base;
    this.#foundFrom = from;
    this.#foundTo = known ? from + count : from;
    this.#found.buffer = NOTHING;
    return this;
  }

  /** Moves to the next change; false at the end of the batch. Throws `ConvexApiError` for a broken one. */
  next(): boolean {
    const batch = this.#batch!;
    const index = this.#index++;
    if (index >= batch.length) return false;
    const buffer = batch.buffers[index]!;
    const start = batch.starts[index]!;
    const end = batch.ends[index]!;
    if (index >= this.#foundFrom && index < this.#foundTo) {
      const at = this.#at;
      this.#at += CHANGE_NUMBERS + foundChanges[at + 6]!;
      if (this.#take(at, this.#found.base, buffer, start, end)) return true;
    } else if (findChanges(buffer, start, end, ALONE) === 1 && this.#take(ALONE, start, buffer, start, end)) {
      return true;
    }
    try {
      this.#walk(buffer, start, end);
    } catch (error) {
      throw error instanceof JsonError ? notConvex(`${this.#path}: ${error.message}`, 200) : error;
    }
    return true;
  }

  /** Takes the change that `foundChanges` has at `at`. False if it is written in another form. */
  #take(at: number, base: number, buffer: Buffer, start: number, end: number): boolean {
    const flags = foundChanges[at + 1]!;
    const value = foundChanges[at + 5]!;
    if (value === 0 || base + foundChanges[at]! !== end) return false;
    const special = this.#special;
    special.first = at + CHANGE_NUMBERS;
    special.count = foundChanges[at + 6]!;
    special.base = base;
    this.inChunk = at < ALONE ? value : -1;
    if ((flags & SAME_TABLE) === 0) {
      const componentEnd = base + foundChanges[at + 2]!;
      this.component = buffer.toString('utf8', start + BEFORE_COMPONENT, componentEnd);
      this.table = buffer.toString('utf8', componentEnd + BEFORE_TABLE, base + foundChanges[at + 3]! - AFTER_TABLE);
    }
    if ((flags & SAME_TS) === 0)
      this.ts = buffer.toString('latin1', base + foundChanges[at + 3]!, base + foundChanges[at + 4]!);
    this.deleted = (flags & IS_DELETED) !== 0;
    this.buffer = buffer;
    this.start = base + value;
    this.end = end - 1;
    this.special = special;
    return true;
  }

  #walk(buffer: Buffer, start: number, end: number): void {
    const members = this.#members.open(buffer, start, end);
    let component: string | undefined;
    let table: string | undefined;
    let deleted: boolean | undefined;
    let ts: string | undefined;
    let value: { start: number; end: number } | undefined;
    while (members.next()) {
      const { valueStart, valueEnd } = members;
      if (members.keyIs(COMPONENT)) {
        component = stringAt(buffer, valueStart, valueEnd);
      } else if (members.keyIs(TABLE)) {
        table = stringAt(buffer, valueStart, valueEnd);
      } else if (members.keyIs(TS)) {
        ts = buffer.toString('latin1', valueStart, valueEnd);
        if (!isTimestamp(ts)) throw new JsonError('a change has a "ts" that is no timestamp');
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
    this.ts = ts;
    this.deleted = deleted;
    this.buffer = buffer;
    this.start = value.start;
    this.end = value.end;
    this.special = undefined;
    this.inChunk = -1;
  }
}
