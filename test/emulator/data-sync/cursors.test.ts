import { expect, test } from 'vitest';
import { deploy } from '../client.ts';
import { caughtUp, convert, sync, syncAll } from './client.ts';

test('the same state never gives the same cursor, and any of them may be used any number of times', async () => {
  const emulator = await deploy();
  const { deployment } = emulator;
  deployment.load('users', [{ n: 1 }]);
  const cursor = await caughtUp(emulator);
  deployment.transaction((tx) => tx.insert('users', { n: 2 }));
  const pages = [];
  for (let n = 0; n < 5; n++) pages.push(await sync(emulator, { cursor }));
  for (const { values, syncId } of pages) {
    expect(values.map(({ value }) => value['n'])).toEqual([2]);
    expect(syncId).toBe(pages[0]?.syncId);
  }
  expect(new Set(pages.map(({ pagination }) => pagination.nextCursor)).size).toBe(5);
  expect(deployment.auditLog).toHaveLength(1);
});

test('a cursor is lower-case hexadecimal, and grows by 50 digits with each table of a one-letter name', async () => {
  const emulator = await deploy();
  const { deployment } = emulator;
  const lengths = [];
  for (const table of ['a', 'b', 'c', undefined]) {
    const cursor = await convert(emulator, deployment.now());
    expect(cursor).toMatch(/^01[0-9a-f]+$/);
    lengths.push(cursor.length);
    if (table !== undefined) deployment.createTable(table);
  }
  expect(lengths).toEqual([162, 212, 262, 312]);
  // A hidden tablet counts like a table.
  deployment.beginImport('a');
  expect((await convert(emulator, deployment.now())).length).toBe(362);
});

test('three hundred tables make a cursor of about 15 KB', async () => {
  const emulator = await deploy();
  for (let n = 0; n < 300; n++) emulator.deployment.createTable(`t${n}`);
  expect((await convert(emulator, emulator.deployment.now())).length).toBeGreaterThan(15_000);
});

test('the selection is not in it: another one may come with each call', async () => {
  const emulator = await deploy();
  const { deployment } = emulator;
  deployment.load('users', [{ n: 1 }]);
  deployment.load('orders', [{ n: 2 }]);
  const selected = await caughtUp(emulator, { selection: ['users'] });
  deployment.transaction((tx) => {
    tx.insert('users', { n: 3 });
    tx.insert('orders', { n: 4 });
  });
  const narrow = await sync(emulator, { cursor: selected, selection: ['users'] });
  expect(narrow).toMatchObject({ status: { type: 'upToDate' }, truncates: [] });
  expect(narrow.values.map(({ value }) => value['n'])).toEqual([3]);
  // Wider: the other table is walked as it was at the cursor's timestamp, then the log brings both up to date.
  const wide = await syncAll(emulator, { cursor: selected });
  expect(wide[0]).toMatchObject({ status: { type: 'stale' }, truncates: [{ component: '', table: 'orders' }] });
  expect(wide.map(({ values }) => values.map(({ value }) => value['n']).sort())).toEqual([[2], [3, 4]]);
});
