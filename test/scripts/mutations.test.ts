import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MUTATIONS } from '../../scripts/mutations/list.ts';

/** Whether the mistakes of `npm run test:mutations` can still be made. Whether they are noticed, that command tells. */

const ROOT = join(import.meta.dirname, '../..');

function timesFound({ file, find }: { file: string; find: string }): number {
  const path = join(ROOT, file);
  return existsSync(path) ? readFileSync(path, 'utf8').split(find).length - 1 : 0;
}

test('what each replaces stands in its file exactly once', () => {
  const stale = MUTATIONS.filter((mutation) => timesFound(mutation) !== 1);
  expect(stale.map(({ file, name }) => `${file}: ${name}`)).toEqual([]);
});

test('each changes something, and names a test that is there', () => {
  for (const { find, replace, test: file } of MUTATIONS) {
    expect(replace).not.toBe(find);
    expect(existsSync(join(ROOT, file)), file).toBe(true);
  }
});

test('no two have the same name', () => {
  const names = MUTATIONS.map(({ name }) => name);
  expect(names.filter((name, position) => names.indexOf(name) !== position)).toEqual([]);
});
