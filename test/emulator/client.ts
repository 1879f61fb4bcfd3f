import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../emulator/index.ts';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The body parsed by JSON.parse, which destroys large integers: for everything else. */
  json: () => Record<string, unknown>;
}

export interface CallOptions {
  /** A value to be sent as JSON, or the body's very text. */
  body?: unknown;
  raw?: string | Buffer;
  /** The Authorization header; the emulator's full key if not given; none if null. */
  authorization?: string | null;
  headers?: Record<string, string>;
}

/** A deployment that is closed when the test ends. */
export async function deploy(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator(options);
  onTestFinished(() => emulator.close());
  return emulator;
}

/** One request over a connection of its own. GET may have a body, unlike with fetch. */
export async function call(
  emulator: Emulator,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Reply> {
  const { authorization = `Convex ${emulator.key}` } = options;
  const raw = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const body = raw === undefined ? undefined : Buffer.from(raw);
  const headers: Record<string, string> = {
    ...(authorization === null ? {} : { authorization }),
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }),
    ...options.headers,
  };
  return await new Promise<Reply>((resolve, reject) => {
    const outgoing = request(emulator.url + path, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const json = () => JSON.parse(text) as Record<string, unknown>;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export function get(emulator: Emulator, path: string, options: CallOptions = {}): Promise<Reply> {
  return call(emulator, 'GET', path, options);
}

export function post(emulator: Emulator, path: string, body: unknown, options: CallOptions = {}): Promise<Reply> {
  return call(emulator, 'POST', path, { body, ...options });
}

/** The status and code of an error answer, or the status alone. */
export function outcome(reply: Reply): string {
  const code = reply.text.startsWith('{') ? reply.json()['code'] : undefined;
  return typeof code === 'string' ? `${reply.status} ${code}` : String(reply.status);
}

export interface SnapshotPage {
  values: Record<string, unknown>[];
  /** Digits. */
  snapshot: string;
  cursor: string | null;
  hasMore: boolean;
}

export interface DeltasPage {
  values: (Record<string, unknown> & { _ts: string })[];
  cursor: string;
  hasMore: boolean;
}

/** A page with its timestamps as digit strings. */
function withDigits(reply: Reply): unknown {
  if (reply.status !== 200) throw new Error(`status ${outcome(reply)}`);
  return JSON.parse(reply.text.replace(/"(_ts|snapshot|cursor)":(\d+)/g, '"$1":"$2"'));
}

/** POSTs to list_snapshot; `raw` goes into the body as it is, so that a snapshot can be given digit for digit. */
export async function snapshotPage(emulator: Emulator, raw = '{}'): Promise<SnapshotPage> {
  return withDigits(await call(emulator, 'POST', '/api/list_snapshot', { raw })) as SnapshotPage;
}

export async function deltasPage(emulator: Emulator, cursor: bigint | string, more = ''): Promise<DeltasPage> {
  const raw = `{"cursor":${cursor}${more === '' ? '' : `,${more}`}}`;
  return withDigits(await call(emulator, 'POST', '/api/document_deltas', { raw })) as DeltasPage;
}

/** All pages of a snapshot; `more` are further fields of each body, `snapshot` its timestamp if not the present. */
export async function walk(emulator: Emulator, more = '', snapshot?: string): Promise<SnapshotPage[]> {
  const pages: SnapshotPage[] = [];
  const tail = more === '' ? '' : `,${more}`;
  let page = await snapshotPage(emulator, snapshot === undefined ? `{${more}}` : `{"snapshot":${snapshot}${tail}}`);
  pages.push(page);
  while (page.cursor !== null) {
    page = await snapshotPage(emulator, `{"snapshot":${page.snapshot},"cursor":${JSON.stringify(page.cursor)}${tail}}`);
    pages.push(page);
  }
  return pages;
}

export interface ImportTables {
  [table: string]: { primaryKey?: string[][] | null; jsonSchema?: unknown };
}

/** Imports records; each message is [table, data]. */
export function importRecords(
  emulator: Emulator,
  tables: ImportTables,
  messages: [table: string, data: unknown][],
): Promise<Reply> {
  const body = {
    tables: Object.fromEntries(Object.entries(tables).map(([name, stream]) => [name, { jsonSchema: {}, ...stream }])),
    messages: messages.map(([tableName, data]) => ({ tableName, data })),
  };
  return post(emulator, '/api/streaming_import/import_airbyte_records', body);
}

export function addIndexes(emulator: Emulator, indexes: Record<string, string[][]>): Promise<Reply> {
  return call(emulator, 'PUT', '/api/streaming_import/add_primary_key_indexes', { body: { indexes } });
}

export function indexesReady(emulator: Emulator, tables: string[]): Promise<Reply> {
  return call(emulator, 'GET', '/api/streaming_import/primary_key_indexes_ready', { body: { tables } });
}

export function clearTables(emulator: Emulator, tableNames: string[]): Promise<Reply> {
  return call(emulator, 'PUT', '/api/streaming_import/clear_tables', { body: { tableNames } });
}

/** Makes the index of a dedup stream and waits until it is ready. */
export async function dedupTable(emulator: Emulator, table: string, primaryKey: string[][]): Promise<void> {
  const added = await addIndexes(emulator, { [table]: primaryKey });
  if (added.status !== 200) throw new Error(outcome(added));
  emulator.deployment.finishBackfills();
}

/** What get_table_column_names says of the root component, tables in the order of their names. */
export async function columnNames(emulator: Emulator): Promise<{ name: string; columns: string[] }[]> {
  const reply = await get(emulator, '/api/get_table_column_names');
  if (reply.status !== 200) throw new Error(outcome(reply));
  const { byComponent } = reply.json() as { byComponent: Record<string, { name: string; columns: string[] }[]> };
  return (byComponent[''] ?? []).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The documents of a table without their system fields, in order of creation. */
export function rows(emulator: Emulator, table: string): Record<string, unknown>[] {
  return [...emulator.deployment.documents(table)]
    .sort((a, b) => a._creationTime - b._creationTime)
    .map(({ _id, _creationTime, ...fields }) => fields);
}
