import { expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { deploy } from '../client.ts';
import { type SyncArguments, syncReply } from './client.ts';

/** Work is counted, not timed: the time limit of a test is only there for what hangs. */

const COUNT = 150_000;
const PAGE = 16_384;

function* documents(): Generator<object> {
  for (let n = 0; n < COUNT; n++) yield { n: BigInt(n), name: `Document ${n}`, group: n % 100 };
}

interface PageWork {
  values: number;
  documentsRead: number;
  rowsRead: number;
}

/** Reads pages until one is up to date, without parsing their documents; the work of each, and the last cursor. */
async function workOf(emulator: Emulator, args: SyncArguments): Promise<{ pages: PageWork[]; cursor: string }> {
  const pages: PageWork[] = [];
  let { cursor } = args;
  for (;;) {
    const { documentsRead, rowsRead } = emulator.work.dataSync;
    const { text } = await syncReply(emulator, { ...args, cursor });
    pages.push({
      values: text.slice(text.indexOf('"values":')).split('{"component":').length - 1,
      documentsRead: emulator.work.dataSync.documentsRead - documentsRead,
      rowsRead: emulator.work.dataSync.rowsRead - rowsRead,
    });
    cursor = /"nextCursor":"([0-9a-f]+)"/.exec(text.slice(-2000))?.[1] ?? '';
    if (text.startsWith('{"status":{"type":"upToDate"')) return { pages, cursor };
  }
}

test('150,000 documents, then 150,000 revisions: a page reads what it delivers, wherever it is', async () => {
  const emulator = await deploy();
  const { deployment } = emulator;
  deployment.createTable('small');
  expect(deployment.load('large', documents())).toBe(COUNT);
  const walk = await workOf(emulator, {});
  const full = walk.pages.filter(({ documentsRead }) => documentsRead > 0);
  expect(full).toHaveLength(Math.ceil(COUNT / PAGE));
  expect(full.reduce((sum, { values }) => sum + values, 0)).toBe(COUNT);
  for (const page of full) expect(page).toEqual({ ...page, documentsRead: page.values, rowsRead: 0 });

  const ids = [...deployment.documents('large')].map(({ _id }) => _id);
  for (let start = 0; start < ids.length; start += 1000) {
    deployment.transaction((tx) => {
      for (const id of ids.slice(start, start + 1000)) tx.patch(id, { name: 'changed' });
    });
  }
  for (const selection of [undefined, ['large']]) {
    const log = await workOf(emulator, { cursor: walk.cursor, selection });
    expect(log.pages.reduce((sum, { values }) => sum + values, 0)).toBe(COUNT);
    // 17 transactions of 1000 rows go beyond a page of 16,384.
    expect(log.pages).toHaveLength(Math.ceil(COUNT / 17_000));
    for (const { values, documentsRead, rowsRead } of log.pages) {
      expect(documentsRead).toBe(0);
      expect(values).toBeLessThanOrEqual(17_000);
      // Besides its rows, a page reads the few of system tables, and the first one of the next page.
      expect(rowsRead).toBeGreaterThanOrEqual(values);
      expect(rowsRead).toBeLessThanOrEqual(values + 20);
    }
  }
}, 120_000);
