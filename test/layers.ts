import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** What a way of reading builds on. It does not import `shared/airbyte`: it yields events, which `output/` writes. */
const WAY_OF_READING = [
  'source-convex',
  'source-convex/output',
  'shared/core',
  'shared/connector',
  'shared/convex',
  'shared/json',
];

/**
 * Which layers (or single files) a layer may import from, besides itself. A file belongs to the longest path listed here; a folder
 * without a rule is an error.
 */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  'source-convex': [
    'source-convex/output',
    'source-convex/streaming-export',
    'source-convex/query-streams',
    'shared/core',
    'shared/connector',
    'shared/airbyte',
    'shared/convex',
    'shared/json',
    'spec',
  ],
  'source-convex/output': [
    'source-convex',
    'shared/core',
    'shared/connector',
    'shared/airbyte',
    'shared/convex',
    'shared/json',
  ],
  'source-convex/streaming-export': [...WAY_OF_READING, 'source-convex/data-sync/read-changes.ts'],
  'source-convex/data-sync': [...WAY_OF_READING, 'source-convex/streaming-export'],
  'source-convex/query-streams': [...WAY_OF_READING, 'source-convex/streaming-export/schema.ts'],
  'destination-convex': ['shared/core', 'shared/connector', 'shared/airbyte', 'shared/convex', 'shared/json', 'spec'],
  // Convex as both connectors use it: addresses, keys and retries of a deployment, remedies of its errors.
  'shared/connector': ['shared/core', 'shared/convex', 'package.json'],
  'shared/airbyte': ['shared/core', 'shared/json'],
  'shared/convex': ['shared/core', 'shared/json'],
  'shared/json': [],
  // What every layer may use. It imports nothing.
  'shared/core': [],
  spec: [],
  // The emulator stands in for a deployment: with code of the product in it, both could be wrong in the same way.
  emulator: [],
  // The runner starts connectors as processes, as others do; it never calls into them.
  pipeline: ['emulator', 'shared/core', 'shared/airbyte', 'shared/json'],
};

/** What ships: it may use only packages that ship with it. */
const PRODUCT = Object.keys(LAYERS).filter((layer) => layer !== 'emulator' && layer !== 'pipeline');

/** A source file by its path from the repository's root, with `/`. */
export interface SourceFile {
  path: string;
  code: string;
}

/** The imports that break the house's rules, one line each. `packages` are those that package.json lists as dependencies. */
export function violations(files: readonly SourceFile[], packages: readonly string[]): string[] {
  return files.flatMap(({ path, code }) => {
    const layer = layerOf(path);
    if (layer === undefined) return [`${path} is in no layer: give its folder a rule`];
    return importsOf(code).flatMap((name) => {
      const fault = name.startsWith('.')
        ? faultOfFile(layer, posix.join(posix.dirname(path), name))
        : faultOfPackage(layer, name, packages);
      return fault === undefined ? [] : [`${path} imports ${name}: ${fault}`];
    });
  });
}

function faultOfFile(from: string, path: string): string | undefined {
  const to = layerOf(path) ?? path;
  const allowed = LAYERS[from] ?? [];
  return to === from || allowed.includes(to) || allowed.includes(path) ? undefined : `${from} may not use ${to}`;
}

function faultOfPackage(from: string, name: string, packages: readonly string[]): string | undefined {
  if (!PRODUCT.includes(from) || name.startsWith('node:')) return undefined;
  if (builtinModules.includes(name)) return 'write node: before modules of Node';
  const known = packages.some((candidate) => name === candidate || name.startsWith(`${candidate}/`));
  return known ? undefined : 'it is not among the dependencies that ship';
}

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS)
    .filter((layer) => path.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** Everything that a file imports: statically, as a type, by re-export or by `import()`. */
function importsOf(code: string): string[] {
  return ts.preProcessFile(code, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** Each cycle of imports in the product, as `a.ts → b.ts → a.ts`. Imports of types count too. */
export function cycles(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.filter(inProduct).map(({ path, code }) => [path, filesOf(path, code)]));
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at !== -1) found.push([...trail.slice(at), path].join(' → '));
    if (at !== -1 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return found;
}

function inProduct({ path }: SourceFile): boolean {
  return PRODUCT.includes(layerOf(path) ?? '');
}

function filesOf(path: string, code: string): string[] {
  const names = importsOf(code).filter((name) => name.startsWith('.'));
  return names.map((name) => posix.join(posix.dirname(path), name));
}

/** Files of the product that are longer than this many lines. Generated ones may be. */
const MAX_LINES = 300;

export function tooLong(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => inProduct(file) && !file.path.endsWith('.generated.ts'))
    .map(({ path, code }) => ({ path, lines: code.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${MAX_LINES}`);
}

/** The TypeScript files of the house's folders; tests and scripts are around it. */
export function sourceFiles(root: string): SourceFile[] {
  const folders = [...new Set(Object.keys(LAYERS).map((layer) => layer.split('/')[0] ?? ''))];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => {
        const path = posix.join(folder, name.replaceAll('\\', '/'));
        return { path, code: readFileSync(join(root, path), 'utf8') };
      }),
  );
}
