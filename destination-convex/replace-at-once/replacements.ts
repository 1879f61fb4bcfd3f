/**
 * Replaces tables at once: the records of a stream are uploaded while they arrive, and become visible in one transaction when the whole sync
 * has succeeded. Until then nothing that an app can read has changed.
 */
import { configError } from '../../shared/core/failure.ts';
import type { Log } from '../../shared/core/log.ts';
import type { SnapshotImport } from '../../shared/convex/snapshot-import.ts';
import { isMissingIndex, type StreamingImport } from '../../shared/convex/streaming-import.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import { DryRun } from '../dry-run.ts';
import { importBody, type ImporterOptions } from '../importer.ts';
import { RequestBody, streamBytes } from '../request-body.ts';
import { batchLimits } from '../limits.ts';
import { problemText, tooLarge } from '../rejections.ts';
import type { StreamPlan } from '../streams.ts';
import { StoredNames, type SpellingOf } from './stored-names.ts';
import { perform, replaceByOneRequest } from './perform.ts';
import { RowEncoder, type Row } from './row.ts';
import { TableUpload } from './table-upload.ts';

/** Bytes of rows that wait in memory for their parts, all streams together: each `pack` more, they are compressed. */
const HELD = { pack: 24 * 1024 * 1024, most: 80 * 1024 * 1024 };

export interface ReplacementsOptions {
  api: StreamingImport;
  imports: SnapshotImport;
  streams: readonly StreamPlan[];
  log: Log;
}

/** What happens to records that Convex would refuse. */
export type Reject = (stream: StreamPlan, record: number, data: Buffer, reason: string) => void;

interface Work {
  stream: StreamPlan;
  upload: TableUpload;
  /** Records that the deployment has to check; see dry-run.ts. */
  checking: RequestBody;
  /** Whether it has to check each record, since a schema may refuse any. */
  checkAll: boolean;
}

/** Whether the stream's table can be replaced at once. Rows that are deduplicated cannot be taken back from an upload. */
export function isReplaceable({ truncation, key }: StreamPlan): boolean {
  return truncation !== 'none' && key === undefined;
}

export class Replacements {
  readonly #options: ReplacementsOptions;
  readonly #names = new StoredNames();
  readonly #encoder = new RowEncoder(this.#names);
  readonly #importing: ImporterOptions;
  /** By index: the streams whose tables are replaced at once. */
  readonly #work = new Map<number, Work>();
  #whole = false;
  #held = 0;
  #packAt = HELD.pack;
  #reject: Reject = () => undefined;
  #spellingOf: SpellingOf = () => Promise.resolve(undefined);

  constructor(options: ReplacementsOptions) {
    this.#options = options;
    const { api, log, streams } = options;
    const dryRun = new DryRun(
      api,
      streams.map(({ table }) => table),
    );
    this.#importing = { api: dryRun, dryRun, log };
  }

  /** Before anything is read. `mustReplace`: whether the stream's table is not yet of the generation that is written. */
  async begin(
    mustReplace: (stream: StreamPlan) => Promise<boolean>,
    reject: Reject,
    spellingOf: SpellingOf,
  ): Promise<void> {
    const { api, imports, streams, log } = this.#options;
    this.#reject = reject;
    this.#spellingOf = spellingOf;
    const wanted = streams.filter(isReplaceable);
    for (const { text, truncation, key } of streams)
      if (truncation !== 'none' && key !== undefined)
        log.info(
          `Stream "${text}" is deduplicated: its table is cleared and then filled. Only streams without deduplication are replaced at once.`,
        );
    if (wanted.length === 0) return;
    if (!(await imports.isAvailable())) {
      throw configError(NOT_AVAILABLE);
    }
    this.#whole = !(await imports.mayPoll());
    if (this.#whole) log.warn(NO_POLLING);
    const guarded = await api.tablesWithSchema();
    const bytes = streams.map(streamBytes);
    for (const stream of wanted) {
      if (!(await mustReplace(stream))) continue;
      this.#work.set(stream.index, {
        stream,
        upload: new TableUpload(stream, imports, this.#whole),
        checking: new RequestBody(false, batchLimits().append, bytes),
        checkAll: guarded?.has(stream.table) ?? true,
      });
    }
  }

  has(index: number): boolean {
    return this.#work.has(index);
  }

  /** Records that will be in the table. */
  rowsOf(index: number): number {
    return this.#work.get(index)?.upload.rows ?? 0;
  }

  /** Takes a record, which is copied. Returns something to wait for before the next one, where there is. */
  take(index: number, record: number, buffer: Buffer, start: number, end: number): Promise<void> | undefined {
    const work = this.#work.get(index)!;
    if (!work.checkAll) {
      const row = this.#encoder.encode(buffer, start, end);
      if (row.kind === 'row') return this.#add(work, row.bytes);
      if (row.kind === 'unknown-names') return this.#learn(work, record, Buffer.from(buffer.subarray(start, end)));
    }
    const { checking, stream } = work;
    const data = Buffer.from(buffer.subarray(start, end));
    if (checking.fits(stream, data.length)) return this.#check(work, record, data);
    return this.#flush(work).then(() => this.#check(work, record, data));
  }

  /** Has the rest checked. Then all rows are known that the table will have. */
  async flush(): Promise<void> {
    for (const work of this.#work.values()) await this.#flush(work);
  }

  /** Replaces the tables, one after the other. Each one has all of its new rows then, or all of its old ones. */
  async commit(streams: readonly StreamPlan[]): Promise<void> {
    const { api, imports, log } = this.#options;
    for (const stream of streams) {
      const { upload } = this.#work.get(stream.index)!;
      const { rows } = upload;
      log.info(`Replacing table ${stream.table} by ${rows} rows.`);
      await this.#waitForIndex(api, stream);
      if (this.#whole) {
        await replaceByOneRequest(upload);
      } else {
        const importId = await upload.finish();
        await perform({ api: imports, log, stream, importId, rows, uncertain: upload.uncertain });
      }
      log.info(`Table ${stream.table} was replaced.`);
    }
  }

  #check(work: Work, record: number, data: Buffer): Promise<void> | undefined {
    const { checking, stream } = work;
    if (!checking.fits(stream, data.length)) {
      // Larger than any request: as without this way of writing.
      this.#reject(stream, record, data, tooLarge(data.length));
      return undefined;
    }
    checking.add(stream, record, data, 0, data.length);
    return checking.full || !work.checkAll ? this.#flush(work) : undefined;
  }

  async #flush(work: Work): Promise<void> {
    const { checking, stream } = work;
    if (checking.count === 0) return;
    const refused = new Set<number>();
    for await (const event of importBody(checking, this.#importing)) {
      if (event.kind === 'guarded') continue;
      refused.add(event.record);
      this.#reject(stream, event.record, event.data, event.reason);
    }
    for (let index = 0; index < checking.count; index++) {
      const { record } = checking.at(index);
      if (refused.has(record)) continue;
      const data = checking.data(index);
      const row = await this.#known(data);
      if (row.bytes === undefined) this.#reject(stream, record, data, problemText('not-json', data));
      else await this.#add(work, row.bytes);
    }
    checking.clear();
  }

  async #learn(work: Work, record: number, data: Buffer): Promise<void> {
    const row = await this.#known(data);
    if (row.kind === 'row') await this.#add(work, row.bytes);
    else await this.take(work.stream.index, record, data, 0, data.length);
  }

  /** The row for these data, once all names are known. */
  async #known(data: Buffer): Promise<Exclude<Row, { kind: 'unknown-names' }>> {
    for (;;) {
      const row = this.#encoder.encode(data, 0, data.length);
      if (row.kind !== 'unknown-names') return row;
      await this.#names.learn(this.#spellingOf);
    }
  }

  #add({ upload }: Work, row: Buffer): Promise<void> | undefined {
    const before = upload.held;
    const sending = upload.add(row);
    this.#held += upload.held - before;
    if (sending === undefined && this.#held > this.#packAt) this.#pack();
    return sending;
  }

  /** Compresses the rows of all streams; text becomes a fifth of itself. */
  #pack(): void {
    let held = 0;
    for (const { upload } of this.#work.values()) {
      upload.pack();
      held += upload.held;
    }
    this.#held = held;
    this.#packAt = held + HELD.pack;
    if (held <= HELD.most) return;
    throw configError(
      `Too many streams arrive at the same time to replace their tables at once: ${this.#work.size} of them. Nothing was changed. Select fewer streams, or set "How tables are replaced" to "Clear, then insert".`,
    );
  }

  /** A table cannot be replaced while an index for deduplication is being built (C179). */
  async #waitForIndex(api: StreamingImport, { table }: StreamPlan): Promise<void> {
    const deadline = performance.now() + testOverride('POLL_DEADLINE_MS', INDEX_WAIT);
    while (!(await isReady(api, table)) && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, testOverride('POLL_MS', 1_000)));
  }
}

/** Milliseconds. An index that is not ready by then fails the import. */
const INDEX_WAIT = 10 * 60_000;

export const NOT_AVAILABLE =
  'The deployment has no snapshot import, which "Replace at once" needs: its backend is too old. Update it, or set "How tables are replaced" to "Clear, then insert".';

export const NO_POLLING =
  'The deploy key lacks the permission deployment:backups:view. "Replace at once" works without it for tables of up to 48 MiB that Convex can import within 300 s. Make a key with the permissions deployment:backups:import and deployment:backups:view for larger ones.';

async function isReady(api: StreamingImport, table: string): Promise<boolean> {
  try {
    return await api.indexesReady([table]);
  } catch (error) {
    // A table that was only ever appended to has none.
    if (isMissingIndex(error)) return true;
    throw error;
  }
}
