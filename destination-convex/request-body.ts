/** The records of one request, as the bytes of its body. */
import { MAX_IMPORT_BODY } from '../shared/convex/streaming-import.ts';
import type { RequestLimits } from './limits.ts';
import type { StreamPlan } from './streams.ts';

/**
 * How a deletion is sent. Convex inserts a deletion whose row does not exist (C140). So the record is
 * normally sent as two messages: first without its marker, so that the row exists, and then with it.
 */
export interface Deletion {
  /** Where the marker's value stands in the source. */
  markerStart: number;
  markerEnd: number;
  /** The member that makes the deletion uninsertable instead, as one message (see tombstones.ts). */
  uninsertable: Buffer | undefined;
}

/** The position of one record in its body: its message, or the two of a deletion, without commas. */
export interface Placed {
  stream: StreamPlan;
  /** Number by which the ledger knows it. */
  record: number;
  start: number;
  end: number;
  tombstone: Tombstone | undefined;
}

/** A deletion: the position of its data; `alone`: sent without making its row first (see tombstones.ts). */
export interface Tombstone {
  dataStart: number;
  dataEnd: number;
  alone: boolean;
}

const HEAD = Buffer.from('{"messages":[');
const MIDDLE = Buffer.from('],"tables":{');
const TAIL = Buffer.from('}}');
const NULL = Buffer.from('null');
const COMMA = 0x2c;
const CLOSE_BRACE = 0x7d;

/** What a stream contributes to requests: the beginning of its messages, and its line in `tables`. */
export interface StreamBytes {
  message: Buffer;
  table: Buffer;
}

export function streamBytes({ table, key }: StreamPlan): StreamBytes {
  const name = JSON.stringify(table);
  const primaryKey = key === undefined ? '' : `"primaryKey":${JSON.stringify(key.fields.map(({ stored }) => stored))},`;
  return {
    message: Buffer.from(`{"tableName":${name},"data":`),
    table: Buffer.from(`${name}:{${primaryKey}"jsonSchema":{}}`),
  };
}

export class RequestBody {
  readonly limits: RequestLimits;
  readonly append: boolean;
  /** Records in it. */
  count = 0;
  readonly #bytes: readonly StreamBytes[];
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #used = 0;
  #messages = 0;
  #tablesBytes = 0;
  // By record. Allocated once: new arrays for each batch take 10 MiB more (measured) and are not faster.
  readonly #starts: Uint32Array;
  readonly #records: Float64Array;
  readonly #streamOf: Uint32Array;
  /** By index: the streams that have ever had records in it. */
  readonly #streams: StreamPlan[] = [];
  readonly #tombstones = new Map<number, Tombstone>();
  /** The streams that have records in it, and by each stream's index how many. */
  readonly #present: StreamPlan[] = [];
  readonly #counts: Uint32Array;

  constructor(append: boolean, limits: RequestLimits, bytes: readonly StreamBytes[]) {
    this.append = append;
    this.limits = limits;
    this.#bytes = bytes;
    this.#counts = new Uint32Array(bytes.length);
    this.#starts = new Uint32Array(limits.messages);
    this.#records = new Float64Array(limits.messages);
    this.#streamOf = new Uint32Array(limits.messages);
    this.clear();
  }

  clear(): void {
    this.count = 0;
    for (const { index } of this.#present) this.#counts[index] = 0;
    this.#present.length = 0;
    this.#messages = 0;
    this.#tablesBytes = 0;
    this.#tombstones.clear();
    // A body that had to hold one huge record gives its memory back.
    if (this.#buffer.length > 2 * this.limits.bytes + 64 * 1024) this.#buffer = Buffer.allocUnsafeSlow(64 * 1024);
    this.#used = HEAD.copy(this.#buffer);
  }

  /** The streams that have records in it, and how many. */
  get streams(): Map<StreamPlan, number> {
    return new Map(this.#present.map((stream) => [stream, this.#counts[stream.index]!]));
  }

  /** Bytes of the request's body. */
  get bytes(): number {
    return this.#used + MIDDLE.length + Math.max(0, this.#tablesBytes - 1) + TAIL.length;
  }

  /** Whether the body has reached a limit. */
  get full(): boolean {
    return this.bytes >= this.limits.bytes || this.#messages >= this.limits.messages;
  }

  /** Whether a record of so many bytes of data fits. An empty body takes what a request can take at all. */
  fits(stream: StreamPlan, dataBytes: number, deletion?: Deletion): boolean {
    const own = this.#bytes[stream.index]!;
    const tables = this.#counts[stream.index] === 0 ? own.table.length + 1 : 0;
    const bytes = this.bytes + messageBytes(own, dataBytes, deletion) + tables;
    if (this.count === 0) return bytes <= MAX_IMPORT_BODY;
    return bytes <= this.limits.bytes && this.#messages + messagesOf(deletion) <= this.limits.messages;
  }

  /** Appends a record that fits; its data, `source[start, end)`, is copied. */
  add(stream: StreamPlan, record: number, source: Buffer, start: number, end: number, deletion?: Deletion): void {
    const bytes = this.#bytes[stream.index]!;
    this.#reserve(1 + messageBytes(bytes, end - start, deletion));
    if (this.count > 0) this.#byte(COMMA);
    this.#starts[this.count] = this.#used;
    this.#records[this.count] = record;
    this.#streamOf[this.count] = stream.index;
    if (deletion !== undefined && deletion.uninsertable === undefined) {
      this.#write(bytes.message);
      this.#copy(source, start, deletion.markerStart);
      this.#copy(NULL);
      this.#copy(source, deletion.markerEnd, end);
      this.#byte(CLOSE_BRACE);
      this.#byte(COMMA);
    }
    this.#write(bytes.message);
    const dataStart = this.#used;
    if (deletion?.uninsertable === undefined) {
      this.#copy(source, start, end);
    } else {
      this.#copy(source, start, end - 1);
      this.#byte(COMMA);
      this.#copy(deletion.uninsertable);
      this.#byte(CLOSE_BRACE);
    }
    if (deletion !== undefined) {
      const alone = deletion.uninsertable !== undefined;
      this.#tombstones.set(this.count, { dataStart, dataEnd: this.#used, alone });
    }
    this.#byte(CLOSE_BRACE);
    this.#messages += messagesOf(deletion);
    this.count++;
    if (this.#counts[stream.index]!++ === 0) {
      this.#streams[stream.index] = stream;
      this.#present.push(stream);
      this.#tablesBytes += bytes.table.length + 1;
    }
  }

  /** The body of a request with the records from number `from` to before `to` of this body. */
  toBuffer(from = 0, to = this.count): Buffer {
    if (from === 0 && to === this.count) {
      const messagesEnd = this.#used;
      this.#reserve(MIDDLE.length + this.#tablesBytes + TAIL.length);
      this.#copy(MIDDLE);
      this.#copy(this.#tables(this.#present));
      this.#copy(TAIL);
      const body = this.#buffer.subarray(0, this.#used);
      this.#used = messagesEnd;
      return body;
    }
    const messages = this.#buffer.subarray(this.at(from).start, this.at(to - 1).end);
    return bodyOf(messages, this.#tables(this.#streamsOf(from, to)));
  }

  /** The body of a request that sends other data for record number `index`. */
  toBufferWith(index: number, data: Buffer): Buffer {
    const { message, table } = this.#bytes[this.#streamOf[index]!]!;
    return bodyOf(Buffer.concat([message, data, Buffer.of(CLOSE_BRACE)]), table);
  }

  at(index: number): Placed {
    const next = index + 1;
    return {
      stream: this.#streams[this.#streamOf[index]!]!,
      record: this.#records[index]!,
      start: this.#starts[index]!,
      end: next < this.count ? this.#starts[next]! - 1 : this.#used,
      tombstone: this.#tombstones.get(index),
    };
  }

  /** The data of record number `index`. */
  data(index: number): Buffer {
    const { stream, start, end, tombstone } = this.at(index);
    if (tombstone !== undefined) return this.#buffer.subarray(tombstone.dataStart, tombstone.dataEnd);
    return this.#buffer.subarray(start + this.#bytes[stream.index]!.message.length, end - 1);
  }

  #streamsOf(from: number, to: number): Set<StreamPlan> {
    return new Set([...this.#streamOf.subarray(from, to)].map((index) => this.#streams[index]!));
  }

  #tables(streams: Iterable<StreamPlan>): Buffer {
    const parts: Buffer[] = [];
    for (const { index } of streams) {
      if (parts.length > 0) parts.push(Buffer.of(COMMA));
      parts.push(this.#bytes[index]!.table);
    }
    return Buffer.concat(parts);
  }

  #byte(byte: number): void {
    this.#buffer[this.#used++] = byte;
  }

  /** For a few bytes: less than what a native call costs. */
  #write(source: Buffer): void {
    const buffer = this.#buffer;
    let at = this.#used;
    for (let i = 0; i < source.length; i++) buffer[at++] = source[i]!;
    this.#used = at;
  }

  #copy(source: Buffer, start = 0, end = source.length): void {
    this.#used += source.copy(this.#buffer, this.#used, start, end);
  }

  #reserve(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(grown, 0, 0, this.#used);
    this.#buffer = grown;
  }
}

function bodyOf(messages: Buffer, tables: Buffer): Buffer {
  return Buffer.concat([HEAD, messages, MIDDLE, tables, TAIL]);
}

function messageBytes({ message }: StreamBytes, dataBytes: number, deletion: Deletion | undefined): number {
  const one = message.length + dataBytes + 2;
  if (deletion === undefined) return one;
  return deletion.uninsertable === undefined ? 2 * one + NULL.length : one + deletion.uninsertable.length + 1;
}

function messagesOf(deletion: Deletion | undefined): number {
  return deletion !== undefined && deletion.uninsertable === undefined ? 2 : 1;
}
