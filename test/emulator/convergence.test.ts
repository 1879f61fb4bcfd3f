import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Emulator } from '../../emulator/index.ts';
import { deltasPage, deploy, snapshotPage, walk } from './client.ts';

/**
 * What a reader lives on: a snapshot, and all changes after it, are the table. Holds for any history of transactions
 * that swaps no table, however small the pages are, and whatever is written while the reader reads.
 */

type Operation = { kind: 'insert' | 'replace' | 'delete'; table: string; pick: number; value: number };

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('insert', 'insert', 'replace', 'delete'),
  table: fc.constantFrom('a', 'b', 'c'),
  pick: fc.nat(1000),
  value: fc.nat(3),
});
const history = fc.array(
  fc.oneof(fc.array(operation, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 9 })),
  {
    maxLength: 12,
  },
);

function play(emulator: Emulator, step: Operation[] | number): void {
  const { deployment } = emulator;
  if (typeof step === 'number') {
    deployment.systemWrite(step);
    return;
  }
  deployment.transaction((tx) => {
    const live = ['a', 'b', 'c'].flatMap((table) => [...deployment.documents(table)].map(({ _id }) => _id));
    for (const { kind, table, pick, value } of step) {
      const id = live[pick % Math.max(live.length, 1)];
      if (kind === 'insert' || id === undefined || tx.get(id) === null) live.push(tx.insert(table, { value }));
      else if (kind === 'replace') tx.replace(id, { value });
      else tx.delete(id);
    }
  });
}

test('a snapshot and the deltas after it add up to the tables', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      history,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom(0, 0.5),
      async (before, during, snapshotRows, deltaRows, shortPages) => {
        const emulator = await deploy({ limits: { snapshotPage: snapshotRows, deltaRows }, shortPages });
        for (const step of before) play(emulator, step);
        const pending = [...during];
        const { snapshot } = await snapshotPage(emulator, '{"selection":{"_other":"excluded"}}');

        const held = new Map<string, unknown>();
        let cursor: string | null = null;
        do {
          const page = await snapshotPage(emulator, `{"snapshot":${snapshot},"cursor":${JSON.stringify(cursor)}}`);
          for (const { _id, value } of page.values) {
            expect(held.has(String(_id))).toBe(false);
            held.set(String(_id), value);
          }
          cursor = page.cursor;
          const step = pending.shift();
          if (step !== undefined) play(emulator, step);
        } while (cursor !== null);
        for (const step of pending) play(emulator, step);

        let position = snapshot;
        let hasMore = true;
        while (hasMore) {
          const page = await deltasPage(emulator, position);
          expect(BigInt(page.cursor)).toBeGreaterThan(BigInt(position));
          for (const { _id, _deleted, _ts, value } of page.values) {
            expect(BigInt(_ts)).toBeGreaterThan(BigInt(position));
            expect(BigInt(_ts)).toBeLessThanOrEqual(BigInt(page.cursor));
            if (_deleted === true) held.delete(String(_id));
            else held.set(String(_id), value);
          }
          position = page.cursor;
          ({ hasMore } = page);
        }

        const stored = ['a', 'b', 'c'].flatMap((table) => [...emulator.deployment.documents(table)]);
        expect([...held].sort()).toEqual(stored.map(({ _id, value }) => [_id, value]).sort());
        await emulator.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('a snapshot is the same whenever it is read, and whichever tables are asked for', async () => {
  const emulator = await deploy({ limits: { snapshotPage: 2 } });
  for (let n = 0; n < 10; n++) play(emulator, [{ kind: 'insert', table: 'abc'[n % 3] ?? 'a', pick: 0, value: n }]);
  const { snapshot } = await snapshotPage(emulator, '{"selection":{"_other":"excluded"}}');
  const read = async (more = '') => (await walk(emulator, more, snapshot)).flatMap(({ values }) => values);
  const first = await read();
  expect(first).toHaveLength(10);
  for (const [n, { _id }] of first.entries()) {
    emulator.deployment.transaction((tx) => {
      if (n % 2 === 0) tx.delete(String(_id));
      else tx.replace(String(_id), { value: 'changed' });
      tx.insert('a', { value: 'new' });
    });
  }
  emulator.deployment.dropTable('b');
  expect(await read()).toEqual(first);
  const apart = [await read('"tableName":"a"'), await read('"tableName":"b"'), await read('"tableName":"c"')].flat();
  const byId = (values: Record<string, unknown>[]) =>
    [...values].sort((a, b) => (String(a['_id']) < String(b['_id']) ? -1 : 1));
  expect(byId(apart)).toEqual(byId(first));
});

test('a component that was uninstalled is gone from now on, and was there before', async () => {
  const emulator = await deploy();
  const start = emulator.deployment.systemWrite(1);
  const ts = emulator.deployment.transaction((tx) => tx.insert('users', { n: 1 }, 'shop'));
  expect((await snapshotPage(emulator)).values).toHaveLength(1);
  emulator.deployment.unmountComponent('shop');
  expect((await snapshotPage(emulator)).values).toEqual([]);
  expect((await deltasPage(emulator, start)).values).toEqual([]);
  expect((await snapshotPage(emulator, `{"snapshot":${ts}}`)).values).toHaveLength(1);
});

test('backends before August 2026 leave components out of the deltas, not out of snapshots', async () => {
  const emulator = await deploy({ deltasOfRootOnly: true });
  const start = emulator.deployment.systemWrite(1);
  emulator.deployment.transaction((tx) => {
    tx.insert('users', { n: 1 });
    tx.insert('users', { n: 2 }, 'shop');
  });
  expect((await deltasPage(emulator, start)).values.map(({ n }) => n)).toEqual([1]);
  expect((await walk(emulator)).flatMap(({ values }) => values)).toHaveLength(2);
});

test('pages may end early, as when the server has read for a minute', async () => {
  const emulator = await deploy({ shortPages: 1, limits: { snapshotPage: 50 } });
  emulator.deployment.load(
    'users',
    Array.from({ length: 200 }, (_, n) => ({ n })),
  );
  const pages = await walk(emulator);
  expect(pages.flatMap(({ values }) => values)).toHaveLength(200);
  expect(pages.length).toBeGreaterThan(5);
  expect(new Set(pages.map(({ values }) => values.length)).size).toBeGreaterThan(2);
});
