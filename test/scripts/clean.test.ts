import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '../..');

function clean(...folders: string[]): number | null {
  return spawnSync(process.execPath, [join(REPOSITORY, 'scripts/clean.ts'), ...folders]).status;
}

test('a folder of the repository is removed, with all that is in it', () => {
  const folder = mkdtempSync(join(REPOSITORY, '.demo-clean-'));
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  writeFileSync(join(folder, 'a/b/file'), '');
  expect(clean(basename(folder))).toBe(0);
  expect(existsSync(folder)).toBe(false);
  expect(clean(basename(folder)), 'a folder that is not there').toBe(0);
});

test('nothing outside it is, nor the repository itself', () => {
  const outside = mkdtempSync(join(tmpdir(), 'clean-'));
  try {
    for (const path of [outside, relative(REPOSITORY, outside), '.', '..', 'dist/../..', ''])
      expect(clean(path), path).toBe(1);
    expect(existsSync(outside)).toBe(true);
    expect(existsSync(join(REPOSITORY, 'package.json'))).toBe(true);
  } finally {
    rmSync(outside, { recursive: true });
  }
});

test('without a folder it says how it is used', () => {
  expect(clean()).toBe(2);
});
