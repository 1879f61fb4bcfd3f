/**
 * The records of one stream on their way into an upload: checked, encoded as rows, and sorted out where a key
 * comes more than once.
 */
import { importBody, type ImporterOptions } from '../importer.ts';
import { batchLimits } from '../limits.ts';
import { problemText, tooLarge } from '../rejections.ts';
import { RequestBody, type Deletion, type StreamBytes } from '../request-body.ts';
import type { StreamPlan } from '../streams.ts';
import { uninsertable } from '../tombstones.ts';
import { KeyedRows, type Correction, type CorrectionBudget } from './corrections.ts';
import type { RowEncoder, Row } from './row.ts';
import type { StoredNames, SpellingOf } from './stored-names.ts';
import { TableUpload } from './table-upload.ts';
import type { SnapshotImport } from '../../shared/convex/snapshot-import.ts';

/** What happens to records that Convex would refuse. */
export type Reject = (stream: StreamPlan, record: number, data: Buffer, reason: string) => void;

/** What the replacements of one sync share. */
export interface SharedByTables {
  imports: SnapshotImport;
  /** Sends requests of which nothing is stored: the deployment checks the records. */
  checking: ImporterOptions;
  /** Sends requests that are stored. */
  importing: ImporterOptions;
  names: StoredNames;
  encoder: RowEncoder;
  budget: CorrectionBudget;
  /** Whether a table is replaced by one request. */
  whole: boolean;
  reject: Reject;
  spellingOf: SpellingOf;
  /** Rows take so many bytes of memory more. `mayPack`: whether they may be compressed now. */
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
  /** Whether it has to check each record, since a schema may refuse any. */
  readonly #checksAll: boolean;
  readonly #keyed: KeyedRows | undefined;

  constructor(stream: StreamPlan, checksAll: boolean, shared: SharedByTables) {
    this.stream = stream;
    this.#shared = shared;
    this.#checksAll = checksAll;
    this.#unchecked = new RequestBody(false, batchLimits().append, shared.appended);
    if (stream.key !== undefined) {
      const paths = stream.key.fields.map(({ stored }) => stored);
      this.#keyed = new KeyedRows(stream, paths, shared.budget);
    }
    const keyed = this.#keyed;
    const revision = keyed && {
      get isDue() {
        return keyed.isDue;
      },
      revise: (rows: Buffer, uploaded: boolean) => this.#revise(keyed, rows, uploaded),
    };
    this.upload = new TableUpload(stream, shared.imports, shared.whole, revision);
  }

  /** Takes a record, which is copied. Returns something to wait for before the next one, where there is. */
  take(record: number, buffer: Buffer, start: number, end: number, deletion?: Deletion): Promise<void> | undefined {
    if (deletion !== undefined) return this.#takeCopy(record, copyOf(buffer, start, end), moved(deletion, -start));
    if (this.#checksAll) return this.#checkLater(record, copyOf(buffer, start, end));
    const row = this.#shared.encoder.encode(buffer, start, end);
    if (row.kind === 'row') return this.#add(record, row.bytes, () => copyOf(buffer, start, end));
    return this.#takeCopy(record, copyOf(buffer, start, end), undefined);
  }

  /** Has the rest checked. */
  async #flush(): Promise<void> {
    const unchecked = this.#unchecked;
    const refused = await this.#refused();
    const deletions = this.#deletions;
    this.#deletions = [];
    for (let index = 0; index < unchecked.count; index++) {
      const { record } = unchecked.at(index);
      while (deletions.length > 0 && deletions[0]!.record < record) await this.#put(deletions.shift()!);
      if (!refused.has(record)) await this.#put({ record, data: unchecked.data(index), deletion: undefined });
    }
    for (const deletion of deletions) await this.#put(deletion);
    unchecked.clear();
  }

  /** Everything has arrived. Resolves when all rows are known that the upload will have. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.upload.settle();
  }

  /** How many corrections have to follow the replacement of the table. */
  get corrections(): number {
    return this.#keyed?.waiting ?? 0;
  }

  /**
   * The table was replaced, and is indexed by its key: writes the versions that came after others. Resolves
   * when they are durable.
   */
  async correct(): Promise<void> {
    const { keyed, importing, reject } = this.#shared;
    const body = new RequestBody(false, batchLimits().dedup, keyed);
    /** Set where the schema does not allow to make a row first that is to be deleted (see tombstones.ts). */
    let alone: Buffer | undefined;
    const send = async (): Promise<void> => {
      for await (const event of importBody(body, importing)) {
        if (event.kind === 'guarded') alone = uninsertable(this.stream.key!);
        else reject(this.stream, event.record, event.data, event.reason);
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

  #takeCopy(record: number, data: Buffer, deletion: Deletion | undefined): Promise<void> | undefined {
    const row = this.#shared.encoder.encode(data, 0, data.length);
    if (row.kind === 'unknown-names')
      return this.#shared.names.learn(this.#shared.spellingOf).then(() => this.#takeCopy(record, data, deletion));
    if (deletion !== undefined) {
      if (row.kind === 'doubtful') return this.#checkDeletion({ record, data, deletion });
      // Whatever a deletion says besides its key is never stored, so no schema refuses it. But it has to wait
      // for its turn.
      if (this.#unchecked.count === 0) return this.#add(record, row.bytes, () => data, deletion);
      return this.#deletions.push({ record, data, deletion }) < this.#unchecked.limits.messages
        ? undefined
        : this.#flush();
    }
    return row.kind === 'row' ? this.#add(record, row.bytes, () => data) : this.#checkLater(record, data);
  }

  #checkLater(record: number, data: Buffer): Promise<void> | undefined {
    if (this.#unchecked.fits(this.stream, data.length)) return this.#check(record, data);
    return this.#flush().then(() => this.#check(record, data));
  }

  #check(record: number, data: Buffer): Promise<void> | undefined {
    const unchecked = this.#unchecked;
    if (!unchecked.fits(this.stream, data.length)) {
      // Larger than any request: as without this way of writing.
      this.#shared.reject(this.stream, record, data, tooLarge(data.length));
      return undefined;
    }
    unchecked.add(this.stream, record, data, 0, data.length);
    return unchecked.full || !this.#checksAll ? this.#flush() : undefined;
  }

  /**
   * A deletion that may be no JSON, or exceed a limit, is checked alone, in a form that is refused as a
   * document where it is well.
   */
  async #checkDeletion(correction: Correction & { deletion: Deletion }): Promise<void> {
    await this.#flush();
    const { record, data, deletion } = correction;
    const unchecked = this.#unchecked;
    const alone = { ...deletion, uninsertable: uninsertable(this.stream.key!) };
    if (![deletion, alone].every((form) => unchecked.fits(this.stream, data.length, form))) {
      this.#shared.reject(this.stream, record, data, tooLarge(data.length));
      return;
    }
    unchecked.add(this.stream, record, data, 0, data.length, alone);
    const refused = await this.#refused();
    unchecked.clear();
    if (refused.size === 0) await this.#put(correction);
  }

  /** Has the deployment check what is in the body. Returns the numbers of the records that were refused. */
  async #refused(): Promise<Set<number>> {
    const { checking, reject } = this.#shared;
    const refused = new Set<number>();
    if (this.#unchecked.count === 0) return refused;
    for await (const event of importBody(this.#unchecked, checking)) {
      if (event.kind === 'guarded') continue;
      refused.add(event.record);
      reject(this.stream, event.record, event.data, event.reason);
    }
    return refused;
  }

  /** Puts a checked record into its place. */
  async #put({ record, data, deletion }: Correction): Promise<void> {
    const { bytes } = await this.#known(data);
    if (bytes === undefined) this.#shared.reject(this.stream, record, data, problemText('not-json', data));
    else await this.#add(record, bytes, () => copyOf(data, 0, data.length), deletion);
  }

  /** The row for these data, once all names are known. */
  async #known(data: Buffer): Promise<Exclude<Row, { kind: 'unknown-names' }>> {
    const { encoder, names, spellingOf } = this.#shared;
    for (;;) {
      const row = encoder.encode(data, 0, data.length);
      if (row.kind !== 'unknown-names') return row;
      await names.learn(spellingOf);
    }
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

  async #revise(
    keyed: KeyedRows,
    rows: Buffer,
    uploaded: boolean,
  ): Promise<{ kept: number; dropped: number; added: Buffer[] }> {
    const { kept, dropped, instead } = keyed.settle(rows, uploaded);
    const added: Buffer[] = [];
    for (const { data } of instead) added.push((await this.#known(data)).bytes!);
    return { kept, dropped, added };
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
