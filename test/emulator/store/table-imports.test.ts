import { describe, expect, test } from 'vitest';
import { deltasPage, deploy, get, outcome, snapshotPage, walk } from '../client.ts';

/** Imports that replace tables, as readers of list_snapshot and document_deltas see them. */

const DAY = 86_400_000_000_000n;

async function names(emulator: Awaited<ReturnType<typeof deploy>>, more = '', snapshot?: bigint) {
  const pages = await walk(emulator, more, snapshot === undefined ? undefined : String(snapshot));
  return pages.flatMap(({ values }) => values.map((value) => value['name'])).sort();
}

describe('an import that takes time', () => {
  test('list_snapshot shows the old tables until the swap, then the new ones, all at one timestamp', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    deployment.transaction((tx) => {
      tx.insert('users', { name: 'old user' });
      tx.insert('orders', { name: 'old order' });
    });
    const before = deployment.now();
    const tableImport = deployment.beginImport('users', 'orders');
    const first = tableImport.write('users', [{ name: 'new user 1' }]);
    const second = tableImport.write('users', [{ name: 'new user 2' }]);
    tableImport.write('orders', [{ name: 'new order' }]);
    expect(await names(emulator)).toEqual(['old order', 'old user']);
    const swapped = tableImport.swap();
    const values = (await walk(emulator, '"tableName":"users"')).flatMap((page) => page.values);
    expect(values.map((value) => [value['name'], value['_ts']]).sort()).toEqual([
      ['new user 1', String(first)],
      ['new user 2', String(second)],
    ]);
    expect(await names(emulator, '', swapped)).toEqual(['new order', 'new user 1', 'new user 2']);
    expect(await names(emulator, '', swapped - 1n)).toEqual(['old order', 'old user']);
    expect(await names(emulator, '', before)).toEqual(['old order', 'old user']);
  });

  test('document_deltas shows its rows before the swap, and no deletion of the old ones at the swap', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    deployment.transaction((tx) => tx.insert('users', { name: 'old' }));
    const start = String(deployment.now());
    const tableImport = deployment.beginImport('users');
    const ts = tableImport.write('users', [{ name: 'new' }]);
    const page = await deltasPage(emulator, start);
    expect(page.values.map((value) => [value['_table'], value['name'], value._ts, value['_deleted']])).toEqual([
      ['users', 'new', String(ts), false],
    ]);
    tableImport.swap();
    expect((await deltasPage(emulator, page.cursor)).values).toEqual([]);
  });

  test.each(['fail', 'cancel'] as const)(
    '%s: its rows stay in the log until the hidden table is cleaned up',
    async (end) => {
      const emulator = await deploy({ limits: { hiddenTableAge: 2n * DAY } });
      const { deployment } = emulator;
      deployment.transaction((tx) => tx.insert('users', { name: 'old' }));
      const start = deployment.now();
      const tableImport = deployment.beginImport('users');
      tableImport.write('users', [{ name: 'never imported' }]);
      tableImport[end]();
      expect(() => tableImport.swap()).toThrow('over');
      const phantom = async () => (await deltasPage(emulator, start)).values.map((value) => value['name']);
      expect(await phantom()).toEqual(['never imported']);
      deployment.advance(2n * DAY - 3_600_000_000_000n);
      expect(await phantom()).toEqual(['never imported']);
      deployment.advance(7_200_000_000_000n);
      expect(await phantom()).toEqual([]);
      expect(await names(emulator)).toEqual(['old']);
    },
  );

  test('writes to the table while its replacement is prepared are lost at the swap', async () => {
    const { deployment, ...emulator } = await deploy();
    const tableImport = deployment.beginImport('users');
    deployment.transaction((tx) => tx.insert('users', { name: 'written meanwhile' }));
    tableImport.write('users', [{ name: 'imported' }]);
    tableImport.swap();
    expect(await names({ deployment, ...emulator })).toEqual(['imported']);
  });

  test('a swap may drop further tables in the same commit', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    deployment.createTable('users');
    deployment.createTable('others');
    const tableImport = deployment.beginImport('users');
    tableImport.swap(deployment.catalog.active().filter(({ name }) => name === 'others'));
    expect(deployment.tables().map(({ table }) => table)).toEqual(['users']);
  });
});

describe('ids', () => {
  test('may be kept, with creation times, and are those of the old table at older snapshots', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    deployment.transaction((tx) => tx.insert('users', { name: 'old' }));
    const before = deployment.now();
    const [document] = deployment.documents('users');
    if (document === undefined) throw new Error('the document is there');
    const tableImport = deployment.beginImport('users');
    const ts = tableImport.write('users', [{ ...document, name: 'new' }]);
    tableImport.swap();
    const [now] = (await snapshotPage(emulator)).values;
    expect(now).toMatchObject({
      _id: document._id,
      _creationTime: document._creationTime,
      name: 'new',
      _ts: String(ts),
    });
    expect((await snapshotPage(emulator, `{"snapshot":${before}}`)).values).toMatchObject([
      { _id: document._id, name: 'old' },
    ]);
    deployment.transaction((tx) => {
      tx.patch(document._id, { name: 'changed later' });
    });
    expect(await names(emulator)).toEqual(['changed later']);
  });

  test('a table number may be chosen, for ids of another deployment', async () => {
    const { deployment } = await deploy();
    deployment.createTable('first');
    const tableImport = deployment.beginImport({ table: 'users', number: 10_042 });
    tableImport.write('users', [{ name: 'new' }]);
    tableImport.swap();
    expect(deployment.catalog.get('users')?.number).toBe(10_042);
  });

  test('known to the tablet are refused, and nothing of the batch is written', async () => {
    const { deployment } = await deploy();
    const tableImport = deployment.beginImport('users');
    tableImport.write('users', [{ n: 1 }]);
    tableImport.swap();
    const [document] = deployment.documents('users');
    if (document === undefined) throw new Error('the document is there');
    const append = () =>
      deployment.transaction((tx) => {
        tx.insert('users', { n: 2 });
        tx.importInto(tx.tablet('users'), { _id: document._id, n: 3 });
      });
    expect(append).toThrow(
      `Cannot create document with _id ${document._id} that already exists. Try to update it with \`db.patch\` or \`db.replace\`.`,
    );
    expect(deployment.tables()).toEqual([{ component: '', table: 'users', documents: 1 }]);
    deployment.transaction((tx) => {
      tx.delete(document._id);
    });
    expect(append).toThrow(
      `Cannot recreate document with _id ${document._id} that was deleted. Try to insert it without an _id or insert into another table.`,
    );
  });
});

test('the enabled index is copied, a backfilling one refuses the import, a later one is lost', async () => {
  const { deployment } = await deploy({ backfillDelayMs: Infinity });
  deployment.createTable('users');
  const tablet = () => {
    const found = deployment.catalog.get('users');
    if (found === undefined) throw new Error('the table is there');
    return found;
  };
  deployment.backfills.start(tablet(), [['id']]);
  expect(() => deployment.beginImport('orders', 'users')).toThrow('users is still backfilling indexes');
  expect(deployment.catalog.all.map(({ name }) => name)).toEqual(['users']);
  deployment.finishBackfills();
  const tableImport = deployment.beginImport('users');
  tableImport.write('users', [{ id: 7 }]);
  deployment.backfills.start(tablet(), [['other']]);
  deployment.finishBackfills();
  tableImport.swap();
  expect(tablet().index).toMatchObject({ state: 'enabled', fields: [['id']] });
  expect(tablet().index?.find([7])).toHaveLength(1);
});

test.each([2n, 3n, 14n])(
  'with %s days of retention, a dropped table is listed at an older snapshot for so long',
  async (days) => {
    const emulator = await deploy({ limits: { retention: days * DAY, snapshotAge: 30n * DAY } });
    const { deployment } = emulator;
    deployment.transaction((tx) => tx.insert('users', { name: 'dropped' }));
    const before = deployment.now();
    deployment.dropTable('users');
    expect(await names(emulator)).toEqual([]);
    deployment.advance(days * DAY - 3_600_000_000_000n);
    expect(await names(emulator, '', before)).toEqual(['dropped']);
    deployment.advance(7_200_000_000_000n);
    expect(outcome(await get(emulator, `/api/list_snapshot?snapshot=${before}`))).toBe('503 InternalServerError');
  },
);
