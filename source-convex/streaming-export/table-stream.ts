/** A table's stream during a run: its plan, and how far it has been read. */
import { descriptorText } from '../../shared/core/stream-descriptor.ts';
import type { ConnectorFailure } from '../../shared/core/failure.ts';
import type { ReadEvent, StateOf, StreamPosition } from '../output/events.ts';
import type { Plan, PlannedStream } from './plan.ts';
import { formatState, samePosition, type Position, type SyncPlace } from './state.ts';

export class TableStream {
  /** Index by which events name it. */
  readonly index: number;
  readonly name: string;
  readonly planned: PlannedStream;
  /** Replaced when a saved position turns out to be unusable. */
  plan: Plan;
  /** Position of the next state; undefined until one is known. */
  position: Position | undefined;
  /** Place in Data Sync, part of each state. Undefined while changes are read without Data Sync. */
  place: SyncPlace | undefined;
  /** Whether its states carry the cursor of its chain (DEC22). */
  carriesCursor = true;
  readonly #deployment: string | undefined;

  constructor(index: number, planned: PlannedStream, deployment: string | undefined) {
    this.index = index;
    this.planned = planned;
    this.name = descriptorText(planned.descriptor);
    this.plan = planned.plan;
    if (planned.plan.kind === 'resume' || planned.plan.kind === 'changes') this.place = planned.plan.dataSync;
    this.#deployment = deployment;
  }

  get failed(): boolean {
    return this.plan.kind === 'failed';
  }

  /** Whether its snapshot has been read. */
  get hasSnapshot(): boolean {
    return this.position?.snapshotHasMore === false;
  }

  /** Position in the change log after the snapshot (digits, ns): all up to it has been read. */
  get cursor(): string {
    return this.position!.deltaCursor;
  }

  /** The current position, which must be known. */
  current(): StreamPosition {
    return { stream: this.index, state: this.#stateAt(this.position!) };
  }

  /** The current position, marked as worth a STATE because the place in Data Sync has changed. */
  due(): StreamPosition {
    return { ...this.current(), due: true };
  }

  /** Continues from a saved position. */
  resumeAt(position: Position): StreamPosition {
    this.position = position;
    return this.current();
  }

  /** Moves to a position. Empty if the stream is there already. */
  advanceTo(position: Position): StreamPosition[] {
    const before = this.position;
    if (before !== undefined && samePosition(before, position)) return [];
    this.position = position;
    // The end of a snapshot is worth a STATE: without it, the next run would read the last page again.
    const due = !position.snapshotHasMore && before?.snapshotHasMore !== false;
    return [{ stream: this.index, state: this.#stateAt(position), due }];
  }

  /** The event that ends it with a failure. */
  fail(failure: ConnectorFailure): ReadEvent {
    this.plan = { kind: 'failed', failure };
    return { kind: 'failed', stream: this.index, failure };
  }

  /** The state at `position` with the current place. */
  #stateAt(position: Position): StateOf {
    // Only the sync that began a full refresh may continue it.
    const syncId = this.planned.incremental ? undefined : this.planned.syncId;
    const { place } = this;
    const dataSync = place === undefined || this.carriesCursor ? place : { ...place, cursor: undefined };
    return () => formatState({ ...position, deployment: this.#deployment, syncId, dataSync });
  }
}
