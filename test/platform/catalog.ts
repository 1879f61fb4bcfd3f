/** What users choose for a stream, and how the platform rewrites it for each side. */
import type { JsonObject } from './exact.ts';

/** As in the platform's interface: a sync mode and a destination sync mode. `overwrite_dedup` exists there only. */
export type Mode =
  | 'full_refresh_overwrite'
  | 'full_refresh_overwrite_dedup'
  | 'full_refresh_append'
  | 'incremental_append'
  | 'incremental_append_dedup';

export interface Stream {
  name: string;
  namespace?: string | undefined;
  mode: Mode;
  /** The stream as it was discovered. */
  stream: JsonObject;
  primaryKey?: string[][] | undefined;
  cursorField?: string[] | undefined;
  generation: number;
  minimumGeneration: number;
}

export function isFullRefresh({ mode }: Pick<Stream, 'mode'>): boolean {
  return mode.startsWith('full_refresh');
}

export function isDedup({ mode }: Pick<Stream, 'mode'>): boolean {
  return mode.endsWith('dedup');
}

/** `source`: the catalog for `read`; otherwise the one for `write`. Pure. */
export function configuredCatalog(
  streams: readonly Stream[],
  { side, supportsRefreshes, syncId }: { side: 'source' | 'destination'; supportsRefreshes: boolean; syncId: number },
): { streams: JsonObject[] } {
  return {
    streams: streams.map((stream) => ({
      stream: stream.stream,
      sync_mode: isFullRefresh(stream) ? 'full_refresh' : 'incremental',
      destination_sync_mode: destinationSyncMode(stream.mode, side === 'destination' && supportsRefreshes),
      cursor_field: stream.cursorField ?? [],
      primary_key: stream.primaryKey ?? [],
      generation_id: stream.generation,
      minimum_generation_id: stream.minimumGeneration,
      sync_id: syncId,
    })),
  };
}

/** Where refreshes are supported, a destination never hears of "overwrite": the generation ids say so instead. */
function destinationSyncMode(mode: Mode, byGenerations: boolean): string {
  switch (mode) {
    case 'full_refresh_overwrite':
      return byGenerations ? 'append' : 'overwrite';
    case 'full_refresh_overwrite_dedup':
      return byGenerations ? 'append_dedup' : 'overwrite';
    case 'full_refresh_append':
    case 'incremental_append':
      return 'append';
    case 'incremental_append_dedup':
      return 'append_dedup';
  }
}
