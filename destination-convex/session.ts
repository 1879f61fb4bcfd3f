/** One run of `write`: stdin to batches to Convex, and the states back. */
import type { Context } from '../shared/airbyte/connector.ts';
import { testOverride } from '../shared/connector/test-override.ts';
import type { SnapshotImport } from '../shared/convex/snapshot-import.ts';
import type { StreamingImport } from '../shared/convex/streaming-import.ts';
import { dryRunOf } from './dry-run.ts';
import { importBody, type ImportEvent, type ImporterOptions } from './importer.ts';
import type { Spellings } from './field-watch.ts';
import { InputReader } from './input-reader.ts';
import { Intake } from './intake.ts';
import { streamBytes } from './request-body.ts';
import { Ledger } from './ledger.ts';
import { batchLimits } from './limits.ts';
import { StreamTracker } from './stream-tracker.ts';
import { BatchSender, type Batch } from './batch-sender.ts';
import { Tables } from './tables.ts';
import { Progress } from './progress.ts';
import { aftermathOf, allRefused, incompleteFailure, listed } from './aftermath.ts';
import { Replacements } from './replace-at-once/replacements.ts';
import { Rejections } from './rejections.ts';
import { withStats } from './state.ts';
import type { StreamPlan } from './streams.ts';

/** Milliseconds until a batch that is not full is sent, so that its states are given back. */
const MAX_AGE = 5_000;

export interface SessionOptions {
  api: StreamingImport;
  streams: readonly StreamPlan[];
  context: Context;
  skipRejected: boolean;
  /** Set if tables are to be replaced at once. */
  imports: SnapshotImport | undefined;
}

export class WriteSession {
  readonly #context: Context;
  readonly #tracker: StreamTracker;
  readonly #ledger: Ledger;
  readonly #tables: Tables;
  readonly #importing: ImporterOptions;
  readonly #sender: BatchSender;
  readonly #progress: Progress;
  readonly #rejections: Rejections;
  readonly #intake: Intake;
  readonly #input: InputReader;
  /** Streams whose tables are replaced without a generation: their states wait for the end of the sync. */
  readonly #unidentified: readonly StreamPlan[];
  readonly #replacements: Replacements | undefined;

  constructor({ api, streams, context, skipRejected, imports }: SessionOptions) {
    const { log } = context;
    this.#context = context;
    this.#tracker = new StreamTracker(streams);
    const replaced = streams.filter(({ truncation }) => truncation !== 'none');
    this.#unidentified = replaced.filter(({ generation }) => generation === undefined);
    const holding = replaced.map(({ index }) => index);
    const lenient = replaced.filter(({ generation }) => generation !== undefined).map(({ index }) => index);
    this.#ledger = new Ledger(streams.length, { holding, lenient });
    this.#tables = new Tables(api, streams, log, ({ index }) => {
      this.#ledger.release(index);
    });
    this.#progress = new Progress(log);
    this.#rejections = new Rejections(!skipRejected, log, () =>
      aftermathOf(streams, this.#rejections, this.#progress, this.#tables),
    );
    const tableNames = streams.map(({ table }) => table);
    this.#importing = {
      api,
      send: (body) => api.importOnce(body),
      dryRun: dryRunOf(api, tableNames),
      log,
    };
    const spellings: Spellings = new Map();
    const replacements =
      imports &&
      new Replacements({
        imports,
        api,
        streams,
        tables: this.#tables,
        importing: this.#importing,
        spelling: spellings,
        reject: (stream, record, data, reason) => {
          this.#intake.reject(stream, record, data, reason);
        },
      });
    this.#replacements = replacements;
    this.#sender = new BatchSender({
      limits: batchLimits(),
      bytes: streams.map(streamBytes),
      maxAge: testOverride('BATCH_AGE_MS', MAX_AGE),
      send: (batch) => this.#write(batch),
    });
    this.#intake = new Intake({
      streams,
      sender: this.#sender,
      ledger: this.#ledger,
      rejections: this.#rejections,
      warn: (text) => {
        log.warn(text);
      },
      spellings,
      spellingOf: (part) => api.spellingOf(part),
      replacements,
    });
    this.#input = new InputReader({
      streams,
      context,
      tracker: this.#tracker,
      ledger: this.#ledger,
      intake: this.#intake,
      sender: this.#sender,
      commit: (durable) => this.#commit(durable),
      progress: this.#progress,
    });
  }

  /** Writes the input. Gives back all states but those that wait for the end of the sync (see `succeed`). */
  async run(input: AsyncIterable<Buffer>): Promise<void> {
    // Without a reader no state can be given back, so the next run would write the same records again.
    this.#context.writer.onFailure((failure) => {
      this.#sender.fail(failure);
    });
    try {
      await this.#replacements?.begin();
      await this.#input.read(input);
      await this.#finish();
    } finally {
      this.#sender.abandon();
      this.#report();
    }
  }

  /**
   * The whole sync has succeeded, including the call after it. Gives back the states that waited for that:
   * after a failure, the next attempt empties these tables again, so it has to read everything again.
   */
  async succeed(): Promise<void> {
    for (const { index } of this.#unidentified) this.#ledger.release(index);
    await this.#commit(this.#ledger.received);
  }

  /** What has become of a stream's records, once the run is over. */
  countsOf(stream: StreamPlan): { records: number; rejected: number } {
    const rejected = this.#rejections.of(stream);
    return { records: this.#tracker.recordsOf(stream.index) - rejected, rejected };
  }

  /** The life of a batch: prepares its tables, sends its records, reports refusals, gives states back. */
  async #write(batch: Batch): Promise<void> {
    for (const body of batch.requests) {
      await this.#tables.prepare(body.streams.keys());
      for await (const event of importBody(body, this.#importing)) {
        if (event.kind === 'guarded') this.#intake.sendDeletionsAlone(event.stream);
        else this.#reject(event);
      }
      this.#progress.sent(body);
    }
    // If no other batch waits, everything that arrived is durable, including records that were refused early.
    await this.#commit(this.#sender.batch.empty ? this.#ledger.received : batch.lastRecord);
    this.#failIfRejected();
  }

  #reject({ stream, record, data, reason }: Extract<ImportEvent, { kind: 'rejected' }>): void {
    this.#progress.refused(stream);
    this.#intake.reject(stream, record, data, reason);
  }

  #failIfRejected(): void {
    if (this.#rejections.failing && this.#rejections.count > 0) throw this.#rejections.failure();
  }

  /**
   * Every record up to number `durable` was written or refused. Ends the streams in `complete` and those that
   * were reported complete. Of these not the ones that are replaced at once, or whose records were all
   * refused: others may follow. Echoes the STATEs that may be echoed.
   */
  async #commit(durable: number, complete: readonly StreamPlan[] = []): Promise<void> {
    const { writer } = this.#context;
    this.#ledger.durable(durable);
    const reported = this.#tracker
      .takeCompleted(durable)
      .filter((stream) => !this.#isReplacedAtOnce(stream) && !this.#isRefused(stream));
    await this.#end([...new Set([...reported, ...complete])]);
    // A marker is only needed if a STATE is echoed. Without one, the next attempt may empty the table again.
    await this.#tables.mark(this.#tables.unmarked.filter(({ index }) => this.#ledger.waitsFor(index)));
    let any = false;
    for (const { state, records, rejected } of this.#ledger.take()) {
      any = true;
      writer.bytes(withStats(state.line, state.start, state.end, { records, rejected }));
      writer.byte(0x0a);
    }
    if (!any) return;
    writer.flush();
    await writer.room();
  }

  /** Ends streams. A table without new records is emptied, unless all new records were refused. */
  async #end(streams: readonly StreamPlan[]): Promise<void> {
    const refused = streams.filter((stream) => this.#isRefused(stream));
    for (const stream of refused) {
      this.#context.log.warn(allRefused(stream, this.#tables.emptied(stream)));
      if (stream.generation !== undefined) this.#ledger.release(stream.index);
    }
    await this.#tables.clear(streams.filter((stream) => !refused.includes(stream)));
  }

  /** Whether the stream replaces its table and all its records were refused. */
  #isRefused(stream: StreamPlan): boolean {
    const { records, rejected } = this.countsOf(stream);
    return stream.truncation !== 'none' && records === 0 && rejected > 0;
  }

  #isReplacedAtOnce({ index }: StreamPlan): boolean {
    return this.#replacements?.has(index) === true;
  }

  async #finish(): Promise<void> {
    await this.#progress.waitFor('convex', this.#sender.finish());
    await this.#replacements?.finish();
    const { complete, silent, incomplete } = this.#tracker.outcomes();
    await this.#commit(
      this.#ledger.received,
      complete.filter((stream) => !this.#isReplacedAtOnce(stream)),
    );
    if (silent.length > 0)
      this.#context.log.info(`The source sent no messages for ${listed(silent)}. Their tables were not changed.`);
    this.#failIfRejected();
    if (incomplete.length > 0) {
      throw incompleteFailure(
        incomplete,
        this.#unidentified.filter((stream) => !silent.includes(stream)),
        [...complete, ...incomplete].filter((stream) => this.#isReplacedAtOnce(stream)),
      );
    }
    if (this.#replacements !== undefined) await this.#replaceAtOnce(this.#replacements, complete);
  }

  /** The whole sync has succeeded: replaces the tables of these streams, and gives their states back. */
  async #replaceAtOnce(replacements: Replacements, complete: readonly StreamPlan[]): Promise<void> {
    const due = complete.filter(({ index }) => replacements.has(index));
    if (due.length === 0) return;
    const filled = due.filter(({ index }) => replacements.rowsOf(index) > 0);
    await this.#progress.waitFor('convex', replacements.commit(filled));
    const counts = new Map(filled.map((stream) => [stream, this.countsOf(stream).records]));
    this.#progress.sent({ streams: counts, bytes: 0 });
    // Only a schema that was changed meanwhile refuses what was checked before.
    this.#failIfRejected();
    this.#tables.replaced(filled);
    await this.#commit(
      this.#ledger.received,
      due.filter((stream) => !filled.includes(stream)),
    );
  }

  #report(): void {
    const { log } = this.#context;
    this.#progress.close();
    const { noise } = this.#input;
    if (noise > 1) log.warn(`${noise} lines that are not messages were skipped.`);
    const rejected = this.#rejections.summary();
    if (rejected !== undefined) log.warn(rejected);
    for (const text of this.#intake.warnings()) log.warn(text);
    const note = this.#intake.note();
    if (note !== undefined) log.info(note);
    if (this.#ledger.merged > 0) {
      log.warn(`Dropped ${this.#ledger.merged} buffered states to save memory; newer states supersede them.`);
    }
  }
}
