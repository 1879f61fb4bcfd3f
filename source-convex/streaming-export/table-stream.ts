/** A table's stream during a run: what is still to be read of it, and how far it has been read. */
import { descriptorText } from '../../shared/core/stream-descriptor.ts';
import type { ConnectorFailure } from '../../shared/core/failure.ts';
import type { ReadEvent, StateOf, StreamPosition } from '../output/events.ts';
import type { Plan, PlannedStream } from './plan.ts';
import { formatState, samePosition, type Position, type SyncPlace } from './state.ts';

export class TableStream {
  /** How events name it. */
  readonly index: number;
  readonly name: string;
  readonly planned: PlannedStream;
  /** What is to be read. Changes when a saved position turns out to be of no use. */
  plan: Plan;
  /** Where the next run would go on; undefined until something is known. */
  position: Position | undefined;
  /**
   * Where it stands in Data Sync; undefined while its changes are not read so. Part of each state that is
   * made from now on.
   */
  place: SyncPlace | undefined;
  /** Whether its states carry the cursor of its chain. */
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

  /**
   * Digits, nanoseconds: everything up to here in the change log has been read. Only defined after the
   * snapshot.
   */
  get cursor(): string {
    return this.position!.deltaCursor;
  }

  /** The position where it stands, which must be known. */
  current(): StreamPosition {
    return { stream: this.index, state: this.#stateAt(this.position!) };
  }

  /** The position where it stands, as one to be saved: its place in Data Sync has changed. */
  due(): StreamPosition {
    return { ...this.current(), due: true };
  }

  /** Takes the position that the saved state has. */
  resumeAt(position: Position): StreamPosition {
    this.position = position;
    return this.current();
  }

  /** Moves to a position. Empty where the stream stands there already. */
  advanceTo(position: Position): StreamPosition[] {
    const before = this.position;
    if (before !== undefined && samePosition(before, position)) return [];
    this.position = position;
    // The end of a snapshot is worth a state: without it, the next run would read the table's last page
    // again.
    const due = !position.snapshotHasMore && before?.snapshotHasMore !== false;
    return [{ stream: this.index, state: this.#stateAt(position), due }];
  }

  /** The event that ends it with a failure of its own. */
  fail(failure: ConnectorFailure): ReadEvent {
    this.plan = { kind: 'failed', failure };
    return { kind: 'failed', stream: this.index, failure };
  }

  /** `position` with the place of this moment. */
  #stateAt(position: Position): StateOf {
    // A full refresh says in each state which sync it belongs to: only that one may go on with it.
    const syncId = this.planned.incremental ? undefined : this.planned.syncId;
    const { place } = this;
    const dataSync = place === undefined || this.carriesCursor ? place : { ...place, cursor: undefined };
    return () => formatState({ ...position, deployment: this.#deployment, syncId, dataSync });
  }
}
