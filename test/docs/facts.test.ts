/**
 * Numbers of docs/convex-api.md (`C12`) and docs/decisions.md (`DEC3`, `INV2`): each is defined once, and each that is
 * cited is defined.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const CITING = [
  'source-convex',
  'destination-convex',
  'shared',
  'emulator',
  'pipeline',
  'bench',
  'scripts',
  'spec',
  'test',
  'docs',
  'CONTRIBUTING.md',
  'README.md',
];

const PAGES = [
  { page: 'docs/convex-api.md', kinds: ['C'] },
  { page: 'docs/decisions.md', kinds: ['INV', 'DEC'] },
];

/** Numbers that a page defines, in its order: its paragraphs that begin with `**C12. `. */
function defined(page: string, kind: string): number[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(new RegExp(`^\\*\\*${kind}(\\d+)\\. `, 'gm'))].map(([, number]) => Number(number));
}

/** Citations in a text, such as `C12` and `DEC3`; not `C12` within a longer word or a hexadecimal number. */
function citations(text: string): { kind: string; number: number }[] {
  return [...text.matchAll(/(?<![\w\\#$.-])(C|INV|DEC)([1-9]\d{0,2})(?![\w-])/g)].map(([, kind = '', number]) => ({
    kind,
    number: Number(number),
  }));
}

function filesBelow(path: string): string[] {
  if (/\.(ts|md|py|json)$/.test(path)) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules') return [];
    if (entry.isDirectory()) return filesBelow(join(path, entry.name));
    return /\.(ts|md|py)$/.test(entry.name) ? [join(path, entry.name)] : [];
  });
}

test('citations are told from other words', () => {
  const text = '(C12), C7 and DEC3: INV1. Not \\C12, PC12, C12x, #C12, 0xC12, -C1-, C1000 or sha-C12.';
  expect(citations(text).map(({ kind, number }) => kind + number)).toEqual(['C12', 'C7', 'DEC3', 'INV1']);
});

describe.each(PAGES)('$page', ({ page, kinds }) => {
  test.each(kinds)('numbers of %s are unique and in order', (kind) => {
    const numbers = defined(page, kind);
    expect(numbers.length).toBeGreaterThan(5);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  test('each number that is cited exists', () => {
    const known = new Set(kinds.flatMap((kind) => defined(page, kind).map((number) => kind + number)));
    const missing: string[] = [];
    for (const file of CITING.flatMap((path) => filesBelow(join(ROOT, path)))) {
      if (file === import.meta.filename) continue;
      for (const { kind, number } of citations(readFileSync(file, 'utf8')))
        if (kinds.includes(kind) && !known.has(kind + number))
          missing.push(`${relative(ROOT, file)}: ${kind}${number}`);
    }
    expect(missing).toEqual([]);
  });
});

test('shared code cites facts', () => {
  const cited = filesBelow(join(ROOT, 'shared')).flatMap((file) => citations(readFileSync(file, 'utf8')));
  expect(cited.length).toBeGreaterThan(10);
});
