import { describe, expect, test } from 'vitest';
import { deploy } from '../client.ts';
import { Copy, sync, syncAll } from './client.ts';
import { names, withTable } from './table.ts';

const SECOND = 1_000_000_000n;

describe('walks and the log in turns', () => {
  test('a cursor of 30 seconds has to catch up before the walk goes on, one that is younger does not', async () => {
    const emulator = await withTable(4, { limits: { dataSyncPage: 2 } });
    const { deployment, work } = emulator;
    const first = await sync(emulator);
    const lag = () => deployment.now() - BigInt(first.values[0]?.ts ?? '0');
    deployment.advance(29n * SECOND - lag());
    await sync(emulator, { cursor: first.pagination.nextCursor });
    expect(work.dataSync).toMatchObject({ byIdPages: 2, logPages: 0 });
    deployment.advance(2n * SECOND);
    const second = await sync(emulator, { cursor: first.pagination.nextCursor });
    expect(second).toMatchObject({ status: { type: 'snapshotting' }, values: [] });
    expect(work.dataSync).toMatchObject({ byIdPages: 2, logPages: 1 });
    const third = await sync(emulator, { cursor: second.pagination.nextCursor });
    expect(names(third)).toEqual(['2', '3']);
    expect(work.dataSync).toMatchObject({ byIdPages: 3, logPages: 1 });
  });

  test('meanwhile the log tells of captured documents only', async () => {
    const emulator = await withTable(6, { limits: { dataSyncPage: 2 } });
    const { deployment, ids } = emulator;
    const first = await sync(emulator);
    expect(names(first)).toEqual(['0', '1']);
    deployment.transaction((tx) => {
      tx.delete(ids[0] ?? '');
      tx.patch(ids[1] ?? '', { n: 'captured' });
      tx.delete(ids[2] ?? '');
      tx.patch(ids[3] ?? '', { n: 'not captured' });
    });
    deployment.advance(31n * SECOND);
    const second = await sync(emulator, { cursor: first.pagination.nextCursor });
    expect(names(second)).toEqual([`-${ids[0] ?? ''}`, 'captured']);
    expect(second.status.type).toBe('snapshotting');
    const copy = new Copy();
    const rest = await syncAll(emulator, { cursor: second.pagination.nextCursor });
    for (const page of [first, second, ...rest]) copy.apply(page);
    expect(copy.column('n')).toEqual([4, 5, 'captured', 'not captured']);
  });

  test('a truncate may be pages before the rows of its table', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    for (const table of ['a', 'b']) deployment.load(table, [{ table }]);
    const first = await sync(emulator);
    expect(first.truncates).toHaveLength(2);
    deployment.advance(31n * SECOND);
    const second = await sync(emulator, { cursor: first.pagination.nextCursor });
    expect(second).toMatchObject({ status: { type: 'snapshotting' }, truncates: [], values: [] });
    const third = await sync(emulator, { cursor: second.pagination.nextCursor });
    expect(third).toMatchObject({ truncates: [], values: [{ table: first.values[0]?.table === 'a' ? 'b' : 'a' }] });
  });

  test('at every page that is stale or up to date the copy is the deployment at that timestamp', async () => {
    const emulator = await deploy({ seed: 11, limits: { dataSyncPage: 3, dataSyncRowsRead: 8 } });
    const { deployment } = emulator;
    const history: { ts: bigint; documents: unknown[] }[] = [];
    const tables = ['a', 'b', 'c'];
    const note = () => {
      const documents = tables.flatMap((table) =>
        [...deployment.documents(table)].map(({ _id, n }) => `${_id} ${JSON.stringify(n)}`),
      );
      history.push({ ts: deployment.now(), documents: documents.sort() });
    };
    const write = (n: number) => {
      deployment.transaction((tx) => {
        for (const table of tables) {
          tx.insert(table, { n });
          const [, document] = [...deployment.documents(table)];
          if (document !== undefined && n % 3 === 0) tx.delete(document._id);
          else if (document !== undefined) tx.patch(document._id, { n: `changed ${n}` });
        }
      });
      note();
    };
    for (let n = 0; n < 12; n++) write(n);
    const copy = new Copy();
    let cursor: string | undefined;
    let consistent = 0;
    for (let n = 12; n < 120; n++) {
      const page = await sync(emulator, { cursor });
      cursor = page.pagination.nextCursor;
      copy.apply(page);
      const ts = BigInt(page.status.snapshotTs ?? 0n);
      if (page.status.type !== 'snapshotting') {
        consistent++;
        const then = history.filter((point) => point.ts <= ts).at(-1);
        expect(
          [...copy.rows.values()].map(({ _id, n: value }) => `${String(_id)} ${JSON.stringify(value)}`).sort(),
        ).toEqual(then?.documents);
      }
      if (n < 60) write(n);
      if (n % 7 === 0) deployment.advance(31n * SECOND);
    }
    expect(consistent).toBeGreaterThan(20);
  });
});
