import { describe, expect, test } from 'vitest';
import { deploy, get, outcome } from '../client.ts';
import { activeSyncs, convert, LIST, sync, SYNC } from './client.ts';

const SECOND = 1_000_000_000n;
const DAY = 86_400n * SECOND;

describe('list_active_syncs', () => {
  test('is empty at first, and asking for it leaves no trace', async () => {
    const emulator = await deploy();
    const rows = emulator.deployment.log.rows.length;
    expect((await get(emulator, LIST)).text).toBe('{"syncs":[],"pagination":{"hasMore":false}}');
    expect(emulator.deployment.log.rows.length).toBe(rows);
    expect(emulator.deployment.auditLog).toEqual([]);
  });

  test('tells the progress of a snapshot, members in the order of the backend', async () => {
    const emulator = await deploy({ limits: { dataSyncPage: 2 } });
    const { deployment } = emulator;
    deployment.load('users', [{}, {}, {}]);
    deployment.load('orders', [{}], { component: 'shop' });
    const { syncId, pagination } = await sync(emulator);
    const first = (await get(emulator, LIST)).text;
    const lastUpdated = /"lastUpdated":(\d+)/.exec(first)?.[1] ?? '';
    expect(lastUpdated).toMatch(/^\d{13}$/);
    // Which table is the first depends on the tablets' random ids.
    expect(first).toMatch(
      /^\{"syncs":\[\{"syncId":"[^"]+","lastUpdated":\d+,"status":\{"type":"snapshotting","numTablesSynced":[01],"totalTables":2,"currentComponent":"","currentTable":"users","numDocumentsInCurrentTable":[02],"totalDocumentsInCurrentTable":3,"numDocumentsSynced":[12],"totalDocuments":4\}\}\],"pagination":\{"hasMore":false\}\}$/,
    );
    let page = await sync(emulator, { cursor: pagination.nextCursor });
    while (page.status.type === 'snapshotting') page = await sync(emulator, { cursor: page.pagination.nextCursor });
    expect(page.status.type).toBe('stale');
    const stale = (await get(emulator, LIST)).text;
    expect(stale).toContain(
      `"status":{"type":"stale","totalTables":2,"numDocumentsSynced":4,"syncedTs":${page.status.snapshotTs ?? ''}}`,
    );
    page = await sync(emulator, { cursor: page.pagination.nextCursor });
    const done = (await get(emulator, LIST)).text;
    expect(done).toContain(
      `"status":{"type":"upToDate","totalTables":2,"numDocumentsSynced":4,"syncedTs":${page.status.snapshotTs ?? ''}}`,
    );
    expect((await get(emulator, `${SYNC}/${syncId}`)).text).toBe(
      done.slice('{"syncs":['.length, done.indexOf('],"pagination"')),
    );
  });

  test('names the newest first, in pages, and a full page has a cursor even where nothing follows', async () => {
    const emulator = await deploy();
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) {
      ids.unshift((await sync(emulator)).syncId);
      emulator.deployment.advance(SECOND);
    }
    const page = async (query: string) => {
      const { syncs, pagination } = (await get(emulator, `${LIST}?${query}`)).json() as {
        syncs: { syncId: string }[];
        pagination: { hasMore: boolean; nextCursor?: string };
      };
      return { ids: syncs.map(({ syncId }) => syncId), ...pagination };
    };
    const first = await page('limit=2');
    expect(first).toMatchObject({ ids: ids.slice(0, 2), hasMore: true });
    const second = await page(`limit=2&cursor=${first.nextCursor ?? ''}`);
    expect(second).toMatchObject({ ids: ids.slice(2), hasMore: true });
    expect(await page(`limit=2&cursor=${second.nextCursor ?? ''}`)).toEqual({ ids: [], hasMore: false });
    expect(await page('limit=100')).toEqual({ ids, hasMore: false });
    expect(await page('')).toEqual({ ids, hasMore: false });
  });

  test.each(['0', '101', '18446744073'])('limit %s is 400 LimitOutOfRange', async (limit) => {
    const reply = await get(await deploy(), `${LIST}?limit=${limit}`);
    expect(reply.json()).toEqual({
      code: 'LimitOutOfRange',
      message: 'The limit for listing active syncs must be between 1 and 100',
    });
    expect(reply.status).toBe(400);
  });

  test('other limits are 400 BadQueryArgs, before the key is looked at', async () => {
    const emulator = await deploy();
    for (const limit of ['', '-1', '1.5', 'x']) {
      const reply = await get(emulator, `${LIST}?limit=${limit}`, { authorization: 'Convex nobody|x' });
      expect(outcome(reply)).toBe('400 BadQueryArgs');
    }
  });

  test('a cursor that is none is 400 InvalidCursor', async () => {
    const emulator = await deploy();
    const reply = await get(emulator, `${LIST}?cursor=x`);
    expect(reply.json()).toEqual({ code: 'InvalidCursor', message: 'Failed to parse cursor' });
    const { pagination } = await sync(emulator);
    expect(outcome(await get(emulator, `${LIST}?cursor=${pagination.nextCursor}`))).toBe('400 InvalidCursor');
  });

  test('leaves a sync out three days after its last page', async () => {
    const emulator = await deploy();
    const { syncId } = await sync(emulator);
    emulator.deployment.advance(3n * DAY - SECOND);
    expect((await activeSyncs(emulator)).map((active) => active.syncId)).toEqual([syncId]);
    expect((await get(emulator, `${SYNC}/${syncId}`)).status).toBe(200);
    emulator.deployment.advance(2n * SECOND);
    expect(await activeSyncs(emulator)).toEqual([]);
    expect(outcome(await get(emulator, `${SYNC}/${syncId}`))).toBe('404 DataSyncNotFound');
  });
});

test('GET data/sync/{id} of what is no UTF-8 is 400 BadPathArgs', async () => {
  expect(outcome(await get(await deploy(), `${SYNC}/%ff`))).toBe('400 BadPathArgs');
});

test('GET data/sync/{id} of an unknown sync is 404 DataSyncNotFound', async () => {
  const reply = await get(await deploy(), `${SYNC}/airbyte-1`);
  expect(reply.status).toBe(404);
  expect(reply.json()['code']).toBe('DataSyncNotFound');
  expect(reply.json()['message']).toContain('No active data sync with id airbyte-1');
});

describe('side effects', () => {
  test('the first page of a sync adds a row and an audit event in one commit', async () => {
    const emulator = await deploy();
    const { log, auditLog } = emulator.deployment;
    const before = log.rows.length;
    const { syncId } = await sync(emulator);
    expect(auditLog).toEqual([{ action: 'create_data_sync', syncId }]);
    expect(log.rows.length - before).toBe(2);
    expect(new Set(log.rows.slice(before).map(({ ts }) => ts)).size).toBe(1);
  });

  test('later pages write at most every five seconds, or when the kind of status changes, or with new documents', async () => {
    const emulator = await deploy();
    const { deployment, syncProgress } = emulator;
    deployment.createTable('users');
    let page = await sync(emulator);
    const next = async () => (page = await sync(emulator, { cursor: page.pagination.nextCursor }));
    expect(page.status.type).toBe('upToDate');
    expect(syncProgress.writes).toBe(1);
    await next();
    expect(syncProgress.writes).toBe(1);
    deployment.transaction((tx) => tx.insert('users', {}));
    expect((await next()).values).toHaveLength(1);
    expect(syncProgress.writes).toBe(2);
    deployment.systemWrite(1);
    await next();
    expect(syncProgress.writes).toBe(2);
    deployment.advance(5n * SECOND);
    await next();
    expect(syncProgress.writes).toBe(3);
    deployment.createTable('orders');
    expect((await next()).status.type).toBe('stale');
    expect(syncProgress.writes).toBe(4);
    expect(deployment.auditLog).toHaveLength(1);
  });

  test('a conversion has none, and its sync begins with its first page', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    const rows = deployment.log.rows.length;
    const cursor = await convert(emulator, deployment.now());
    expect(deployment.log.rows.length).toBe(rows);
    expect(await activeSyncs(emulator)).toEqual([]);
    const { syncId } = await sync(emulator, { cursor });
    expect(deployment.auditLog).toEqual([{ action: 'create_data_sync', syncId }]);
  });
});
