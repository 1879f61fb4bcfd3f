/** The lifecycle of a stream in the output: its statuses, records and states, for every way of reading. */
import type { Context } from '../../shared/airbyte/connector.ts';
import { descriptorText, type StreamDescriptor } from '../../shared/core/stream-descriptor.ts';
import type { ConnectorFailure } from '../../shared/core/failure.ts';
import type { StreamStatus } from '../../shared/airbyte/protocol.generated.ts';
import { errorTrace, statusTrace } from '../../shared/airbyte/traces.ts';
import type { SourceRecord, StateOf } from './events.ts';
import { RecordEncoder } from './record-encoder.ts';

export class StreamOutput {
  readonly name: string;
  /** Records written in this run. */
  records = 0;
  failed = false;
  readonly #descriptor: StreamDescriptor;
  readonly #context: Context;
  readonly #encoder: RecordEncoder;
  #state: StateOf | undefined;
  /** Records since the last STATE. */
  #sinceState = 0;
  /** Whether the position has changed since the last STATE. */
  #advanced = false;
  /** Whether to write a STATE although no record was written since the last one. */
  #due = false;
  #stateWritten = false;
  #status: StreamStatus | undefined;

  /** `excluded`: columns to leave out of its records. */
  constructor(descriptor: StreamDescriptor, excluded: readonly string[], context: Context) {
    this.#descriptor = descriptor;
    this.name = descriptorText(descriptor);
    this.#context = context;
    this.#encoder = new RecordEncoder(descriptor, excluded);
  }

  /** Whether it is complete or has failed. Nothing more is written for it then. */
  get ended(): boolean {
    return this.#status === 'COMPLETE' || this.#status === 'INCOMPLETE';
  }

  /** Whether a STATE would save progress: it covers new records, or it is due. */
  get hasUnsavedProgress(): boolean {
    return this.#advanced && (this.#sinceState > 0 || this.#due);
  }

  /** Whether a STATE may be written at any time: its position covers every record written. */
  get isIdle(): boolean {
    return !this.ended && this.#state !== undefined && this.#sinceState === 0;
  }

  /** Whether the position has changed since the last STATE. */
  get hasAdvanced(): boolean {
    return this.#advanced;
  }

  start(): void {
    if (this.#status === undefined) this.#writeStatus('STARTED');
  }

  /** `emittedAt`: milliseconds since 1970. */
  write(record: SourceRecord, emittedAt: number): void {
    if (this.#status !== 'RUNNING') this.#writeStatus('RUNNING');
    if (record.lines === undefined) this.#encoder.write(this.#context.writer, record, emittedAt);
    else this.#context.writer.bytes(record.buffer, record.start, record.end);
    const records = record.lines ?? 1;
    this.records += records;
    this.#sinceState += records;
  }

  /** Sets the position that the run goes on from. It is saved already, so no STATE is due. */
  resumeAt(state: StateOf): void {
    this.#state = state;
  }

  /** Sets a new position. Every record that it covers has been written. */
  advanceTo(state: StateOf, due: boolean): void {
    this.#state = state;
    this.#advanced = true;
    this.#due ||= due;
  }

  /** Writes the STATE. Every record that it covers precedes it in the output (INV1). */
  writeState(): void {
    if (this.#state === undefined) return;
    this.#context.writer.message({
      type: 'STATE',
      state: {
        type: 'STREAM',
        stream: { stream_descriptor: this.#descriptor, stream_state: this.#state() },
        sourceStats: { recordCount: this.#sinceState },
      },
    });
    this.#sinceState = 0;
    this.#advanced = false;
    this.#due = false;
    this.#stateWritten = true;
  }

  /** Ends the stream: RUNNING if it was empty, its last STATE, COMPLETE. */
  complete(): void {
    if (this.ended) return;
    if (this.#status !== 'RUNNING') this.#writeStatus('RUNNING');
    if (this.#advanced || !this.#stateWritten) this.writeState();
    this.#writeStatus('COMPLETE');
  }

  /** Ends the stream with an error TRACE and INCOMPLETE. */
  fail(failure: ConnectorFailure): void {
    if (this.ended) return;
    this.failed = true;
    this.#context.writer.message(errorTrace(failure.of(this.#descriptor), this.#context.secrets));
    this.stop();
  }

  /** Ends a started stream as INCOMPLETE. The next run reads the records after its position again. */
  stop(): void {
    if (this.ended || this.#status === undefined) return;
    if (this.#advanced) this.writeState();
    this.#writeStatus('INCOMPLETE');
  }

  #writeStatus(status: StreamStatus): void {
    this.#status = status;
    this.#context.writer.message(statusTrace(this.#descriptor, status));
  }
}
