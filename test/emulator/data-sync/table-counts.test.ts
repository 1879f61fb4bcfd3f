import { expect, test } from 'vitest';
import { deploy, get, outcome } from '../client.ts';
import { activeSyncs, convert, LIST, sync, syncAll, syncReply } from './client.ts';

/**
 * After its start a backend counts the documents of its tables. The backend of August 2026 needs the counts for the first
 * row of a sync whose status is `snapshotting`, and fails its page without them. The error has no code of its own
 * (get-convex/convex-backend 94a42c3db, crates/application/src/streaming_export.rs).
 */

async function twoTables() {
  const emulator = await deploy({ tableCounts: 'missing' });
  emulator.deployment.load('a', [{}, {}]);
  emulator.deployment.load('b', [{}]);
  return emulator;
}

test('the first page of a snapshot is 500 until the tables are counted, and leaves nothing', async () => {
  const emulator = await twoTables();
  const { deployment, syncProgress } = emulator;
  const rows = deployment.log.rows.length;
  for (let attempt = 0; attempt < 2; attempt++) {
    const reply = await syncReply(emulator);
    expect([reply.status, reply.json()]).toEqual([
      500,
      { code: 'InternalServerError', message: "Your request couldn't be completed. Try again later." },
    ]);
  }
  expect([syncProgress.writes, deployment.auditLog, deployment.log.rows.length]).toEqual([0, [], rows]);
  expect(await activeSyncs(emulator)).toEqual([]);
  syncProgress.tableCounts = 'ready';
  expect((await sync(emulator)).status.type).toBe('snapshotting');
});

test('a page that ends the snapshot, or begins without one, needs no counts', async () => {
  const emulator = await twoTables();
  expect((await sync(emulator, { selection: ['a'] })).status.type).toBe('upToDate');
  expect((await sync(emulator, { selection: [] })).status.type).toBe('upToDate');
  const cursor = await convert(emulator, emulator.deployment.now());
  expect((await sync(emulator, { cursor })).status.type).toBe('upToDate');
});

test('neither does a later page; the row of its sync stays as it was', async () => {
  const emulator = await twoTables();
  const { deployment, syncProgress } = emulator;
  deployment.load('c', [{}]);
  syncProgress.tableCounts = 'ready';
  const first = await sync(emulator);
  const listed = (await get(emulator, LIST)).text;
  syncProgress.tableCounts = 'missing';
  deployment.advance(6_000_000_000n);
  const second = await sync(emulator, { cursor: first.pagination.nextCursor });
  expect([second.status.type, syncProgress.writes]).toEqual(['snapshotting', 1]);
  expect((await get(emulator, LIST)).text).toBe(listed);
  const rest = await syncAll(emulator, { cursor: second.pagination.nextCursor });
  expect(rest.at(-1)?.status.type).toBe('upToDate');
});

test('newer backends answer, and tell totals of 0', async () => {
  const emulator = await twoTables();
  emulator.syncProgress.tableCounts = 'zero';
  expect(outcome(await syncReply(emulator))).toBe('200');
  const [listed] = await activeSyncs(emulator);
  expect(listed?.status).toMatchObject({ totalDocuments: 0, totalDocumentsInCurrentTable: 0, totalTables: 2 });
  emulator.syncProgress.tableCounts = 'ready';
  await sync(emulator);
  expect((await activeSyncs(emulator))[0]?.status).toMatchObject({ totalDocuments: 3 });
});
