/** Tombstones for ids that are gone, as the change log would have written them at a timestamp. */
import type { ReadEvent, RecordCursor, RecordHead, SourceRecord } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { ComposedDocuments } from './composed-documents.ts';

/** Ids of one event. More of them would be written before the reader of the output is waited for. */
const AT_A_TIME = 1_000;

export class Tombstones implements RecordCursor, RecordHead, SourceRecord {
  readonly stream: number;
  readonly record: SourceRecord = this;
  readonly head: RecordHead = this;
  readonly deleted = true;
  readonly tsLength: number;
  readonly start = 0;
  readonly #documents = new ComposedDocuments();
  readonly #head: { component: string; table: string; deleted: boolean };
  readonly #ts: string;
  #ids: readonly string[] = [];
  #index = 0;

  /** `ts`: digits, nanoseconds. */
  constructor({ index, planned }: TableStream, ts: string) {
    this.stream = index;
    this.tsLength = ts.length;
    this.#ts = ts;
    this.#head = { component: planned.component, table: planned.table, deleted: true };
  }

  get buffer(): Buffer {
    return this.#documents.buffer;
  }

  get end(): number {
    return this.#documents.length;
  }

  *events(ids: readonly string[]): Generator<ReadEvent> {
    for (let at = 0; at < ids.length; at += AT_A_TIME) {
      this.#ids = ids.slice(at, at + AT_A_TIME);
      this.#index = 0;
      yield { kind: 'records', records: this };
    }
  }

  copyTs(out: Buffer, at: number): void {
    out.write(this.#ts, at, 'latin1');
  }

  next(): boolean {
    const id = this.#ids[this.#index++];
    if (id === undefined) return false;
    this.#documents.clear();
    this.#documents.head(this.#head, this.#ts);
    const members = Buffer.from(JSON.stringify({ _id: id }));
    this.#documents.members(members, 0, members.length);
    return true;
  }
}
