import type { Context } from '../shared/airbyte/connector.ts';
import type { ConnectionStatus } from '../shared/airbyte/protocol.generated.ts';
import { explain } from '../shared/connector/failures.ts';
import { connect } from '../shared/connector/deployment.ts';
import { StreamingExport } from '../shared/convex/streaming-export.ts';
import type { SourceConfig } from './config.generated.ts';

/** Proves the URL, the key, its permission and the plan with one request that reads nothing. */
export async function check(config: SourceConfig, { log }: Context): Promise<ConnectionStatus> {
  const { http, host } = connect(config, 'airbyte-export', 'check', log);
  try {
    await new StreamingExport(http).test();
  } catch (error) {
    throw explain(error, { host, permission: 'deployment:data:view', during: 'check' });
  }
  return { status: 'SUCCEEDED' };
}
