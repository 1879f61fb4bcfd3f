/** The configured catalog: what a runner asks for. */
import { configError } from './failure.ts';
import { descriptorKey, descriptorText } from './descriptor.ts';
import { parseInputFile, readInputFile } from './input-files.ts';
import type { ConfiguredAirbyteCatalog, ConfiguredAirbyteStream } from './protocol.generated.ts';

const SYNC_MODES = ['full_refresh', 'incremental'];

export async function readConfiguredCatalog(path: string): Promise<ConfiguredAirbyteStream[]> {
  return configuredStreams(parseInputFile('catalog', await readInputFile('catalog', path)));
}

/**
 * The streams of a configured catalog. Open to unknown keys and explicit nulls, strict about what a sync depends on: names, sync modes,
 * no stream twice. Throws a config_error. A whole schema validation is left out on purpose: catalogs hold thousands of columns.
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
    const key = descriptorKey(descriptor);
    if (seen.has(key))
      throw configError(`The catalog is not valid: it has the stream "${descriptorText(descriptor)}" twice.`);
    seen.add(key);
  }
  return (value as ConfiguredAirbyteCatalog).streams;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
