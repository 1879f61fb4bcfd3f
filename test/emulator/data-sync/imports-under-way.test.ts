import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { call, columnNames, deltasPage, deploy, snapshotPage, walk } from '../client.ts';
import { activeSyncs, convert, Copy, sync, syncAll, type SyncPage } from './client.ts';

/** An import that takes time, as readers see it before its swap, after it and after a failure. Seen on a real backend. */

/** The timestamp of a snapshot that is pinned without a walk. */
async function pin(emulator: Emulator): Promise<string> {
  const page = await snapshotPage(emulator, '{"selection":{"_other":"excluded"}}');
  expect(page).toMatchObject({ values: [], cursor: null });
  return page.snapshot;
}

function names(...pages: Pick<SyncPage, 'values'>[]): unknown[] {
  return pages.flatMap(({ values }) => values.map(({ value }) => value['n'])).sort();
}

describe('an import under way', () => {
  /** Tables t with three rows and u with two, a cursor that has caught up with them, and an import of t. */
  async function importing() {
    const emulator = await deploy({ idleClockStands: true });
    const { deployment } = emulator;
    deployment.load('t', [{ n: 'old 1' }, { n: 'old 2' }, { n: 'old 3' }]);
    deployment.load('u', [{ n: 'u1' }, { n: 'u2' }]);
    const selection = ['t', 'u'];
    const start = await pin(emulator);
    const cursor = await convert(emulator, start, selection);
    return { emulator, deployment, selection, start, cursor };
  }

  const rows = (count: number, name: string) => Array.from({ length: count }, (_, n) => ({ n: `${name} ${n}` }));
  const listed = async (emulator: Emulator) =>
    (await walk(emulator, '"tableName":"t"')).flatMap(({ values }) => values.map((value) => value['n'])).sort();

  test('list_snapshot is clean at every moment', async () => {
    const { emulator, deployment } = await importing();
    const tableImport = deployment.beginImport('t');
    for (let batch = 0; batch < 3; batch++) {
      tableImport.write('t', rows(10, `batch ${batch}`));
      expect(await listed(emulator)).toEqual(['old 1', 'old 2', 'old 3']);
    }
    tableImport.swap();
    expect(await listed(emulator)).toHaveLength(30);
  });

  test('data/sync truncates the table when the import begins to write, and delivers rows that are not there', async () => {
    const { emulator, deployment, selection, cursor } = await importing();
    const tableImport = deployment.beginImport('t');
    tableImport.write('t', rows(20, 'imported'));
    const page = await sync(emulator, { cursor, selection });
    expect(page).toMatchObject({ status: { type: 'stale' }, truncates: [{ component: '', table: 't' }], values: [] });
    const next = await sync(emulator, { cursor: page.pagination.nextCursor, selection });
    expect(next).toMatchObject({ status: { type: 'upToDate' }, truncates: [] });
    expect(names(next)).toEqual(
      rows(20, 'imported')
        .map(({ n }) => n)
        .sort(),
    );
    tableImport.swap();
    // The swap itself says nothing.
    expect(await sync(emulator, { cursor: next.pagination.nextCursor, selection })).toMatchObject({
      status: { type: 'upToDate' },
      truncates: [],
      values: [],
    });
  });

  test('document_deltas delivers the same rows as ordinary ones', async () => {
    const { emulator, deployment, start } = await importing();
    const ts = deployment.beginImport('t').write('t', rows(20, 'imported'));
    const { values } = await deltasPage(emulator, start);
    expect(values.map((value) => value['n']).sort()).toEqual(
      rows(20, 'imported')
        .map(({ n }) => n)
        .sort(),
    );
    for (const value of values) {
      expect(value).toMatchObject({ _component: '', _table: 't', _ts: String(ts), _deleted: false });
    }
  });

  test.each(['fail', 'cancel'] as const)('%s: its rows stay in the log, and in a cold sync', async (end) => {
    const { emulator, deployment, selection, start, cursor } = await importing();
    const tableImport = deployment.beginImport('t');
    tableImport.write('t', rows(2, 'never imported'));
    tableImport[end]();
    const phantoms = ['never imported 0', 'never imported 1'];
    expect(names(...(await syncAll(emulator, { cursor, selection })))).toEqual(phantoms);
    expect((await deltasPage(emulator, start)).values.map((value) => value['n']).sort()).toEqual(phantoms);
    const cold = new Copy();
    for (const page of await syncAll(emulator, { selection: ['t'] })) {
      // The table is truncated for the first of its tablets, before any row.
      cold.apply(page);
    }
    expect(phantoms.every((name) => cold.column('n').includes(name))).toBe(true);
    expect(await listed(emulator)).toEqual(['old 1', 'old 2', 'old 3']);
    deployment.advance(15n * 86_400_000_000_000n);
    expect(names(...(await syncAll(emulator, { selection: ['t'] })))).toEqual(['old 1', 'old 2', 'old 3']);
  });

  test('a conversion in the middle of an import never tells of the swap', async () => {
    const { emulator, deployment, selection } = await importing();
    const tableImport = deployment.beginImport('t');
    tableImport.write('t', rows(8, 'before'));
    const cursor = await convert(emulator, await pin(emulator), selection);
    tableImport.write('t', rows(9, 'since'));
    tableImport.swap();
    const pages = await syncAll(emulator, { cursor, selection });
    expect(pages.flatMap(({ truncates }) => truncates)).toEqual([]);
    // Nothing of the rows written before, and no word of the three old ones.
    expect(names(...pages)).toEqual(rows(9, 'since').map(({ n }) => n));
  });

  test('totalTables counts tablets: 2, 3 while t has a hidden one, 2 after the swap', async () => {
    const { emulator, deployment, selection, cursor } = await importing();
    const totalTables = async () => (await activeSyncs(emulator))[0]?.status['totalTables'];
    let page = (await syncAll(emulator, { cursor, selection })).at(-1);
    const next = async () => {
      deployment.advance(6_000_000_000n);
      page = (await syncAll(emulator, { cursor: page?.pagination.nextCursor, selection })).at(-1);
      return [await totalTables(), page?.pagination.nextCursor.length];
    };
    expect(await totalTables()).toBe(2);
    const length = page?.pagination.nextCursor.length ?? 0;
    const tableImport = deployment.beginImport('t');
    tableImport.write('t', rows(5, 'imported'));
    expect(await next()).toEqual([3, length + 50]);
    expect(await columnNames(emulator)).toEqual([
      { name: 't', columns: ['_creationTime', '_id', 'n'] },
      { name: 'u', columns: ['_creationTime', '_id', 'n'] },
    ]);
    expect(Object.keys((await call(emulator, 'GET', '/api/json_schemas')).json()).sort()).toEqual(['t', 'u']);
    tableImport.swap();
    expect(await next()).toEqual([2, length]);
  });

  test('kept ids: a row of the old table is overtaken by one with a lower timestamp', async () => {
    const { emulator, deployment, selection, cursor } = await importing();
    const [document] = deployment.documents('t');
    if (document === undefined) throw new Error('the document is there');
    const copy = new Copy();
    for (const page of await syncAll(emulator, { selection })) copy.apply(page);
    const tableImport = deployment.beginImport('t');
    const hidden = tableImport.write('t', [{ ...document, n: 'imported' }]);
    const later = deployment.transaction((tx) => {
      tx.patch(document._id, { n: 'written to the old table' });
    });
    expect(later).toBeGreaterThan(hidden);
    const before = await syncAll(emulator, { cursor, selection: ['t'] });
    expect(names(...before)).toEqual(['imported', 'written to the old table']);
    tableImport.swap();
    expect(await listed(emulator)).toEqual(['imported']);
  });
});
