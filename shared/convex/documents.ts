/** The exported documents of a batch, one after another, each with its head: table, component, timestamp. */
import type { ElementBatch } from '../json/element-batch.ts';
import { COMMA, JsonError, Members, bytesAre, stringAt } from '../json/raw.ts';
import { mapYields } from '../core/generators.ts';
import { notConvex, type ConvexClient, type HttpRequest } from './client.ts';
import { readPage, type RawPage } from './pages.ts';

/**
 * Yields the documents of a page, batch by batch; returns the other members of the page. `changes`: a page of
 * the change log, whose documents have `_deleted`. Throws `ConvexApiError`.
 */
export function readDocuments(
  http: ConvexClient,
  request: HttpRequest,
  { changes }: { changes: boolean },
): AsyncGenerator<Documents, RawPage> {
  const documents = new Documents(request.path, { changes });
  return mapYields(readPage(http, request), (batch) => documents.open(batch));
}

/** `while (documents.next())`: the members describe the document that `next` found, until its next call. */
export class Documents {
  /** The document is `buffer[start, end)`, braces included. */
  buffer = EMPTY;
  start = 0;
  end = 0;
  readonly head: DocumentHead;
  readonly #path: string;
  #batch: ElementBatch | undefined;
  #index = 0;

  /** `path`: the route, for messages. `changes`: the change log, whose documents have `_deleted`. */
  constructor(path: string, { changes }: { changes: boolean }) {
    this.#path = path;
    this.head = new DocumentHead({ wantDeleted: changes });
  }

  /** Starts at the first document of a batch. */
  open(batch: ElementBatch): this {
    this.#batch = batch;
    this.#index = 0;
    return this;
  }

  /** Goes back to before the first document of the batch. */
  rewind(): void {
    this.#index = 0;
  }

  /** Moves to the next document; false at the end. Throws `ConvexApiError` for an invalid head. */
  next(): boolean {
    const batch = this.#batch!;
    const index = this.#index++;
    if (index >= batch.length) return false;
    const buffer = (this.buffer = batch.buffers[index]!);
    const start = (this.start = batch.starts[index]!);
    const end = (this.end = batch.ends[index]!);
    try {
      this.head.read(buffer, start, end);
    } catch (error) {
      throw error instanceof JsonError ? notConvex(`${this.#path}: ${error.message}`, 200) : error;
    }
    return true;
  }
}

const COMPONENT = Buffer.from('_component');
const TABLE = Buffer.from('_table');
const TS = Buffer.from('_ts');
const DELETED = Buffer.from('_deleted');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NO_COMPONENT = Buffer.from('""');
const UNDERSCORE = 0x5f;
const ZERO = 0x30;
const NINE = 0x39;
const EMPTY: Buffer = Buffer.alloc(0);
const COMMA_DELETED_FALSE = Buffer.from(',"_deleted":false,');
const COMMA_DELETED_TRUE = Buffer.from(',"_deleted":true,');

export class DocumentHead {
  /** Component path; '' is the root. */
  component = '';
  table = '';
  /** `_deleted`; undefined where the document has no such member (snapshot pages). */
  deleted: boolean | undefined;
  /** Place of the digits of `_ts` in the buffer. */
  tsStart = 0;
  tsEnd = 0;
  #buffer: Buffer = EMPTY;
  readonly #wantDeleted: boolean;
  readonly #members = new Members();
  // The bytes of the last document up to its `_ts`; empty if these were not its first members.
  #beginning: Buffer = EMPTY;
  #componentRaw: Buffer = NO_COMPONENT;
  #tableRaw: Buffer = NO_COMPONENT;

  /** `wantDeleted`: whether each document has `_deleted` (change log). */
  constructor({ wantDeleted }: { wantDeleted: boolean }) {
    this.#wantDeleted = wantDeleted;
  }

  /** The digits of `_ts`, nanoseconds (C20). */
  get ts(): string {
    return this.#buffer.toString('latin1', this.tsStart, this.tsEnd);
  }

  get tsLength(): number {
    return this.tsEnd - this.tsStart;
  }

  /** Copies the digits of `_ts`. */
  copyTs(out: Buffer, at: number): void {
    const buffer = this.#buffer;
    const end = this.tsEnd;
    for (let from = this.tsStart; from < end; from++) out[at++] = buffer[from]!;
  }

  /** Whether `_ts` is greater than the integer `digits`. */
  isNewerThan(digits: Buffer): boolean {
    const length = this.tsLength;
    if (length !== digits.length) return length > digits.length;
    const buffer = this.#buffer;
    const start = this.tsStart;
    for (let i = 0; i < length; i++) {
      const difference = buffer[start + i]! - digits[i]!;
      if (difference !== 0) return difference > 0;
    }
    return false;
  }

  /** Reads the head of the document `buffer[start, end)`, which must not change. Throws `JsonError`. */
  read(buffer: Buffer, start: number, end: number): void {
    this.#buffer = buffer;
    if (!this.#readLikeLast(buffer, start, end)) this.#walk(buffer, start, end);
  }

  #readLikeLast(buffer: Buffer, start: number, end: number): boolean {
    const beginning = this.#beginning;
    const length = beginning.length;
    if (length === 0 || length > end - start) return false;
    for (let i = 0; i < length; i++) if (buffer[start + i] !== beginning[i]) return false;
    const digits = start + length;
    const after = digitsEnd(buffer, digits);
    if (after === -1 || buffer[after] !== COMMA) return false;
    if (this.#wantDeleted) {
      if (bytesAre(buffer, after, after + COMMA_DELETED_FALSE.length, COMMA_DELETED_FALSE)) this.deleted = false;
      else if (bytesAre(buffer, after, after + COMMA_DELETED_TRUE.length, COMMA_DELETED_TRUE)) this.deleted = true;
      else return false;
    }
    this.tsStart = digits;
    this.tsEnd = after;
    return true;
  }

  #walk(buffer: Buffer, start: number, end: number): void {
    const members = this.#members.open(buffer, start, end);
    this.deleted = undefined;
    this.#beginning = EMPTY;
    let wanted = this.#wantDeleted ? 3 : 2;
    let sawComponent = false;
    let sawTable = false;
    let place = 0;
    while ((wanted > 0 || !sawComponent) && members.next()) {
      // Old backends send no `_component` (C34). After the last meta field there is none to come.
      if (wanted === 0 && buffer[members.keyStart] !== UNDERSCORE) break;
      const { valueStart, valueEnd } = members;
      if (members.keyIs(COMPONENT)) {
        if (!bytesAre(buffer, valueStart, valueEnd, this.#componentRaw)) {
          this.component = stringAt(buffer, valueStart, valueEnd);
          this.#componentRaw = Buffer.from(buffer.subarray(valueStart, valueEnd));
        }
        sawComponent = true;
      } else if (members.keyIs(TABLE)) {
        if (!bytesAre(buffer, valueStart, valueEnd, this.#tableRaw)) {
          this.table = stringAt(buffer, valueStart, valueEnd);
          this.#tableRaw = Buffer.from(buffer.subarray(valueStart, valueEnd));
        }
        sawTable = true;
        wanted--;
      } else if (members.keyIs(TS)) {
        if (digitsEnd(buffer, valueStart) !== valueEnd)
          throw new JsonError('a document has a "_ts" that is no timestamp');
        this.tsStart = valueStart;
        this.tsEnd = valueEnd;
        // Only component and table come before `_ts`, so the next document may begin with the same bytes.
        if (place === 2 && sawComponent && sawTable) this.#beginning = Buffer.from(buffer.subarray(start, valueStart));
        wanted--;
      } else if (this.#wantDeleted && members.keyIs(DELETED)) {
        if (bytesAre(buffer, valueStart, valueEnd, TRUE)) this.deleted = true;
        else if (bytesAre(buffer, valueStart, valueEnd, FALSE)) this.deleted = false;
        else throw new JsonError('a document has a "_deleted" that is neither true nor false');
        wanted--;
      }
      place++;
    }
    if (!sawComponent && this.component !== '') {
      this.component = '';
      this.#componentRaw = NO_COMPONENT;
    }
    if (wanted > 0) throw new JsonError('a document lacks one of "_table", "_ts" and "_deleted"');
  }
}

/** End of the integer of at most 19 digits that begins at `at`; -1 if there is none. */
function digitsEnd(buffer: Buffer, at: number): number {
  const limit = at + 20;
  let end = at;
  while (end < limit) {
    const byte = buffer[end]!;
    if (byte < ZERO || byte > NINE) break;
    end++;
  }
  if (end === at || end === limit || (buffer[at] === ZERO && end > at + 1)) return -1;
  return end;
}
