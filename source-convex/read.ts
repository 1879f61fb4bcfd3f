/** The verb `read`: plan, snapshots, change log, one after the other, and what every stream is told at its end. */
import type { Context } from '../shared/airbyte/connector.ts';
import { descriptorKey, descriptorOfKey, descriptorText } from '../shared/airbyte/descriptor.ts';
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import type { StreamStates } from '../shared/airbyte/state-file.ts';
import { connect } from '../shared/connector/deployment.ts';
import { ConvexError } from '../shared/convex/errors.ts';
import { tableKey } from '../shared/convex/selection.ts';
import { StreamingExport } from '../shared/convex/streaming-export.ts';
import type { SourceConfig } from './config.generated.ts';
import { explain } from '../shared/connector/failures.ts';
import { checkComponentChanges } from './component-changes.ts';
import { plan } from './plan.ts';
import { SourceStream } from './stream.ts';
import { Sync } from './sync.ts';
import { counted, names } from './words.ts';

/** Resolves to false if some stream could not be read; its TRACE has been written then. Throws where nothing can be read. */
export async function read(
  config: SourceConfig,
  configured: ConfiguredAirbyteStream[],
  states: StreamStates,
  context: Context,
): Promise<boolean> {
  const { http, host, name } = connect(config, 'airbyte-export', 'sync', context.log);
  if (configured.length === 0) context.log.warn('The catalog selects no streams, so there is nothing to read.');
  if (configured.length === 0) return true;
  const api = new StreamingExport(http, config.value_format);
  let streams: SourceStream[] = [];
  try {
    const tables = await existingTables(api, context);
    const planned = plan({ configured, states, tables, deployment: name });
    streams = planned.map((stream) => new SourceStream(stream, name, context));
    reportUnknownStates(states, streams, context);
    reportDeselected(streams, context);
    for (const stream of streams) stream.start();
    for (const stream of streams) if (stream.need.kind === 'failed') stream.fail(stream.need.failure);
    await checkComponentChanges(api, host, streams, context);
    const resync = config.expired_cursor_behavior === 'Re-sync data';
    await Promise.race([new Sync({ api, host, streams, context, resync }).run(), outputFailure(context)]);
  } catch (error) {
    for (const stream of streams) stream.stop();
    throw explain(error, { host, permission: 'deployment:data:view', during: 'sync' });
  }
  const failed = streams.filter((stream) => stream.failed);
  if (failed.length > 0) context.log.error(`Not read completely: ${names(failed)}.`);
  return failed.length === 0;
}

/** Rejects when nobody reads the output any more, which a run that waits for the deployment would not notice. */
function outputFailure({ writer }: Context): Promise<never> {
  return new Promise((_resolve, reject) => {
    writer.onFailure(reject);
  });
}

/**
 * The tables of the deployment; undefined where it cannot list them, because its backend is old or has only just been started: then a
 * missing table just has no documents.
 */
async function existingTables(api: StreamingExport, { log }: Context): Promise<Set<string> | undefined> {
  try {
    const tables = await api.tableColumns();
    return new Set([...tables].flatMap(([component, list]) => list.map(({ name }) => tableKey(component, name))));
  } catch (error) {
    if (!(error instanceof ConvexError)) throw error;
    if (error.status !== 404 && error.code !== 'TableSummariesUnavailable') throw error;
    log.warn('This deployment cannot list its tables, so streams whose table is missing will look empty.');
    return undefined;
  }
}

function reportDeselected(streams: readonly SourceStream[], { log }: Context): void {
  for (const { name, planned } of streams) {
    const { excluded } = planned;
    if (excluded.length === 0) continue;
    const are = excluded.length === 1 ? 'is not selected, so it is' : 'are not selected, so they are';
    const list = names(excluded.map((column) => ({ name: column })));
    log.info(`${counted(excluded.length, 'column')} of ${name} ${are} not read: ${list}.`);
  }
}

function reportUnknownStates(states: StreamStates, streams: readonly SourceStream[], { log }: Context): void {
  const known = streams.filter(({ planned }) => states.has(descriptorKey(planned.descriptor))).length;
  const unknown = states.size - known;
  if (known === 0 && unknown > 0) {
    const held = [...states.keys()].map((key) => ({ name: descriptorText(descriptorOfKey(key)) }));
    log.warn(
      `The state holds ${counted(unknown, 'stream')} (${names(held)}), but none that the catalog selects: every stream is read from its beginning. If a sync should have gone on, use the state of this connection.`,
    );
  } else if (unknown > 0)
    log.info(`The state also holds ${counted(unknown, 'stream')} that the catalog does not select.`);
}
