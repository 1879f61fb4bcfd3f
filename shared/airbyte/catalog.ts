/** The configured catalog: the streams of a run, with their sync modes. */
import { configError } from '../core/failure.ts';
import { descriptorKey, descriptorText } from '../core/stream-descriptor.ts';
import { parseInputFile, readInputFile } from './input-files.ts';
import type { ConfiguredAirbyteCatalog, ConfiguredAirbyteStream } from './protocol.generated.ts';

const SYNC_MODES = ['full_refresh', 'incremental'];

export async function readConfiguredCatalog(path: string): Promise<ConfiguredAirbyteStream[]> {
  return configuredStreams(parseInputFile('catalog', await readInputFile('catalog', path)));
}

/**
 * The streams of a configured catalog. Throws a config_error for a missing or duplicate name and for an
 * invalid sync mode, primary key or generation. Unknown keys and nulls are accepted. The catalog is not
 * validated against its JSON Schema: catalogs hold thousands of columns, and that would be slow.
 */
export function configuredStreams(value: unknown): ConfiguredAirbyteStream[] {
  const streams = isObject(value) ? value['streams'] : undefined;
  if (!Array.isArray(streams)) throw configError('The catalog is not a configured catalog: it has no list "streams".');
  const seen = new Set<string>();
  for (const [index, configured] of streams.entries()) {
    const stream = isObject(configured) && isObject(configured['stream']) ? configured['stream'] : undefined;
    const name = stream?.['name'];
    const namespace = stream?.['namespace'];
    if (typeof name !== 'string' || name === '' || !isObject(configured)) {
      throw configError(`The catalog is not a configured catalog: stream number ${index + 1} has no name.`);
    }
    if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
      throw configError(`The catalog is not valid: the namespace of stream "${name}" is not a string.`);
    }
    const descriptor = { name, namespace };
    if (!SYNC_MODES.includes(configured['sync_mode'] as string)) {
      throw configError(
        `The catalog is not valid: stream "${descriptorText(descriptor)}" asks for a sync mode that does not exist. Known are ${SYNC_MODES.join(' and ')}.`,
      );
    }
    const wrong = wrongMember(configured);
    if (wrong !== undefined)
      throw configError(`The catalog is not valid: stream "${descriptorText(descriptor)}" has ${wrong}.`);
    const key = descriptorKey(descriptor);
    if (seen.has(key))
      throw configError(`The catalog is not valid: it has the stream "${descriptorText(descriptor)}" twice.`);
    seen.add(key);
  }
  return (value as ConfiguredAirbyteCatalog).streams;
}

const NUMBERS = ['generation_id', 'minimum_generation_id', 'sync_id'];

/** What is wrong with a member that a destination needs. A null counts as absent. */
function wrongMember(configured: Record<string, unknown>): string | undefined {
  const primaryKey = configured['primary_key'] ?? [];
  const isPath = (path: unknown) => Array.isArray(path) && path.every((name) => typeof name === 'string');
  if (!Array.isArray(primaryKey) || !primaryKey.every(isPath))
    return 'a primary_key that is not a list of paths, each a list of names';
  const number = NUMBERS.find((name) => !Number.isSafeInteger(configured[name] ?? 0));
  return number === undefined ? undefined : `a ${number} that is not a whole number`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
