/** What an app is told of a sync. Pure, but for the clock and the run's id. */
import { randomUUID } from 'node:crypto';
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import type { StreamPlan } from './streams.ts';

/** All of it is JSON, and a Convex value: numbers are float64. */
export interface SyncSummary {
  /** The sync's number, as the platform counts its jobs: the same for each attempt. Null where the platform does not say. */
  syncId: string | null;
  /** Another one for each run of the destination. */
  runId: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  finishedAt: number;
  /** Records written in this run, of all streams. */
  records: number;
  streams: StreamSummary[];
}

export interface StreamSummary {
  name: string;
  namespace: string | null;
  /** The table that its records are in. */
  table: string;
  /** `append`, `append_dedup` or `overwrite`. */
  mode: string;
  /** Records that were written in this run; deletions are counted, too. */
  records: number;
  /** Records that Convex refused and the configuration left out. */
  rejected: number;
}

export class SummaryBuilder {
  readonly #configured: readonly ConfiguredAirbyteStream[];
  readonly #runId = randomUUID();
  readonly #startedAt = Date.now();

  constructor(configured: readonly ConfiguredAirbyteStream[]) {
    this.#configured = configured;
  }

  of(
    plans: readonly StreamPlan[],
    countsOf: (stream: StreamPlan) => { records: number; rejected: number },
  ): SyncSummary {
    const streams = plans.map((plan) => ({
      name: plan.descriptor.name,
      namespace: plan.descriptor.namespace ?? null,
      table: plan.table,
      mode: this.#configured[plan.index]!.destination_sync_mode,
      ...countsOf(plan),
    }));
    return {
      syncId: syncIdOf(this.#configured),
      runId: this.#runId,
      startedAt: this.#startedAt,
      finishedAt: Date.now(),
      records: streams.reduce((sum, { records }) => sum + records, 0),
      streams,
    };
  }
}

/** Every stream of a catalog has the same. PyAirbyte calls each of its syncs 1, which tells none from another. */
function syncIdOf(configured: readonly ConfiguredAirbyteStream[]): string | null {
  const id = configured.find(({ sync_id: syncId }) => typeof syncId === 'number')?.sync_id ?? null;
  return id === null || id === 1 ? null : String(id);
}
