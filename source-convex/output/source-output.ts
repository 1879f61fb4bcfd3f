/** Writes the events of the ways of reading: the one loop that turns events into messages. */
import type { Context } from '../../shared/airbyte/connector.ts';
import type { StreamDescriptor } from '../../shared/core/stream-descriptor.ts';
import { Checkpoints } from './checkpoints.ts';
import type { ReadEvent, RecordCursor } from './events.ts';
import { Progress } from './progress.ts';
import { StreamOutput } from './stream-output.ts';

export class SourceOutput {
  /** In the order of the index that events name streams by. */
  readonly streams: readonly StreamOutput[];
  readonly #context: Context;
  readonly #checkpoints: Checkpoints;
  readonly #progress: Progress;

  constructor(streams: readonly { descriptor: StreamDescriptor; excluded: readonly string[] }[], context: Context) {
    this.#context = context;
    this.streams = streams.map(({ descriptor, excluded }) => new StreamOutput(descriptor, excluded, context));
    this.#checkpoints = new Checkpoints(this.streams, context.writer);
    this.#progress = new Progress(context.log, this.streams);
  }

  /** Writes all events, with backpressure. Throws all errors; open streams are then INCOMPLETE. */
  async write(events: AsyncGenerator<ReadEvent, void>): Promise<void> {
    this.#checkpoints.startHeartbeat();
    try {
      await Promise.race([this.#writeAll(events), this.#outputFailure()]);
    } catch (error) {
      for (const stream of this.streams) stream.stop();
      throw error;
    } finally {
      this.#checkpoints.stopHeartbeat();
    }
    if (!this.streams.every((stream) => stream.failed && stream.records === 0)) this.#progress.summary();
  }

  async #writeAll(events: AsyncGenerator<ReadEvent, void>): Promise<void> {
    try {
      let step = await events.next();
      while (!step.done) {
        const failure = this.#writeEvent(step.value);
        if (step.value.kind === 'records') await this.#context.writer.room();
        step = failure === undefined ? await events.next() : await events.throw(failure.error);
      }
    } finally {
      // Not awaited: a pending request would delay the end of the run.
      events.return().catch(() => undefined);
    }
  }

  /** Writes one event. Returns the error if its records could not be read. */
  #writeEvent(event: ReadEvent): { error: unknown } | undefined {
    switch (event.kind) {
      case 'started':
        this.streams[event.stream]!.start();
        break;
      case 'resumed':
        for (const { stream, state } of event.positions) this.streams[stream]!.resumeAt(state);
        break;
      case 'records':
        return this.#writeRecords(event.records);
      case 'positions':
        for (const { stream, state, due } of event.positions) this.streams[stream]!.advanceTo(state, due ?? false);
        this.#checkpoints.afterPositions();
        if (event.endsPage === true) this.#progress.page();
        break;
      case 'checkpoint':
        this.#checkpoints.write(event.all);
        break;
      case 'phase':
        this.#progress.begin(event.name, event.howFar);
        break;
      case 'complete':
        this.streams[event.stream]!.complete();
        break;
      case 'failed':
        this.streams[event.stream]!.fail(event.failure);
        break;
    }
    return undefined;
  }

  #writeRecords(records: RecordCursor): { error: unknown } | undefined {
    const emittedAt = Date.now();
    try {
      while (records.next()) this.streams[records.stream]!.write(records.record, emittedAt);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  /** Rejects when stdout fails. A run that waits for the deployment would not notice otherwise. */
  #outputFailure(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#context.writer.onFailure(reject);
    });
  }
}
