/** The pictures and tables of docs/performance.md show what bench/results.json holds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Results } from '../../bench/results.ts';
import { growth, provenance, speeds } from '../../scripts/plots/charts.ts';
import { withResults } from '../../scripts/plots/page.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const results = JSON.parse(read('bench/results.json')) as Results;
const page = read('docs/performance.md');

interface Option {
  series: { name: string; xAxisIndex: number; data: unknown[] }[];
}

test('the page is what npm run plots makes of the results', () => {
  expect(withResults(page, results)).toBe(page);
  expect(page).toContain(`On ${results.date}, `);
});

test('a page without a place for the results is refused', () => {
  expect(() => withResults('# Performance\n', results)).toThrow('has no line "<!-- Written by npm run plots');
});

test.each(['speed', 'growth'])('the picture %s is of this run, and is on the page', (name) => {
  expect(page).toContain(`](images/${name}.svg)`);
  const svg = read(`docs/images/${name}.svg`);
  expect(svg).toMatch(/^<svg /);
  expect(svg).toContain(provenance(results));
});

test('no result names a path of the machine', () => {
  expect(read('bench/results.json')).not.toMatch(/\/(home|root|tmp|work|Users)\b/);
});

describe('what is drawn', () => {
  const compared = (documents: string, n: number) => ({
    documents,
    ...{ megabytesPerSecond: 1, recordsPerSecond: 1, peakMiB: 1, parsePeakMiB: 1 },
    ...{ ofCopy: n, ofCopyCpu: n + 1, overParse: n + 2, overParseCpu: n + 3 },
  });
  const some: Results = {
    ...{ date: '2026-01-31', machine: '2 x a processor', node: '24.0.0', connectors: '1.0.0', load: [0], rounds: 3 },
    source: [compared('tiny', 1), compared('huge', 11)],
    destination: [compared('tiny', 21)],
    memory: [{ documents: 1000, readMiB: 7, writeMiB: 8, limitMiB: 256, readRequests: 9, writeRequests: 10 }],
  };

  test('speeds: both sides by the clock and by CPU, (a) left and (b) right; what was not measured is left out', () => {
    const { series } = speeds(some).option as Option;
    expect(series.map(({ name, xAxisIndex, data }) => [xAxisIndex, name, data])).toEqual([
      [0, 'source, clock', [1, 11]],
      [0, 'source, CPU', [2, 12]],
      [0, 'destination, clock', [21, null]],
      [0, 'destination, CPU', [22, null]],
      [1, 'source, clock', [3, 13]],
      [1, 'source, CPU', [4, 14]],
      [1, 'destination, clock', [23, null]],
      [1, 'destination, CPU', [24, null]],
    ]);
  });

  test('growth: memory left, requests right', () => {
    const { series } = growth(some).option as Option;
    expect(series.map(({ name, xAxisIndex, data }) => [xAxisIndex, name, data])).toEqual([
      [0, 'source', [[1000, 7]]],
      [0, 'destination', [[1000, 8]]],
      [1, 'source', [[1000, 9]]],
      [1, 'destination', [[1000, 10]]],
    ]);
  });
});
