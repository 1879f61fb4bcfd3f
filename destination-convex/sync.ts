/** One run of `write`: stdin to batches to Convex, and the states back. */
import { BrokenMessage, Inbound, Kind, UnknownStream, type Resolve } from '../shared/airbyte/inbound.ts';
import type { Context } from '../shared/airbyte/connector.ts';
import { descriptorKey, descriptorText } from '../shared/airbyte/descriptor.ts';
import { ConnectorFailure, systemError } from '../shared/airbyte/failure.ts';
import { lineBatches, type Line } from '../shared/airbyte/lines.ts';
import { tuned } from '../shared/connector/tuning.ts';
import { MAX_IMPORT_BODY, type StreamingImport } from '../shared/convex/streaming-import.ts';
import { isSpace, skipNested } from '../shared/json/raw.ts';
import { MAX_APPEND_BYTES, STANDARD_LIMITS, streamBytes, type BatchLimits, type Deletion, type Lane } from './batch.ts';
import { uninsertable } from './deletes.ts';
import { outcomeOf, type StreamNews } from './generations.ts';
import { Importer } from './importer.ts';
import { Ledger, type Coverage } from './ledger.ts';
import { Pipeline } from './pipeline.ts';
import { Tables } from './prepare.ts';
import { Progress } from './progress.ts';
import { RecordScanner } from './record.ts';
import { GIVE_UP_AFTER, Rejections } from './rejections.ts';
import { readState, withStats } from './state.ts';
import type { StreamPlan } from './streams.ts';

/** Milliseconds until a batch goes out although it is not full: the source may be silent for long, and its states want to be saved. */
const MAX_AGE = 5_000;
/** Bytes of states that may wait for a batch to be sent. */
const MAX_WAITING_STATES = 4 * 1024 * 1024;

export interface SyncOptions {
  api: StreamingImport;
  streams: readonly StreamPlan[];
  context: Context;
  skipRejected: boolean;
}

export class Sync {
  readonly #context: Context;
  readonly #streams: readonly StreamPlan[];
  readonly #news: StreamNews[];
  readonly #scanners: (RecordScanner | undefined)[];
  /** By stream: set where deletions have to be sent alone (see deletes.ts). */
  readonly #uninsertable: (Buffer | undefined)[] = [];
  readonly #resolve: Resolve;
  readonly #inbound: Inbound;
  readonly #ledger: Ledger;
  readonly #tables: Tables;
  readonly #importer: Importer;
  readonly #pipeline: Pipeline;
  readonly #progress: Progress;
  readonly #rejections: Rejections;
  readonly #completed: { stream: StreamPlan; position: number }[] = [];
  #anyStatus = false;
  #noise = 0;

  constructor({ api, streams, context, skipRejected }: SyncOptions) {
    const { log } = context;
    this.#context = context;
    this.#streams = streams;
    this.#news = streams.map(() => ({ records: 0, states: 0, emptyStates: 0, status: undefined }));
    this.#scanners = streams.map(({ key }) => (key === undefined ? undefined : new RecordScanner(key)));
    this.#resolve = resolver(streams);
    this.#inbound = new Inbound(this.#resolve, (stream, buffer, at, end) => {
      const scanner = this.#scanners[stream];
      return scanner === undefined ? skipNested(buffer, at, end) : scanner.scan(buffer, at, end);
    });
    this.#ledger = new Ledger(
      streams.length,
      streams.filter(({ truncation }) => truncation !== 'none').map(({ index }) => index),
    );
    this.#tables = new Tables(api, streams, log);
    this.#progress = new Progress(log);
    this.#rejections = new Rejections(!skipRejected, log);
    this.#importer = new Importer({
      api,
      log,
      onRejected: ({ stream, record }, data, reason) => {
        this.#reject(stream, record, data, reason);
      },
      onGuardedTable: ({ stream }) => (this.#uninsertable[stream.index] = uninsertable(stream.key!)),
    });
    this.#pipeline = new Pipeline({
      limits: batchLimits(),
      bytes: streams.map(streamBytes),
      maxAge: tuned('BATCH_AGE_MS', MAX_AGE),
      send: (lane) => this.#send(lane),
      onSent: (lastRecord) => this.#sent(lastRecord),
    });
  }

  async run(input: AsyncIterable<Buffer>): Promise<void> {
    // Without a reader no state can be given back: going on would only write what is written again in the next run.
    this.#context.writer.onFailure((failure) => {
      this.#pipeline.fail(failure);
    });
    try {
      await this.#readAll(input);
      await this.#finish();
    } finally {
      this.#pipeline.abandon();
      this.#progress.stop();
    }
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
      const failure = inputFailure(error);
      if (failure === undefined) throw error;
      // What came before the broken message is sound.
      await this.#pipeline.finish();
      throw failure;
    }
  }

  /** Reads on only as long as sending works: stdin may stay open and silent for ever. */
  async *#chunks(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const chunks = input[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#progress.waitFor('source', this.#pipeline.orFailure(chunks.next()));
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
    const { stream: index, dataStart, dataEnd } = this.#inbound;
    const stream = this.#streams[index]!;
    const record = this.#ledger.record(index);
    this.#news[index]!.records++;
    const scanner = this.#scanners[index];
    let deletion: Deletion | undefined;
    if (scanner !== undefined) {
      const { problem } = scanner;
      if (problem !== undefined)
        return this.#rejectHere(stream, record, buffer.subarray(dataStart, dataEnd), problemText(problem));
      if (scanner.tombstone) {
        const { markerStart, markerEnd } = scanner;
        deletion = { markerStart, markerEnd, uninsertable: this.#uninsertable[index] };
      }
    }
    const lane = this.#pipeline.batch.lane(stream);
    if (!lane.fits(stream, dataEnd - dataStart, deletion)) {
      if (lane.count > 0)
        return this.#pipeline.submit().then(() => this.#put(stream, record, buffer, dataStart, dataEnd, deletion));
    }
    return this.#put(stream, record, buffer, dataStart, dataEnd, deletion);
  }

  #put(
    stream: StreamPlan,
    record: number,
    buffer: Buffer,
    start: number,
    end: number,
    deletion: Deletion | undefined,
  ): Promise<void> | undefined {
    const { batch } = this.#pipeline;
    const lane = batch.lane(stream);
    if (!lane.fits(stream, end - start, deletion)) {
      return this.#rejectHere(
        stream,
        record,
        buffer.subarray(start, end),
        `it has ${end - start} bytes of JSON, more than Convex takes in one request (${MAX_IMPORT_BODY}); documents may have 1 MiB.`,
      );
    }
    lane.add(stream, record, buffer, start, end, deletion);
    batch.lastRecord = record;
    this.#pipeline.touched();
    return batch.full ? this.#pipeline.submit() : undefined;
  }

  #takeState({ buffer, start, end }: Line): Promise<void> | undefined {
    const { stateStart, stateEnd } = this.#inbound;
    const facts = readState(buffer, stateStart, stateEnd);
    let coverage: Coverage = facts.type === 'stream' ? 'none' : 'all';
    for (const { name, namespace, empty } of facts.streams) {
      const index = this.#resolve(name, namespace);
      if (index === -1) continue;
      if (facts.type === 'stream') coverage = index;
      this.#news[index]!.states++;
      if (empty) this.#news[index]!.emptyStates++;
    }
    while (end > start && isSpace(buffer[end - 1])) end--;
    const line = Buffer.from(buffer.subarray(start, end));
    this.#ledger.state(coverage, { line, start: stateStart - start, end: stateEnd - start });
    if (this.#pipeline.idle) return this.#echo();
    return this.#ledger.waitingBytes > MAX_WAITING_STATES ? this.#pipeline.submit() : undefined;
  }

  #takeStatus(): Promise<void> | undefined {
    const { stream: index, status } = this.#inbound;
    this.#anyStatus = true;
    const stream = this.#streams[index];
    if (stream === undefined) return undefined;
    this.#news[index]!.status = status;
    if (status !== 'COMPLETE') return undefined;
    this.#completed.push({ stream, position: this.#ledger.received });
    return this.#pipeline.idle ? this.#settle(this.#ledger.received) : undefined;
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
    await this.#settle(this.#pipeline.batch.empty ? this.#ledger.received : lastRecord);
    if (this.#rejections.failing && this.#rejections.count > 0) throw this.#rejections.failure();
  }

  /** Everything up to `durable` is: ends the streams that are complete by then, and gives back what states may be. */
  async #settle(durable: number): Promise<void> {
    this.#ledger.durable(durable);
    const due = this.#completed.filter(({ position }) => position <= durable);
    if (due.length > 0) {
      await this.#tables.clear(due.map(({ stream }) => stream));
      for (const { stream } of due) this.#ledger.release(stream.index);
      this.#completed.splice(0, due.length);
    }
    await this.#echo();
  }

  async #echo(): Promise<void> {
    const { writer } = this.#context;
    this.#ledger.durable(this.#pipeline.idle ? this.#ledger.received : 0);
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
    await this.#progress.waitFor('convex', this.#pipeline.finish());
    const outcomes = this.#streams.map((stream) => ({
      stream,
      outcome: outcomeOf(this.#news[stream.index]!, stream.truncation, this.#anyStatus),
    }));
    const complete = outcomes.filter(({ outcome }) => outcome === 'complete').map(({ stream }) => stream);
    await this.#tables.clear(complete);
    for (const stream of complete) this.#ledger.release(stream.index);
    await this.#settle(this.#ledger.received);
    this.#report(outcomes.filter(({ outcome }) => outcome === 'silent').map(({ stream }) => stream));
    if (this.#rejections.failing && this.#rejections.count > 0) throw this.#rejections.failure();
    const incomplete = outcomes.filter(({ outcome }) => outcome === 'incomplete').map(({ stream }) => stream.text);
    if (incomplete.length > 0) {
      throw new ConnectorFailure(
        'transient_error',
        `The source did not come to the end of ${incomplete.join(', ')}. What it sent was written; what is missing comes with the next sync.`,
      );
    }
  }

  #report(silent: readonly StreamPlan[]): void {
    const { log } = this.#context;
    this.#progress.close(this.#rejections.byStream);
    if (this.#noise > 1) log.warn(`${this.#noise} lines that are no messages were skipped.`);
    const rejected = this.#rejections.summary();
    if (rejected !== undefined) log.warn(rejected);
    if (silent.length > 0)
      log.info(`The source said nothing of ${silent.map(({ text }) => text).join(', ')}: left as it is.`);
  }

  /** Refuses a record before it is sent. If that fails the sync, what came before it is still written. */
  #rejectHere(stream: StreamPlan, record: number, data: Buffer, reason: string): Promise<void> | undefined {
    this.#reject(stream, record, data, reason);
    if (!this.#rejections.failing) return undefined;
    return this.#pipeline.finish().then(() => {
      throw this.#rejections.failure();
    });
  }

  #reject(stream: StreamPlan, record: number, data: Buffer, reason: string): void {
    this.#rejections.add(stream, data, reason);
    this.#ledger.reject(stream.index, record, this.#rejections.failing);
    if (this.#rejections.failing && this.#rejections.count >= GIVE_UP_AFTER) throw this.#rejections.failure();
  }
}

function batchLimits(): BatchLimits {
  const { dedup, append } = STANDARD_LIMITS;
  const bytes = tuned('BATCH_BYTES', dedup.bytes);
  const messages = Math.max(2, tuned('BATCH_RECORDS', dedup.messages));
  return {
    dedup: { bytes: Math.min(bytes, MAX_IMPORT_BODY), messages: Math.min(messages, dedup.messages) },
    append: {
      bytes: Math.min(tuned('BATCH_BYTES', append.bytes), MAX_APPEND_BYTES),
      messages: Math.min(tuned('BATCH_RECORDS', append.messages), dedup.messages),
    },
  };
}

function problemText(problem: NonNullable<RecordScanner['problem']>): string {
  if (problem === 'not-json') return 'its data are not valid JSON.';
  return problem.kind === 'missing'
    ? `it has no value for the primary key field "${problem.field}".`
    : `its primary key field "${problem.field}" would not be stored under the name that it has in other records: Convex renames fields that begin with an underscore or have special characters, and here another field has, or is given, that name. Rename one of the fields in the source.`;
}

/**
 * By name and namespace. PyAirbyte leaves the namespace out of records that come from its cache: a name that only one stream has is enough
 * then.
 */
function resolver(streams: readonly StreamPlan[]): Resolve {
  const exact = new Map(streams.map((stream) => [descriptorKey(stream.descriptor), stream.index]));
  const byName = new Map<string, number>();
  for (const { descriptor, index } of streams) byName.set(descriptor.name, byName.has(descriptor.name) ? -1 : index);
  return (name, namespace) =>
    exact.get(descriptorKey({ name, namespace })) ?? (namespace === undefined ? (byName.get(name) ?? -1) : -1);
}

function inputFailure(error: unknown): ConnectorFailure | undefined {
  if (error instanceof UnknownStream) {
    return systemError(
      `The source sent a record for the stream "${descriptorText({ name: error.stream, namespace: error.namespace })}", which is not in the catalog.`,
    );
  }
  if (error instanceof BrokenMessage)
    return systemError(`The source sent ${error.message}. Skipping it would lose data.`);
  return undefined;
}
