/** Whether a stream's table is replaced, and what identifies the replacement. Pure. */
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';

/**
 * - `none`: the table keeps its rows.
 * - `overwrite`: the destination sync mode. Also used by platforms that do not send stream statuses.
 * - `generation`: `minimum_generation_id == generation_id`. Only used by platforms that send stream statuses.
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

/** Identifies a replacement of a table: the same for each attempt of a sync, another for the next one. */
export interface Generation {
  id: number;
  /** The platform's number of the sync. */
  sync: number | undefined;
}

/**
 * The only generation that the table shall hold. Undefined if the table keeps its rows, or if the numbers are
 * those that PyAirbyte writes into every catalog: generation 1 with a sync that is 1 or missing (DEC41). The
 * platform counts generations from 1, and numbers its syncs over all connections.
 */
export function generationOf({
  generation_id: id,
  minimum_generation_id: minimum,
  sync_id: sync,
}: Omit<Generations, 'destination_sync_mode'>): Generation | undefined {
  if (!id || !minimum || id !== minimum) return undefined;
  return id > 1 || (sync ?? 1) > 1 ? { id, sync: sync ?? undefined } : undefined;
}
