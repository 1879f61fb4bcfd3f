/** Checks that tables can be read. */
import type { Log } from '../../shared/core/log.ts';
import { connect } from '../../shared/connector/deployment.ts';
import { explain } from '../../shared/connector/failures.ts';
import { ConvexApiError, type Reason } from '../../shared/convex/errors.ts';
import { StreamingExport } from '../../shared/convex/streaming-export.ts';
import type { SourceConfig } from '../config.generated.ts';
import { CHANGE_LOG_REMARK } from './change-reader.ts';
import { activeSyncsRoute } from './component-changes.ts';

/** Checks URL, key, permission and plan (C86). Logs how changes are read. Throws `ConnectorFailure`. */
export async function checkTables(config: SourceConfig, log: Log): Promise<void> {
  const { http, host } = connect(config, 'airbyte-export', 'check', log);
  try {
    const api = new StreamingExport(http);
    await api.test();
    log.info(`${host}: ${await howChangesAreRead(api, config)}`);
  } catch (error) {
    throw explain(error, { host, permission: 'deployment:data:view', during: 'check' });
  }
}

async function howChangesAreRead(api: StreamingExport, config: SourceConfig): Promise<string> {
  if (config.changes_from === 'Change log')
    return `incremental streams are read from the change log, as configured. ${CHANGE_LOG_REMARK}`;
  if ((await activeSyncsRoute(api)) === 'present') return 'incremental streams are read through Data Sync.';
  return `incremental streams are read from the change log, since the backend has no Data Sync. ${CHANGE_LOG_REMARK}`;
}

/** Reasons that exclude tables, with this key or plan, but not function calls. */
const NO_EXPORT: readonly Reason[] = ['no-streaming-export', 'not-permitted'];

/** Whether tables can be read too. Throws a `ConnectorFailure` if the deployment or key is at fault. */
export async function tablesReadable(config: SourceConfig, during: 'check' | 'discover', log: Log): Promise<boolean> {
  if (config.access_key === undefined) return false;
  const { http, host } = connect(config, 'airbyte-export', during, log);
  try {
    await new StreamingExport(http).test();
    return true;
  } catch (error) {
    if (!(error instanceof ConvexApiError) || !NO_EXPORT.includes(error.reason))
      throw explain(error, { host, permission: 'deployment:data:view', during: 'check' });
    log.warn(
      `Only query streams can be read: ${error.reason === 'no-streaming-export' ? `the plan of ${host} does not include streaming export, which tables need` : 'the deploy key lacks the permission deployment:data:view, which tables need'}.`,
    );
    return false;
  }
}
