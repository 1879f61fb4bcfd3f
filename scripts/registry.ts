/**
 * Prints the entries of a custom registry for Airbyte, made from metadata.yaml and spec/ (docs/installing.md):
 *
 *   npm run --silent registry -- [--repository-prefix ghcr.io/acme/] [--merge oss_registry.json]
 *
 * --repository-prefix is put before the names of the images. With --merge, the entries are added to those of an existing registry.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { load } from 'js-yaml';

type Json = Record<string, unknown>;

const root = join(import.meta.dirname, '..');

async function entry(side: 'source' | 'destination', prefix: string): Promise<Json> {
  const text = await readFile(join(root, `${side}-convex`, 'metadata.yaml'), 'utf8');
  const { data } = load(text) as { data: Json };
  const { definitionId, registryOverrides: _overrides, connectorSubtype, dockerRepository, ...rest } = data;
  const icon = await readFile(join(root, `${side}-convex`, 'icon.svg'), 'utf8');
  return {
    [`${side}DefinitionId`]: definitionId,
    ...(side === 'source' ? { sourceType: connectorSubtype } : {}),
    ...rest,
    dockerRepository: `${prefix}${String(dockerRepository)}`,
    iconUrl: `data:image/svg+xml;base64,${Buffer.from(icon).toString('base64')}`,
    spec: JSON.parse(await readFile(join(root, 'spec', `${side}-convex.json`), 'utf8')) as unknown,
    tombstone: false,
    public: true,
    custom: false,
  };
}

const { values } = parseArgs({ options: { 'repository-prefix': { type: 'string' }, merge: { type: 'string' } } });
const prefix = values['repository-prefix'] ?? '';
const registry = (values.merge === undefined ? {} : JSON.parse(await readFile(values.merge, 'utf8'))) as Record<
  'sources' | 'destinations',
  Json[] | undefined
>;
registry.sources = [...(registry.sources ?? []), await entry('source', prefix)];
registry.destinations = [...(registry.destinations ?? []), await entry('destination', prefix)];
console.log(JSON.stringify(registry, null, 2));
