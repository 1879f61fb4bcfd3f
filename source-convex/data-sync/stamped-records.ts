/** Records whose timestamps are not read from their documents. */
import type { RecordCursor, RecordHead, SourceRecord } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';

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
export abstract class StampedRecords implements RecordCursor, SourceRecord {
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
