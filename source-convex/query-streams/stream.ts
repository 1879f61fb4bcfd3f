/** A query stream during a run: where it stands, what it has written, and the messages that say so. */
import type { Context } from '../../shared/airbyte/connector.ts';
import type { ConnectorFailure } from '../../shared/airbyte/failure.ts';
import type { StreamDescriptor, StreamStatus } from '../../shared/airbyte/protocol.generated.ts';
import { errorTrace, statusTrace } from '../../shared/airbyte/traces.ts';
import { tuned } from '../../shared/connector/tuning.ts';
import { formatQueryState, type QueryState } from './state.ts';

/** Milliseconds between states, and after which a stream without records says that it is alive: as for tables (see checkpoints.ts). */
const INTERVAL = 5_000;
const HEARTBEAT = 60_000;

export class QueryRun {
  /** Records written in this run. */
  records = 0;
  readonly #descriptor: StreamDescriptor;
  readonly #query: string;
  readonly #context: Context;
  readonly #before: Buffer;
  readonly #interval = tuned('CHECKPOINT_MS', INTERVAL);
  #state: QueryState | undefined;
  #sinceState = 0;
  #moved = false;
  #stateWritten = false;
  #lastState = performance.now();
  #status: StreamStatus | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(descriptor: StreamDescriptor, query: string, context: Context) {
    this.#descriptor = descriptor;
    this.#query = query;
    this.#context = context;
    this.#before = Buffer.from(`{"type":"RECORD","record":{"stream":${JSON.stringify(descriptor.name)},"data":`);
  }

  start(): void {
    this.#say('STARTED');
    // Retries can take minutes, and a source that says nothing for long is taken for dead.
    this.#heartbeat = setInterval(
      () => {
        if (this.#sinceState === 0) this.writeState();
      },
      tuned('HEARTBEAT_MS', HEARTBEAT),
    );
  }

  /** Writes the record whose bytes are `buffer[start, end)`; `after` is what `afterRecord` made. */
  write(buffer: Buffer, start: number, end: number, after: Buffer): void {
    if (this.#status !== 'RUNNING') this.#say('RUNNING');
    const { writer } = this.#context;
    writer.bytes(this.#before);
    writer.bytes(buffer, start, end);
    writer.bytes(after);
    this.records++;
    this.#sinceState++;
  }

  /** Moves to a position; every record that it covers has been written. */
  moveTo(state: QueryState): void {
    this.#state = state;
    this.#moved = true;
  }

  /** To be called after a page: writes a state, not more often than every few seconds. */
  checkpoint(): void {
    if (this.#moved && performance.now() - this.#lastState >= this.#interval) this.writeState();
  }

  writeState(): void {
    if (this.#state === undefined) return;
    const { writer } = this.#context;
    writer.message({
      type: 'STATE',
      state: {
        type: 'STREAM',
        stream: { stream_descriptor: this.#descriptor, stream_state: formatQueryState(this.#query, this.#state) },
        sourceStats: { recordCount: this.#sinceState },
      },
    });
    // A state that waits in this process for the next page would not be there when the process is not.
    writer.flush();
    this.#sinceState = 0;
    this.#moved = false;
    this.#stateWritten = true;
    this.#lastState = performance.now();
  }

  /** Ends the stream well: RUNNING also for an empty one, its last state, COMPLETE. */
  complete(): void {
    if (this.#status !== 'RUNNING') this.#say('RUNNING');
    if (this.#moved || !this.#stateWritten) this.writeState();
    this.#end('COMPLETE');
  }

  /** Ends the stream with a failure of its own. What it has reached is kept; records beyond that will come again. */
  fail(failure: ConnectorFailure): void {
    this.#context.writer.message(errorTrace(failure.of(this.#descriptor), this.#context.secrets));
    if (this.#moved) this.writeState();
    this.#end('INCOMPLETE');
  }

  #end(status: StreamStatus): void {
    clearInterval(this.#heartbeat);
    this.#say(status);
  }

  #say(status: StreamStatus): void {
    this.#status = status;
    this.#context.writer.message(statusTrace(this.#descriptor, status));
  }
}

/** What stands behind the data of a record. `emittedAt`: milliseconds since 1970. */
export function afterRecord(emittedAt: number): Buffer {
  return Buffer.from(`,"emitted_at":${emittedAt}}}\n`);
}
