import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '../..');
const GENERATED = [
  'shared/airbyte/protocol.generated.ts',
  'source-convex/config.generated.ts',
  'destination-convex/config.generated.ts',
];

let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'types-'));
  for (const path of ['spec', ...GENERATED]) cpSync(join(REPOSITORY, path), join(copy, path), { recursive: true });
});
afterEach(() => {
  rmSync(copy, { recursive: true });
});

function check(root: string): { status: number | null; stderr: string } {
  const args = [join(REPOSITORY, 'scripts/generate-types.ts'), '--check', '--root', root];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stderr };
}

test('the generated files are current', () => {
  expect(check(REPOSITORY)).toEqual({ status: 0, stderr: '' });
});

test.each(GENERATED)('an edit of %s is noticed, and it alone is named', (file) => {
  appendFileSync(join(copy, file), '// by hand\n');
  const before = readFileSync(join(copy, file), 'utf8');
  const { status, stderr } = check(copy);
  expect(status).toBe(1);
  expect(GENERATED.filter((name) => stderr.includes(name))).toEqual([file]);
  expect(stderr).toContain('npm run types');
  expect(readFileSync(join(copy, file), 'utf8')).toBe(before);
});

test('a change of a schema makes its file stale', () => {
  const path = join(copy, 'spec/source-convex.json');
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('access_key', 'access_token'));
  const { status, stderr } = check(copy);
  expect(status).toBe(1);
  expect(stderr).toContain('source-convex/config.generated.ts does not match spec/source-convex.json');
});

test('a missing file is noticed', () => {
  rmSync(join(copy, 'shared/airbyte/protocol.generated.ts'));
  const { status, stderr } = check(copy);
  expect(status).toBe(1);
  expect(stderr).toContain('shared/airbyte/protocol.generated.ts is missing');
});

test('types are named once, and a declared object takes no undeclared property', () => {
  const code = GENERATED.map((file) => readFileSync(join(REPOSITORY, file), 'utf8')).join('\n');
  const names = [...code.matchAll(/^export (?:type|interface) (\w+)/gm)].map((match) => match[1]);
  expect(names).toEqual(expect.arrayContaining(['OutboundMessage', 'StreamDescriptor', 'SourceConfig']));
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => /\d$/.test(name ?? ''))).toEqual([]);
  // An index signature is allowed only as the single member of a map.
  const signatures = code.match(/\[k: string\]: unknown;/g) ?? [];
  const maps = code.match(/\{\s*\[k: string\]: unknown;\s*\}/g) ?? [];
  expect(maps.length).toBeGreaterThan(0);
  expect(signatures.length).toBe(maps.length);
});
