/**
 * Encodes a document as the bytes of a RECORD line: `{"type":"RECORD","record":{"stream":…,"data":`, the
 * document with the `_ab_cdc_*` columns before its closing brace, `,"emitted_at":…}}`. The document is
 * copied, never decoded (INV4).
 */
import type { StreamDescriptor } from '../../shared/core/stream-descriptor.ts';
import { ColumnFilter } from '../columns.ts';
import type { ByteSink } from '../../shared/json/growing-buffer.ts';
import { bytesAre } from '../../shared/json/raw.ts';
import type { RecordHead, SourceRecord } from './events.ts';
import { ISO_LENGTH, TS_DIGITS, writeIso } from './timestamps.ts';

const ISO_BLANK = ' '.repeat(ISO_LENGTH);
/** Milliseconds since 1970 have 13 digits until the year 2286. */
const EMITTED_AT_LENGTH = 13;

/** `snapshot`: the document lacks `_deleted`, so it is added. Documents of the change log have it. */
type Origin = 'snapshot' | 'changed' | 'deleted';

/** The bytes after a document, with holes for the parts that differ between documents. */
class Tail {
  readonly #bytes: Buffer;
  readonly #lsn: number;
  readonly #updatedAt: number;
  readonly #deletedAt: number | undefined;
  readonly #emittedAt: number;
  readonly #tsLength: number;
  /** Timestamp of the last record, '' before the first. Consecutive records often share a commit. */
  readonly #digits = Buffer.alloc(TS_DIGITS);
  readonly #next = Buffer.alloc(TS_DIGITS, '0');
  #emitted = 0;

  /** `tsLength`: number of digits of its timestamps. */
  constructor(tsLength: number, origin: Origin) {
    let text = origin === 'snapshot' ? ',"_deleted":false' : '';
    const hole = (before: string, content: string): number => {
      text += before;
      const at = text.length;
      text += content;
      return at;
    };
    const deleted = origin === 'deleted';
    this.#tsLength = tsLength;
    this.#lsn = hole(',"_ab_cdc_lsn":', '0'.repeat(tsLength));
    this.#updatedAt = hole(',"_ab_cdc_updated_at":"', ISO_BLANK);
    this.#deletedAt = deleted ? hole('","_ab_cdc_deleted_at":"', ISO_BLANK) : undefined;
    text += deleted ? '"' : '","_ab_cdc_deleted_at":null';
    this.#emittedAt = hole('},"emitted_at":', '0'.repeat(EMITTED_AT_LENGTH));
    this.#bytes = Buffer.from(`${text}}}\n`);
  }

  bytes(head: RecordHead, emittedAt: number): Buffer {
    const bytes = this.#bytes;
    const digits = this.#digits;
    head.copyTs(this.#next, TS_DIGITS - this.#tsLength);
    if (!bytesAre(digits, 0, TS_DIGITS, this.#next)) {
      this.#next.copy(digits);
      head.copyTs(bytes, this.#lsn);
      writeIso(bytes, this.#updatedAt, digits, 0);
      if (this.#deletedAt !== undefined) writeIso(bytes, this.#deletedAt, digits, 0);
    }
    if (emittedAt !== this.#emitted) {
      this.#emitted = emittedAt;
      bytes.write(String(emittedAt), this.#emittedAt, 'latin1');
    }
    return bytes;
  }
}

export class RecordEncoder {
  /** What a line begins with, before the document. */
  readonly prefix: Buffer;
  readonly #snapshot = new Tail(TS_DIGITS, 'snapshot');
  readonly #changed = new Tail(TS_DIGITS, 'changed');
  readonly #deleted = new Tail(TS_DIGITS, 'deleted');
  readonly #filter: ColumnFilter | undefined;
  #plainTail: Buffer = Buffer.alloc(0);
  #plainEmittedAt = -1;

  /** `excluded`: columns to leave out of records. */
  constructor({ name, namespace }: StreamDescriptor, excluded: readonly string[] = []) {
    const space = namespace === undefined ? '' : `"namespace":${JSON.stringify(namespace)},`;
    this.prefix = Buffer.from(`{"type":"RECORD","record":{"stream":${JSON.stringify(name)},${space}"data":`);
    this.#filter = excluded.length === 0 ? undefined : new ColumnFilter(excluded);
  }

  /** Writes a record. `emittedAt`: milliseconds since 1970. */
  write(sink: ByteSink, { buffer, start, end, head }: SourceRecord, emittedAt: number): void {
    if (head !== undefined) this.#filter?.find(buffer, start, end);
    sink.bytes(this.prefix);
    if (head === undefined) {
      sink.bytes(buffer, start, end);
      sink.bytes(this.#withoutColumns(emittedAt));
    } else {
      if (this.#filter === undefined) sink.bytes(buffer, start, end - 1);
      else this.#filter.write(sink, buffer);
      sink.bytes(this.tail(head, emittedAt));
    }
  }

  /** Whether documents are copied as they are. */
  get copies(): boolean {
    return this.#filter === undefined;
  }

  /** What follows a document without its closing brace. Valid until the next call. */
  tail(head: RecordHead, emittedAt: number): Buffer {
    return this.#tail(head).bytes(head, emittedAt);
  }

  #tail({ tsLength, deleted }: RecordHead): Tail {
    if (tsLength !== TS_DIGITS)
      return new Tail(tsLength, deleted === undefined ? 'snapshot' : deleted ? 'deleted' : 'changed');
    return deleted === undefined ? this.#snapshot : deleted ? this.#deleted : this.#changed;
  }

  #withoutColumns(emittedAt: number): Buffer {
    if (emittedAt !== this.#plainEmittedAt) {
      this.#plainEmittedAt = emittedAt;
      this.#plainTail = Buffer.from(`,"emitted_at":${emittedAt}}}\n`);
    }
    return this.#plainTail;
  }
}
