/**
 * The verbs of the source: tables, which are read through streaming export, and query streams, which are read by calling functions of the
 * app. Either may be all there is.
 */
import type { Context } from '../shared/airbyte/connector.ts';
import { descriptorKey, descriptorOf } from '../shared/airbyte/descriptor.ts';
import { configError } from '../shared/airbyte/failure.ts';
import type {
  AirbyteCatalog,
  ConfiguredAirbyteStream,
  ConnectionStatus,
} from '../shared/airbyte/protocol.generated.ts';
import type { StreamStates } from '../shared/airbyte/state-file.ts';
import { connect } from '../shared/connector/deployment.ts';
import { explain } from '../shared/connector/failures.ts';
import { ConvexError, type Reason } from '../shared/convex/errors.ts';
import { StreamingExport } from '../shared/convex/streaming-export.ts';
import * as tables from './tables.ts';
import type { SourceConfig } from './config.generated.ts';
import { queryStreamsOf } from './query-streams/config.ts';

export async function check(config: SourceConfig, context: Context): Promise<ConnectionStatus> {
  const streams = queryStreamsOf(config);
  if (streams.length === 0) return tables.check(config, context);
  await tablesReadable(config, 'check', context);
  await (await import('./query-streams/check.ts')).checkQueryStreams(config, streams, context);
  return { status: 'SUCCEEDED' };
}

export async function discover(config: SourceConfig, context: Context): Promise<AirbyteCatalog> {
  const streams = queryStreamsOf(config);
  if (streams.length === 0) return tables.discover(config, context);
  const ofTables = (await tablesReadable(config, 'discover', context))
    ? (await tables.discover(config, context)).streams
    : [];
  const taken = new Set(ofTables.filter(({ namespace }) => !namespace).map(({ name }) => name));
  const twice = streams.find(({ name }) => taken.has(name));
  if (twice !== undefined) {
    throw configError(
      `The query stream "${twice.name}" has the name of a table. Streams are told apart by their names: rename the query stream.`,
    );
  }
  const { discoverQueryStreams } = await import('./query-streams/discover.ts');
  return { streams: [...ofTables, ...(await discoverQueryStreams(config, streams, context))] };
}

/** Resolves to false if some stream could not be read; its TRACE has been written then. Throws where no table can be read. */
export async function read(
  config: SourceConfig,
  configured: ConfiguredAirbyteStream[],
  states: StreamStates,
  context: Context,
): Promise<boolean> {
  const byName = new Map(queryStreamsOf(config).map((stream) => [stream.name, stream]));
  if (byName.size === 0) return tables.read(config, configured, states, context);
  const queryOf = ({ stream: { name, namespace } }: ConfiguredAirbyteStream) =>
    namespace ? undefined : byName.get(name);
  const selected = configured.flatMap((stream) => {
    const query = queryOf(stream);
    return query === undefined ? [] : [{ stream: query, configured: stream }];
  });
  // First, since they are short, and a user's token may not outlast a long sync of tables.
  const { readQueryStreams } = await import('./query-streams/read.ts');
  const queriesRead = await readQueryStreams(config, selected, states, context);
  const rest = configured.filter((stream) => queryOf(stream) === undefined);
  if (rest.length === 0) return queriesRead;
  if (config.access_key === undefined) {
    throw configError(
      `The configuration has no query streams called ${rest.map(({ stream }) => stream.name).join(', ')}, so these would be tables, and reading tables needs a deploy key (access_key). Give one, or refresh the source's schema and deselect them.`,
    );
  }
  const others = new Map(states);
  for (const name of byName.keys()) others.delete(descriptorKey(descriptorOf(name)));
  return (await tables.read(config, rest, others, context)) && queriesRead;
}

/** What a deployment answers that has tables, but does not export them to this key: no obstacle to calling functions. */
const NO_EXPORT: readonly Reason[] = ['no-streaming-export', 'not-permitted'];

/** Whether tables can be read as well. Throws where the key is no key of this deployment. */
async function tablesReadable(config: SourceConfig, during: 'check' | 'discover', { log }: Context): Promise<boolean> {
  if (config.access_key === undefined) return false;
  const { http, host } = connect(config, 'airbyte-export', during, log);
  try {
    await new StreamingExport(http).test();
    return true;
  } catch (error) {
    if (!(error instanceof ConvexError) || !NO_EXPORT.includes(error.reason))
      throw explain(error, { host, permission: 'deployment:data:view', during: 'check' });
    log.warn(
      `Only query streams can be read: ${error.reason === 'no-streaming-export' ? `the plan of ${host} does not include streaming export, which tables need` : 'the deploy key lacks the permission deployment:data:view, which tables need'}.`,
    );
    return false;
  }
}
