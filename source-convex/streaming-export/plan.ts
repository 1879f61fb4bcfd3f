/**
 * What each stream still needs: configured catalog + saved states + the tables that exist -> one plan a
 * stream. Pure.
 */
import {
  descriptorKey,
  descriptorOf,
  descriptorText,
  type StreamDescriptor,
  type StreamStates,
} from '../../shared/core/stream-descriptor.ts';
import { configError, type ConnectorFailure } from '../../shared/core/failure.ts';
import { isIdentifier } from '../../shared/convex/identifiers.ts';
import { tableKey } from '../../shared/convex/selection.ts';
import type { ConfiguredStream } from '../catalog.ts';
import { deselectedColumns } from '../columns.ts';
import { StateError, isSameSync, syncIdOf } from '../saved-state.ts';
import { parseState, type StreamState, type SyncPlace } from './state.ts';

export type Plan =
  /** A snapshot from its beginning. `why`: the reason why a saved state was not used, for the log. */
  | { kind: 'snapshot'; why?: string }
  /** An unfinished snapshot: its timestamp, and the position in it (null: no page of it was committed). */
  | { kind: 'resume'; snapshot: string; cursor: string | null; dataSync?: SyncPlace | undefined }
  /** The changes after a position. */
  | { kind: 'changes'; cursor: string; dataSync?: SyncPlace | undefined }
  /** Nothing: an earlier attempt of this very sync has read all of it. The state is handed back. */
  | { kind: 'done'; cursor: string }
  /** It cannot be read; the others can. */
  | { kind: 'failed'; failure: ConnectorFailure };

export interface PlannedStream {
  descriptor: StreamDescriptor;
  /** Where the stream's documents are: the namespace is the component path, '' the root. */
  component: string;
  table: string;
  /** Columns that are not to be read, because the user deselected them. */
  excluded: string[];
  incremental: boolean;
  syncId: number | undefined;
  plan: Plan;
}

export interface PlanInput {
  configured: readonly ConfiguredStream[];
  states: StreamStates;
  /** `tableKey`s of the tables that exist; undefined if the deployment cannot tell. */
  tables: ReadonlySet<string> | undefined;
  /** Name of the deployment, where it is known. */
  deployment: string | undefined;
}

export function planStreams({ configured, states, tables, deployment }: PlanInput): PlannedStream[] {
  return configured.map((stream) => {
    const descriptor = descriptorOf(stream.stream.name, stream.stream.namespace);
    const component = descriptor.namespace ?? '';
    const table = descriptor.name;
    const excluded = deselectedColumns(stream.stream.json_schema);
    const incremental = stream.sync_mode === 'incremental';
    const syncId = syncIdOf(stream);
    const raw = states.get(descriptorKey(descriptor));
    const exists = tables === undefined ? couldExist(component, table) : tables.has(tableKey(component, table));
    const plan: Plan = !exists
      ? { kind: 'failed', failure: missingTable(descriptor, raw !== undefined) }
      : raw === undefined
        ? { kind: 'snapshot' }
        : planAfter(descriptor, raw, { incremental, syncId, deployment });
    return { descriptor, component, table, excluded, incremental, syncId, plan };
  });
}

/**
 * A name that no table can have makes the deployment answer a request for many tables with an error 500 (C7).
 */
function couldExist(component: string, table: string): boolean {
  return isIdentifier(table) && (component === '' || component.split('/').every(isIdentifier));
}

function planAfter(
  descriptor: StreamDescriptor,
  raw: string,
  {
    incremental,
    syncId,
    deployment,
  }: { incremental: boolean; syncId: number | undefined; deployment: string | undefined },
): Plan {
  const stream = descriptorText(descriptor);
  let state: StreamState;
  try {
    state = parseState(raw);
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    const message = `The saved state of stream "${stream}" ${error.message}. Refresh (or clear) the stream to read it anew.`;
    return { kind: 'failed', failure: configError(message, descriptor) };
  }
  if (state.deployment !== undefined && deployment !== undefined && state.deployment !== deployment) {
    // Its positions mean nothing here: a snapshot would skip documents and the change log would start at a
    // wrong place, silently.
    const message = `The saved state of stream "${stream}" was saved from the deployment ${state.deployment}, but this connection reads ${deployment}. Refresh (or clear) the stream to read it anew from here, or correct the deployment URL and the deploy key.`;
    return { kind: 'failed', failure: configError(message, descriptor) };
  }
  if (state.deltaCursor === undefined) return { kind: 'snapshot' };
  const resume: Plan = { kind: 'resume', snapshot: state.deltaCursor, cursor: state.snapshotCursor };
  const { dataSync } = state;
  if (incremental)
    return state.snapshotHasMore ? { ...resume, dataSync } : { kind: 'changes', cursor: state.deltaCursor, dataSync };
  // What another sync has read of a full refresh is not in the table that this one fills.
  if (isSameSync(state.syncId, syncId))
    return state.snapshotHasMore ? resume : { kind: 'done', cursor: state.deltaCursor };
  return state.snapshotHasMore
    ? { kind: 'snapshot', why: 'is of a full refresh that another sync did not finish' }
    : { kind: 'snapshot' };
}

/** What is said of a stream whose table is not there. `synced`: whether it was there before. */
export function missingTable(descriptor: StreamDescriptor, synced: boolean): ConnectorFailure {
  const where = descriptor.namespace === undefined ? '' : ` in the component "${descriptor.namespace}"`;
  const what = synced
    ? 'It was synced before, so it was dropped or renamed since; what was synced stays in the destination.'
    : 'It may be misspelt, not created yet, or of another deployment.';
  return configError(
    `The deployment has no table "${descriptor.name}"${where}. ${what} Refresh the source's schema and deselect the stream, or create the table.`,
    descriptor,
  );
}

/** Streams whose snapshots are read in one walk: all of them at one timestamp. */
export interface SnapshotWalk<Stream> {
  /** Digits, nanoseconds. */
  snapshot: string;
  cursor: string | null;
  streams: Stream[];
}

/**
 * Which walks the snapshots take, in order. Streams in the middle of a table come first, each alone, at its
 * own timestamp and position: a position is only valid for the tables that it was made with. Then the streams
 * that are at the beginning of a timestamp, one walk a timestamp. Fresh streams that may join it are read at
 * the timestamp of the interrupted ones if there is exactly one, so that all streams end on one cut.
 */
export function snapshotWalks<Stream extends { plan: Plan }>(
  streams: readonly Stream[],
  head: string,
  { joins = () => true }: { joins?: (fresh: Stream) => boolean } = {},
): SnapshotWalk<Stream>[] {
  const alone: SnapshotWalk<Stream>[] = [];
  const together = new Map<string, Stream[]>();
  const timestamps = new Set<string>();
  const fresh: Stream[] = [];
  for (const stream of streams) {
    const { plan } = stream;
    if (plan.kind === 'snapshot') fresh.push(stream);
    if (plan.kind !== 'resume') continue;
    timestamps.add(plan.snapshot);
    if (plan.cursor !== null) alone.push({ snapshot: plan.snapshot, cursor: plan.cursor, streams: [stream] });
    else together.set(plan.snapshot, [...(together.get(plan.snapshot) ?? []), stream]);
  }
  for (const stream of fresh) {
    const snapshot = timestamps.size === 1 && joins(stream) ? [...timestamps][0]! : head;
    together.set(snapshot, [...(together.get(snapshot) ?? []), stream]);
  }
  return [...alone, ...[...together].map(([snapshot, group]) => ({ snapshot, cursor: null, streams: group }))];
}
