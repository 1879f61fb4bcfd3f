/** `discover` for query streams: a stream's schema is inferred from its first page with records. */
import { ConnectorFailure } from '../../shared/core/failure.ts';
import type { Log } from '../../shared/core/log.ts';
import { connectFunctions } from '../../shared/connector/deployment.ts';
import { Functions } from '../../shared/convex/functions.ts';
import type { DiscoveredStream } from '../catalog.ts';
import type { SourceConfig } from '../config.generated.ts';
import type { JsonSchema } from '../streaming-export/schema.ts';
import type { QueryStream } from './config.ts';
import { explainQuery } from './failures.ts';
import { ResultError, type QueryPage } from './page.ts';
import { recordsSchema } from './schema.ts';
import { QueryFailed, QueryPages } from './walk.ts';

/** Milliseconds to look for records in one stream: Airbyte ends a discovery after nine minutes. */
const EMPTY_PAGES = 2 * 60_000;

const NOTHING: QueryPage = { buffer: Buffer.alloc(0), places: [], empty: 0, next: null };

export async function discoverQueryStreams(
  config: SourceConfig,
  streams: readonly QueryStream[],
  log: Log,
): Promise<DiscoveredStream[]> {
  const { http, host } = connectFunctions(config, 'airbyte-export', 'discover', log);
  const format = config.value_format ?? 'json';
  const functions = new Functions(http, format);
  const found: DiscoveredStream[] = [];
  for (const stream of streams) {
    let page = NOTHING;
    try {
      page = await firstRecords(new QueryPages(functions, stream));
      if (page.places.length === 0 && page.next !== null)
        log.warn(
          `Query stream "${stream.name}": no page of the query ${stream.query} had a record within ${EMPTY_PAGES / 60_000} minutes. The stream is listed without its columns. A query over an index, rather than one that filters its pages, finds records sooner.`,
        );
    } catch (error) {
      const failure = explainQuery(error, stream, { host, config, during: 'check' });
      // The failure of one query does not hide other streams: this one is listed without columns.
      const isOwn = error instanceof QueryFailed || error instanceof ResultError;
      if (!isOwn || !(failure instanceof ConnectorFailure)) throw failure;
      log.warn(`${failure.message} The stream is listed without its columns.`);
    }
    const { primaryKey, cursor } = stream;
    found.push(describe(stream, recordsSchema(page, format, { primaryKey, cursorField: cursor?.field })));
  }
  return found;
}

/** The first page with records, or the last page. A query that filters may begin with empty pages. */
async function firstRecords(walk: QueryPages): Promise<QueryPage> {
  const end = performance.now() + EMPTY_PAGES;
  let page = await walk.page(null, undefined);
  while (page.places.length === 0 && page.next !== null && performance.now() < end)
    page = await walk.page(page.next, undefined);
  return page;
}

function describe({ name, primaryKey, cursor, paginated }: QueryStream, schema: JsonSchema): DiscoveredStream {
  return {
    name,
    json_schema: schema as Record<string, unknown>,
    supported_sync_modes: cursor === undefined ? ['full_refresh'] : ['full_refresh', 'incremental'],
    source_defined_cursor: cursor !== undefined,
    ...(cursor === undefined ? {} : { default_cursor_field: [cursor.field] }),
    ...(primaryKey.length === 0 ? {} : { source_defined_primary_key: primaryKey.map((field) => [field]) }),
    is_resumable: paginated,
  };
}
