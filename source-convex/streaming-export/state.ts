/**
 * A stream's state, in the shape that users already have stored:
 * `{"snapshot_cursor": string|null, "snapshot_has_more": boolean, "delta_cursor": "<digits>"}`.
 *
 * While the snapshot runs, `delta_cursor` is the snapshot's timestamp; after it, the position in the change log. The Python source wrote
 * it as an integer, which is read digit for digit. `deployment` and `sync_id` are ours, and optional: the deployment that was read, and
 * the sync that a full refresh belongs to.
 */
import { compareDigits, digitsOf } from '../../shared/json/integers.ts';
import { StateError, stateMembers, stringMember, syncIdMember } from '../saved-state.ts';

/** How far a stream has been read. */
export interface Position {
  /** Position in an unfinished snapshot; null before its first page and after its last. */
  snapshotCursor: string | null;
  snapshotHasMore: boolean;
  /** Digits, nanoseconds: the snapshot's timestamp, then the position in the change log. */
  deltaCursor: string;
}

/** In the middle of the snapshot at a timestamp; without a cursor, at its beginning. */
export function inSnapshot(snapshot: string, cursor: string | null): Position {
  return { snapshotCursor: cursor, snapshotHasMore: true, deltaCursor: snapshot };
}

/** After the snapshot: all that happened up to a timestamp has been read. */
export function inLog(cursor: string): Position {
  return { snapshotCursor: null, snapshotHasMore: false, deltaCursor: cursor };
}

export function samePosition(a: Position, b: Position): boolean {
  return (
    a.deltaCursor === b.deltaCursor && a.snapshotHasMore === b.snapshotHasMore && a.snapshotCursor === b.snapshotCursor
  );
}

export interface StreamState extends Omit<Position, 'deltaCursor'> {
  /** As in `Position`; undefined: nothing was read yet. */
  deltaCursor: string | undefined;
  /** Name of the deployment that the state is of, where it was known. */
  deployment: string | undefined;
  /** The sync whose full refresh this state belongs to. */
  syncId: number | undefined;
}

/** What Convex's timestamps, signed 64-bit integers, can hold. */
const MAX_TIMESTAMP = '9223372036854775807';

/** Reads the raw JSON text of a saved state. Unknown members are ignored. Throws `StateError`. */
export function parseState(raw: string): StreamState {
  const members = stateMembers(raw);
  const cursor = members.get('delta_cursor');
  const deltaCursor = digitsOf(cursor);
  if (deltaCursor === undefined && cursor !== undefined && cursor !== 'null')
    throw new StateError('has a delta_cursor that is no timestamp');
  if (deltaCursor !== undefined && compareDigits(deltaCursor, MAX_TIMESTAMP) > 0)
    throw new StateError('has a delta_cursor that is no timestamp');
  const hasMore = members.get('snapshot_has_more');
  if (hasMore !== 'true' && hasMore !== 'false')
    throw new StateError('lacks snapshot_has_more, so it is not a state of source-convex');
  const snapshotCursor = stringMember(members, 'snapshot_cursor') ?? null;
  if (deltaCursor === undefined && (hasMore === 'false' || snapshotCursor !== null))
    throw new StateError('lacks delta_cursor');
  return {
    snapshotCursor,
    snapshotHasMore: hasMore === 'true',
    deltaCursor,
    deployment: stringMember(members, 'deployment'),
    syncId: syncIdMember(members),
  };
}

/** The state as it is written: a JSON object whose timestamp is a string, so that no reader rounds it. */
export function formatState(state: StreamState): Record<string, unknown> {
  return {
    snapshot_cursor: state.snapshotCursor,
    snapshot_has_more: state.snapshotHasMore,
    delta_cursor: state.deltaCursor ?? null,
    ...(state.deployment === undefined ? {} : { deployment: state.deployment }),
    ...(state.syncId === undefined ? {} : { sync_id: state.syncId }),
  };
}
