/** Streams of a catalog as ways of reading use them. They have the shapes of Airbyte's messages. */

type SyncMode = 'full_refresh' | 'incremental';

/** A stream as `discover` lists it. */
export interface DiscoveredStream {
  name: string;
  namespace?: string;
  /** JSON Schema of a record. */
  json_schema: Record<string, unknown>;
  supported_sync_modes: SyncMode[];
  source_defined_cursor: boolean;
  default_cursor_field?: string[];
  source_defined_primary_key?: string[][];
  /** An interrupted full refresh continues from its last state. */
  is_resumable: boolean;
}

/** A stream of the configured catalog. */
export interface ConfiguredStream {
  stream: { name: string; namespace?: string | null; json_schema: Record<string, unknown> };
  sync_mode: SyncMode;
  /** The platform's number of the sync: see `syncIdOf`. */
  sync_id?: number | null;
}
