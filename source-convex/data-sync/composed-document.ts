/** A document that is put together of a head and the members of another one. Its bytes are valid until the next one is put together. */
import type { RecordHead, SourceRecord } from '../output/events.ts';

export interface ComposedHead {
  /** Component path; '' is the root. */
  component: string;
  table: string;
  /** How many digits `_ts` has. */
  tsLength: number;
  deleted: boolean;
}

export class ComposedDocument implements SourceRecord {
  readonly head: RecordHead;
  buffer: Buffer = Buffer.allocUnsafe(64 * 1024);
  readonly start = 0;
  end = 0;
  // The head of the last document. Consecutive documents are mostly of one table, and differ in the digits of `_ts` only.
  #last: ComposedHead = { component: '', table: '', tsLength: -1, deleted: false };
  #headLength = 0;
  /** Where the digits of `_ts` are in `buffer`. */
  #ts = 0;

  constructor(head: RecordHead) {
    this.head = head;
  }

  /** Writes `{"_component":…,"_table":…,"_ts":` + a hole +`,"_deleted":…,`. Returns where the digits have to be copied to. */
  begin({ component, table, tsLength, deleted }: ComposedHead): number {
    const last = this.#last;
    if (
      table !== last.table ||
      deleted !== last.deleted ||
      tsLength !== last.tsLength ||
      component !== last.component
    ) {
      const before = `{"_component":${JSON.stringify(component)},"_table":${JSON.stringify(table)},"_ts":`;
      const head = Buffer.from(`${before}${'0'.repeat(tsLength)},"_deleted":${deleted},`);
      this.#last = { component, table, tsLength, deleted };
      this.#ts = Buffer.byteLength(before);
      this.#headLength = head.copy(this.buffer);
    }
    return this.#ts;
  }

  /** Adds the members of the document `buffer[start, end)`, which has at least one. */
  members(buffer: Buffer, start: number, end: number): void {
    const length = this.#headLength + end - start - 1;
    if (length > this.buffer.length) {
      const grown = Buffer.allocUnsafe(2 * length);
      this.buffer.copy(grown, 0, 0, this.#headLength);
      this.buffer = grown;
    }
    buffer.copy(this.buffer, this.#headLength, start + 1, end);
    this.end = length;
  }
}
