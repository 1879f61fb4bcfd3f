/** Reads messages: records go to the intake, STATEs to the ledger, statuses to the tracker. */
import type { Context } from '../shared/airbyte/connector.ts';
import { Inbound, Kind, type Resolve } from '../shared/airbyte/inbound.ts';
import { lineBatches, type Line } from '../shared/airbyte/lines.ts';
import { descriptorOf } from '../shared/core/stream-descriptor.ts';
import { isSpace } from '../shared/json/raw.ts';
import type { BatchSender } from './batch-sender.ts';
import { filesWarning, inputFailure, unknownStateWarning } from './input-failures.ts';
import type { Intake } from './intake.ts';
import type { Coverage, Ledger } from './ledger.ts';
import type { Progress } from './progress.ts';
import { readState } from './state.ts';
import type { StreamTracker } from './stream-tracker.ts';
import { streamResolver, type StreamPlan } from './streams.ts';

/** Bytes of STATEs that may wait for the batch. If there are more, the batch is sent. */
const MAX_WAITING_STATES = 4 * 1024 * 1024;

interface InputReaderOptions {
  streams: readonly StreamPlan[];
  context: Context;
  tracker: StreamTracker;
  ledger: Ledger;
  intake: Intake;
  sender: BatchSender;
  /** Every record up to number `durable` was written or refused. */
  commit: (durable: number) => Promise<void>;
  progress: Progress;
}

export class InputReader {
  /** Lines that are not messages. */
  noise = 0;
  readonly #options: InputReaderOptions;
  readonly #resolve: Resolve;
  readonly #inbound: Inbound;
  /** Streams that replace their table by generation and of which no record has arrived. */
  readonly #fresh: Set<number>;
  /** Warnings that were logged, so that each is logged once. */
  readonly #warned = new Set<string>();

  constructor(options: InputReaderOptions) {
    const { streams, intake } = options;
    this.#options = options;
    this.#resolve = streamResolver(streams);
    this.#inbound = new Inbound(this.#resolve, (stream, bytes, at, end) => intake.skip(stream, bytes, at, end));
    const replaced = streams.filter(({ truncation, generation }) => truncation !== 'none' && generation !== undefined);
    this.#fresh = new Set(replaced.map(({ index }) => index));
  }

  /**
   * Reads all messages, and waits while the deployment is slower than the source. Throws a `ConnectorFailure`
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
      // The records before the broken message are written, and their STATEs echoed.
      await this.#options.sender.finish();
      throw failure;
    }
  }

  /** The chunks of the input. Throws if sending fails, because stdin may stay open and silent for ever. */
  async *#chunks(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const chunks = input[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#options.progress.waitFor('source', this.#options.sender.orFailure(chunks.next()));
      if (next.done) return;
      yield next.value;
    }
  }

  /** Handles one line. Returns a promise if the next line has to wait. */
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
          this.#options.context.log.warn('The source wrote a line that is not a message. It was skipped.');
        return undefined;
      case Kind.Other:
        return undefined;
    }
  }

  #takeRecord(buffer: Buffer): Promise<void> | undefined {
    const { stream, dataStart, dataEnd, hasFile } = this.#inbound;
    if (hasFile) this.#warnOnce(filesWarning(this.#options.streams[stream]!.text));
    this.#options.tracker.record(stream);
    if (this.#fresh.size === 0 || !this.#fresh.delete(stream))
      return this.#options.intake.take(stream, buffer, dataStart, dataEnd);
    return this.#takeFirst(stream, buffer, dataStart, dataEnd);
  }

  /**
   * Makes everything durable and echoes the STATEs, then takes the first record of a stream that replaces its
   * table. If the attempt fails later, the source continues from such a STATE, in the same snapshot.
   * Otherwise the next attempt would read a new snapshot into a table that is not emptied again, and rows
   * that were deleted in the meantime would stay.
   */
  async #takeFirst(stream: number, buffer: Buffer, start: number, end: number): Promise<void> {
    await this.#options.sender.finish();
    await this.#options.context.writer.drain();
    await this.#options.intake.take(stream, buffer, start, end);
  }

  #takeState({ buffer, start, end }: Line): Promise<void> | undefined {
    const { stateStart, stateEnd } = this.#inbound;
    const facts = readState(buffer, stateStart, stateEnd);
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
    if (this.#options.sender.idle) return this.#options.commit(this.#options.ledger.received);
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
      ? this.#options.commit(this.#options.ledger.received)
      : undefined;
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#options.context.log.warn(text);
  }
}
