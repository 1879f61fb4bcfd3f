import { badRequest, INTERNAL_MESSAGE, ServerError } from '../http/errors.ts';
import { toMilliseconds } from '../store/clock.ts';
import type { Deployment } from '../store/deployment.ts';
import { ImportAttempt } from './attempt.ts';
import { InternalFailure, ServerKilled, userMessage } from './errors.ts';
import { Holds, type ImportStep } from './holds.ts';
import { type ImportedTable, openImport } from './parse.ts';
import type { ImportRow, ImportRows } from './rows.ts';
import { summarise } from './summary.ts';
import type { Uploads } from './uploads.ts';

/** Milliseconds before the second attempt after an internal failure, and the factor of the longest wait. */
const DEFAULT_BACKOFF_MS = 30_000;
const LONGEST_BACKOFF = 10;
const MAX_INTERNAL_FAILURES = 5;
/** Milliseconds of the deployment's clock after which an import is refused. */
const MAX_IMPORT_AGE = 7 * 24 * 3600 * 1000;

export interface WorkerOptions {
  /** Milliseconds before the second attempt after an internal failure; later waits double, up to ten times this. */
  importBackoffMs?: number;
  /** Milliseconds between two batches of an import. Default 0. */
  importBatchDelayMs?: number;
  /** A backend of before March 2026, which refuses the schema "uniform" in a ZIP file. */
  withoutUniform?: boolean;
}

/**
 * The one worker of a deployment: it parses uploads and carries out confirmed imports, one at a time, each in order of
 * creation, uploads first (crates/application/src/snapshot_import/worker.rs).
 */
export class ImportWorker {
  readonly holds = new Holds();
  readonly #deployment: Deployment;
  readonly #rows: ImportRows;
  readonly #uploads: Uploads;
  readonly #options: WorkerOptions;
  readonly #stopped = new AbortController();
  #failures = 0;
  #running = false;

  constructor(deployment: Deployment, rows: ImportRows, uploads: Uploads, options: WorkerOptions) {
    this.#deployment = deployment;
    this.#rows = rows;
    this.#uploads = uploads;
    this.#options = options;
    rows.onChange(() => {
      void this.#work();
    });
  }

  close(): void {
    this.#stopped.abort();
    this.holds.close();
  }

  async #work(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (!this.#stopped.signal.aborted) {
      // Not in the same turn as the request that made the change.
      await this.#turn();
      const uploaded = this.#rows.firstIn('uploaded');
      const row = uploaded ?? this.#rows.firstIn('in_progress');
      if (row === undefined) break;
      try {
        await (uploaded === undefined ? this.#perform(row) : this.#parse(row));
        this.#failures = 0;
      } catch (error) {
        if (error instanceof ServerKilled || this.#stopped.signal.aborted) continue;
        warnOfBug(error);
        await this.#sleep(this.#backoffMs());
      }
    }
    this.#running = false;
  }

  async #parse(row: ImportRow): Promise<void> {
    await this.#reach({ importId: row.id, point: 'parse', table: undefined, rowsWritten: 0 });
    await this.#failing(row, async () => {
      const tables = this.#open(row);
      const summary = await summarise(this.#deployment, row.mode, tables, () => this.#turn());
      const { message, needsConfirmation, checkpoints } = summary;
      this.#rows.move(
        row,
        {
          state: 'waiting_for_confirmation',
          message_to_confirm: message,
          require_manual_confirmation: needsConfirmation,
        },
        checkpoints,
      );
    });
  }

  async #perform(row: ImportRow): Promise<void> {
    await this.#failing(row, async () => {
      const attempt = new ImportAttempt(this.#deployment, this.#rows, row, this.#open(row), {
        reach: (step) => this.#reach(step),
        turn: () => this.#turn(),
        pause: () => this.#sleep(this.#options.importBatchDelayMs ?? 0),
      });
      const { timestamp, rows } = await attempt.run();
      await this.#reach({ importId: row.id, point: 'swapped', table: undefined, rowsWritten: rows });
      this.#rows.move(row, { state: 'completed', timestamp, num_rows_written: BigInt(rows) });
    });
  }

  /** Notes a failure that is the file's in the row. @throws any other, until there have been too many of them */
  async #failing(row: ImportRow, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const message = userMessage(error);
      const isFinal = this.#failures >= MAX_INTERNAL_FAILURES && !(error instanceof ServerKilled);
      if (message === undefined && !isFinal) throw error;
      this.#rows.move(row, { state: 'failed', error_message: message ?? INTERNAL_MESSAGE });
    }
  }

  #open(row: ImportRow): ImportedTable[] {
    if (toMilliseconds(this.#deployment.now()) - row.creationTime > MAX_IMPORT_AGE) {
      throw badRequest('ImportFailed', 'Import took too long. Try again or contact Convex.');
    }
    const pieces = this.#uploads.file(row.objectKey);
    if (pieces === undefined) throw new InternalFailure('missing import object');
    const { limits } = this.#deployment;
    return openImport(row.format, row.component, pieces, limits, this.#options.withoutUniform !== true);
  }

  async #reach(step: ImportStep): Promise<void> {
    await this.holds.reach(step);
    if (this.#stopped.signal.aborted) throw new ServerKilled();
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  #backoffMs(): number {
    const first = this.#options.importBackoffMs ?? DEFAULT_BACKOFF_MS;
    return Math.min(first * 2 ** this.#failures++, first * LONGEST_BACKOFF);
  }

  async #sleep(ms: number): Promise<void> {
    if (ms === 0) return this.#turn();
    const { signal } = this.#stopped;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done);
    });
  }
}

/** An error that is none of the backend's is a bug of the emulator. */
function warnOfBug(error: unknown): void {
  if (error instanceof InternalFailure || error instanceof ServerError) return;
  process.emitWarning(error instanceof Error ? error : String(error));
}
