/**
 * Those documents of a snapshot that the destination does not have, as records that carry the snapshot's
 * timestamp as theirs.
 */
import type { Documents } from '../../shared/convex/documents.ts';
import type { ReadEvent } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { StampedRecords } from './stamped-records.ts';

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
