/** The verb `read`: the events of query streams and of tables, written by one loop. */
import type { Context } from '../shared/airbyte/connector.ts';
import { descriptorKey, descriptorOf, type StreamStates } from '../shared/core/stream-descriptor.ts';
import { configError } from '../shared/core/failure.ts';
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import { deselectedColumns } from './columns.ts';
import type { SourceConfig } from './config.generated.ts';
import type { ReadEvent } from './output/events.ts';
import { SourceOutput } from './output/source-output.ts';
import { names } from '../shared/core/text.ts';
import { queryStreamsOf } from './query-streams/config.ts';
import { readTables } from './streaming-export/read.ts';

/** False if a stream could not be read; its error TRACE is then written. Throws if nothing can be read. */
export async function read(
  config: SourceConfig,
  configured: ConfiguredAirbyteStream[],
  states: StreamStates,
  context: Context,
): Promise<boolean> {
  const { log } = context;
  if (configured.length === 0) {
    log.warn('The catalog selects no streams, so there is nothing to read.');
    return true;
  }
  const output = new SourceOutput(
    configured.map(({ stream: { name, namespace, json_schema: schema } }) => ({
      descriptor: descriptorOf(name, namespace),
      excluded: deselectedColumns(schema),
    })),
    context,
  );
  await output.write(readAll(config, configured, states, context));
  const failed = output.streams.filter((stream) => stream.failed);
  if (failed.length > 0) log.error(`Not read completely: ${names(failed)}.`);
  return failed.length === 0;
}

async function* readAll(
  config: SourceConfig,
  configured: readonly ConfiguredAirbyteStream[],
  states: StreamStates,
  { log }: Context,
): AsyncGenerator<ReadEvent, void> {
  const queries = new Map(queryStreamsOf(config).map((stream) => [stream.name, stream]));
  const selected = configured.map((stream, index) => {
    const { name, namespace } = stream.stream;
    return { index, configured: stream, query: namespace ? undefined : queries.get(name) };
  });
  // Query streams come first: they are short, and a user's token may expire during a long sync of tables.
  if (queries.size > 0) {
    const { readQueryStreams } = await import('./query-streams/read.ts');
    const streams = selected.flatMap(({ query, ...stream }) => (query === undefined ? [] : [{ ...stream, query }]));
    yield* readQueryStreams(config, streams, states, log);
  }
  const tables = selected.filter(({ query }) => query === undefined);
  if (tables.length === 0) return;
  if (config.access_key === undefined && queries.size > 0) {
    throw configError(
      `The configuration has no query streams called ${tables.map((table) => table.configured.stream.name).join(', ')}, so these would be tables, and reading tables needs a deploy key (access_key). Give one, or refresh the source's schema and deselect them.`,
    );
  }
  const others = new Map(states);
  for (const name of queries.keys()) others.delete(descriptorKey(descriptorOf(name)));
  yield* readTables(config, tables, others, log);
}
