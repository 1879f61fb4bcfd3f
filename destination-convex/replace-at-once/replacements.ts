/**
 * Replaces tables at once: the records of a stream are uploaded while they arrive, and become visible in one
 * transaction when the whole sync has succeeded. Until then nothing that an app can read has changed.
 */
import { configError } from '../../shared/core/failure.ts';
import type { SnapshotImport } from '../../shared/convex/snapshot-import.ts';
import type { Spelling } from '../../shared/convex/identifiers.ts';
import { counted } from '../../shared/core/text.ts';
import { isMissingIndex, type StreamingImport } from '../../shared/convex/streaming-import.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import type { ImporterOptions } from '../importer.ts';
import { streamBytes, type Deletion } from '../request-body.ts';
import type { StreamPlan } from '../streams.ts';
import type { Tables } from '../tables.ts';
import { CorrectionBudget } from './corrections.ts';
import { replaceTable } from './perform.ts';
import { RowEncoder } from './row.ts';
import { TableReplacement, type Reject, type SharedByTables } from './table-replacement.ts';

/** Bytes of rows of all streams that wait for their parts: each `pack` more, they are compressed. */
const HELD = { pack: 24 * 1024 * 1024, most: 80 * 1024 * 1024 };

interface ReplacementsOptions {
  imports: SnapshotImport;
  api: StreamingImport;
  streams: readonly StreamPlan[];
  tables: Tables;
  importing: ImporterOptions;
  reject: Reject;
  /** Has the parts of all names of a record before `take`. */
  spelling: Spelling;
}

export class Replacements {
  readonly #options: ReplacementsOptions;
  /** By index: the streams whose tables are replaced at once. */
  readonly #work = new Map<number, TableReplacement>();
  #whole = false;
  #held = 0;
  #packAt = HELD.pack;

  constructor(options: ReplacementsOptions) {
    this.#options = options;
  }

  /** Before anything is read. */
  async begin(): Promise<void> {
    const { imports, api, streams, tables, importing, spelling, reject } = this.#options;
    const { log } = importing;
    const wanted = streams.filter(({ truncation }) => truncation !== 'none');
    if (wanted.length === 0) return;
    if (!(await imports.isAvailable())) throw configError(NOT_AVAILABLE);
    this.#whole = !(await imports.mayPoll());
    if (this.#whole) log.warn(NO_POLLING);
    const guarded = await api.tablesWithSchema();
    const shared: SharedByTables = {
      imports,
      importing,
      reject,
      encoder: new RowEncoder(spelling),
      budget: new CorrectionBudget(() => {
        this.#pack(true);
      }),
      whole: this.#whole,
      held: (bytes, mayPack) => {
        this.#held += bytes;
        if (mayPack && this.#held > this.#packAt) this.#pack();
      },
      appended: streams.map((stream) => streamBytes({ ...stream, key: undefined })),
      keyed: streams.map(streamBytes),
    };
    for (const stream of wanted) {
      if (await tables.mustEmpty(stream))
        this.#work.set(stream.index, new TableReplacement(stream, guarded?.has(stream.table) ?? true, shared));
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
  take(
    index: number,
    record: number,
    buffer: Buffer,
    start: number,
    end: number,
    deletion: Deletion | undefined,
  ): Promise<void> | undefined {
    return this.#work.get(index)!.take(record, buffer, start, end, deletion);
  }

  /** Everything has arrived. Then all rows are known that the tables will have. */
  async finish(): Promise<void> {
    for (const work of this.#work.values()) await work.finish();
  }

  /** Replaces the tables one by one. Each has all of its new rows then, or all of its old ones. */
  async commit(streams: readonly StreamPlan[]): Promise<void> {
    const { imports, api, tables, importing } = this.#options;
    const { log } = importing;
    for (const stream of streams) {
      const work = this.#work.get(stream.index)!;
      const { upload, corrections } = work;
      log.info(`Replacing table ${stream.table} by ${counted(upload.rows, 'row')}.`);
      await tables.index([stream]);
      await this.#waitForIndex(api, stream);
      await replaceTable({ api: imports, log, upload, whole: this.#whole });
      log.info(`Table ${stream.table} was replaced.`);
      if (corrections === 0) continue;
      await work.correct();
      log.info(
        `Updated ${counted(corrections, 'row')} of table ${stream.table}: newer versions came after their upload.`,
      );
    }
  }

  /** Compresses the rows of all streams; text becomes a fifth of itself. `settles`: replaces rows before. */
  #pack(settles = false): void {
    let held = 0;
    for (const { upload } of this.#work.values()) {
      if (settles) upload.settle();
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
