/** The verb `discover` for query streams: each is asked for its first page, and described by what it holds. */
import type { Context } from '../../shared/airbyte/connector.ts';
import { ConnectorFailure } from '../../shared/airbyte/failure.ts';
import type { AirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { connectFunctions } from '../../shared/connector/deployment.ts';
import { Functions } from '../../shared/convex/functions.ts';
import type { SourceConfig } from '../config.generated.ts';
import type { JsonSchema } from '../schema.ts';
import type { QueryStream } from './config.ts';
import { explainQuery } from './failures.ts';
import { ResultError, type QueryPage } from './page.ts';
import { recordsSchema } from './schema.ts';
import { QueryFailed, QueryWalk } from './walk.ts';

const NOTHING: QueryPage = { buffer: Buffer.alloc(0), places: [], empty: 0, next: null };

export async function discoverQueryStreams(
  config: SourceConfig,
  streams: readonly QueryStream[],
  { log }: Context,
): Promise<AirbyteStream[]> {
  const { http, host } = connectFunctions(config, 'airbyte-export', 'discover', log);
  const format = config.value_format ?? 'json';
  const functions = new Functions(http, format);
  const found: AirbyteStream[] = [];
  for (const stream of streams) {
    let page = NOTHING;
    try {
      page = await new QueryWalk(functions, stream).page(null, undefined);
    } catch (error) {
      const failure = explainQuery(error, stream, { host, config, during: 'check' });
      // A stream of which nothing is known is still there: the others, and the schemas of tables, do not depend on it.
      const isOwn = error instanceof QueryFailed || error instanceof ResultError;
      if (!isOwn || !(failure instanceof ConnectorFailure)) throw failure;
      log.warn(`${failure.message} The stream is listed without its columns.`);
    }
    const { primaryKey, cursor } = stream;
    found.push(describe(stream, recordsSchema(page, format, { primaryKey, cursorField: cursor?.field })));
  }
  return found;
}

function describe({ name, primaryKey, cursor, paginated }: QueryStream, schema: JsonSchema): AirbyteStream {
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
