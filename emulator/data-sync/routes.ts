import type { Arguments } from '../http/arguments.ts';
import { badRequest } from '../http/errors.ts';
import type { ActiveSyncs } from './active-syncs.ts';
import type { DataSync } from './data-sync.ts';
import type { TableCounts } from './progress.ts';

/** How Data Sync differs from backend to backend. Routes that older ones lack, one switch each: 404, an empty body. */
export interface DataSyncOptions {
  /** Whether the backend has counted its tables since its start. Default `ready`. */
  tableCounts?: TableCounts;
  /** Without `POST /api/v1/data/sync` (public since 2026-08-13). */
  withoutDataSync?: boolean;
  /** Without `POST /api/data_sync_cursor_from_deltas` (since 2026-08-17). */
  withoutCursorFromDeltas?: boolean;
  /** Without `GET /api/v1/data/list_active_syncs` (public since 2026-08-13). */
  withoutListActiveSyncs?: boolean;
  /** Without `GET /api/v1/data/sync/{sync_id}` (not there on 2026-08-22, there on 2026-09-28). */
  withoutDataSyncById?: boolean;
  /** A backend before 2026-08-11 has none of them. */
  deltasOfRootOnly?: boolean;
}

/** What a route needs to know of a request besides its arguments. */
export interface DataSyncRequest {
  /** The name in the Convex-Client header. */
  client: string;
  path: string;
}

export interface DataSyncRoute {
  path: string;
  method: 'GET' | 'POST';
  arguments: 'query' | 'body' | 'none';
  prepare: (args: Arguments) => (request: DataSyncRequest) => string;
}

const BY_ID = '/api/v1/data/sync/{sync_id}';
const BY_ID_PATTERN = /^\/api\/v1\/data\/sync\/([^/]+)$/;

/** The path of the route that answers a request's path. */
export function routePath(path: string): string {
  return BY_ID_PATTERN.test(path) ? BY_ID : path;
}

/** The routes that this backend has. */
export function dataSyncRoutes(
  dataSync: DataSync,
  activeSyncs: ActiveSyncs,
  options: DataSyncOptions,
): DataSyncRoute[] {
  const routes: (DataSyncRoute & { without: boolean | undefined })[] = [
    {
      path: '/api/v1/data/sync',
      method: 'POST',
      arguments: 'body',
      prepare: (args) => {
        const work = dataSync.prepareSync(args);
        return ({ client }) => work(client);
      },
      without: options.withoutDataSync,
    },
    {
      path: '/api/data_sync_cursor_from_deltas',
      method: 'POST',
      arguments: 'body',
      prepare: (args) => {
        const work = dataSync.prepareConversion(args);
        return ({ client }) => work(client);
      },
      without: options.withoutCursorFromDeltas,
    },
    {
      path: '/api/v1/data/list_active_syncs',
      method: 'GET',
      arguments: 'query',
      prepare: (args) => activeSyncs.prepareList(args),
      without: options.withoutListActiveSyncs,
    },
    {
      path: BY_ID,
      method: 'GET',
      arguments: 'none',
      prepare: () => (request) => activeSyncs.find(syncIdIn(request.path)),
      without: options.withoutDataSyncById,
    },
  ];
  return options.deltasOfRootOnly === true ? [] : routes.filter(({ without }) => without !== true);
}

function syncIdIn(path: string): string {
  try {
    return decodeURIComponent(BY_ID_PATTERN.exec(path)?.[1] ?? '');
  } catch {
    throw badRequest('BadPathArgs', 'Failed to deserialize path arguments: Invalid UTF-8 in `sync_id`');
  }
}
