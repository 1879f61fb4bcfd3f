/** Query streams through the front door: the source as a process, a deployment with functions, and what comes out. */
import type { EmulatorOptions, Functions, PaginationOptions } from '../../../emulator/index.ts';
import type { Finished } from '../../support/process.ts';
import { Source, type Wanted } from '../setup.ts';

/** A deployment whose plan has no streaming export, and an app that gives its notes out. */
export const APP: Functions = {
  'notes:page': {
    type: 'query',
    handler: (ctx, { paginationOpts }: { paginationOpts: PaginationOptions }) =>
      ctx.db.query('notes').paginate(paginationOpts),
  },
  'notes:all': { type: 'query', handler: (ctx) => ctx.db.query('notes').collect() },
  'notes:changed': {
    type: 'query',
    handler: (ctx, { since, paginationOpts }: { since?: unknown; paginationOpts: PaginationOptions }) =>
      ctx.db
        .query('notes')
        .withIndex('by_rev', (q) => (since === undefined ? q : q.gte('rev', since)))
        .paginate(paginationOpts),
  },
  'notes:newestFirst': {
    type: 'query',
    handler: (ctx, { since, paginationOpts }: { since?: unknown; paginationOpts: PaginationOptions }) =>
      ctx.db
        .query('notes')
        .withIndex('by_rev', (q) => (since === undefined ? q : q.gte('rev', since)))
        .order('desc')
        .paginate(paginationOpts),
  },
  'notes:hidden': { type: 'query', visibility: 'internal', handler: (ctx) => ctx.db.query('notes').collect() },
  'notes:mine': {
    type: 'query',
    handler: async (ctx) => {
      const user = await ctx.auth.getUserIdentity();
      return [{ _id: 'me', name: user?.subject ?? 'nobody' }];
    },
  },
  'notes:echo': { type: 'query', handler: (_ctx, args: object) => [{ _id: 'args', ...args }] },
  'notes:add': { type: 'mutation', handler: (ctx, args: object) => ctx.db.insert('notes', args) },
};

export const SCHEMA = {
  tables: [{ tableName: 'notes', indexes: [{ indexDescriptor: 'by_rev', fields: ['rev'] }] }],
};

export interface QueryStreamConfig {
  name: string;
  query: string;
  args?: string;
  paginated?: boolean;
  page_size?: number;
  primary_key?: string[];
  cursor_field?: string;
  cursor_argument?: string;
}

export const PAGE: QueryStreamConfig = { name: 'notes', query: 'notes:page', page_size: 4, primary_key: ['_id'] };
export const CHANGED: QueryStreamConfig = {
  ...PAGE,
  query: 'notes:changed',
  cursor_field: 'rev',
  cursor_argument: 'since',
};

/** A source without a key for a deployment without streaming export. */
export async function appOf(options: EmulatorOptions = {}): Promise<Source> {
  return Source.start({ functions: APP, schema: SCHEMA, streamingExport: false, ...options });
}

/** The configuration of a source that reads these query streams, and no tables unless `more` says so. */
export function configOf(source: Source, streams: readonly QueryStreamConfig[], more: object = {}): object {
  return { deployment_url: source.emulator.url, query_streams: streams, ...more };
}

export interface ReadQueries {
  state?: unknown;
  wanted?: readonly Wanted[];
  config?: object;
  env?: Record<string, string>;
}

export function startQueries(source: Source, streams: readonly QueryStreamConfig[], options: ReadQueries = {}) {
  const { state, wanted = streams.map(({ name }) => name), config = {}, env = {} } = options;
  return source.startRead({
    streams: wanted,
    ...(state === undefined ? {} : { state }),
    config: { access_key: undefined, ...configOf(source, streams, config) },
    env,
  });
}

export async function readQueries(
  source: Source,
  streams: readonly QueryStreamConfig[],
  options: ReadQueries = {},
): Promise<Finished> {
  return startQueries(source, streams, options).finished;
}

/** The data of a stream's records, as the very text that stands in the line. Throws where a RECORD line is not built as it should be. */
export function dataOf(lines: readonly string[], stream = 'notes'): string[] {
  const before = `{"type":"RECORD","record":{"stream":${JSON.stringify(stream)},"data":`;
  return lines
    .filter((line) => line.startsWith(before))
    .map((line) => {
      const data = line.slice(before.length).replace(/,"emitted_at":\d{13}\}\}$/, '');
      if (data.length + before.length === line.length)
        throw new Error(`a record is not built as it should be: ${line}`);
      return data;
    });
}

/** The documents of a table as the deployment prints them, in the order of their texts. */
export function truthOf(source: Source, table = 'notes'): string[] {
  return [...source.truth(table).values()].sort();
}

/** Requests for pages: the cursor, the number of records and the rest of the arguments of each, in order. */
export function callsOf(source: Source): { path: string; args: Record<string, unknown> }[] {
  return source.emulator.journal
    .of('/api/query')
    .map(({ body }) => JSON.parse(body) as ReturnType<typeof callsOf>[number]);
}
