/** A stream during a run: where it stands, what it has written, and the messages that say so. */
import type { Context } from '../shared/airbyte/connector.ts';
import { descriptorText } from '../shared/airbyte/descriptor.ts';
import type { ConnectorFailure } from '../shared/airbyte/failure.ts';
import type { StreamStatus } from '../shared/airbyte/protocol.generated.ts';
import { errorTrace, statusTrace } from '../shared/airbyte/traces.ts';
import type { DocumentHead } from '../shared/convex/document.ts';
import type { Need, PlannedStream } from './plan.ts';
import { RecordEncoder } from './record.ts';
import { formatState, type StreamState } from './state.ts';

export class SourceStream {
  readonly planned: PlannedStream;
  readonly name: string;
  need: Need;
  /** Records written in this run. */
  records = 0;
  /** Where the next run would go on; undefined until something is known. */
  state: StreamState | undefined;
  #context: Context;
  #deployment: string | undefined;
  #sinceState = 0;
  #stateChanged = false;
  #stateWritten = false;
  #status: StreamStatus | undefined;
  #snapshotEncoder: RecordEncoder | undefined;
  #deltaEncoder: RecordEncoder | undefined;

  constructor(planned: PlannedStream, deployment: string | undefined, context: Context) {
    this.planned = planned;
    this.name = descriptorText(planned.descriptor);
    this.need = planned.need;
    this.#context = context;
    this.#deployment = deployment;
  }

  get failed(): boolean {
    return this.need.kind === 'failed';
  }

  /** Digits: what lies at or before it in the change log has been read. Only asked for after the snapshot. */
  get cursor(): string {
    return this.state!.deltaCursor!;
  }

  status(status: StreamStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#context.writer.message(statusTrace(this.planned.descriptor, status));
  }

  /** Ends the stream with a failure of its own. Its last state stands: it covers what was written before it. */
  fail(failure: ConnectorFailure): void {
    if (this.failed && this.#status === 'INCOMPLETE') return;
    this.need = { kind: 'failed', failure };
    this.#context.writer.message(errorTrace(failure.of(this.planned.descriptor), this.#context.secrets));
    this.status('INCOMPLETE');
  }

  /** Writes a document of a snapshot page. */
  writeSnapshot(buffer: Buffer, start: number, end: number, head: DocumentHead, emittedAt: number): void {
    this.#snapshotEncoder ??= new RecordEncoder(this.planned.descriptor, { snapshot: true });
    this.#write(this.#snapshotEncoder, buffer, start, end, head, emittedAt);
  }

  /** Writes a document, or a tombstone, of a deltas page. */
  writeDelta(buffer: Buffer, start: number, end: number, head: DocumentHead, emittedAt: number): void {
    this.#deltaEncoder ??= new RecordEncoder(this.planned.descriptor, { snapshot: false });
    this.#write(this.#deltaEncoder, buffer, start, end, head, emittedAt);
  }

  #write(
    encoder: RecordEncoder,
    buffer: Buffer,
    start: number,
    end: number,
    head: DocumentHead,
    emittedAt: number,
  ): void {
    if (this.#status !== 'RUNNING') this.status('RUNNING');
    encoder.write(this.#context.writer, buffer, start, end, head, emittedAt);
    this.records++;
    this.#sinceState++;
  }

  /** Moves to a position; every record that it covers has been written. */
  moveTo(position: { snapshotCursor: string | null; snapshotHasMore: boolean; deltaCursor: string }): void {
    const { snapshotCursor, snapshotHasMore, deltaCursor } = position;
    const finished = !snapshotHasMore && !this.planned.incremental;
    const state = this.state;
    this.#stateChanged ||=
      state?.deltaCursor !== deltaCursor ||
      state.snapshotCursor !== snapshotCursor ||
      state.snapshotHasMore !== snapshotHasMore;
    this.state = { ...position, deployment: this.#deployment, syncId: finished ? this.planned.syncId : undefined };
  }

  /** Whether a state would say something new that is worth a line: records were written, or the snapshot ended. */
  get worthState(): boolean {
    return this.#sinceState > 0 || (this.#stateChanged && this.state?.snapshotHasMore === false);
  }

  /** Writes the stream's state. Everything it covers stands before it in the output: that is what makes it a promise. */
  writeState(): void {
    if (this.state === undefined) return;
    this.#context.writer.message({
      type: 'STATE',
      state: {
        type: 'STREAM',
        stream: { stream_descriptor: this.planned.descriptor, stream_state: formatState(this.state) },
        sourceStats: { recordCount: this.#sinceState },
      },
    });
    this.#sinceState = 0;
    this.#stateChanged = false;
    this.#stateWritten = true;
  }

  /** Ends the stream well: RUNNING also for an empty one, its last state, COMPLETE. */
  complete(): void {
    if (this.#status !== 'RUNNING') this.status('RUNNING');
    if (this.worthState || !this.#stateWritten) this.writeState();
    this.status('COMPLETE');
  }
}
