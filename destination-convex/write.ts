/** The verb `write`. */
import type { Context } from '../shared/airbyte/connector.ts';
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import { connect } from '../shared/connector/deployment.ts';
import { explain } from '../shared/connector/failures.ts';
import { SnapshotImport } from '../shared/convex/snapshot-import.ts';
import { StreamingImport } from '../shared/convex/streaming-import.ts';
import { afterSyncOf } from './after-sync.ts';
import type { DestinationConfig } from './config.generated.ts';
import { namesToAsk, planStreams } from './streams.ts';
import { syncSummary } from './sync-summary.ts';
import { WriteSession } from './session.ts';

/** Resolves once every record is durable and every STATE was echoed. Else throws `ConnectorFailure`. */
export async function write(
  config: DestinationConfig,
  configured: ConfiguredAirbyteStream[],
  input: AsyncIterable<Buffer>,
  context: Context,
): Promise<void> {
  const { http, host } = connect(config, 'streaming-import', 'sync', context.log);
  const api = new StreamingImport(http);
  const afterSync = afterSyncOf(config, context);
  const startedAt = Date.now();
  try {
    const known = new Map<string, string | undefined>();
    for (const name of namesToAsk(configured)) known.set(name, await api.nameOf(name));
    const streams = planStreams(configured, known);
    const session = new WriteSession({
      api,
      streams,
      context,
      skipRejected: config.on_rejected_record === 'Skip and report',
      imports: config.overwrite_method === 'Replace at once' ? new SnapshotImport(http) : undefined,
    });
    await session.run(input);
    if (afterSync !== undefined) {
      // The app is told after the reader has read every STATE, except those that wait for this call.
      await context.writer.drain();
      await afterSync(syncSummary(configured, startedAt, streams, (stream) => session.countsOf(stream)));
    }
    await session.succeed();
  } catch (error) {
    throw explain(error, { host, permission: 'deployment:backups:import', during: 'sync' });
  }
}
