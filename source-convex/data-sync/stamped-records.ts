/** Records of one stream that all carry the same timestamp as theirs, each valid until the next one. */
import type { RecordCursor, RecordHead, SourceRecord } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';

export abstract class StampedRecords implements RecordCursor, RecordHead, SourceRecord {
  readonly stream: number;
  readonly record: SourceRecord = this;
  readonly head: RecordHead = this;
  readonly start = 0;
  /** Digits, nanoseconds. */
  protected readonly ts: string;

  constructor({ index }: TableStream, ts: string) {
    this.stream = index;
    this.ts = ts;
  }

  abstract readonly buffer: Buffer;
  abstract readonly end: number;
  abstract readonly deleted: boolean | undefined;
  abstract next(): boolean;

  get tsLength(): number {
    return this.ts.length;
  }

  copyTs(out: Buffer, at: number): void {
    out.write(this.ts, at, 'latin1');
  }
}
