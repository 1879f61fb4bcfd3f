import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { deploy, get, snapshotPage, walk } from '../client.ts';
import { caughtUp, convert, Copy, sync, syncAll, type SyncPage } from './client.ts';

/** Tables that are cleared, dropped, made anew or replaced, as readers see them. Seen on a real backend. */

const A = { component: '', table: 'a' };
const B = { component: '', table: 'b' };
const C = { component: '', table: 'c' };
const IDS_OF_A =
  '"selection":{"_other":"excluded","":{"_other":"excluded","a":{"_id":"included","_other":"excluded"}}}';

/** Tables a and b with five documents each, time standing still while nobody writes. */
async function withTables(): Promise<Emulator> {
  const emulator = await deploy({ idleClockStands: true });
  for (const table of ['a', 'b']) {
    emulator.deployment.load(
      table,
      [1, 2, 3, 4, 5].map((n) => ({ n: `${table}${n}` })),
    );
  }
  return emulator;
}

/** The timestamp of a snapshot that is pinned without a walk. */
async function pin(emulator: Emulator): Promise<string> {
  const page = await snapshotPage(emulator, '{"selection":{"_other":"excluded"}}');
  expect(page).toMatchObject({ values: [], cursor: null });
  return page.snapshot;
}

function names(...pages: Pick<SyncPage, 'values'>[]): unknown[] {
  return pages.flatMap(({ values }) => values.map(({ value }) => value['n'])).sort();
}

describe('seen with two tables of five documents', () => {
  test('two pins in a row on an idle deployment are the same timestamp', async () => {
    const emulator = await withTables();
    expect(await pin(emulator)).toBe(await pin(emulator));
  });

  test('a conversion at a pin is up to date there', async () => {
    const emulator = await withTables();
    const s0 = await pin(emulator);
    const cursor = await convert(emulator, s0, ['a', 'b']);
    expect(await sync(emulator, { cursor, selection: ['a', 'b'] })).toMatchObject({
      status: { type: 'upToDate', snapshotTs: s0 },
      truncates: [],
      values: [],
    });
  });

  test('a cleared table: stale at the point before, a truncate, no values; its rows follow from the log', async () => {
    const emulator = await withTables();
    const { deployment } = emulator;
    const n = await pin(emulator);
    const cursor = await convert(emulator, n, ['a', 'b']);
    deployment.clearTable('a');
    deployment.transaction((tx) => {
      tx.insert('a', { n: 'new a' });
      tx.insert('b', { n: 'new b' });
    });
    const page = await sync(emulator, { cursor, selection: ['a', 'b'] });
    expect(page).toMatchObject({ status: { type: 'stale', snapshotTs: n }, truncates: [A], values: [] });
    const next = await sync(emulator, { cursor: page.pagination.nextCursor, selection: ['a', 'b'] });
    expect(next).toMatchObject({ status: { type: 'upToDate' }, truncates: [] });
    expect(names(next)).toEqual(['new a', 'new b']);
    // The cursor before the truncate is still good: without the table it tells of the others only.
    const without = await sync(emulator, { cursor, selection: ['b'] });
    expect(without).toMatchObject({ status: { type: 'upToDate' }, truncates: [] });
    expect(names(without)).toEqual(['new b']);
    const afterwards = await sync(emulator, { cursor: page.pagination.nextCursor, selection: ['b'] });
    expect(afterwards).toMatchObject({ status: { type: 'upToDate' }, truncates: [] });
    expect(names(afterwards)).toEqual(['new b']);
  });

  test.each(['clearTable', 'dropTable'] as const)('%s: the old ids are listed at the point before', async (change) => {
    const emulator = await withTables();
    const ids = [...emulator.deployment.documents('a')].map(({ _id }) => _id);
    const n = await pin(emulator);
    emulator.deployment[change]('a');
    const pages = await walk(emulator, IDS_OF_A, n);
    const values = pages.flatMap((page) => page.values);
    expect(values.map((value) => value['_id'])).toEqual(ids);
    for (const value of values) {
      expect(Object.keys(value)).toEqual(['_component', '_table', '_ts', '_id']);
    }
    expect((await walk(emulator, IDS_OF_A)).flatMap((page) => page.values)).toEqual([]);
  });

  test('a conversion after the replacement believes the new table; one replaced later is truncated', async () => {
    const emulator = await withTables();
    const { deployment } = emulator;
    deployment.clearTable('a');
    const cursor = await convert(emulator, await pin(emulator), ['a', 'b']);
    expect((await sync(emulator, { cursor, selection: ['a', 'b'] })).truncates).toEqual([]);
    deployment.importTable('b', [{ n: 'imported' }]);
    const pages = await syncAll(emulator, { cursor, selection: ['a', 'b'] });
    expect(pages.flatMap(({ truncates }) => truncates)).toEqual([B]);
    expect(names(...pages)).toEqual(['imported']);
  });

  test('a conversion for a further table has no truncate, not even for one that is not there', async () => {
    const emulator = await withTables();
    emulator.deployment.load('c', [{ n: 'c1' }]);
    const selection = ['a', 'b', 'c', 'nobody'];
    const cursor = await convert(emulator, await pin(emulator), selection);
    expect(await sync(emulator, { cursor, selection })).toMatchObject({
      status: { type: 'upToDate' },
      truncates: [],
      values: [],
    });
  });

  test('a dropped table is silence; made anew, it is stale and truncated', async () => {
    const emulator = await withTables();
    const { deployment } = emulator;
    deployment.load('c', [{ n: 'c1' }]);
    const cursor = await caughtUp(emulator);
    deployment.dropTable('c');
    const silent = await sync(emulator, { cursor });
    expect(silent).toMatchObject({ status: { type: 'upToDate' }, truncates: [], values: [] });
    deployment.transaction((tx) => tx.insert('c', { n: 'new c' }));
    const page = await sync(emulator, { cursor: silent.pagination.nextCursor });
    expect(page).toMatchObject({ status: { type: 'stale' }, truncates: [C], values: [] });
    expect(names(await sync(emulator, { cursor: page.pagination.nextCursor }))).toEqual(['new c']);
  });

  test('a table that is deselected is silence, and truncated when it is selected again', async () => {
    const emulator = await withTables();
    const cursor = await caughtUp(emulator, { selection: ['a', 'b'] });
    const without = await sync(emulator, { cursor, selection: ['b'] });
    expect(without).toMatchObject({ status: { type: 'upToDate' }, truncates: [], values: [] });
    const again = await syncAll(emulator, { cursor: without.pagination.nextCursor, selection: ['a', 'b'] });
    expect(again[0]?.truncates).toEqual([A]);
    expect(names(...again)).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
  });

  test('the backend of August 2026 does not know GET data/sync/{id}', async () => {
    const emulator = await deploy({ withoutDataSyncById: true });
    const { syncId } = await sync(emulator);
    expect(await get(emulator, `/api/v1/data/sync/${syncId}`)).toMatchObject({ status: 404, text: '' });
  });
});

test('a table that is replaced while another is walked is truncated only when its turn comes', async () => {
  const emulator = await deploy({ limits: { dataSyncPage: 2 } });
  const { deployment } = emulator;
  for (const table of ['a', 'b']) deployment.load(table, [{ n: `${table}1` }, { n: `${table}2` }, { n: `${table}3` }]);
  const order = deployment.catalog.active().sort((x, y) => (x.id.order < y.id.order ? -1 : 1));
  const [first = '', second = ''] = order.map(({ name }) => name);
  const walkFirst = await sync(emulator);
  const endFirst = await sync(emulator, { cursor: walkFirst.pagination.nextCursor });
  expect([walkFirst, endFirst].map(({ truncates }) => truncates.map(({ table }) => table))).toEqual([
    [first],
    [second],
  ]);
  deployment.importTable(first, [{ n: 'imported' }]);
  const walkSecond = await sync(emulator, { cursor: endFirst.pagination.nextCursor });
  expect(walkSecond).toMatchObject({ status: { type: 'snapshotting' }, truncates: [] });
  const copy = new Copy();
  for (const page of [walkFirst, endFirst, walkSecond]) copy.apply(page);
  // Until then the client holds the old rows.
  expect(copy.column('n')).toHaveLength(5);
  expect(copy.column('n')).toEqual(expect.arrayContaining([`${first}1`, `${first}2`, `${first}3`]));
  const endSecond = await sync(emulator, { cursor: walkSecond.pagination.nextCursor });
  expect(endSecond).toMatchObject({ status: { type: 'snapshotting' }, truncates: [{ table: first }] });
  copy.apply(endSecond);
  for (const page of await syncAll(emulator, { cursor: endSecond.pagination.nextCursor })) copy.apply(page);
  expect(copy.column('n')).toEqual([`${second}1`, `${second}2`, `${second}3`, 'imported']);
});
