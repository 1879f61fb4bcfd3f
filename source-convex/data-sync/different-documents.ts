/** Those documents of a snapshot that the destination does not have, as records that carry the snapshot's timestamp as theirs. */
import type { Documents } from '../../shared/convex/documents.ts';
import type { ReadEvent, RecordCursor, RecordHead, SourceRecord } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';

export class DifferentDocuments implements RecordCursor, RecordHead, SourceRecord {
  readonly stream: number;
  readonly record: SourceRecord = this;
  readonly head: RecordHead = this;
  readonly deleted = undefined;
  readonly tsLength: number;
  /** The document, valid until the next one. */
  buffer: Buffer = Buffer.allocUnsafe(64 * 1024);
  readonly start = 0;
  end = 0;
  readonly #ts: Buffer;
  #documents: Documents | undefined;
  #differs: readonly boolean[] = [];
  #index = 0;

  /** `snapshot`: digits, nanoseconds. */
  constructor({ index }: TableStream, snapshot: string) {
    this.stream = index;
    this.tsLength = snapshot.length;
    this.#ts = Buffer.from(snapshot);
  }

  /** The event that writes those of these documents that differ. */
  event(documents: Documents, differs: readonly boolean[]): ReadEvent {
    this.#documents = documents;
    this.#differs = differs;
    this.#index = 0;
    return { kind: 'records', records: this };
  }

  copyTs(out: Buffer, at: number): void {
    this.#ts.copy(out, at);
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
    const length = end - start - head.tsLength + this.tsLength;
    if (length > this.buffer.length) this.buffer = Buffer.allocUnsafe(2 * length);
    const digits = buffer.copy(this.buffer, 0, start, head.tsStart);
    const after = digits + this.#ts.copy(this.buffer, digits);
    buffer.copy(this.buffer, after, head.tsEnd, end);
    this.end = length;
  }
}
