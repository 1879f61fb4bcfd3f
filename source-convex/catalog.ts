/**
 * Streams of a catalog, as far as ways of reading describe and understand them. The messages of Airbyte have
 * these shapes.
 */

type SyncMode = 'full_refresh' | 'incremental';

/** A stream that can be read, as `discover` lists it. */
export interface DiscoveredStream {
  name: string;
  namespace?: string;
  /** JSON Schema of a record. */
  json_schema: Record<string, unknown>;
  supported_sync_modes: SyncMode[];
  /** The stream has a cursor of its own. */
  source_defined_cursor: boolean;
  default_cursor_field?: string[];
  source_defined_primary_key?: string[][];
  /** An interrupted full refresh can go on from its last state. */
  is_resumable: boolean;
}

/** A stream that is to be read, as the configured catalog selects it. */
export interface ConfiguredStream {
  stream: { name: string; namespace?: string | null; json_schema: Record<string, unknown> };
  sync_mode: SyncMode;
  /** The platform's number of the sync: see saved-state.ts. */
  sync_id?: number | null;
}
