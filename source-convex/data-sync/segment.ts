/**
 * A part of a Data Sync page, held in memory until it is written: the changes as RECORD lines, whose
 * documents are byte for byte as `document_deltas` gives them (`{"_component","_table","_ts","_deleted"`,
 * then the members of the value, C101).
 *
 * It is held because a state has to name, before the first of these records is written, timestamps at which
 * the table can be listed and that together show every document that is written. Otherwise a document that
 * was made and deleted within one page would stay at the destination where the run is killed in between and
 * the table is replaced: no log has its deletion any more (C120).
 */
import type { Changes } from '../../shared/convex/data-sync.ts';
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import type { RecordCursor, SourceRecord } from '../output/events.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { DocumentId } from './document-id.ts';
import { RecordLines } from './record-lines.ts';

/** What a segment has of one stream. Timestamps are digits, nanoseconds. */
interface Part {
  /** Of its last change, and of its last commit before that, if it has one here. */
  last: string;
  before: string | undefined;
  hasTombstones: boolean;
}

export class Segment implements RecordCursor, SourceRecord {
  stream = -1;
  readonly record: SourceRecord = this;
  readonly head = undefined;
  start = 0;
  end = 0;
  lines = 0;
  readonly #lines: RecordLines;
  readonly #ids = new DocumentId();
  readonly #parts = new Map<TableStream, Part>();
  // Of each change: arrays are kept from segment to segment, since an object for each change is garbage.
  readonly #streams: TableStream[] = [];
  readonly #timestamps: string[] = [];
  readonly #deleted: boolean[] = [];
  readonly #ends: number[] = [];
  #count = 0;
  #index = 0;
  // Of the last change.
  #stream: TableStream | undefined;
  #part: Part | undefined;

  constructor(format: ValueFormat) {
    this.#lines = new RecordLines(format);
  }

  get buffer(): Buffer {
    return this.#lines.buffer;
  }

  get bytes(): number {
    return this.#lines.length;
  }

  /** Takes the change that `changes` is at. Throws `ConvexApiError`. */
  add(changes: Changes, stream: TableStream): void {
    const { ts, deleted } = changes;
    this.#lines.add(changes, stream);
    const index = this.#count++;
    this.#streams[index] = stream;
    this.#timestamps[index] = ts;
    this.#deleted[index] = deleted;
    this.#ends[index] = this.#lines.length;
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

  /** Moves to the next lines of one stream. */
  next(): boolean {
    const first = this.#index;
    if (first === this.#count) return false;
    const stream = this.#streams[first];
    while (this.#index < this.#count && this.#streams[this.#index] === stream) this.#index++;
    this.stream = stream!.index;
    this.lines = this.#index - first;
    this.start = this.end;
    this.end = this.#ends[this.#index - 1]!;
    return true;
  }

  clear(): void {
    this.#lines.clear();
    this.#parts.clear();
    this.#stream = undefined;
    this.#count = this.#index = this.end = 0;
  }

  /**
   * For each stream that has two commits here, the timestamp of the one before its last: digits, nanoseconds.
   * All changes of that commit are here, or were written before.
   */
  complete(): [TableStream, string][] {
    return [...this.#parts].flatMap(([stream, { before }]) => (before === undefined ? [] : [[stream, before]]));
  }

  /** By stream: timestamps whose listings together show every document that is written here. */
  witnesses(): Map<TableStream, string[]> {
    return new Map(
      [...this.#parts].map(([stream, { last, hasTombstones }]) => [
        stream,
        hasTombstones ? [...this.#beforeTombstones(stream), last] : [last],
      ]),
    );
  }

  /** Commits before those tombstones whose documents were written here since the last of them. */
  #beforeTombstones(wanted: TableStream): string[] {
    const found: string[] = [];
    const documentAt = this.#lines.documentAt(wanted);
    // Ids that were written since the last timestamp found: before the commit in hand, and in it.
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
      const start = (index === 0 ? 0 : this.#ends[index - 1]!) + documentAt;
      const id = this.#ids.read(this.buffer, start, this.#ends[index]!);
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
