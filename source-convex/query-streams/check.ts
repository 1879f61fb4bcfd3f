/** The verb `check` for query streams: calls each query once, paginated ones for a page of one record. */
import type { Log } from '../../shared/core/log.ts';
import { connectFunctions } from '../../shared/connector/deployment.ts';
import { Functions } from '../../shared/convex/functions.ts';
import type { SourceConfig } from '../config.generated.ts';
import type { QueryStream } from './config.ts';
import { explainQuery } from './failures.ts';
import { QueryPages } from './walk.ts';

/** Throws the `ConnectorFailure` of the first stream that cannot be read. */
export async function checkQueryStreams(
  config: SourceConfig,
  streams: readonly QueryStream[],
  log: Log,
): Promise<void> {
  const { http, host } = connectFunctions(config, 'airbyte-export', 'check', log);
  const functions = new Functions(http, config.value_format);
  for (const stream of streams) {
    try {
      await new QueryPages(functions, { ...stream, pageSize: 1 }).page(null, undefined);
    } catch (error) {
      throw explainQuery(error, stream, { host, config, during: 'check' });
    }
  }
}
