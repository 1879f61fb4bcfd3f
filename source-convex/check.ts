/** The verb `check`: tables (streaming export) and query streams (functions of the app). */
import type { Context } from '../shared/airbyte/connector.ts';
import type { ConnectionStatus } from '../shared/airbyte/protocol.generated.ts';
import type { SourceConfig } from './config.generated.ts';
import { queryStreamsOf } from './query-streams/config.ts';
import { checkTables, tablesReadable } from './streaming-export/check.ts';

/** Throws a `ConnectorFailure`. */
export async function check(config: SourceConfig, { log }: Context): Promise<ConnectionStatus> {
  const streams = queryStreamsOf(config);
  if (streams.length === 0) {
    await checkTables(config, log);
  } else {
    await tablesReadable(config, 'check', log);
    await (await import('./query-streams/check.ts')).checkQueryStreams(config, streams, log);
  }
  return { status: 'SUCCEEDED' };
}
