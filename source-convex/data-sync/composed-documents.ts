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
  // What the last document began with, up to the digits of `_ts`: consecutive documents are mostly of one table.
  #component = '';
  #table = '';
  #beginning: Buffer = Buffer.alloc(0);

  clear(): void {
    this.length = 0;
  }

  /** Begins a document: `{"_component":…,"_table":…,"_ts":…,"_deleted":…,`. `ts`: digits. */
  head({ component, table, deleted }: Head, ts: string): void {
    if (this.#beginning.length === 0 || table !== this.#table || component !== this.#component) {
      this.#component = component;
      this.#table = table;
      const names = `{"_component":${JSON.stringify(component)},"_table":${JSON.stringify(table)}`;
      this.#beginning = Buffer.from(`${names},"_ts":`);
    }
    const after = deleted ? `${ts},"_deleted":true,` : `${ts},"_deleted":false,`;
    this.#reserve(this.#beginning.length + after.length);
    this.length += this.#beginning.copy(this.buffer, this.length);
    this.length += this.buffer.write(after, this.length, 'latin1');
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
