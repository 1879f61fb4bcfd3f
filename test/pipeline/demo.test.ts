import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const DEMO = join(import.meta.dirname, '../../pipeline/demo.ts');

/** Runs the demo on a part of its data. */
function demo(...args: string[]): { status: number | null; output: string; stdout: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, '--cities', '2500', ...args], {
    encoding: 'utf8',
    timeout: 55_000,
    // States after every page: there is something to go on from even in a run that takes a second.
    env: { ...process.env, CONVEX_CONNECTOR_CHECKPOINT_MS: '0', CONVEX_CONNECTOR_POLL_MS: '10' },
  });
  return { status, output: stdout + stderr, stdout };
}

/** The numbers in the first line that contains a text, as they are printed. */
function numbers(output: string, text: string): string[] {
  const line = output.split('\n').find((candidate) => candidate.trimStart().startsWith(text)) ?? '';
  return line.match(/\d[\d,.]*/g) ?? [];
}

test('the copy equals the original after the first sync and after the changes', () => {
  const { status, output, stdout } = demo();
  expect(status, output).toBe(0);
  // What it says itself fits a terminal of 80 columns.
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  // 2,500 cities and districts each, 3,865 regions, 252 countries, 181 currencies, 185 languages
  expect(numbers(output, 'after the first sync')).toEqual(['9,483', '0']);
  expect(numbers(output, 'all ')[0]).toBe('9,483');
  // inserts, updates, deletes, transactions, documents, differences
  expect(numbers(output.split('after the first sync')[1] ?? '', 'after ').at(-1), output).toBe('0');
  expect(output).toContain('CC BY 4.0');
  expect(output).not.toContain('WARN');
});

test('a source killed in the middle: the next sync ends with an equal copy', () => {
  const { status, output } = demo('--kill');
  expect(status, output).toBe(0);
  for (const run of ['all, killed half-way', 'the rest']) {
    const [records = '0'] = numbers(output, run);
    expect(Number(records.replaceAll(',', '')), output).toBeGreaterThan(0);
    expect(Number(records.replaceAll(',', '')), output).toBeLessThan(9483);
  }
  expect(numbers(output, 'after the first sync')).toEqual(['9,483', '0']);
});
