/**
 * A part of a Data Sync page, held in memory until it is written: the changes as records, byte for byte as
 * `document_deltas` gives them (`{"_component","_table","_ts","_deleted"`, then the members of the value,
 * C101).
 *
 * It is held because a state has to name, before the first of these records is written, timestamps at which
 * the table can be listed and that together show every document that is written. Otherwise a document that
 * was made and deleted within one page would stay at the destination where the run is killed in between and
 * the table is replaced: no log has its deletion any more (C120).
 */
import { notConvex } from '../../shared/convex/client.ts';
import type { Changes } from '../../shared/convex/data-sync.ts';
import { ExportValues } from '../../shared/convex/export-values.ts';
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import { JsonError } from '../../shared/json/raw.ts';
import type { RecordCursor, RecordHead, SourceRecord } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { ComposedDocuments } from './composed-documents.ts';
import { DocumentId } from './document-id.ts';

/** What a segment has of one stream. Timestamps are digits, nanoseconds. */
interface Part {
  /** Of its last change, and of its last commit before that, if it has one here. */
  last: string;
  before: string | undefined;
  hasTombstones: boolean;
}

export class Segment implements RecordCursor, RecordHead, SourceRecord {
  stream = -1;
  readonly record: SourceRecord = this;
  readonly head: RecordHead = this;
  start = 0;
  end = 0;
  deleted = false;
  tsLength = 0;
  readonly #values: ExportValues;
  readonly #documents = new ComposedDocuments();
  readonly #ids = new DocumentId();
  readonly #parts = new Map<TableStream, Part>();
  // Of each change: arrays are kept from segment to segment, since an object for each change is garbage.
  readonly #streams: TableStream[] = [];
  readonly #timestamps: string[] = [];
  readonly #deleted: boolean[] = [];
  readonly #ends: number[] = [];
  readonly #tsAt: number[] = [];
  #count = 0;
  #index = 0;
  #tsStart = 0;
  // Of the last change.
  #stream: TableStream | undefined;
  #part: Part | undefined;

  constructor(format: ValueFormat) {
    this.#values = new ExportValues(format);
  }

  get buffer(): Buffer {
    return this.#documents.buffer;
  }

  get bytes(): number {
    return this.#documents.length;
  }

  copyTs(out: Buffer, at: number): void {
    const { buffer } = this.#documents;
    const end = this.#tsStart + this.tsLength;
    for (let from = this.#tsStart; from < end; from++) out[at++] = buffer[from]!;
  }

  /** Takes the change that `changes` is at. */
  add(changes: Changes, stream: TableStream): void {
    const { ts, deleted } = changes;
    const documents = this.#documents;
    documents.head(changes, ts);
    this.#writeMembers(changes);
    const index = this.#count++;
    this.#streams[index] = stream;
    this.#timestamps[index] = ts;
    this.#deleted[index] = deleted;
    this.#ends[index] = documents.length;
    this.#tsAt[index] = documents.tsAt;
    const part = this.#partOf(stream, ts);
    if (part.last !== ts) {
      part.before = part.last;
      part.last = ts;
    }
    if (deleted) part.hasTombstones = true;
  }

  #partOf(stream: TableStream, ts: string): Part {
    if (stream === this.#stream) return this.#part!;
    let part = this.#parts.get(stream);
    if (part === undefined) {
      part = { last: ts, before: undefined, hasTombstones: false };
      this.#parts.set(stream, part);
    }
    this.#stream = stream;
    return (this.#part = part);
  }

  #writeMembers({ buffer, start, end, special }: Changes): void {
    try {
      this.#values.writeMembers(this.#documents, buffer, start, end, special);
    } catch (error) {
      throw error instanceof JsonError ? notConvex(`a page of Data Sync: ${error.message}`, 200) : error;
    }
  }

  next(): boolean {
    const index = this.#index;
    if (index === this.#count) return false;
    this.#index++;
    this.stream = this.#streams[index]!.index;
    this.start = this.end;
    this.end = this.#ends[index]!;
    this.deleted = this.#deleted[index]!;
    this.tsLength = this.#timestamps[index]!.length;
    this.#tsStart = this.start + this.#tsAt[index]!;
    return true;
  }

  clear(): void {
    this.#documents.clear();
    this.#parts.clear();
    this.#stream = undefined;
    this.#count = this.#index = this.end = 0;
  }

  /**
   * For each stream, the timestamps of its last change, and of its last commit before that, if it has one
   * here: digits, nanoseconds.
   */
  ends(): Map<TableStream, { last: string; before: string | undefined }> {
    return new Map(this.#parts);
  }

  /**
   * For each stream of the segment, timestamps at which listings of its table together show every document
   * that is written here.
   */
  witnesses(): Map<TableStream, string[]> {
    return new Map(
      [...this.#parts].map(([stream, { last, hasTombstones }]) => [
        stream,
        hasTombstones ? [...this.#beforeTombstones(stream), last] : [last],
      ]),
    );
  }

  /**
   * The commits before those tombstones whose documents were written here since the last of these commits.
   */
  #beforeTombstones(wanted: TableStream): string[] {
    const found: string[] = [];
    // Ids that were written since the last timestamp that was found: up to the commit before, and in the
    // commit in hand.
    let written = new Set<string>();
    let inCommit: string[] = [];
    let before = '';
    let current = '';
    for (let index = 0; index < this.#count; index++) {
      if (this.#streams[index] !== wanted) continue;
      const ts = this.#timestamps[index]!;
      if (ts !== current) {
        [before, current] = [current, ts];
        for (const id of inCommit) written.add(id);
        inCommit = [];
      }
      const id = this.#ids.read(this.buffer, index === 0 ? 0 : this.#ends[index - 1]!, this.#ends[index]!);
      if (!this.#deleted[index]) {
        inCommit.push(id);
      } else if (written.has(id)) {
        // It was alive at the commit before its deletion, and so were the others that were written since.
        found.push(before);
        written = new Set();
      }
    }
    return found;
  }
}
