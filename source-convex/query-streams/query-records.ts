/** The records of a query's pages, without those that the watermark excludes. */
import type { RecordCursor, SourceRecord } from '../output/events.ts';
import type { QueryPage } from './page.ts';
import type { Watermark } from './watermark.ts';

const NOTHING: Buffer = Buffer.alloc(0);

export class QueryRecords implements RecordCursor, SourceRecord {
  readonly stream: number;
  readonly record: SourceRecord = this;
  readonly head = undefined;
  buffer = NOTHING;
  start = 0;
  end = 0;
  /** `count`: records so far. `empty`: records without any field, which were left out (see `QueryPage`). */
  count = 0;
  empty = 0;
  #places: readonly number[] = [];
  #next = 0;
  #watermark: Watermark | undefined;

  constructor(stream: number) {
    this.stream = stream;
  }

  /** Starts at the first record of a page. */
  open({ buffer, places, empty }: QueryPage, watermark: Watermark): this {
    this.buffer = buffer;
    this.#places = places;
    this.#next = 0;
    this.#watermark = watermark;
    this.empty += empty;
    return this;
  }

  next(): boolean {
    while (this.#next < this.#places.length) {
      this.start = this.#places[this.#next++]!;
      this.end = this.#places[this.#next++]!;
      if (!this.#watermark!.passes(this.buffer, this.start, this.end)) continue;
      this.count++;
      return true;
    }
    return false;
  }
}
