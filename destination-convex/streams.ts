/** Plans each stream of the configured catalog: its table, its mode, its primary key. Pure. */
import {
  descriptorKey,
  descriptorOf,
  descriptorText,
  type StreamDescriptor,
} from '../shared/core/stream-descriptor.ts';
import { configError } from '../shared/core/failure.ts';
import type { Resolve } from '../shared/airbyte/inbound.ts';
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import { tableNameOf } from '../shared/convex/identifiers.ts';
import { isFromConvex } from './convex-records.ts';
import { markerTable } from './generation-marker.ts';
import { generationOf, truncationOf, type Generation, type Truncation } from './generations.ts';
import { mayMarkDeletions } from './append-deletions.ts';
import { keyNames, planKey, type KeyPlan, type KnownNames } from './keys.ts';

export interface StreamPlan {
  index: number;
  descriptor: StreamDescriptor;
  /** The stream's name in messages. */
  text: string;
  table: string;
  truncation: Truncation;
  /** Identifies the replacement of the table. Undefined if nothing identifies it, or nothing is replaced. */
  generation: Generation | undefined;
  /** Whether the source reads the whole stream in each sync. */
  fullRefresh: boolean;
  /** The key by which records are deduplicated. Undefined if they are appended. */
  key: KeyPlan | undefined;
  /** Whether records are appended and some may mark a deletion (see append-deletions.ts). */
  appendsDeletions: boolean;
  /** Whether the catalog asks for files. */
  includesFiles: boolean;
  /** Whether the records come from a Convex source (see convex-records.ts). */
  fromConvex: boolean;
  /** The fields that name a record in messages, as paths in the source. */
  label: string[][];
}

/** Names of tables and key fields that Convex renames in a way that only the deployment knows (C37). */
export function namesToAsk(configured: readonly ConfiguredAirbyteStream[]): Set<string> {
  const names = configured.flatMap((stream) => [
    ...(tableNameOf(joinedName(stream)).kind === 'ask' ? [joinedName(stream)] : []),
    ...(stream.destination_sync_mode === 'append_dedup' ? keyNames(stream.primary_key ?? []) : []),
  ]);
  return new Set(names);
}

/** `known`: the answers for `namesToAsk`. Throws a config_error if a stream cannot be written. */
export function planStreams(
  configured: readonly ConfiguredAirbyteStream[],
  known: KnownNames = new Map(),
): StreamPlan[] {
  const streams = configured.map((stream, index) => planStream(stream, index, known));
  const byTable = new Map<string, StreamPlan>();
  for (const stream of streams) {
    const other = byTable.get(stream.table);
    if (other !== undefined) {
      throw configError(
        `The streams "${other.text}" and "${stream.text}" would both be written to the table "${stream.table}". Convex's table names consist of letters, digits and underscores, and the namespace is joined to the name. Rename one of the streams, give it another prefix or namespace in the connection's settings, or deselect it.`,
        stream.descriptor,
      );
    }
    byTable.set(stream.table, stream);
  }
  for (const { generation, table, text } of streams) {
    const other = generation && byTable.get(markerTable(table));
    if (other !== undefined) {
      throw configError(
        `The stream "${other.text}" would be written to the table "${other.table}", in which this destination remembers which generation of the stream "${text}" its table holds. Rename the stream "${other.text}", give it another prefix or namespace in the connection's settings, or deselect it.`,
        other.descriptor,
      );
    }
  }
  return streams;
}

function planStream(configured: ConfiguredAirbyteStream, index: number, known: KnownNames): StreamPlan {
  const descriptor = descriptorOf(configured.stream.name, configured.stream.namespace);
  const text = descriptorText(descriptor);
  const mode = configured.destination_sync_mode;
  if (mode !== 'append' && mode !== 'append_dedup' && mode !== 'overwrite') {
    throw configError(
      `Stream "${text}" asks for ${typeof mode === 'string' ? `the destination sync mode "${String(mode)}"` : 'no destination sync mode'}. This destination knows overwrite, append and append_dedup.`,
      descriptor,
    );
  }
  const { generation_id: generation, minimum_generation_id: minimum } = configured;
  if (generation && minimum && minimum < generation) {
    throw configError(
      `Stream "${text}" asks to remove generations below ${minimum} and to keep those up to ${generation}. A table in Convex does not know the generations of its documents. Refresh the stream and remove its records.`,
      descriptor,
    );
  }
  return {
    index,
    descriptor,
    text,
    table: tableOf(configured, text, descriptor, known),
    truncation: truncationOf(configured),
    generation: generationOf(configured),
    fullRefresh: configured.sync_mode === 'full_refresh',
    key: mode === 'append_dedup' ? planKey(configured, known) : undefined,
    appendsDeletions: mode !== 'append_dedup' && mayMarkDeletions(configured),
    includesFiles: configured.include_files === true,
    fromConvex: isFromConvex(configured),
    label: labelOf(configured),
  };
}

/** The table's name before Convex renames it. The Python destination joins names in the same way. */
function joinedName({ stream: { name, namespace } }: ConfiguredAirbyteStream): string {
  return namespace ? `${namespace}_${name}` : name;
}

function tableOf(
  configured: ConfiguredAirbyteStream,
  text: string,
  descriptor: StreamDescriptor,
  known: KnownNames,
): string {
  const name = joinedName(configured);
  const renamed = tableNameOf(name);
  switch (renamed.kind) {
    case 'name':
      return renamed.name;
    case 'too-long':
      throw configError(
        `Stream "${text}" would be written to the table "${renamed.renamed}", whose name has ${renamed.renamed.length} characters; Convex allows ${renamed.limit}. Rename the stream, or choose a shorter namespace or prefix in the connection's settings.`,
        descriptor,
      );
    case 'ask': {
      const answer = known.get(name);
      if (answer !== undefined) return answer;
      throw configError(
        `Stream "${text}" has a name that Convex cannot turn into the name of a table: it is too long once it is written in ASCII letters. Rename the stream, or choose a shorter namespace or prefix in the connection's settings.`,
        descriptor,
      );
    }
  }
}

function labelOf({ primary_key: key, stream }: ConfiguredAirbyteStream): string[][] {
  return key?.length ? key : (stream.source_defined_primary_key ?? []);
}

/**
 * Finds the stream of a message by name and namespace. PyAirbyte's cache drops the namespace, so without one
 * a name that only one stream has is enough.
 */
export function streamResolver(streams: readonly StreamPlan[]): Resolve {
  const exact = new Map(streams.map((stream) => [descriptorKey(stream.descriptor), stream.index]));
  const byName = new Map<string, number>();
  for (const { descriptor, index } of streams) byName.set(descriptor.name, byName.has(descriptor.name) ? -1 : index);
  return (name, namespace) =>
    exact.get(descriptorKey({ name, namespace })) ?? (namespace === undefined ? (byName.get(name) ?? -1) : -1);
}
