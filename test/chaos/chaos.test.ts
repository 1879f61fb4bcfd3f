/** The short version of `npm run test:chaos`: what breaks easily breaks here already. docs/reliability.md tells of the long one. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { campaign } from './campaign.ts';
import type { CampaignMode } from './jobs.ts';
import { replacedTables } from './replaced-tables/campaign.ts';

const code = { root: join(import.meta.dirname, '../..'), extension: 'ts' as const };

test.each<{ mode: CampaignMode; seed: number; kills: number }>([
  { mode: 'append_dedup', seed: 1, kills: 3 },
  { mode: 'append', seed: 2, kills: 3 },
  { mode: 'overwrite', seed: 3, kills: 2 },
  { mode: 'refresh', seed: 4, kills: 3 },
  { mode: 'replace', seed: 5, kills: 3 },
  { mode: 'replace_dedup', seed: 8, kills: 3 },
])(
  '$kills kills with $mode: nothing is lost, and nothing is promised too early',
  async ({ mode, seed, kills }) => {
    const figures = await campaign({ seed, kills, mode, code });
    expect(figures.complaints).toEqual([]);
    // That it was a trial at all.
    expect(figures.kills).toBe(kills);
    expect(figures.completed).toBeGreaterThan(0);
    expect(figures.states).toBeGreaterThan(20);
    expect(figures.revisions).toBeGreaterThan(100);
  },
  240_000,
);

test('a reader notices that a table is cleared and then filled', async () => {
  const { complaints } = await campaign({ seed: 6, kills: 2, mode: 'clear', code });
  expect(complaints.join('\n')).toMatch(/the reader saw \d+ rows at \d{19}, which the table never had at one time/);
}, 240_000);

test('4 kills of the source on a backend without Data Sync: two consumers hold what the deployment holds', async () => {
  const figures = await replacedTables({ seed: 8, kills: 4, fallback: true, drops: false, code });
  expect(figures.complaints).toEqual([]);
  expect(figures.kills).toBe(4);
  expect(figures.quiet).toBeGreaterThan(0);
  expect(figures.records).toBeGreaterThan(100);
}, 240_000);
