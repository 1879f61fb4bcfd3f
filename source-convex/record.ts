/**
 * A document's bytes become a RECORD line's bytes: `{"type":"RECORD","record":{"stream":…,"data":` + the document, its closing brace
 * replaced by the `_ab_cdc_*` columns + `,"emitted_at":…}}`. The document itself is copied, never decoded.
 */
import type { StreamDescriptor } from '../shared/airbyte/protocol.generated.ts';
import type { ProtocolWriter } from '../shared/airbyte/writer.ts';
import type { DocumentHead } from '../shared/convex/document.ts';
import { ISO_LENGTH, writeIso } from './timestamps.ts';

const ISO_BLANK = ' '.repeat(ISO_LENGTH);
/** Milliseconds since 1970 have 13 digits until the year 2286. */
const EMITTED_AT_LENGTH = 13;

/** What follows a document, as bytes with holes for what differs from document to document. */
class Tail {
  readonly #bytes: Buffer;
  readonly #lsn: number;
  readonly #updatedAt: number;
  readonly #deletedAt: number;
  readonly #emittedAt: number;
  #ts = '';
  #emitted = 0;

  /** `tsLength`: digits of the timestamps; 19 from 2001 to 2286. */
  constructor(tsLength: number, { snapshot, deleted }: { snapshot: boolean; deleted: boolean }) {
    let text = snapshot ? ',"_deleted":false' : '';
    const hole = (name: string, content: string): number => {
      text += name;
      const at = text.length;
      text += content;
      return at;
    };
    this.#lsn = hole(',"_ab_cdc_lsn":', '0'.repeat(tsLength));
    this.#updatedAt = hole(',"_ab_cdc_updated_at":"', ISO_BLANK);
    this.#deletedAt = deleted ? hole('","_ab_cdc_deleted_at":"', ISO_BLANK) : hole('","_ab_cdc_deleted_at":', 'null');
    this.#emittedAt = hole(deleted ? '"},"emitted_at":' : '},"emitted_at":', '0'.repeat(EMITTED_AT_LENGTH));
    this.#bytes = Buffer.from(`${text}}}\n`);
    if (!deleted) this.#deletedAt = -1;
  }

  bytes(ts: string, emittedAt: number): Buffer {
    const bytes = this.#bytes;
    if (ts !== this.#ts) {
      this.#ts = ts;
      for (let i = 0; i < ts.length; i++) bytes[this.#lsn + i] = ts.charCodeAt(i);
      writeIso(bytes, this.#updatedAt, ts);
      if (this.#deletedAt !== -1) writeIso(bytes, this.#deletedAt, ts);
    }
    if (emittedAt !== this.#emitted) {
      this.#emitted = emittedAt;
      bytes.write(String(emittedAt), this.#emittedAt, 'latin1');
    }
    return bytes;
  }
}

const TS_LENGTH = 19;

export class RecordEncoder {
  readonly #prefix: Buffer;
  readonly #live: Tail;
  readonly #deleted: Tail;
  readonly #snapshot: boolean;

  /** `snapshot`: documents of snapshot pages have no `_deleted` of their own. */
  constructor({ name, namespace }: StreamDescriptor, { snapshot }: { snapshot: boolean }) {
    const space = namespace === undefined ? '' : `"namespace":${JSON.stringify(namespace)},`;
    this.#prefix = Buffer.from(`{"type":"RECORD","record":{"stream":${JSON.stringify(name)},${space}"data":`);
    this.#snapshot = snapshot;
    this.#live = new Tail(TS_LENGTH, { snapshot, deleted: false });
    this.#deleted = new Tail(TS_LENGTH, { snapshot, deleted: true });
  }

  /** Writes the record of the document `buffer[start, end)`, whose head has been read. `emittedAt`: milliseconds since 1970. */
  write(
    writer: ProtocolWriter,
    buffer: Buffer,
    start: number,
    end: number,
    head: DocumentHead,
    emittedAt: number,
  ): void {
    const deleted = head.deleted === true;
    const tail =
      head.ts.length === TS_LENGTH
        ? deleted
          ? this.#deleted
          : this.#live
        : new Tail(head.ts.length, { snapshot: this.#snapshot, deleted });
    writer.bytes(this.#prefix);
    writer.bytes(buffer, start, end - 1);
    writer.bytes(tail.bytes(head.ts, emittedAt));
  }
}
