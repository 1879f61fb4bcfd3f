/** The summary of a sync that the app gets (see after-sync.ts). */
import { randomUUID } from 'node:crypto';
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import type { StreamPlan } from './streams.ts';

/** A JSON object that is also a Convex value. Its numbers are float64. */
export interface SyncSummary {
  /** The platform's number of the sync, the same for each attempt. Null if the platform does not tell. */
  syncId: string | null;
  /** Unique for each run of the destination. */
  runId: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  finishedAt: number;
  /** Records written in this run, of all streams. */
  records: number;
  streams: StreamSummary[];
}

interface StreamSummary {
  name: string;
  namespace: string | null;
  /** The table with its records. */
  table: string;
  /** `append`, `append_dedup` or `overwrite`. */
  mode: string;
  /** Records written in this run, deletions included. */
  records: number;
  /** Records that Convex refused and that were skipped. */
  rejected: number;
}

/** The summary of this run. `startedAt`: milliseconds since 1970. `countsOf`: the counts of a stream. */
export function syncSummary(
  configured: readonly ConfiguredAirbyteStream[],
  startedAt: number,
  plans: readonly StreamPlan[],
  countsOf: (stream: StreamPlan) => { records: number; rejected: number },
): SyncSummary {
  const streams = plans.map((plan) => ({
    name: plan.descriptor.name,
    namespace: plan.descriptor.namespace ?? null,
    table: plan.table,
    mode: configured[plan.index]!.destination_sync_mode,
    ...countsOf(plan),
  }));
  return {
    syncId: syncIdOf(configured),
    runId: randomUUID(),
    startedAt,
    finishedAt: Date.now(),
    records: streams.reduce((sum, { records }) => sum + records, 0),
    streams,
  };
}

/** All streams have the same number. PyAirbyte numbers each of its syncs 1, so 1 counts as unknown. */
function syncIdOf(configured: readonly ConfiguredAirbyteStream[]): string | null {
  const id = configured.find(({ sync_id: syncId }) => typeof syncId === 'number')?.sync_id ?? null;
  return id === null || id === 1 ? null : String(id);
}
