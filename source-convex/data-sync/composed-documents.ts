/** Documents that are put together of a head and the members of another document, one behind the other in one buffer. */

interface Head {
  /** Component path; '' is the root. */
  component: string;
  table: string;
  deleted: boolean;
}

const ROOM = 64 * 1024;

export class ComposedDocuments {
  buffer: Buffer = Buffer.allocUnsafe(ROOM);
  length = 0;
  /** Where the digits of `_ts` stand in the document that was begun last, counted from its start. */
  tsAt = 0;
  // What the last document began with: consecutive documents are mostly of one table and one commit.
  #component = '';
  #table = '';
  #deleted = false;
  #ts = '';
  #head: Buffer = Buffer.alloc(0);

  clear(): void {
    this.length = 0;
  }

  /** Begins a document: `{"_component":…,"_table":…,"_ts":…,"_deleted":…,`. `ts`: digits. */
  head({ component, table, deleted }: Head, ts: string): void {
    if (ts !== this.#ts || table !== this.#table || deleted !== this.#deleted || component !== this.#component) {
      const names = `{"_component":${JSON.stringify(component)},"_table":${JSON.stringify(table)},"_ts":`;
      this.#head = Buffer.from(`${names}${ts},"_deleted":${deleted},`);
      this.tsAt = Buffer.byteLength(names);
      this.#component = component;
      this.#table = table;
      this.#deleted = deleted;
      this.#ts = ts;
    }
    this.#reserve(this.#head.length);
    this.length += this.#head.copy(this.buffer, this.length);
  }

  /** Ends it with the members of the document `buffer[start, end)`, which has at least one. */
  members(buffer: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.length += buffer.copy(this.buffer, this.length, start + 1, end);
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(2 * needed);
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
