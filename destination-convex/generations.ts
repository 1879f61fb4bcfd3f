/**
 * When a stream's table is emptied, what identifies the replacement, and when a stream counts as complete. Pure. What cannot be known is told
 * to users in docs/destination-convex.md.
 */
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';

/**
 * - `none`: what is in the table stays.
 * - `overwrite`: asked for by the destination sync mode. Any platform may ask for it, also one that never says whether a stream is complete.
 * - `generation`: asked for by `minimum_generation_id == generation_id`. Only platforms that also say COMPLETE ask for it.
 */
export type Truncation = 'none' | 'overwrite' | 'generation';

type Generations = Pick<
  ConfiguredAirbyteStream,
  'destination_sync_mode' | 'generation_id' | 'minimum_generation_id' | 'sync_id'
>;

export function truncationOf(stream: Generations): Truncation {
  if (stream.destination_sync_mode === 'overwrite') return 'overwrite';
  return generationOf(stream) === undefined ? 'none' : 'generation';
}

/** What identifies the replacement of a table: a later attempt of the same sync has the same, the next replacement another one. */
export interface Generation {
  id: number;
  /** The platform's number of the sync; undefined where it does not say. */
  sync: number | undefined;
}

/**
 * The generation that is to be all that the table holds; undefined where none is asked for, or where the numbers identify nothing.
 *
 * Generations are counted from 1 in the first refresh, and the platform numbers its syncs over all connections. PyAirbyte writes 1, 1 and
 * 1 into every catalog: the same numbers in each of its syncs, which tell no replacement from the next one. A catalog of generation 1 whose
 * sync is 1 or missing cannot be told from PyAirbyte's, so it is taken for one.
 */
export function generationOf({
  generation_id: id,
  minimum_generation_id: minimum,
  sync_id: sync,
}: Omit<Generations, 'destination_sync_mode'>): Generation | undefined {
  if (!id || !minimum || id !== minimum) return undefined;
  return id > 1 || (sync ?? 1) > 1 ? { id, sync: sync ?? undefined } : undefined;
}

/** What the input has said of a stream. */
export interface StreamHistory {
  records: number;
  /** States that named it, and how many of these were empty (null). */
  states: number;
  emptyStates: number;
  /** The last status of it, if any. */
  status: 'STARTED' | 'RUNNING' | 'COMPLETE' | 'INCOMPLETE' | undefined;
}

/**
 * - `complete`: all there is has arrived.
 * - `silent`: it was never mentioned; nothing is known, so nothing is done.
 * - `incomplete`: it was begun, and the source did not get to its end.
 */
export type Outcome = 'complete' | 'silent' | 'incomplete';

/** Judges a stream once the input has ended. `anyStatus`: whether the input told the status of any stream at all. */
export function outcomeOf(news: StreamHistory, truncation: Truncation, anyStatus: boolean): Outcome {
  if (news.status === 'COMPLETE') return 'complete';
  if (news.status === 'INCOMPLETE') return 'incomplete';
  if (news.status === undefined && news.records === 0 && news.states === 0) return 'silent';
  // A clear job sends no records, and states without content: there is no source that could have failed.
  if (truncation !== 'none' && news.status === undefined && news.records === 0 && news.states === news.emptyStates)
    return 'complete';
  // A platform that knows of generations says COMPLETE for every stream of a source that succeeded, and nothing otherwise.
  if (anyStatus || truncation === 'generation') return 'incomplete';
  // No statuses at all: success and failure look the same, and the end of the input is all there is to go by.
  return 'complete';
}
