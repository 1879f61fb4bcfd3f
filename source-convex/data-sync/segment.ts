/**
 * A part of a Data Sync page, held in memory until it is written: the changes as records, byte for byte as `document_deltas` gives them
 * (`{"_component","_table","_ts","_deleted"`, then the members of the value, C101).
 *
 * It is held because a state has to name, before the first of these records is written, timestamps at which the table can be listed and
 * that together show every document that is written. Otherwise a document that was made and deleted within one page would stay at the
 * destination where the run is killed in between and the table is replaced: no log has its deletion any more (C120).
 */
import type { Changes } from '../../shared/convex/data-sync.ts';
import { ExportValues } from '../../shared/convex/export-values.ts';
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import type { RecordCursor, RecordHead, SourceRecord } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { ComposedDocuments } from './composed-documents.ts';
import { DocumentId } from './document-id.ts';

interface Entry {
  stream: TableStream;
  /** Digits, nanoseconds. */
  ts: string;
  deleted: boolean;
  start: number;
  end: number;
}

export class Segment implements RecordCursor, RecordHead, SourceRecord {
  stream = -1;
  readonly record: SourceRecord = this;
  readonly head: RecordHead = this;
  start = 0;
  end = 0;
  deleted = false;
  readonly #values: ExportValues;
  readonly #documents = new ComposedDocuments();
  readonly #ids = new DocumentId();
  #entries: Entry[] = [];
  #index = 0;
  #ts = '';

  constructor(format: ValueFormat) {
    this.#values = new ExportValues(format);
  }

  get buffer(): Buffer {
    return this.#documents.buffer;
  }

  get bytes(): number {
    return this.#documents.length;
  }

  get tsLength(): number {
    return this.#ts.length;
  }

  copyTs(out: Buffer, at: number): void {
    out.write(this.#ts, at, 'latin1');
  }

  /** Takes the change that `changes` is at. */
  add(changes: Changes, stream: TableStream, ts: string): void {
    this.#values.rewrite(changes.buffer, changes.start, changes.end);
    const { buffer, start, end } = this.#values;
    const from = this.#documents.length;
    this.#documents.head(changes, ts);
    this.#documents.members(buffer, start, end);
    this.#entries.push({ stream, ts, deleted: changes.deleted, start: from, end: this.#documents.length });
  }

  next(): boolean {
    const entry = this.#entries[this.#index++];
    if (entry === undefined) return false;
    this.stream = entry.stream.index;
    this.start = entry.start;
    this.end = entry.end;
    this.deleted = entry.deleted;
    this.#ts = entry.ts;
    return true;
  }

  clear(): void {
    this.#documents.clear();
    this.#entries = [];
    this.#index = 0;
  }

  /** For each stream, the timestamps of its last change, and of its last commit before that, if it has one here: digits, nanoseconds. */
  ends(): Map<TableStream, { last: string; before: string | undefined }> {
    const ends = new Map<TableStream, { last: string; before: string | undefined }>();
    for (const { stream, ts } of this.#entries) {
      const end = ends.get(stream);
      if (end?.last !== ts) ends.set(stream, { last: ts, before: end?.last });
    }
    return ends;
  }

  /** For each stream of the segment, timestamps at which listings of its table together show every document that is written here. */
  witnesses(): Map<TableStream, string[]> {
    const byStream = Map.groupBy(this.#entries, ({ stream }) => stream);
    return new Map([...byStream].map(([stream, entries]) => [stream, this.#witnessesOf(entries)]));
  }

  #witnessesOf(entries: readonly Entry[]): string[] {
    const last = entries.at(-1)!.ts;
    if (!entries.some(({ deleted }) => deleted)) return [last];
    const found: string[] = [];
    // Ids that were written since the last timestamp that was found: up to the commit before, and in the commit in hand.
    let written = new Set<string>();
    let inCommit: string[] = [];
    let before = '';
    let current = '';
    for (const { ts, deleted, start, end } of entries) {
      if (ts !== current) {
        [before, current] = [current, ts];
        for (const id of inCommit) written.add(id);
        inCommit = [];
      }
      const id = this.#ids.read(this.buffer, start, end);
      if (!deleted) {
        inCommit.push(id);
      } else if (written.has(id)) {
        // It was alive at the commit before its deletion, and so were the others that were written since.
        found.push(before);
        written = new Set();
      }
    }
    return [...found, last];
  }
}
