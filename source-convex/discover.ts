/** The verb `discover`: the streams of tables and query streams. */
import type { Context } from '../shared/airbyte/connector.ts';
import { configError } from '../shared/core/failure.ts';
import type { AirbyteCatalog } from '../shared/airbyte/protocol.generated.ts';
import type { SourceConfig } from './config.generated.ts';
import { queryStreamsOf } from './query-streams/config.ts';
import { tablesReadable } from './streaming-export/check.ts';
import { discoverTables } from './streaming-export/discover.ts';

export async function discover(config: SourceConfig, { log }: Context): Promise<AirbyteCatalog> {
  const streams = queryStreamsOf(config);
  if (streams.length === 0) return { streams: await discoverTables(config, log) };
  const ofTables = (await tablesReadable(config, 'discover', log)) ? await discoverTables(config, log) : [];
  const taken = new Set(ofTables.filter(({ namespace }) => !namespace).map(({ name }) => name));
  const twice = streams.find(({ name }) => taken.has(name));
  if (twice !== undefined) {
    throw configError(
      `The query stream "${twice.name}" has the name of a table. Streams are told apart by their names: rename the query stream.`,
    );
  }
  const { discoverQueryStreams } = await import('./query-streams/discover.ts');
  return { streams: [...ofTables, ...(await discoverQueryStreams(config, streams, log))] };
}
