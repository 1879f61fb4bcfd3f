/** Documents that are put together of a head and the members of another document, one behind the other. */
import { GrowingBuffer } from '../../shared/json/growing-buffer.ts';

interface Head {
  /** Component path; '' is the root. */
  component: string;
  table: string;
  deleted: boolean;
}

export class ComposedDocuments extends GrowingBuffer {
  // What the last document began with: consecutive ones are mostly of one table, and many of one commit.
  #component = '';
  #table = '';
  #ts = '';
  #live: Buffer = Buffer.alloc(0);
  #tombstone: Buffer = Buffer.alloc(0);
  /** Where the digits of `_ts` stand in both. */
  #tsAt = 0;

  /** Begins a document: `{"_component":…,"_table":…,"_ts":…,"_deleted":…,`. `ts`: digits. */
  head({ component, table, deleted }: Head, ts: string): void {
    if (ts !== this.#ts || table !== this.#table || component !== this.#component) this.#begin(component, table, ts);
    this.bytes(deleted ? this.#tombstone : this.#live);
  }

  #begin(component: string, table: string, ts: string): void {
    if (table === this.#table && component === this.#component && ts.length === this.#ts.length) {
      this.#live.write(ts, this.#tsAt, 'latin1');
      this.#tombstone.write(ts, this.#tsAt, 'latin1');
    } else {
      const names = `{"_component":${JSON.stringify(component)},"_table":${JSON.stringify(table)},"_ts":`;
      this.#tsAt = Buffer.byteLength(names);
      this.#live = Buffer.from(`${names}${ts},"_deleted":false,`);
      this.#tombstone = Buffer.from(`${names}${ts},"_deleted":true,`);
    }
    this.#component = component;
    this.#table = table;
    this.#ts = ts;
  }
}
