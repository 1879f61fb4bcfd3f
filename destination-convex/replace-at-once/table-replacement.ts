/** One stream's records on their way into an upload: checked, encoded as rows, one for each key. */
import { importBody, type ImporterOptions } from '../importer.ts';
import { batchLimits } from '../limits.ts';
import { problemText, tooLarge } from '../rejections.ts';
import { RequestBody, type Deletion, type StreamBytes } from '../request-body.ts';
import type { StreamPlan } from '../streams.ts';
import { uninsertable } from '../tombstones.ts';
import { KeyedRows, type Correction, type CorrectionBudget } from './corrections.ts';
import type { RowEncoder } from './row.ts';
import { TableUpload } from './table-upload.ts';
import type { SnapshotImport } from '../../shared/convex/snapshot-import.ts';

/** Takes a refused record: its number, its data (valid during the call) and the reason as a sentence. */
export type Reject = (stream: StreamPlan, record: number, data: Buffer, reason: string) => void;

/** What the replacements of one sync share. */
export interface SharedByTables {
  imports: SnapshotImport;
  importing: ImporterOptions;
  reject: Reject;
  encoder: RowEncoder;
  budget: CorrectionBudget;
  /** Whether a table is replaced by one request. */
  whole: boolean;
  /** Rows take so many more bytes of memory. `mayPack`: whether they may be compressed now. */
  held: (bytes: number, mayPack: boolean) => void;
  /** By stream: what it contributes to requests that append, and to those that deduplicate. */
  appended: readonly StreamBytes[];
  keyed: readonly StreamBytes[];
}

export class TableReplacement {
  readonly stream: StreamPlan;
  readonly upload: TableUpload;
  readonly #shared: SharedByTables;
  /** Records that the deployment has to check; see dry-run.ts. */
  readonly #unchecked: RequestBody;
  /** Deletions that came after records that are still to be checked; in the order of their numbers. */
  #deletions: Correction[] = [];
  #deletionBytes = 0;
  /** Whether it has to check each record, since a schema may refuse any. */
  readonly #checksAll: boolean;
  readonly #keyed: KeyedRows | undefined;

  constructor(stream: StreamPlan, checksAll: boolean, shared: SharedByTables) {
    const { imports, encoder, budget, whole } = shared;
    this.stream = stream;
    this.#shared = shared;
    this.#checksAll = checksAll;
    this.#unchecked = new RequestBody(false, batchLimits().append, shared.appended);
    if (stream.key !== undefined) this.#keyed = new KeyedRows(stream, encoder, budget);
    this.upload = new TableUpload(stream, imports, whole, this.#keyed);
  }

  /** Copies a record. The next one, and changes of `buffer`, have to wait for the returned promise. */
  take(record: number, buffer: Buffer, start: number, end: number, deletion?: Deletion): Promise<void> | undefined {
    if (deletion !== undefined)
      return this.#takeDeletion({ record, data: copyOf(buffer, start, end), deletion: moved(deletion, -start) });
    if (!this.#checksAll) {
      const row = this.#shared.encoder.encode(buffer, start, end);
      if (row.kind === 'row') return this.#add(record, row.bytes, () => copyOf(buffer, start, end));
    }
    if (this.#unchecked.fits(this.stream, end - start)) return this.#check(record, buffer, start, end);
    return this.#flush().then(() => this.#check(record, buffer, start, end));
  }

  /** Everything has arrived. Resolves when all rows are known that the upload will have. */
  async finish(): Promise<void> {
    await this.#flush();
    this.upload.settle();
  }

  /** How many corrections have to follow the replacement of the table. */
  get corrections(): number {
    return this.#keyed?.waiting ?? 0;
  }

  /** After the replacement and its index: writes newer versions of rows. Resolves when all are durable. */
  async correct(): Promise<void> {
    const { keyed, importing } = this.#shared;
    const body = new RequestBody(false, batchLimits().dedup, keyed);
    /** Set where the schema does not allow to make a row first that is to be deleted (see tombstones.ts). */
    let alone: Buffer | undefined;
    const send = async (): Promise<void> => {
      for await (const event of importBody(body, importing)) {
        if (event.kind === 'guarded') alone = uninsertable(this.stream.key!);
        else this.#reject(event.record, event.data, event.reason);
      }
      body.clear();
    };
    for (const { record, data, deletion } of this.#keyed?.takeAll() ?? []) {
      const how = () => deletion && { ...deletion, uninsertable: alone };
      if (!body.fits(this.stream, data.length, how())) await send();
      body.add(this.stream, record, data, 0, data.length, how());
    }
    if (body.count > 0) await send();
  }

  #takeDeletion(correction: Correction & { deletion: Deletion }): Promise<void> | undefined {
    const { record, data, deletion } = correction;
    const row = this.#shared.encoder.encode(data, 0, data.length);
    if (row.kind === 'doubtful') return this.#checkDeletion(correction);
    // Only the key of a deletion is ever stored, so no schema refuses it. But it has to wait for its turn.
    if (this.#unchecked.count === 0) return this.#add(record, row.bytes, () => data, deletion);
    this.#deletions.push(correction);
    this.#deletionBytes += data.length;
    const { messages, bytes } = this.#unchecked.limits;
    return this.#deletions.length < messages && this.#deletionBytes < bytes ? undefined : this.#flush();
  }

  #check(record: number, buffer: Buffer, start: number, end: number): Promise<void> | undefined {
    const unchecked = this.#unchecked;
    if (!unchecked.fits(this.stream, end - start)) {
      // Larger than any request: as without this way of writing.
      this.#reject(record, buffer.subarray(start, end), tooLarge(end - start));
      return undefined;
    }
    unchecked.add(this.stream, record, buffer, start, end);
    return unchecked.full || !this.#checksAll ? this.#flush() : undefined;
  }

  /** Checks a doubtful deletion alone, in a form that is refused as a document if it is well. */
  async #checkDeletion(correction: Correction & { deletion: Deletion }): Promise<void> {
    await this.#flush();
    const { record, data, deletion } = correction;
    const unchecked = this.#unchecked;
    const alone = { ...deletion, uninsertable: uninsertable(this.stream.key!) };
    if (![deletion, alone].every((form) => unchecked.fits(this.stream, data.length, form))) {
      this.#reject(record, data, tooLarge(data.length));
      return;
    }
    unchecked.add(this.stream, record, data, 0, data.length, alone);
    const refused = await this.#refused();
    unchecked.clear();
    if (refused.size === 0) await this.#put(correction);
  }

  /** Has the waiting records checked. Puts them and the deletions between them into their places. */
  async #flush(): Promise<void> {
    const unchecked = this.#unchecked;
    const refused = await this.#refused();
    const deletions = this.#deletions;
    this.#deletions = [];
    this.#deletionBytes = 0;
    for (let index = 0; index < unchecked.count; index++) {
      const { record } = unchecked.at(index);
      while (deletions.length > 0 && deletions[0]!.record < record) await this.#put(deletions.shift()!);
      if (!refused.has(record)) await this.#put({ record, data: unchecked.data(index), deletion: undefined });
    }
    for (const deletion of deletions) await this.#put(deletion);
    unchecked.clear();
  }

  /** Has the deployment check what is in the body. Returns the numbers of the records that were refused. */
  async #refused(): Promise<Set<number>> {
    const { importing } = this.#shared;
    const refused = new Set<number>();
    if (this.#unchecked.count === 0) return refused;
    for await (const event of importBody(this.#unchecked, { ...importing, send: importing.dryRun })) {
      if (event.kind === 'guarded') continue;
      refused.add(event.record);
      this.#reject(event.record, event.data, event.reason);
    }
    return refused;
  }

  /** Puts a checked record into its place. */
  async #put({ record, data, deletion }: Correction): Promise<void> {
    const { bytes } = this.#shared.encoder.encode(data, 0, data.length);
    if (bytes === undefined) this.#reject(record, data, problemText('not-json', data));
    else await this.#add(record, bytes, () => copyOf(data, 0, data.length), deletion);
  }

  /** `data`: a copy of the record's data. */
  #add(record: number, row: Buffer, data: () => Buffer, deletion?: Deletion): Promise<void> | undefined {
    const { upload } = this;
    if (this.#keyed?.take(row, record, data, deletion) === false) return undefined;
    const before = upload.held;
    const sending = upload.add(row);
    this.#shared.held(upload.held - before, sending === undefined);
    return sending;
  }

  #reject(record: number, data: Buffer, reason: string): void {
    this.#shared.reject(this.stream, record, data, reason);
  }
}

/** The places that a deletion names, in data that were moved by so many bytes. */
function moved(deletion: Deletion, by: number): Deletion {
  return { ...deletion, markerStart: deletion.markerStart + by, markerEnd: deletion.markerEnd + by };
}

/** Memory of its own: a piece of a pool would keep the whole pool. */
function copyOf(buffer: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  buffer.copy(copy, 0, start, end);
  return copy;
}
