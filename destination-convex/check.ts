/** The verb `check`. */
import type { Context } from '../shared/airbyte/connector.ts';
import type { ConnectionStatus } from '../shared/airbyte/protocol.generated.ts';
import { configError } from '../shared/core/failure.ts';
import { connect } from '../shared/connector/deployment.ts';
import { explain } from '../shared/connector/failures.ts';
import { SnapshotImport } from '../shared/convex/snapshot-import.ts';
import { StreamingImport } from '../shared/convex/streaming-import.ts';
import { afterSyncOf } from './after-sync.ts';
import type { DestinationConfig } from './config.generated.ts';
import { NOT_AVAILABLE, NO_POLLING } from './replace-at-once/replacements.ts';

/** Checks URL, key and permissions. Changes nothing. Throws a `ConnectorFailure` with a remedy. */
export async function check(config: DestinationConfig, context: Context): Promise<ConnectionStatus> {
  const { http, host } = connect(config, 'streaming-import', 'check', context.log);
  // Only the configuration is checked: the function must not be called without a sync.
  afterSyncOf(config, context);
  try {
    await new StreamingImport(http).test();
    if (config.overwrite_method === 'Replace at once') {
      const imports = new SnapshotImport(http);
      if (!(await imports.isAvailable())) throw configError(NOT_AVAILABLE);
      if (!(await imports.mayPoll())) {
        context.log.warn(NO_POLLING);
        return { status: 'SUCCEEDED', message: NO_POLLING };
      }
    }
  } catch (error) {
    throw explain(error, { host, permission: 'deployment:backups:import', during: 'check' });
  }
  return { status: 'SUCCEEDED' };
}
