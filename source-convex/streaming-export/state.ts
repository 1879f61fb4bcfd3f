/**
 * The saved state of a table's stream: `{"snapshot_cursor": string|null, "snapshot_has_more": boolean,
 * "delta_cursor": "<digits>"}`.
 *
 * `delta_cursor` (nanoseconds) is the snapshot's timestamp while `snapshot_has_more`, then the position in
 * the change log. The Python source wrote these three, `delta_cursor` as an integer (INV14). Optional
 * members: `deployment` is the name of the deployment, `sync_id` the sync of a full refresh, `data_sync` the
 * place in Data Sync.
 */
import { parsedJson } from '../../shared/core/json.ts';
import { compareDigits, digitsOf, isDigits } from '../../shared/json/integers.ts';
import { StateError, stateMembers, stringMember, syncIdMember } from '../saved-state.ts';

/** How far a stream has been read. */
export interface Position {
  /** Cursor in an unfinished snapshot; null before its first page and after its last. */
  snapshotCursor: string | null;
  snapshotHasMore: boolean;
  /** The snapshot's timestamp, then the position in the change log (digits, nanoseconds). */
  deltaCursor: string;
}

/** In the snapshot at a timestamp. `cursor`: null at its beginning. */
export function inSnapshot(snapshot: string, cursor: string | null): Position {
  return { snapshotCursor: cursor, snapshotHasMore: true, deltaCursor: snapshot };
}

/** After the snapshot: everything up to this timestamp has been read. */
export function inLog(cursor: string): Position {
  return { snapshotCursor: null, snapshotHasMore: false, deltaCursor: cursor };
}

export function samePosition(a: Position, b: Position): boolean {
  return (
    a.deltaCursor === b.deltaCursor && a.snapshotHasMore === b.snapshotHasMore && a.snapshotCursor === b.snapshotCursor
  );
}

/** The place of a stream in Data Sync. */
export interface SyncPlace {
  /**
   * Id of the chain of cursors that tracks the stream's table. A chain begins with a conversion (DEC11); all
   * streams of a run share it. Null: no chain tracks the table, so its contents have to be compared (DEC12).
   */
  chain: string | null;
  /**
   * A cursor of the chain, unless the state of another stream holds it (DEC22): hex, and the timestamp up to
   * which it has read (digits, at most `delta_cursor`).
   */
  cursor?: { hex: string; ts: string } | undefined;
  /**
   * Further timestamps (digits) as of which the destination may hold documents, besides `delta_cursor`:
   * records were written that no state covers (DEC19), or changes were read without Data Sync (DEC21).
   */
  held: readonly string[];
  /** How far comparisons of the table's contents have come, if one was begun and not finished (DEC23). */
  compared?: Compared | undefined;
}

export interface Compared {
  /** Rows that were written because they are new or differ. */
  rows: readonly ComparedPart[];
  /** Tombstones that were written because their ids are gone. */
  gone: readonly ComparedPart[];
}

/** Ids up to `upTo`, and the timestamp (digits) as of which they were compared. Sorted by id in a list. */
export interface ComparedPart {
  at: string;
  upTo: string;
}

/**
 * Timestamps in `held` from which on a table is not compared: each is one more listing. They do no harm while
 * the table is not replaced: the log settles them.
 */
export const MAX_HELD = 50;

/** The place with one more timestamp (digits) in `held`. */
export function withHeld(place: SyncPlace, ts: string): SyncPlace {
  return place.held.includes(ts) ? place : { ...place, held: [...place.held, ts] };
}

/**
 * What is left of `held` when the log was read up to `ts` (digits): later timestamps. A killed run may have
 * written what is after `ts`, and the table may be replaced before this run has read so far.
 */
export function heldAfter({ held }: SyncPlace, ts: string): string[] {
  return held.filter((one) => compareDigits(one, ts) > 0);
}

export interface StreamState extends Omit<Position, 'deltaCursor'> {
  /** As in `Position`; undefined if nothing was read yet. */
  deltaCursor: string | undefined;
  /** Name of the deployment that was read, if known. */
  deployment: string | undefined;
  /** The sync that a full refresh belongs to. */
  syncId: number | undefined;
  /** Undefined: changes were not read through Data Sync. */
  dataSync?: SyncPlace | undefined;
}

/** The greatest timestamp: a signed 64-bit integer. */
const MAX_TIMESTAMP = '9223372036854775807';

/** Parses the raw JSON text of a saved state. Ignores unknown members. Throws `StateError`. */
export function parseState(raw: string): StreamState {
  const members = stateMembers(raw);
  const cursor = members.get('delta_cursor');
  const deltaCursor = digitsOf(cursor);
  if (cursor !== undefined && cursor !== 'null' && !isTimestamp(deltaCursor))
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
    dataSync: dataSyncOf(members.get('data_sync')),
  };
}

function isTimestamp(value: unknown): value is string {
  return typeof value === 'string' && isDigits(value) && compareDigits(value, MAX_TIMESTAMP) <= 0;
}

function dataSyncOf(raw: string | undefined): SyncPlace | undefined {
  if (raw === undefined || raw === 'null') return undefined;
  const { chain, cursor, ts, held = [], compared } = (parsedJson(raw) ?? {}) as Record<string, unknown>;
  if (
    !(typeof chain === 'string' || chain === null) ||
    !(cursor === undefined || (typeof cursor === 'string' && isTimestamp(ts))) ||
    !(Array.isArray(held) && held.every(isTimestamp)) ||
    !(compared === undefined || isCompared(compared))
  )
    throw new StateError('has a data_sync that this source did not write');
  return {
    chain,
    held,
    ...(cursor === undefined ? {} : { cursor: { hex: cursor, ts: ts as string } }),
    ...(compared === undefined ? {} : { compared }),
  };
}

function isCompared(value: unknown): value is Compared {
  const isPart = (part: unknown): boolean => {
    const { at, upTo } = (part ?? {}) as Partial<ComparedPart>;
    return isTimestamp(at) && typeof upTo === 'string';
  };
  const { rows, gone } = (value ?? {}) as Partial<Compared>;
  return [rows, gone].every((parts) => Array.isArray(parts) && parts.every(isPart));
}

/** The state as it is written: timestamps are strings, so that no reader rounds them. */
export function formatState(state: StreamState): Record<string, unknown> {
  return {
    snapshot_cursor: state.snapshotCursor,
    snapshot_has_more: state.snapshotHasMore,
    delta_cursor: state.deltaCursor ?? null,
    deployment: state.deployment,
    sync_id: state.syncId,
    data_sync: state.dataSync && formatPlace(state.dataSync),
  };
}

function formatPlace({ chain, cursor, held, compared }: SyncPlace): Record<string, unknown> {
  return { chain, cursor: cursor?.hex, ts: cursor?.ts, held: held.length === 0 ? undefined : held, compared };
}
