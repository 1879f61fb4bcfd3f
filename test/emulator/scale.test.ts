import { expect, test } from 'vitest';
import { deploy, snapshotPage } from './client.ts';

/** Work is counted, not timed: the time limit of a test is only there for what hangs. */

const COUNT = 150_000;

function* documents(): Generator<object> {
  for (let n = 0; n < COUNT; n++) yield { n: BigInt(n), name: `Document ${n}`, ratio: n / 7, group: n % 100 };
}

test('150,000 documents load, and a page of them costs the same at the start and at the end', async () => {
  const emulator = await deploy();
  const { deployment } = emulator;
  deployment.load(
    'small',
    Array.from({ length: 3000 }, (_, n) => ({ n })),
  );
  expect(deployment.load('large', documents())).toBe(COUNT);
  const [small, large] = ['small', 'large'].map((table) => deployment.catalog.get(table)?.documents);
  if (small === undefined || large === undefined) throw new Error('the tables are there');

  await snapshotPage(emulator, '{"tableName":"small"}');
  const pageOfSmall = small.visited;
  const visits: number[] = [];
  let pages = 0;
  let total = 0;
  let page = await snapshotPage(emulator, '{"tableName":"large"}');
  for (;;) {
    visits.push(large.visited - visits.reduce((sum, visited) => sum + visited, 0));
    pages++;
    total += page.values.length;
    if (page.cursor === null) break;
    const cursor = JSON.stringify(page.cursor);
    page = await snapshotPage(emulator, `{"tableName":"large","snapshot":${page.snapshot},"cursor":${cursor}}`);
  }
  expect(total).toBe(COUNT);
  expect(pages).toBe(Math.ceil(COUNT / 1024));
  // A page looks at its own documents and at no others, whatever the size of the table and the place in it.
  expect(pageOfSmall).toBe(1024);
  expect(new Set(visits.slice(0, -1))).toEqual(new Set([1024]));
  expect(visits.at(-1)).toBe(COUNT % 1024);
}, 120_000);

test('deltas of a long log read the rows of their page and no others', async () => {
  const emulator = await deploy();
  const { deployment } = emulator;
  deployment.load('large', documents(), { perTransaction: 100 });
  const { rows } = deployment.log;
  for (const position of [0, 100_000, rows.length - 300]) {
    const before = emulator.work.deltas.rowsRead;
    const cursor = (rows[position]?.ts ?? 0n) - 1n;
    const reply = await fetch(`${emulator.url}/api/document_deltas?cursor=${cursor}`, {
      headers: { authorization: `Convex ${emulator.key}` },
    });
    expect(await reply.text()).toContain(`"_ts":${rows[position]?.ts ?? ''},`);
    const read = emulator.work.deltas.rowsRead - before;
    expect(read).toBeGreaterThanOrEqual(128);
    expect(read).toBeLessThanOrEqual(128 + 100 + 1);
  }
}, 120_000);
