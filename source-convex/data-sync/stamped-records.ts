/** Records whose timestamps are not read from their documents. */
import type { Documents } from '../../shared/convex/documents.ts';
import type { ReadEvent, RecordCursor, RecordHead, SourceRecord } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { ComposedDocuments } from './composed-documents.ts';

/** When a document was written (digits, nanoseconds), and whether it was deleted. */
export class Stamp implements RecordHead {
  readonly ts: string;
  readonly deleted: boolean | undefined;

  constructor(ts: string, deleted: boolean | undefined) {
    this.ts = ts;
    this.deleted = deleted;
  }

  get tsLength(): number {
    return this.ts.length;
  }

  copyTs(out: Buffer, at: number): void {
    out.write(this.ts, at, 'latin1');
  }
}

/** Records of one stream that all have the same stamp, each valid until the next one. */
abstract class StampedRecords implements RecordCursor, SourceRecord {
  readonly stream: number;
  readonly record: SourceRecord = this;
  readonly head: Stamp;
  readonly start = 0;

  /** `ts`: digits, nanoseconds. */
  constructor({ index }: TableStream, ts: string, deleted: boolean | undefined) {
    this.stream = index;
    this.head = new Stamp(ts, deleted);
  }

  abstract readonly buffer: Buffer;
  abstract readonly end: number;
  abstract next(): boolean;
}

/** A snapshot's documents that the destination lacks, as records with the snapshot's timestamp. */
export class DifferentDocuments extends StampedRecords {
  buffer: Buffer = Buffer.allocUnsafe(64 * 1024);
  end = 0;
  #documents: Documents | undefined;
  #differs: readonly boolean[] = [];
  #index = 0;

  /** `ts`: digits, nanoseconds. */
  constructor(stream: TableStream, ts: string) {
    super(stream, ts, undefined);
  }

  /** The event that writes those of these documents that differ. */
  event(documents: Documents, differs: readonly boolean[]): ReadEvent {
    this.#documents = documents;
    this.#differs = differs;
    this.#index = 0;
    return { kind: 'records', records: this };
  }

  next(): boolean {
    const documents = this.#documents!;
    while (documents.next()) {
      if (!this.#differs[this.#index++]) continue;
      this.#compose(documents);
      return true;
    }
    return false;
  }

  #compose({ buffer, start, end, head }: Documents): void {
    const { tsLength } = this.head;
    const length = end - start - head.tsLength + tsLength;
    if (length > this.buffer.length) this.buffer = Buffer.allocUnsafe(2 * length);
    const digits = buffer.copy(this.buffer, 0, start, head.tsStart);
    this.head.copyTs(this.buffer, digits);
    const after = digits + tsLength;
    buffer.copy(this.buffer, after, head.tsEnd, end);
    this.end = length;
  }
}

/** Tombstones for ids that are gone, as the change log would have written them at a timestamp. */
export class Tombstones extends StampedRecords {
  readonly #documents = new ComposedDocuments();
  readonly #names: { component: string; table: string; deleted: boolean };
  #ids: readonly string[] = [];
  #index = 0;

  /** `ts`: digits, nanoseconds. */
  constructor(stream: TableStream, ts: string) {
    super(stream, ts, true);
    const { component, table } = stream.planned;
    this.#names = { component, table, deleted: true };
  }

  get buffer(): Buffer {
    return this.#documents.buffer;
  }

  get end(): number {
    return this.#documents.length;
  }

  event(ids: readonly string[]): ReadEvent {
    this.#ids = ids;
    this.#index = 0;
    return { kind: 'records', records: this };
  }

  next(): boolean {
    const id = this.#ids[this.#index++];
    if (id === undefined) return false;
    this.#documents.clear();
    this.#documents.head(this.#names, this.head.ts);
    this.#documents.bytes(Buffer.from(JSON.stringify({ _id: id })), 1);
    return true;
  }
}
