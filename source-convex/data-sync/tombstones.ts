/** Tombstones for ids that are gone, as the change log would have written them at a timestamp. */
import type { ReadEvent, RecordCursor, RecordHead } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { ComposedDocument } from './composed-document.ts';

/** Ids of one event. More of them would be written before the reader of the output is waited for. */
const AT_A_TIME = 1_000;

export class Tombstones implements RecordCursor, RecordHead {
  readonly stream: number;
  readonly record = new ComposedDocument(this);
  readonly deleted = true;
  readonly tsLength: number;
  readonly #head: { component: string; table: string; tsLength: number; deleted: boolean };
  readonly #ts: Buffer;
  #ids: readonly string[] = [];
  #index = 0;

  /** `ts`: digits, nanoseconds. */
  constructor({ index, planned }: TableStream, ts: string) {
    this.stream = index;
    this.tsLength = ts.length;
    this.#ts = Buffer.from(ts);
    this.#head = { component: planned.component, table: planned.table, tsLength: ts.length, deleted: true };
  }

  *events(ids: readonly string[]): Generator<ReadEvent> {
    for (let at = 0; at < ids.length; at += AT_A_TIME) {
      this.#ids = ids.slice(at, at + AT_A_TIME);
      this.#index = 0;
      yield { kind: 'records', records: this };
    }
  }

  copyTs(out: Buffer, at: number): void {
    this.#ts.copy(out, at);
  }

  next(): boolean {
    const id = this.#ids[this.#index++];
    if (id === undefined) return false;
    const { record } = this;
    this.copyTs(record.buffer, record.begin(this.#head));
    const members = Buffer.from(JSON.stringify({ _id: id }));
    record.members(members, 0, members.length);
    return true;
  }
}
