/**
 * A deployment that lies: it answers as Convex does, but for what a test replaces. Its documents' contents are `SECRET`, which no message
 * may repeat.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { TestServer } from '../support/server.ts';

/** In every document: a message that holds it has told what is in a document. */
export const SECRET = 'the-content-of-a-document';
export const KEY = 'prod:calm-otter-101|0123456789abcdefKEY/+=';
/** The deployment's present: 19 digits that a double cannot hold. */
export const NOW = '1786000000123456789';
export const EARLIER = '1786000000000000003';
export const LATER = '1786000000999999999';

/** Answers the request that asks for the `n`th time (from 1); whatever it returns is the body of a 200. Undefined: it answers by itself. */
export type Lie = (n: number, body: string, response: ServerResponse) => Answer | Promise<Answer>;
export type Answer = string | Buffer | undefined;

export interface Lies {
  /** get_table_column_names */
  tables?: Lie;
  /** list_snapshot that asks for no table */
  pin?: Lie;
  snapshot?: Lie;
  /** list_snapshot of ids alone, as a comparison asks for it */
  ids?: Lie;
  deltas?: Lie;
  /** v1/data/sync */
  sync?: Lie;
  /** data_sync_cursor_from_deltas */
  convert?: Lie;
  /** v1/data/list_active_syncs */
  active?: Lie;
  schemas?: Lie;
  /** test_streaming_export_connection */
  test?: Lie;
  /** PUT clear_tables */
  clear?: Lie;
  /** PUT add_primary_key_indexes */
  index?: Lie;
  /** primary_key_indexes_ready */
  ready?: Lie;
  import?: Lie;
}

export function document(
  fields: Record<string, unknown> = {},
  { table = 'users', ts = EARLIER, deleted = '' } = {},
): string {
  const rest = JSON.stringify({ _id: 'j57abcdefghjkmnpqrstvwxyz0123456', text: SECRET, ...fields });
  return `{"_component":"","_table":"${table}","_ts":${ts},${deleted === '' ? '' : `"_deleted":${deleted},`}${rest.slice(1)}`;
}

export const change = (fields: Record<string, unknown> = {}, options: { table?: string; ts?: string } = {}): string =>
  document(fields, { ts: NOW, deleted: 'false', ...options });

export function page(documents: readonly string[], cursor: string | null = null, snapshot = NOW): string {
  return `{"values":[${documents.join(',')}],"snapshot":${snapshot},"cursor":${JSON.stringify(cursor)},"hasMore":${cursor !== null}}`;
}

export function deltas(documents: readonly string[], cursor = NOW, hasMore = false): string {
  return `{"values":[${documents.join(',')}],"cursor":${cursor},"hasMore":${hasMore}}`;
}

export const SYNC_ID = 'airbyte-0b1c2d3e';

/** A cursor of Data Sync: another one each time, of one length. */
export function cursorAt(n: number): string {
  return n.toString(16).padStart(162, 'c');
}

export interface SyncPage {
  values?: readonly string[];
  status?: string;
  truncates?: string;
  /** As JSON. */
  cursor?: string;
}

/** The status of a page, as JSON. `ts`: digits. */
export const status = (type: string, ts: string): string => `{"type":"${type}","snapshotTs":${ts}}`;

let cursors = 0;

/** A page of Data Sync; without anything else, the last one, without changes. */
export function syncPage({
  values = [],
  status: of = status('upToDate', NOW),
  truncates = '[]',
  cursor = JSON.stringify(cursorAt(++cursors)),
}: SyncPage = {}): string {
  return `{"status":${of},"truncates":${truncates},"values":[${values.join(',')}],"syncId":"${SYNC_ID}","pagination":{"hasMore":true,"nextCursor":${cursor}}}`;
}

/** A change in a page of Data Sync. */
export function syncChange(
  fields: Record<string, unknown> = {},
  { table = 'users', ts = NOW, deleted = 'false' } = {},
): string {
  const value = JSON.stringify({ _id: 'j57abcdefghjkmnpqrstvwxyz0123456', text: SECRET, ...fields });
  return `{"component":"","table":"${table}","ts":${ts},"deleted":${deleted},"value":${value}}`;
}

/** What `list_active_syncs` says of a sync of the table `users`. */
export const active = (totalTables: unknown = 1): string =>
  `{"syncs":[{"syncId":"${SYNC_ID}","createdTs":${EARLIER},"status":{"type":"upToDate","snapshotTs":${NOW},"totalTables":${JSON.stringify(totalTables)},"numDocumentsSynced":0}}],"pagination":{"hasMore":false}}`;

const TRUTH: Required<Lies> = {
  tables: () => '{"tables":[],"byComponent":{"":[{"name":"users","columns":["_id","text"]}]}}',
  pin: () => page([]),
  // At the timestamp that is asked for.
  snapshot: (_n, body) => page([document()], null, pinnedIn(body)),
  ids: (_n, body) => page([document()], null, pinnedIn(body)),
  deltas: () => deltas([]),
  sync: () => syncPage(),
  convert: () => JSON.stringify({ cursor: cursorAt(++cursors) }),
  active: () => active(),
  schemas: () => '{"":{"users":{"type":"object","properties":{"text":{"type":"string"}}}}}',
  test: () => 'null',
  clear: () => '',
  index: () => '',
  ready: () => '{"indexesReady":true}',
  import: () => '',
};

export const pinnedIn = (body: string): string => /"snapshot":(\d+)/.exec(body)?.[1] ?? NOW;

const PATHS: Record<string, keyof Lies> = {
  '/api/v1/data/sync': 'sync',
  '/api/v1/data/list_active_syncs': 'active',
  '/api/data_sync_cursor_from_deltas': 'convert',
  '/api/get_table_column_names': 'tables',
  '/api/document_deltas': 'deltas',
  '/api/json_schemas': 'schemas',
  '/api/test_streaming_export_connection': 'test',
  '/api/streaming_import/clear_tables': 'clear',
  '/api/streaming_import/add_primary_key_indexes': 'index',
  '/api/streaming_import/primary_key_indexes_ready': 'ready',
  '/api/streaming_import/import_airbyte_records': 'import',
};

function snapshotKind(body: string): 'pin' | 'ids' | 'snapshot' {
  if (body.startsWith('{"selection"')) return 'pin';
  return body.includes('{"_other":"excluded","_id":"included"}') ? 'ids' : 'snapshot';
}

/** Starts one. `asked` counts its requests by kind. */
export async function startLyingServer(lies: Lies): Promise<{ server: TestServer; asked: Map<keyof Lies, number> }> {
  const asked = new Map<keyof Lies, number>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const kind = PATHS[path] ?? snapshotKind(body);
    const n = (asked.get(kind) ?? 0) + 1;
    asked.set(kind, n);
    const lie = await (lies[kind] ?? TRUTH[kind])(n, body, response);
    if (lie !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(lie);
  };
  const server = await TestServer.start((request, response) => {
    response.on('error', () => undefined);
    answer(request, response).catch(() => response.destroy());
  });
  return { server, asked };
}

/** Begins an answer and never ends it: the same piece again and again, as fast as it is taken. */
export function endless(beginning: string, piece: string | (() => string), status = 200): Lie {
  const more = typeof piece === 'string' ? piece.repeat(Math.ceil(65_536 / piece.length)) : undefined;
  return (_n, _body, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.write(beginning);
    const send = (): void => {
      while (!response.destroyed && response.write(more ?? (piece as () => string)()));
    };
    response.on('drain', send);
    send();
    return undefined;
  };
}

/** Bytes as they are, without any HTTP of Node's; after `beginning`, `piece` for ever, if it is one. */
export function raw(beginning: string, piece: string): Lie {
  return (_n, _body, response) => {
    const socket = response.socket!;
    socket.write(beginning);
    const more = piece.repeat(1000);
    const send = (): void => {
      while (piece !== '' && !socket.destroyed && socket.write(more));
    };
    socket.on('drain', send);
    send();
    return undefined;
  };
}
