/** Reads the messages of the input, line by line, and hands each to what keeps account of it. */
import type { Context } from '../shared/airbyte/connector.ts';
import { Inbound, Kind, type Resolve } from '../shared/airbyte/inbound.ts';
import { lineBatches, type Line } from '../shared/airbyte/lines.ts';
import { descriptorOf } from '../shared/core/stream-descriptor.ts';
import { isSpace } from '../shared/json/raw.ts';
import type { BatchSender } from './batch-sender.ts';
import type { Commits } from './commits.ts';
import { filesWarning, inputFailure, unknownStateWarning } from './input-failures.ts';
import type { Intake } from './intake.ts';
import type { Coverage, Ledger } from './ledger.ts';
import type { Progress } from './progress.ts';
import { receivedFacts } from './state.ts';
import { router } from './stream-router.ts';
import type { StreamTracker } from './stream-tracker.ts';
import type { StreamPlan } from './streams.ts';

/** Bytes of states that may wait for a batch to be sent. */
const MAX_WAITING_STATES = 4 * 1024 * 1024;

export interface InputReaderOptions {
  streams: readonly StreamPlan[];
  context: Context;
  tracker: StreamTracker;
  ledger: Ledger;
  intake: Intake;
  sender: BatchSender;
  commits: Commits;
  progress: Progress;
}

export class InputReader {
  /** Lines that are no messages. */
  noise = 0;
  readonly #options: InputReaderOptions;
  readonly #resolve: Resolve;
  readonly #inbound: Inbound;
  /** Streams whose tables are replaced by generation, and of which no record has arrived. */
  readonly #fresh: Set<number>;
  /** What was warned of, so that it is said once. */
  readonly #warned = new Set<string>();

  constructor(options: InputReaderOptions) {
    const { streams, intake } = options;
    this.#options = options;
    this.#resolve = router(streams);
    this.#inbound = new Inbound(this.#resolve, (stream, bytes, at, end) => intake.skip(stream, bytes, at, end));
    const replaced = streams.filter(({ truncation, generation }) => truncation !== 'none' && generation !== undefined);
    this.#fresh = new Set(replaced.map(({ index }) => index));
  }

  /**
   * Takes all messages, and waits while the deployment is slower than the source. Throws a `ConnectorFailure`
   * for a broken message, after the records before it were written. Throws what sending throws.
   */
  async read(input: AsyncIterable<Buffer>): Promise<void> {
    for (const { text, includesFiles } of this.#options.streams) if (includesFiles) this.#warnOnce(filesWarning(text));
    try {
      for await (const lines of lineBatches(this.#chunks(input))) {
        for (const line of lines) {
          const room = this.#take(line);
          if (room !== undefined) await this.#options.progress.waitFor('convex', room);
        }
      }
    } catch (error) {
      const failure = inputFailure(error, this.#options.streams);
      if (failure === undefined) throw error;
      // What came before the broken message is sound.
      await this.#options.sender.finish();
      throw failure;
    }
  }

  /** Reads on only as long as sending works: stdin may stay open and silent for ever. */
  async *#chunks(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const chunks = input[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#options.progress.waitFor('source', this.#options.sender.orFailure(chunks.next()));
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
        if (++this.noise === 1)
          this.#options.context.log.warn('The source wrote a line that is no message; it was skipped.');
        return undefined;
      case Kind.Other:
        return undefined;
    }
  }

  #takeRecord(buffer: Buffer): Promise<void> | undefined {
    const { stream, dataStart, dataEnd, hasFile } = this.#inbound;
    if (hasFile) this.#warnOnce(filesWarning(this.#options.streams[stream]!.text));
    this.#options.tracker.record(stream);
    if (!this.#fresh.delete(stream)) return this.#options.intake.take(stream, buffer, dataStart, dataEnd);
    return this.#giveBackAll().then(() => this.#options.intake.take(stream, buffer, dataStart, dataEnd));
  }

  /**
   * Before the first record of a stream whose table is replaced: makes everything durable and gives the
   * states back. If the attempt fails later, the source continues from such a state, in the same snapshot. So
   * rows that are deleted in the source meanwhile do not stay in the table, which is not emptied again.
   */
  async #giveBackAll(): Promise<void> {
    await this.#options.sender.finish();
    await this.#options.context.writer.drain();
  }

  #takeState({ buffer, start, end }: Line): Promise<void> | undefined {
    const { stateStart, stateEnd } = this.#inbound;
    const facts = receivedFacts(buffer, stateStart, stateEnd);
    let coverage: Coverage = facts.type === 'stream' ? 'unknown' : 'all';
    for (const { name, namespace, empty } of facts.streams) {
      const index = this.#resolve(name, namespace);
      if (index !== -1) this.#options.tracker.state(index, empty);
      if (facts.type !== 'stream') continue;
      if (index !== -1) coverage = index;
      else this.#warnOnce(unknownStateWarning(descriptorOf(name, namespace), this.#options.streams));
    }
    while (end > start && isSpace(buffer[end - 1])) end--;
    const line = Buffer.from(buffer.subarray(start, end));
    const empty = facts.streams.some((stream) => stream.empty);
    this.#options.ledger.state(coverage, { line, start: stateStart - start, end: stateEnd - start }, empty);
    if (this.#options.sender.idle) return this.#options.commits.commit(this.#options.ledger.received);
    return this.#options.ledger.waitingBytes > MAX_WAITING_STATES ? this.#options.sender.submit() : undefined;
  }

  #takeStatus(): Promise<void> | undefined {
    const { stream: index, status } = this.#inbound;
    if (index === -1) {
      this.#options.tracker.unknownStatus();
      return undefined;
    }
    this.#options.tracker.status(index, status, this.#options.ledger.received);
    return status === 'COMPLETE' && this.#options.sender.idle
      ? this.#options.commits.commit(this.#options.ledger.received)
      : undefined;
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#options.context.log.warn(text);
  }
}
