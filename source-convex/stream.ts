/** A stream during a run: where it stands, what it has written, and the messages that say so. */
import type { Context } from '../shared/airbyte/connector.ts';
import { descriptorText } from '../shared/airbyte/descriptor.ts';
import type { ConnectorFailure } from '../shared/airbyte/failure.ts';
import type { StreamStatus } from '../shared/airbyte/protocol.generated.ts';
import { errorTrace, statusTrace } from '../shared/airbyte/traces.ts';
import type { DocumentHead } from '../shared/convex/document.ts';
import type { Need, PlannedStream } from './plan.ts';
import { RecordEncoder } from './record.ts';
import { formatState, isAt, type Position, type StreamState } from './state.ts';

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
  /** Records since the last state. */
  #sinceState = 0;
  /** Whether the position has moved since the last state. */
  #moved = false;
  /** Whether the snapshot has ended since the last state. */
  #snapshotEnded = false;
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

  /** Whether its last word has been said. */
  get ended(): boolean {
    return this.#status === 'COMPLETE' || this.#status === 'INCOMPLETE';
  }

  /** Digits: what lies at or before it in the change log has been read. Only asked for after the snapshot. */
  get cursor(): string {
    return this.state!.deltaCursor!;
  }

  start(): void {
    this.#say('STARTED');
  }

  /** Writes a document of a snapshot page. */
  writeSnapshot(buffer: Buffer, start: number, end: number, head: DocumentHead, emittedAt: number): void {
    this.#snapshotEncoder ??= this.#encoder({ snapshot: true });
    this.#write(this.#snapshotEncoder, buffer, start, end, head, emittedAt);
  }

  /** Writes a document, or a tombstone, of a deltas page. */
  writeDelta(buffer: Buffer, start: number, end: number, head: DocumentHead, emittedAt: number): void {
    this.#deltaEncoder ??= this.#encoder({ snapshot: false });
    this.#write(this.#deltaEncoder, buffer, start, end, head, emittedAt);
  }

  #encoder({ snapshot }: { snapshot: boolean }): RecordEncoder {
    const { descriptor, excluded } = this.planned;
    return new RecordEncoder(descriptor, { snapshot, excluded });
  }

  #write(
    encoder: RecordEncoder,
    buffer: Buffer,
    start: number,
    end: number,
    head: DocumentHead,
    emittedAt: number,
  ): void {
    if (this.#status !== 'RUNNING') this.#say('RUNNING');
    encoder.write(this.#context.writer, buffer, start, end, head, emittedAt);
    this.records++;
    this.#sinceState++;
  }

  /** Stands at the position that was saved: nothing that a state would have to say. */
  standAt(position: Position): void {
    this.state = this.#stateAt(position);
  }

  /** Moves to a position; every record that it covers has been written. */
  moveTo(position: Position): void {
    const { state } = this;
    if (state !== undefined && isAt(state, position)) return;
    const ended = !position.snapshotHasMore && state?.snapshotHasMore !== false;
    this.state = this.#stateAt(position);
    this.#moved = true;
    this.#snapshotEnded ||= ended;
  }

  /** A full refresh says in each state which sync it belongs to: only that one may go on with it. */
  #stateAt(position: Position): StreamState {
    const { incremental, syncId } = this.planned;
    return { ...position, deployment: this.#deployment, syncId: incremental ? undefined : syncId };
  }

  /** Whether a state is due soon: records were written that it would cover, or the snapshot has ended. */
  get owesState(): boolean {
    return this.#moved && (this.#sinceState > 0 || this.#snapshotEnded);
  }

  /** Whether a state may be given at any time: no record has been written that it would not cover. */
  get rests(): boolean {
    return !this.ended && this.state !== undefined && this.#sinceState === 0;
  }

  get moved(): boolean {
    return this.#moved;
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
    this.#moved = false;
    this.#snapshotEnded = false;
    this.#stateWritten = true;
  }

  /** Ends the stream well: RUNNING also for an empty one, its last state, COMPLETE. */
  complete(): void {
    if (this.ended) return;
    if (this.#status !== 'RUNNING') this.#say('RUNNING');
    if (this.#moved || !this.#stateWritten) this.writeState();
    this.#say('COMPLETE');
  }

  /** Ends the stream with a failure of its own. */
  fail(failure: ConnectorFailure): void {
    if (this.ended) return;
    this.need = { kind: 'failed', failure };
    this.#context.writer.message(errorTrace(failure.of(this.planned.descriptor), this.#context.secrets));
    this.stop();
  }

  /** Ends the stream where it stands. What it has reached is kept; records beyond that will come again. */
  stop(): void {
    if (this.ended) return;
    if (this.#moved) this.writeState();
    this.#say('INCOMPLETE');
  }

  #say(status: StreamStatus): void {
    this.#status = status;
    this.#context.writer.message(statusTrace(this.planned.descriptor, status));
  }
}
