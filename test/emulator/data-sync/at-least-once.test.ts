import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { call, deploy, snapshotPage, walk } from '../client.ts';
import { caughtUp, convert, Copy, sync, type SyncPage } from './client.ts';

/**
 * A client whose pages and cursors reach their destination at least once, not together: it writes the page, then the
 * cursor. It is killed between the two, and another process goes on from the cursor that was kept.
 */

const SECOND = 1_000_000_000n;

interface Destination {
  copy: Copy;
  cursor: string | undefined;
}

/** Reads pages until one is up to date. `killedAfter` pages, it ends with the page written and the cursor not. */
async function run(emulator: Emulator, destination: Destination, killedAfter = Infinity): Promise<SyncPage[]> {
  const pages: SyncPage[] = [];
  for (;;) {
    const page = await sync(emulator, { cursor: destination.cursor });
    pages.push(page);
    destination.copy.apply(page);
    if (pages.length === killedAfter) return pages;
    destination.cursor = page.pagination.nextCursor;
    if (page.status.type === 'upToDate') return pages;
  }
}

function* numbers(count: number): Generator<object> {
  for (let n = 0; n < count; n++) yield { n };
}

async function deployed(): Promise<Emulator> {
  const emulator = await deploy({ limits: { dataSyncPage: 2 } });
  emulator.deployment.load('t', numbers(6));
  return emulator;
}

function live(emulator: Emulator): unknown[] {
  return [...emulator.deployment.documents('t')].map(({ n }) => n).sort();
}

describe('killed while the table is walked', () => {
  /** Deletes a document of the page whose cursor was lost; returns what the destination has in the end. */
  async function interrupted(seconds: bigint): Promise<{ lost: unknown; held: unknown[]; expected: unknown[] }> {
    const emulator = await deployed();
    const destination: Destination = { copy: new Copy(), cursor: undefined };
    const pages = await run(emulator, destination, 2);
    const deleted = pages[1]?.values[0]?.value;
    if (deleted === undefined) throw new Error('the page has documents');
    emulator.deployment.transaction((tx) => {
      tx.delete(deleted._id);
    });
    emulator.deployment.advance(seconds * SECOND);
    await run(emulator, destination);
    return { lost: deleted['n'], held: destination.copy.column('n'), expected: live(emulator) };
  }

  test('and resumed after 30 seconds, it keeps a row that was deleted, for ever', async () => {
    const { lost, held, expected } = await interrupted(31n);
    expect(expected).toHaveLength(5);
    expect(held).toHaveLength(6);
    expect(held).toContain(lost);
  });

  test('and resumed at once, it is told of the deletion', async () => {
    const { held, expected } = await interrupted(1n);
    expect(held).toEqual(expected);
  });
});

test('killed while the log is replayed, it is told again', async () => {
  const emulator = await deployed();
  const { deployment } = emulator;
  const destination: Destination = { copy: new Copy(), cursor: undefined };
  await run(emulator, destination);
  const [first, second] = [...deployment.documents('t')].map(({ _id }) => _id);
  deployment.transaction((tx) => {
    tx.patch(first ?? '', { n: 'changed' });
  });
  await run(emulator, destination, 1);
  deployment.transaction((tx) => {
    tx.delete(first ?? '');
    tx.delete(second ?? '');
  });
  deployment.advance(31n * SECOND);
  await run(emulator, destination);
  expect(destination.copy.column('n')).toEqual(live(emulator));
});

test('started again without a cursor, it is right if it honours truncates, and wrong if it does not', async () => {
  const emulator = await deployed();
  const { deployment } = emulator;
  const honours: Destination = { copy: new Copy(), cursor: undefined };
  const ignores = new Copy();
  for (const page of await run(emulator, honours)) ignores.apply({ ...page, truncates: [] });
  const [first] = deployment.documents('t');
  deployment.transaction((tx) => {
    tx.delete(first?._id ?? '');
  });
  honours.cursor = undefined;
  for (const page of await run(emulator, honours)) ignores.apply({ ...page, truncates: [] });
  expect(honours.copy.column('n')).toEqual(live(emulator));
  expect(ignores.column('n')).toContain(first?.['n']);
});

test('a snapshot walked by list_snapshot, then a converted cursor from before it: right at every interruption', async () => {
  const emulator = await deploy({ limits: { snapshotPage: 2, dataSyncPage: 2 } });
  const { deployment } = emulator;
  deployment.load('t', numbers(6));
  const start = (await snapshotPage(emulator, '{"selection":{"_other":"excluded"}}')).snapshot;
  const destination: Destination = { copy: new Copy(), cursor: await convert(emulator, start) };
  const { snapshot } = await snapshotPage(emulator, '{"selection":{"_other":"excluded"}}');
  const ids = [...deployment.documents('t')].map(({ _id }) => _id);
  for (const id of [ids[2], ids[5]]) {
    // Each attempt walks the same snapshot again, whatever was deleted since.
    for (const { values } of await walk(emulator, '"tableName":"t"', snapshot)) {
      for (const value of values) destination.copy.rows.set(`:t:${String(value['_id'])}`, value);
    }
    deployment.transaction((tx) => {
      tx.delete(id ?? '');
    });
    deployment.advance(31n * SECOND);
  }
  await run(emulator, destination, 1);
  deployment.advance(31n * SECOND);
  await run(emulator, destination);
  expect(destination.copy.column('n')).toEqual(live(emulator));
});

test('a page that is lost on its way does no harm: the cursor before it is still good', async () => {
  const emulator = await deployed();
  const cursor = await caughtUp(emulator);
  emulator.deployment.transaction((tx) => tx.insert('t', { n: 6 }));
  emulator.faults.add({ path: '/api/v1/data/sync', kind: 'reset-after-commit' });
  const raw = JSON.stringify({ cursor });
  await expect(call(emulator, 'POST', '/api/v1/data/sync', { raw })).rejects.toThrow();
  expect((await sync(emulator, { cursor })).values).toMatchObject([{ value: { n: 6 } }]);
});
