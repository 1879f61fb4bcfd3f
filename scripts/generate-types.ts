/**
 * Turns the JSON Schemas of spec/ into the TypeScript types that the code uses.
 *
 *   node scripts/generate-types.ts [--check] [--root FOLDER]
 *
 * Without --check it writes the files; with it, it writes nothing, names each stale file and exits 1.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compile } from 'json-schema-to-typescript';
import { format, resolveConfig } from 'prettier';

interface Target {
  /** The schema's file. */
  from: string;
  /** The generated file. */
  to: string;
  /** Name of the root type; without one, only the schema's definitions become types. */
  root?: string;
  /** Finds the schema to generate from within the file. */
  pick?: (file: Json) => Json;
}

type Json = Record<string, unknown>;

const connectionSpecification = (file: Json): Json => file['connectionSpecification'] as Json;

const TARGETS: readonly Target[] = [
  { from: 'spec/airbyte-protocol.json', to: 'shared/airbyte/protocol.generated.ts' },
  {
    from: 'spec/source-convex.json',
    to: 'source-convex/config.generated.ts',
    root: 'SourceConfig',
    pick: connectionSpecification,
  },
  {
    from: 'spec/destination-convex.json',
    to: 'destination-convex/config.generated.ts',
    root: 'DestinationConfig',
    pick: connectionSpecification,
  },
];

/**
 * Prepares a schema for types.
 * - An object with declared properties gets no index signature, even where validation is open to unknown keys: with one,
 *   a misspelled property would compile. Maps without declared properties keep theirs.
 * - Titles are for users' forms; here they would turn every property into a named type.
 * - An `if` and a `minItems` have no counterpart that would help: a non-empty array would become a clumsy tuple.
 */
function forTypes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(forTypes);
  if (typeof schema !== 'object' || schema === null) return schema;
  const out: Json = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'title' && typeof value === 'string') continue;
    if (key === 'if' || key === 'then' || key === 'else' || key === 'minItems') continue;
    out[key] = forTypes(value);
  }
  if (typeof out['properties'] === 'object') out['additionalProperties'] = false;
  return out;
}

/** Leaves out what the generator says about itself, and the empty root type of a file that only holds definitions. */
function tidy(code: string): string {
  return code
    .replace(/export interface Placeholder \{[^}]*\}/, '')
    .replace(/\/\*\*[^]*?\*\//g, (comment) => {
      const text = comment
        .split('\n')
        .map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*)\s*/, ''))
        .filter((line) => line !== '' && !/^This interface was referenced by|^via the `definition`/.test(line));
      return text.length > 0 ? `/** ${text.join(' ')} */` : '';
    })
    .replace(/^(\/\*\*|export )/gm, '\n$1')
    .replace(/^(\/\*\*.*)\n\n/gm, '$1\n');
}

async function generate(root: string, target: Target): Promise<string> {
  const file = JSON.parse(await readFile(join(root, target.from), 'utf8')) as Json;
  const schema = forTypes(target.pick ? target.pick(file) : file) as Json;
  if (!target.root) delete schema['oneOf'];
  const code = await compile(schema, target.root ?? 'Placeholder', {
    bannerComment: `// Generated from ${target.from} by \`npm run types\`. Do not edit.`,
    unreachableDefinitions: true,
    format: false,
    additionalProperties: true,
  });
  // The repository's own prettier, so that a generated file is as clean as the others.
  return format(tidy(code), { ...(await resolveConfig(import.meta.filename)), parser: 'typescript' });
}

const { values } = parseArgs({ options: { check: { type: 'boolean' }, root: { type: 'string' } } });
const root = resolve(values.root ?? join(import.meta.dirname, '..'));

for (const target of TARGETS) {
  const code = await generate(root, target);
  const path = join(root, target.to);
  if (!values.check) {
    await writeFile(path, code);
    continue;
  }
  const current = await readFile(path, 'utf8').catch(() => undefined);
  if (current === code) continue;
  const what = current === undefined ? 'is missing' : `does not match ${target.from}`;
  console.error(`${target.to} ${what}: run \`npm run types\` and commit the result.`);
  process.exitCode = 1;
}
