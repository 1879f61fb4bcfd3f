/**
 * Which sync a full refresh belongs to. What one sync has read is of no use to another: a destination empties
 * the table for each. Pure.
 *
 * Airbyte counts its jobs and gives every attempt of a job the same `sync_id`. PyAirbyte gives 1 to every
 * run, so 1 identifies none.
 */
import type { ConfiguredStream } from './catalog.ts';

/** The sync that this run is an attempt of; undefined where the catalog does not identify it. */
export function syncIdOf({ sync_id: syncId }: ConfiguredStream): number | undefined {
  return syncId === 1 ? undefined : (syncId ?? undefined);
}

/** Whether a state was saved by an earlier attempt of this sync. False where either is not identified. */
export function isSameSync(saved: number | undefined, current: number | undefined): boolean {
  return current !== undefined && saved === current;
}
