/** One run of `write`: stdin to batches to Convex, and the states back. */
import { Inbound, Kind, type Resolve } from '../shared/airbyte/inbound.ts';
import type { Context } from '../shared/airbyte/connector.ts';
import { lineBatches, type Line } from '../shared/airbyte/lines.ts';
import { descriptorOf } from '../shared/core/stream-descriptor.ts';
import { testOverride } from '../shared/connector/test-override.ts';
import type { StreamingImport } from '../shared/convex/streaming-import.ts';
import { isSpace } from '../shared/json/raw.ts';
import { DryRun } from './dry-run.ts';
import { Importer } from './importer.ts';
import { filesWarning, inputFailure, unknownStateWarning } from './input-failures.ts';
import { Intake } from './intake.ts';
import { streamBytes, type Lane } from './request-body.ts';
import { Ledger, type Coverage } from './ledger.ts';
import { batchLimits } from './limits.ts';
import { StreamTracker } from './stream-tracker.ts';
import { BatchSender } from './batch-sender.ts';
import { Tables } from './tables.ts';
import { Progress } from './progress.ts';
import { aftermathOf, allRefused, incompleteFailure, listed } from './aftermath.ts';
import type { Replacements } from './replace-at-once/replacements.ts';
import { Rejections } from './rejections.ts';
import { router } from './stream-router.ts';
import { receivedFacts, withStats } from './state.ts';
import type { StreamPlan } from './streams.ts';

/** Milliseconds until a batch goes out although it is not full: the source may be silent for long, and its states want to be saved. */
const MAX_AGE = 5_000;
/** Bytes of states that may wait for a batch to be sent. */
const MAX_WAITING_STATES = 4 * 1024 * 1024;

export interface SessionOptions {
  api: StreamingImport;
  streams: readonly StreamPlan[];
  context: Context;
  skipRejected: boolean;
  /** Where tables are to be replaced at once. */
  replacements?: Replacements | undefined;
}

export class WriteSession {
  readonly #context: Context;
  readonly #streams: readonly StreamPlan[];
  readonly #tracker: StreamTracker;
  readonly #resolve: Resolve;
  readonly #inbound: Inbound;
  readonly #ledger: Ledger;
  readonly #tables: Tables;
  readonly #importer: Importer;
  readonly #sender: BatchSender;
  readonly #progress: Progress;
  readonly #rejections: Rejections;
  readonly #intake: Intake;
  /** Streams whose tables are replaced, and nothing tells this replacement from the next one: their states wait for the whole sync. */
  readonly #unidentified: readonly StreamPlan[];
  /** Streams whose tables are replaced by generation, and of which no record has arrived. */
  readonly #fresh: Set<number>;
  readonly #replacements: Replacements | undefined;
  /** What was warned of, so that it is said once. */
  readonly #warned = new Set<string>();
  #noise = 0;

  constructor({ api, streams, context, skipRejected, replacements }: SessionOptions) {
    const { log } = context;
    this.#replacements = replacements;
    this.#context = context;
    this.#streams = streams;
    this.#tracker = new StreamTracker(streams);
    this.#resolve = router(streams);
    this.#inbound = new Inbound(this.#resolve, (stream, bytes, at, end) => this.#intake.skip(stream, bytes, at, end));
    const replaced = streams.filter(({ truncation }) => truncation !== 'none');
    this.#unidentified = replaced.filter(({ generation }) => generation === undefined);
    this.#fresh = new Set(replaced.filter(({ generation }) => generation !== undefined).map(({ index }) => index));
    const indexes = replaced.map(({ index }) => index);
    this.#ledger = new Ledger(streams.length, indexes, undefined, this.#fresh);
    this.#tables = new Tables(api, streams, log, ({ index }) => {
      this.#ledger.release(index);
    });
    this.#progress = new Progress(log);
    this.#rejections = new Rejections(!skipRejected, log, () =>
      aftermathOf(streams, this.#rejections, this.#progress, this.#tables),
    );
    this.#importer = new Importer({
      api,
      dryRun: new DryRun(
        api,
        streams.map(({ table }) => table),
      ),
      log,
      onRejected: ({ stream, record }, data, reason) => {
        this.#progress.refused(stream);
        this.#intake.reject(stream, record, data, reason);
      },
      onGuardedTable: ({ stream }) => {
        this.#intake.sendDeletionsAlone(stream);
      },
    });
    this.#sender = new BatchSender({
      limits: batchLimits(),
      bytes: streams.map(streamBytes),
      maxAge: testOverride('BATCH_AGE_MS', MAX_AGE),
      send: (lane) => this.#send(lane),
      onSent: (lastRecord) => this.#sent(lastRecord),
    });
    this.#intake = new Intake({
      streams,
      sender: this.#sender,
      ledger: this.#ledger,
      rejections: this.#rejections,
      warn: (text) => {
        log.warn(text);
      },
      spellingOf: (part) => api.spellingOf(part),
      replacements,
    });
  }

  /** Writes all that comes, and gives back what states may be before the sync has succeeded as a whole (see `commit`). */
  async run(input: AsyncIterable<Buffer>): Promise<void> {
    // Without a reader no state can be given back: going on would only write what is written again in the next run.
    this.#context.writer.onFailure((failure) => {
      this.#sender.fail(failure);
    });
    for (const { text, includesFiles } of this.#streams) if (includesFiles) this.#warnOnce(filesWarning(text));
    try {
      await this.#replacements?.begin(
        (stream) => this.#tables.mustReplace(stream),
        (stream, record, data, reason) => {
          this.#intake.reject(stream, record, data, reason);
        },
        (part) => this.#intake.spellingOf(part),
      );
      await this.#readAll(input);
      await this.#finish();
    } finally {
      this.#sender.abandon();
      this.#report();
    }
  }

  /**
   * The sync has succeeded as a whole, what is called after it included: gives back the states that waited for it. Had it failed, the next
   * attempt would empty these tables again, so it has to read everything again.
   */
  async commit(): Promise<void> {
    for (const { index } of this.#unidentified) this.#ledger.release(index);
    await this.#echo();
  }

  /** What has become of a stream's records, once the run is over. */
  countsOf(stream: StreamPlan): { records: number; rejected: number } {
    const rejected = this.#rejections.of(stream);
    return { records: this.#tracker.recordsOf(stream.index) - rejected, rejected };
  }

  async #readAll(input: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const lines of lineBatches(this.#chunks(input))) {
        for (const line of lines) {
          const room = this.#take(line);
          if (room !== undefined) await this.#progress.waitFor('convex', room);
        }
      }
    } catch (error) {
      const failure = inputFailure(error, this.#streams);
      if (failure === undefined) throw error;
      // What came before the broken message is sound.
      await this.#sender.finish();
      throw failure;
    }
  }

  /** Reads on only as long as sending works: stdin may stay open and silent for ever. */
  async *#chunks(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const chunks = input[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#progress.waitFor('source', this.#sender.orFailure(chunks.next()));
      if (next.done) return;
      yield next.value;
    }
  }

  /** Takes one line. Returns something to wait for before the next one, where there is. */
  #take(line: Line): Promise<void> | undefined {
    switch (this.#inbound.read(line)) {
      case Kind.Record:
        return this.#takeRecord(line.buffer);
      case Kind.State:
        return this.#takeState(line);
      case Kind.Status:
        return this.#takeStatus();
      case Kind.Noise:
        this.#takeNoise();
        return undefined;
      case Kind.Other:
        return undefined;
    }
  }

  #takeRecord(buffer: Buffer): Promise<void> | undefined {
    const { stream, dataStart, dataEnd, hasFile } = this.#inbound;
    if (hasFile) this.#warnOnce(filesWarning(this.#streams[stream]!.text));
    this.#tracker.record(stream);
    if (!this.#fresh.delete(stream)) return this.#intake.take(stream, buffer, dataStart, dataEnd);
    return this.#giveBackAll().then(() => this.#intake.take(stream, buffer, dataStart, dataEnd));
  }

  /**
   * Before the first record of a stream whose table is replaced: what came is made durable, and the states before the record are given back.
   * Should the attempt be lost later, the source goes on from such a state, and with it from the same snapshot: what is deleted in the source
   * meanwhile does not stay in a table that is not emptied again.
   */
  async #giveBackAll(): Promise<void> {
    await this.#sender.finish();
    await this.#context.writer.drain();
  }

  #takeState({ buffer, start, end }: Line): Promise<void> | undefined {
    const { stateStart, stateEnd } = this.#inbound;
    const facts = receivedFacts(buffer, stateStart, stateEnd);
    let coverage: Coverage = facts.type === 'stream' ? 'unknown' : 'all';
    for (const { name, namespace, empty } of facts.streams) {
      const index = this.#resolve(name, namespace);
      if (index !== -1) this.#tracker.state(index, empty);
      if (facts.type !== 'stream') continue;
      if (index !== -1) coverage = index;
      else this.#warnOnce(unknownStateWarning(descriptorOf(name, namespace), this.#streams));
    }
    while (end > start && isSpace(buffer[end - 1])) end--;
    const line = Buffer.from(buffer.subarray(start, end));
    const empty = facts.streams.some((stream) => stream.empty);
    this.#ledger.state(coverage, { line, start: stateStart - start, end: stateEnd - start }, empty);
    if (this.#sender.idle) return this.#settle(this.#ledger.received);
    return this.#ledger.waitingBytes > MAX_WAITING_STATES ? this.#sender.submit() : undefined;
  }

  #takeStatus(): Promise<void> | undefined {
    const { stream: index, status } = this.#inbound;
    if (index === -1) {
      this.#tracker.unknownStatus();
      return undefined;
    }
    this.#tracker.status(index, status, this.#ledger.received);
    return status === 'COMPLETE' && this.#sender.idle ? this.#settle(this.#ledger.received) : undefined;
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#context.log.warn(text);
  }

  #takeNoise(): void {
    this.#noise++;
    if (this.#noise === 1) this.#context.log.warn('The source wrote a line that is no message; it was skipped.');
  }

  async #send(lane: Lane): Promise<void> {
    await this.#tables.prepare(lane.streams.keys());
    await this.#importer.send(lane);
    this.#progress.sent(lane);
  }

  async #sent(lastRecord: number): Promise<void> {
    // Where nothing else is waiting, everything that arrived is durable, records included that were refused before they were sent.
    await this.#settle(this.#sender.batch.empty ? this.#ledger.received : lastRecord);
    if (this.#rejections.failing && this.#rejections.count > 0) throw this.#rejections.failure();
  }

  /** Everything up to `durable` is: ends the streams that are complete by then, and gives back what states may be. */
  async #settle(durable: number): Promise<void> {
    this.#ledger.durable(durable);
    await this.#complete(this.#tracker.takeCompleted(durable));
    // Not before a state is about to be given back: a source that has to start anew finds the table emptied again, so nothing is there twice.
    await this.#tables.mark(this.#tables.unmarked.filter(({ index }) => this.#ledger.waitsFor(index)));
    await this.#echo();
  }

  /** These streams have come to their end: one without records is emptied now, one whose records were all refused is left as it is. */
  async #complete(streams: readonly StreamPlan[]): Promise<void> {
    // Those that are replaced at once have their turn when the whole sync has succeeded.
    await this.#end(streams.filter(({ index }) => this.#replacements?.has(index) !== true));
  }

  async #end(streams: readonly StreamPlan[]): Promise<void> {
    const refused = streams.filter((stream) => {
      const { records, rejected } = this.countsOf(stream);
      return stream.truncation !== 'none' && records === 0 && rejected > 0;
    });
    for (const stream of refused) {
      this.#context.log.warn(allRefused(stream, this.#tables.emptied(stream)));
      if (stream.generation !== undefined) this.#ledger.release(stream.index);
    }
    await this.#tables.clear(streams.filter((stream) => !refused.includes(stream)));
  }

  async #echo(): Promise<void> {
    const { writer } = this.#context;
    this.#ledger.durable(this.#sender.idle ? this.#ledger.received : 0);
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

  async #finish(): Promise<void> {
    await this.#progress.waitFor('convex', this.#sender.finish());
    await this.#replacements?.flush();
    const { complete, silent, incomplete } = this.#tracker.outcomes();
    await this.#complete(complete);
    await this.#settle(this.#ledger.received);
    if (silent.length > 0) this.#context.log.info(`The source said nothing of ${listed(silent)}: left as it is.`);
    if (this.#rejections.failing && this.#rejections.count > 0) throw this.#rejections.failure();
    if (incomplete.length > 0) {
      throw incompleteFailure(
        incomplete,
        this.#unidentified.filter((stream) => !silent.includes(stream)),
        [...complete, ...incomplete].filter(({ index }) => this.#replacements?.has(index)),
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
    const counts = new Map(filled.map((stream) => [stream, replacements.rowsOf(stream.index)]));
    this.#progress.sent({ streams: counts, bytes: 0 });
    this.#tables.replaced(filled);
    await this.#end(due.filter((stream) => !filled.includes(stream)));
    await this.#settle(this.#ledger.received);
  }

  #report(): void {
    const { log } = this.#context;
    this.#progress.close();
    if (this.#noise > 1) log.warn(`${this.#noise} lines that are no messages were skipped.`);
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
