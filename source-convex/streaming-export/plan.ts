/** Plans what to read of each stream, from catalog, saved states and existing tables. Pure. */
import {
  descriptorKey,
  descriptorOf,
  type StreamDescriptor,
  type StreamStates,
} from '../../shared/core/stream-descriptor.ts';
import { ConnectorFailure, configError } from '../../shared/core/failure.ts';
import { isIdentifier } from '../../shared/convex/identifiers.ts';
import { tableKey } from '../../shared/convex/selection.ts';
import type { ConfiguredStream } from '../catalog.ts';
import { deselectedColumns } from '../columns.ts';
import { isSameSync, readState, syncIdOf } from '../saved-state.ts';
import { parseState, type SyncPlace } from './state.ts';

export type Plan =
  /** A snapshot from its beginning. `why`: the reason why a saved state was not used, for the log. */
  | { kind: 'snapshot'; why?: string }
  /** The rest of a snapshot: its timestamp and the position in it (null: at its beginning). */
  | { kind: 'resume'; snapshot: string; cursor: string | null; dataSync?: SyncPlace | undefined }
  /** The changes after a position (digits, nanoseconds). */
  | { kind: 'changes'; cursor: string; dataSync?: SyncPlace | undefined }
  /** Nothing: an earlier attempt of this sync has read all of it. Its state is written again. */
  | { kind: 'done'; cursor: string }
  /** It cannot be read; others can. */
  | { kind: 'failed'; failure: ConnectorFailure };

export interface PlannedStream {
  descriptor: StreamDescriptor;
  /** The component's path, which is the stream's namespace; '' is the root (C32). */
  component: string;
  table: string;
  /** Deselected columns. */
  excluded: string[];
  incremental: boolean;
  syncId: number | undefined;
  plan: Plan;
}

export interface PlanInput {
  configured: readonly ConfiguredStream[];
  states: StreamStates;
  /** `tableKey`s of the existing tables; undefined where the deployment cannot list them. */
  tables: ReadonlySet<string> | undefined;
  /** Name of the deployment, if known. */
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
        : planAfter(raw, { descriptor, incremental, syncId, deployment });
    return { descriptor, component, table, excluded, incremental, syncId, plan };
  });
}

/** An invalid name makes the request for all selected tables a 500 (C7). */
function couldExist(component: string, table: string): boolean {
  return isIdentifier(table) && (component === '' || component.split('/').every(isIdentifier));
}

type Circumstances = Pick<PlannedStream, 'descriptor' | 'incremental' | 'syncId'> & Pick<PlanInput, 'deployment'>;

function planAfter(raw: string, { descriptor, incremental, syncId, deployment }: Circumstances): Plan {
  const state = readState(parseState, { raw, descriptor, deployment });
  if (state instanceof ConnectorFailure) return { kind: 'failed', failure: state };
  if (state.deltaCursor === undefined) return { kind: 'snapshot' };
  const resume: Plan = { kind: 'resume', snapshot: state.deltaCursor, cursor: state.snapshotCursor };
  const { dataSync } = state;
  if (incremental)
    return state.snapshotHasMore ? { ...resume, dataSync } : { kind: 'changes', cursor: state.deltaCursor, dataSync };
  // The destination's table does not have what another sync has read of a full refresh.
  if (isSameSync(state.syncId, syncId))
    return state.snapshotHasMore ? resume : { kind: 'done', cursor: state.deltaCursor };
  return state.snapshotHasMore
    ? { kind: 'snapshot', why: 'is of a full refresh that another sync did not finish' }
    : { kind: 'snapshot' };
}

/** The failure of a stream without a table. `synced`: whether the table existed in an earlier sync. */
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

/** Streams whose snapshots are read in one walk at one timestamp. */
export interface SnapshotWalk<Stream> {
  /** Digits, nanoseconds. */
  snapshot: string;
  cursor: string | null;
  streams: Stream[];
}

/**
 * Groups the snapshots into walks, in the order in which they run.
 *
 * First the streams in the middle of a table, each alone: their cursors are only valid for the tables that
 * they were made with. Then one walk for each timestamp, for the streams at its beginning. Fresh streams are
 * read at the timestamp of the interrupted ones if there is exactly one and `joins` allows it, else at
 * `head`: all streams then end at one timestamp.
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
