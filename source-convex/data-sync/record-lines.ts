/** RECORD lines of changes, held in memory one behind the other. */
import { notConvex } from '../../shared/convex/client.ts';
import type { Changes } from '../../shared/convex/data-sync.ts';
import { ExportValues } from '../../shared/convex/export-values.ts';
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import { GrowingBuffer } from '../../shared/json/growing-buffer.ts';
import { JsonError, QUOTE, skipSpace } from '../../shared/json/raw.ts';
import { NO_ROOM, lines, setLineParts, writeLine } from '../../shared/json/wasm/lines.ts';
import { RecordEncoder } from '../output/record-encoder.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { ComposedDocuments } from './composed-documents.ts';
import { Stamp } from './stamped-records.ts';

export class RecordLines {
  readonly #format: ValueFormat;
  readonly #values: ExportValues;
  readonly #encoders = new Map<TableStream, RecordEncoder>();
  readonly #settled = new GrowingBuffer();
  /** Bytes of `lines` that come after these. */
  #pending = 0;
  readonly #document = new ComposedDocuments();
  // What consecutive changes mostly have in common.
  #stream: TableStream | undefined;
  #encoder!: RecordEncoder;
  #stamp = new Stamp('', undefined);
  #emittedAt = 0;
  /** Whether lines can be put together in WebAssembly. */
  #fast = false;

  constructor(format: ValueFormat) {
    this.#format = format;
    this.#values = new ExportValues(format);
  }

  get length(): number {
    return this.#settled.length + this.#pending;
  }

  /** All lines, from 0 to before `length`. */
  get buffer(): Buffer {
    this.#settle();
    return this.#settled.buffer;
  }

  clear(): void {
    this.#settled.clear();
    this.#pending = 0;
  }

  /** Appends the change that `changes` is at. Throws `ConvexApiError`. */
  add(changes: Changes, stream: TableStream): void {
    const { buffer, start, end } = changes;
    if (buffer[skipSpace(buffer, start + 1, end)] !== QUOTE) throw notConvex('a document has no "_id"', 200);
    const { ts, deleted } = this.#stamp;
    if (stream !== this.#stream || changes.ts !== ts || changes.deleted !== deleted) this.#begin(changes, stream);
    if (!this.#fast || changes.inChunk === -1 || !this.#addFast(changes)) this.#addSlowly(changes);
  }

  /** Where the document of a line begins, counted from the line's beginning. */
  documentAt(stream: TableStream): number {
    return this.#encoderOf(stream).prefix.length;
  }

  #begin(changes: Changes, stream: TableStream): void {
    this.#encoder = this.#encoderOf(stream);
    this.#stream = stream;
    this.#stamp = new Stamp(changes.ts, changes.deleted);
    this.#emittedAt = Date.now();
    this.#fast = this.#format === 'json' && this.#encoder.copies && this.#setParts(changes);
  }

  #setParts(changes: Changes): boolean {
    const { buffer, length } = this.#beginDocument(changes);
    const { prefix } = this.#encoder;
    return setLineParts([prefix, buffer.subarray(0, length)], this.#encoder.tail(this.#stamp, this.#emittedAt));
  }

  #encoderOf(stream: TableStream): RecordEncoder {
    let encoder = this.#encoders.get(stream);
    if (encoder === undefined) {
      encoder = new RecordEncoder(stream.planned.descriptor, stream.planned.excluded);
      this.#encoders.set(stream, encoder);
    }
    return encoder;
  }

  #addFast({ inChunk, start, end, special }: Changes): boolean {
    const { first, count } = special!;
    const from = inChunk + 1;
    const to = inChunk + end - start - 1;
    let after = writeLine(this.#pending, from, to, first, count);
    if (after === NO_ROOM) {
      this.#settle();
      after = writeLine(0, from, to, first, count);
    }
    if (after <= NO_ROOM) return false;
    this.#pending = after;
    return true;
  }

  #addSlowly(changes: Changes): void {
    this.#settle();
    const document = this.#beginDocument(changes);
    const { buffer, start, end, special } = changes;
    try {
      this.#values.writeMembers(document, buffer, start, end, special);
    } catch (error) {
      throw error instanceof JsonError ? notConvex(`a page of Data Sync: ${error.message}`, 200) : error;
    }
    const record = { buffer: document.buffer, start: 0, end: document.length, head: this.#stamp };
    this.#encoder.write(this.#settled, record, this.#emittedAt);
  }

  #beginDocument(changes: Changes): ComposedDocuments {
    this.#document.clear();
    this.#document.head(changes, changes.ts);
    return this.#document;
  }

  #settle(): void {
    this.#settled.bytes(lines, 0, this.#pending);
    this.#pending = 0;
  }
}
