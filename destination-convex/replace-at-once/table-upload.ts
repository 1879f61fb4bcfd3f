/**
 * The rows of one table on their way into an upload: collected to parts of 5 MiB, which S3 asks for, and sent
 * one after the other. There is no second copy: where the rows of a part are sent, they are forgotten.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { configError } from '../../shared/core/failure.ts';
import { MAX_PARTS, MIN_PART_BYTES, type SnapshotImport } from '../../shared/convex/snapshot-import.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import type { StreamPlan } from '../streams.ts';
import type { KeyedRows } from './corrections.ts';

const NEWLINE = 0x0a;
const FIRST_SIZE = 64 * 1024;
/** How often an upload is begun anew because of a first part whose answer was lost. */
const MAX_BEGINNINGS = 5;

/** Bytes of rows in one request: what it can do in its 300 s (C171), and memory has room for. */
export const MAX_WHOLE_BYTES = 48 * 1024 * 1024;

export class TableUpload {
  readonly stream: StreamPlan;
  /** Rows so far. */
  rows = 0;
  /** Bytes of these rows. */
  bytes = 0;
  /** Whether a part may be in the file twice. */
  uncertain = false;
  readonly #api: SnapshotImport;
  /** Whether the rows are kept for one request, since parts cannot be used. */
  readonly #whole: boolean;
  /** Bytes of rows that make a part. Read once: `add` runs for every record. */
  readonly #partBytes = testOverride('PART_BYTES', MIN_PART_BYTES);
  /** Replaces rows that have not been sent by newer versions. */
  readonly #keyed: KeyedRows | undefined;
  /** Bytes of rows at which the next part is sent, unless there is less to send after a revision. */
  #partAt = this.#partBytes;
  #buffer: Buffer = Buffer.allocUnsafeSlow(0);
  #used = 0;
  /** Earlier rows of the part, compressed. */
  #packed: Buffer[] = [];
  #packedBytes = 0;
  #rawBytes = 0;
  /** What was sent by one request: it may have to be sent again. */
  #file: Buffer | undefined;
  #token = '';
  #partTokens: string[] = [];

  constructor(stream: StreamPlan, api: SnapshotImport, whole: boolean, keyed: KeyedRows | undefined) {
    this.stream = stream;
    this.#api = api;
    this.#whole = whole;
    this.#keyed = keyed;
  }

  /** Bytes of memory that it takes. */
  get held(): number {
    return this.#buffer.length + this.#packedBytes;
  }

  /** Appends a row, which is copied. Returns something to wait for before the next one, where there is. */
  add(row: Buffer): Promise<void> | undefined {
    this.#append(row);
    if (this.#rawBytes + this.#used < this.#partAt) return undefined;
    if (!this.#whole) return this.#sendRevised();
    if (this.bytes > MAX_WHOLE_BYTES) throw this.#tooLarge();
    if (this.#used >= MIN_PART_BYTES) this.pack();
    return undefined;
  }

  /** Replaces rows that have not been sent, if newer versions of them have come. */
  settle(): void {
    if (this.#keyed?.isDue !== true) return;
    const wasPacked = this.#packed.length > 0;
    const rows = this.#take();
    const { kept, dropped, added } = this.#keyed.settle(rows, this.#partTokens.length > 0);
    this.#buffer = rows;
    this.#used = kept;
    this.rows -= dropped;
    this.bytes -= rows.length - kept;
    for (const row of added) this.#append(row);
    if (wasPacked) this.pack();
  }

  /** Sends a part. One that is too small waits for many more rows, so that few are settled twice. */
  #sendRevised(): Promise<void> | undefined {
    this.settle();
    if (this.#rawBytes + this.#used >= this.#partBytes) return this.#sendPart();
    this.#partAt = Math.max(this.#partBytes, this.#used + this.#partBytes / 4);
    return undefined;
  }

  #append(row: Buffer): void {
    const needed = this.#used + row.length + 1;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, FIRST_SIZE, 2 * this.#buffer.length));
      this.#buffer.copy(grown, 0, 0, this.#used);
      this.#buffer = grown;
    }
    this.#used += row.copy(this.#buffer, this.#used);
    this.#buffer[this.#used++] = NEWLINE;
    this.rows++;
    this.bytes += row.length + 1;
  }

  /** Compresses what is held, and gives its memory back. */
  pack(): void {
    if (this.#used === 0) return;
    const packed = deflateRawSync(this.#buffer.subarray(0, this.#used), { level: 1 });
    this.#packed.push(packed);
    this.#packedBytes += packed.length;
    this.#rawBytes += this.#used;
    this.#buffer = Buffer.allocUnsafeSlow(0);
    this.#used = 0;
  }

  /** Sends the rest and makes another import of it, which waits for confirmation. Returns its id. */
  async finish(): Promise<string> {
    if (this.#rawBytes + this.#used > 0 || this.#partTokens.length === 0) await this.#sendPart();
    return this.#api.finishUpload(this.#token, this.#partTokens, this.stream.table);
  }

  /** Replaces the table by one request. Returns the number of rows that it has then. */
  async replaceAtOnce(): Promise<number> {
    this.#file ??= this.#take();
    const rows = await this.#api.replaceAtOnce(this.stream.table, this.#file);
    this.#file = undefined;
    return rows;
  }

  async #sendPart(): Promise<void> {
    const bytes = this.#take();
    this.#partAt = this.#partBytes;
    const number = this.#partTokens.length + 1;
    if (number > MAX_PARTS) throw this.#tooLarge();
    if (number > 1) {
      const { token, uncertain } = await this.#api.uploadPart(this.#token, number, bytes);
      this.#partTokens.push(token);
      // Earlier parts are gone, so no new upload is possible. The number of rows is compared in the end.
      this.uncertain ||= uncertain;
      return;
    }
    for (let beginning = 1; ; beginning++) {
      this.#token = await this.#api.startUpload();
      const { token, uncertain } = await this.#api.uploadPart(this.#token, 1, bytes);
      if (uncertain && beginning < MAX_BEGINNINGS) continue;
      this.uncertain = uncertain;
      this.#partTokens.push(token);
      return;
    }
  }

  /** The rows that have not been sent. They are forgotten. */
  #take(): Buffer {
    const bytes = this.#unpacked(this.#buffer.subarray(0, this.#used));
    this.#packed = [];
    this.#packedBytes = 0;
    this.#rawBytes = 0;
    this.#used = 0;
    // The view goes on to use the memory, so the next rows need their own.
    this.#buffer = Buffer.allocUnsafeSlow(0);
    return bytes;
  }

  /** `rows` and the earlier ones before them, of which only one piece is there twice meanwhile. */
  #unpacked(rows: Buffer): Buffer {
    if (this.#packed.length === 0) return rows;
    const bytes = Buffer.allocUnsafeSlow(this.#rawBytes + rows.length);
    let end = 0;
    for (const packed of this.#packed) end += inflateRawSync(packed).copy(bytes, end);
    rows.copy(bytes, end);
    return bytes;
  }

  #tooLarge(): Error {
    const { text, table, descriptor } = this.stream;
    return configError(
      this.#whole
        ? `The stream "${text}" has more than ${MAX_WHOLE_BYTES / 1024 / 1024} MiB of rows. Without the permission deployment:backups:view the deploy key cannot follow an import, and its table ${table} has to be replaced by one request, which takes no more. Nothing was changed. Make a key with the permissions deployment:backups:import and deployment:backups:view, or set "How tables are replaced" to "Clear, then insert".`
        : `The stream "${text}" has more rows than one upload can hold (${MAX_PARTS} parts of 5 MiB). Its table ${table} was not changed. Set "How tables are replaced" to "Clear, then insert".`,
      descriptor,
    );
  }
}
