import type {
  AirbyteCatalog,
  AirbyteStream,
  ConfiguredAirbyteCatalog,
  ConfiguredAirbyteStream,
} from '../shared/airbyte/protocol.generated.ts';
import { streamLabel } from './messages.ts';

/** How the streams are written. */
export type Mode = 'append_dedup' | 'append' | 'overwrite';
export const MODES: readonly Mode[] = ['append_dedup', 'append', 'overwrite'];

export interface Choice {
  /** Labels of streams (`name` or `namespace.name`); undefined for all. */
  streams?: readonly string[];
  mode: Mode;
  /**
   * Number of this refresh, given if the destination is to remove what earlier syncs wrote. It has to be above 1 and above that of
   * earlier refreshes, as a destination tells a refresh by `minimum_generation_id == generation_id > 1`.
   */
  refresh?: number;
}

/**
 * Makes the configured catalog of a sync from what discover found.
 * @throws Error that names the streams that do not exist, or do not allow the mode
 */
export function configure(catalog: AirbyteCatalog, { streams, mode, refresh }: Choice): ConfiguredAirbyteCatalog {
  const byLabel = new Map(catalog.streams.map((stream) => [streamLabel(stream), stream]));
  const unknown = (streams ?? []).filter((label) => !byLabel.has(label));
  if (unknown.length > 0) {
    throw new Error(`The source has no stream ${unknown.join(', ')}. It has: ${[...byLabel.keys()].sort().join(', ')}`);
  }
  const chosen = streams ? [...new Set(streams)].flatMap((label) => byLabel.get(label) ?? []) : catalog.streams;
  if (chosen.length === 0) throw new Error('The source has no streams: there is nothing to sync.');
  return { streams: chosen.map((stream) => configureStream(stream, mode, refresh)) };
}

function configureStream(stream: AirbyteStream, mode: Mode, refresh: number | undefined): ConfiguredAirbyteStream {
  const label = streamLabel(stream);
  const incremental = stream.supported_sync_modes.includes('incremental');
  if (mode !== 'overwrite' && !incremental) {
    throw new Error(`Stream ${label} cannot be read incrementally: use --mode overwrite for it.`);
  }
  const primaryKey = stream.source_defined_primary_key;
  if (mode === 'append_dedup' && !primaryKey?.length) {
    throw new Error(`Stream ${label} has no primary key: use --mode append or --mode overwrite for it.`);
  }
  return {
    stream,
    // Overwriting empties the table, so it always has to read everything.
    sync_mode: mode === 'overwrite' ? 'full_refresh' : 'incremental',
    destination_sync_mode: mode,
    ...(incremental && stream.default_cursor_field ? { cursor_field: stream.default_cursor_field } : {}),
    ...(primaryKey ? { primary_key: primaryKey } : {}),
    ...(refresh === undefined ? {} : { generation_id: refresh, minimum_generation_id: refresh, sync_id: refresh }),
  };
}
