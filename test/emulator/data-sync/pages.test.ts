import { describe, expect, test } from 'vitest';
import { deploy } from '../client.ts';
import { caughtUp, sync, syncAll } from './client.ts';
import { names, withTable } from './table.ts';

/** Which documents and revisions a page has, and what it says of them. */

describe('walking a table', () => {
  test('pages follow the ids, and the end of a table ends a page', async () => {
    const emulator = await withTable(5, { limits: { dataSyncPage: 2 } });
    const pages = await syncAll(emulator);
    expect(pages.map(names)).toEqual([['0', '1'], ['2', '3'], ['4'], []]);
    expect(pages.map(({ status }) => status.type)).toEqual(['snapshotting', 'snapshotting', 'stale', 'upToDate']);
    expect(pages.map(({ truncates }) => truncates.length)).toEqual([1, 0, 0, 0]);
    expect(pages.every(({ pagination }) => pagination.hasMore)).toBe(true);
  });

  test('a table that is a multiple of the page costs an empty page', async () => {
    const pages = await syncAll(await withTable(4, { limits: { dataSyncPage: 2 } }));
    expect(pages.map(names)).toEqual([['0', '1'], ['2', '3'], [], []]);
    expect(pages.map(({ status }) => status.type)).toEqual(['snapshotting', 'snapshotting', 'stale', 'upToDate']);
  });

  test('the document that reaches the bytes of a page is its last', async () => {
    const emulator = await deploy({ limits: { dataSyncBytes: 250 } });
    emulator.deployment.load(
      't',
      Array.from({ length: 5 }, () => ({ text: 'x'.repeat(100) })),
    );
    expect((await syncAll(emulator)).map(({ values }) => values.length)).toEqual([2, 2, 1, 0]);
  });

  test('it reads at the timestamp of the cursor, whatever was written since', async () => {
    const emulator = await withTable(4, { limits: { dataSyncPage: 2 } });
    const { deployment, ids } = emulator;
    const first = await sync(emulator);
    deployment.transaction((tx) => {
      tx.patch(ids[2] ?? '', { n: 'changed' });
      tx.delete(ids[3] ?? '');
    });
    const second = await sync(emulator, { cursor: first.pagination.nextCursor });
    expect(names(second)).toEqual(['2', '3']);
    const rest = await syncAll(emulator, { cursor: second.pagination.nextCursor });
    expect(rest.map(names)).toEqual([[], ['changed', `-${ids[3] ?? ''}`]]);
    expect(rest.map(({ status }) => status.type)).toEqual(['stale', 'upToDate']);
  });

  test('tables come in the order of their tablets, and a truncate comes with the end of the table before', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    for (const table of ['a', 'b', 'c']) deployment.load(table, [{ table }]);
    const order = deployment.catalog.active().sort((x, y) => (x.id.order < y.id.order ? -1 : 1));
    const expected = order.map(({ name }) => name);
    const pages = (await syncAll(emulator)).slice(0, 3);
    expect(pages.map(({ values }) => values[0]?.table)).toEqual(expected);
    expect(pages.map(({ truncates }) => truncates.map(({ table }) => table))).toEqual([
      [expected[0], expected[1]].sort(),
      [expected[2]],
      [],
    ]);
  });

  test('no target: up to date at once, and later calls follow the log', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    const now = deployment.now();
    const page = await sync(emulator);
    expect(page).toMatchObject({ status: { type: 'upToDate', snapshotTs: String(now) }, truncates: [], values: [] });
    deployment.systemWrite(40_000);
    const next = await sync(emulator, { cursor: page.pagination.nextCursor });
    // One transaction is read whole, however long it is, but then the page ends.
    expect(next).toMatchObject({ status: { type: 'stale' }, values: [] });
  });

  test('components that are unmounted are no targets', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    deployment.load('t', [{ n: 1 }], { component: 'shop' });
    const cursor = await caughtUp(emulator);
    deployment.transaction((tx) => tx.insert('t', { n: 2 }, 'shop'));
    deployment.unmountComponent('shop');
    expect(await sync(emulator, { cursor })).toMatchObject({ status: { type: 'upToDate' }, truncates: [], values: [] });
    expect((await syncAll(emulator)).flatMap(names)).toEqual([]);
  });
});

describe('replaying the log', () => {
  test('every revision comes, in the order of timestamp, and snapshotTs is the latest timestamp', async () => {
    const emulator = await withTable(1);
    const { deployment, ids } = emulator;
    const cursor = await caughtUp(emulator);
    const times = [1, 2, 3].map((n) =>
      deployment.transaction((tx) => {
        tx.patch(ids[0] ?? '', { n: `revision ${n}` });
      }),
    );
    const page = await sync(emulator, { cursor });
    expect(names(page)).toEqual(['revision 1', 'revision 2', 'revision 3']);
    expect(page.values.map(({ ts }) => ts)).toEqual(times.map(String));
    expect(page.status).toEqual({ type: 'upToDate', snapshotTs: String(times.at(-1)) });
  });

  test('a deletion of a document that was never sent comes as a tombstone', async () => {
    const emulator = await withTable(1);
    const { deployment } = emulator;
    const cursor = await caughtUp(emulator);
    let id = '';
    deployment.transaction((tx) => {
      id = tx.insert('t', { n: 'short-lived' });
      tx.delete(id);
    });
    expect(names(await sync(emulator, { cursor }))).toEqual([`-${id}`]);
  });

  test('a transaction is never split: the page ends after the one that fills it', async () => {
    const emulator = await deploy({ limits: { dataSyncPage: 3 } });
    const { deployment } = emulator;
    deployment.createTable('t');
    const cursor = await caughtUp(emulator);
    const commit = (count: number) =>
      deployment.transaction((tx) => {
        for (let n = 0; n < count; n++) tx.insert('t', { n: count });
      });
    const times = [2, 5, 3, 1].map(commit);
    const pages = await syncAll(emulator, { cursor });
    expect(pages.map(({ values }) => values.length)).toEqual([7, 3, 1]);
    expect(pages.map(({ status }) => status)).toEqual([
      { type: 'stale', snapshotTs: String(times[1]) },
      { type: 'stale', snapshotTs: String(times[2]) },
      { type: 'upToDate', snapshotTs: String(pages.at(-1)?.status.snapshotTs) },
    ]);
  });

  test('the bytes of a page end it after a transaction, too', async () => {
    const emulator = await deploy({ limits: { dataSyncBytes: 250 } });
    const { deployment } = emulator;
    deployment.createTable('t');
    const cursor = await caughtUp(emulator);
    for (let n = 0; n < 5; n++) deployment.transaction((tx) => tx.insert('t', { text: 'x'.repeat(100) }));
    expect((await syncAll(emulator, { cursor })).map(({ values }) => values.length)).toEqual([2, 2, 1]);
  });

  test('rows read end a page before the transaction that goes past them, unless it is the first', async () => {
    const emulator = await deploy({ limits: { dataSyncRowsRead: 4, dataSyncPage: 4 } });
    const { deployment } = emulator;
    deployment.createTable('t');
    const cursor = await caughtUp(emulator);
    const commit = (count: number) =>
      deployment.transaction((tx) => {
        for (let n = 0; n < count; n++) tx.insert('t', { n: count });
      });
    const times = [9, 1, 2, 2].map(commit);
    const pages = await syncAll(emulator, { cursor });
    expect(pages.slice(0, 2).map(({ values }) => values.length)).toEqual([9, 3]);
    expect(pages.slice(0, 2).map(({ status }) => status.snapshotTs)).toEqual([String(times[0]), String(times[2])]);
    expect(pages.flatMap(({ values }) => values)).toHaveLength(14);
  });

  test('with one target the log of that table is read, with several the whole log', async () => {
    const emulator = await withTable(1, { limits: { dataSyncRowsRead: 100, dataSyncPage: 100 } });
    const { deployment, ids, work } = emulator;
    deployment.createTable('other');
    const one = await caughtUp(emulator, { selection: ['t'] });
    const both = await caughtUp(emulator, { selection: ['t', 'other'] });
    for (let n = 0; n < 30; n++) deployment.systemWrite(10);
    deployment.transaction((tx) => {
      tx.patch(ids[0] ?? '', { n: 'changed' });
    });
    const before = work.dataSync.rowsRead;
    const page = await sync(emulator, { cursor: one, selection: ['t'] });
    expect(page).toMatchObject({ status: { type: 'upToDate' }, values: [{ value: { n: 'changed' } }] });
    expect(work.dataSync.rowsRead - before).toBe(1);
    const pages = await syncAll(emulator, { cursor: both, selection: ['t', 'other'] });
    expect(pages.length).toBeGreaterThan(3);
    // Rows of others are read, fill pages, and give nothing.
    expect(pages.slice(0, 3).map(names)).toEqual([[], [], []]);
    expect(pages.slice(0, 3).map(({ status }) => status.type)).toEqual(['stale', 'stale', 'stale']);
    expect(pages.flatMap(names)).toEqual(['changed']);
  });
});
