/** Tombstones for ids that are gone, as the change log would have written them at a timestamp. */
import type { ReadEvent } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { ComposedDocuments } from './composed-documents.ts';
import { StampedRecords } from './stamped-records.ts';

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
