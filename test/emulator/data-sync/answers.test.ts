import { describe, expect, test } from 'vitest';
import { deploy } from '../client.ts';
import { convertReply, sync, syncReply } from './client.ts';

describe('answers', () => {
  test('have their members in the order of the backend, and values byte for byte', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    let id = '';
    const ts = deployment.transaction((tx) => {
      id = tx.insert('users', {
        z: 5n,
        Big: 9_007_199_254_740_993n,
        one: 1,
        minus: -0,
        huge: 1e300,
        nan: NaN,
        up: Infinity,
        bytes: new Uint8Array([1, 2, 3]).buffer,
        list: [1n, 1, 'x', null, { b: true, a: -2n }],
        text: 'a"\u00e9\u2028',
      });
    });
    const created = String([...deployment.documents('users')][0]?._creationTime);
    const reply = await syncReply(emulator);
    const { nextCursor } = reply.json()['pagination'] as { nextCursor: string };
    expect(reply.text).toBe(
      `{"status":{"type":"upToDate","snapshotTs":${ts}},` +
        '"truncates":[{"component":"","table":"users"}],' +
        `"values":[{"component":"","table":"users","ts":${ts},"deleted":false,"value":{"Big":9007199254740993,` +
        `"_creationTime":${created},"_id":"${id}","bytes":{"$bytes":"AQID"},"huge":1e300,"list":[1,1.0,"x",null,` +
        '{"a":-2,"b":true}],"minus":-0.0,"nan":{"$float":"AAAAAAAA+H8="},"one":1.0,"text":"a\\"\u00e9\u2028",' +
        '"up":{"$float":"AAAAAAAA8H8="},"z":5}}],' +
        `"syncId":"${String(reply.json()['syncId'])}","pagination":{"hasMore":true,"nextCursor":"${nextCursor}"}}`,
    );
    expect(reply.headers['content-type']).toBe('application/json');
    const deleted = deployment.transaction((tx) => {
      tx.delete(id);
    });
    expect((await syncReply(emulator, { cursor: nextCursor })).text).toContain(
      `"values":[{"component":"","table":"users","ts":${deleted},"deleted":true,"value":{"_id":"${id}"}}]`,
    );
  });

  test('a selection of columns filters documents, and tombstones have their _id', async () => {
    const emulator = await deploy();
    const { deployment } = emulator;
    let id = '';
    deployment.transaction((tx) => (id = tx.insert('users', { name: 'Ada', secret: 'x' })));
    const selection =
      '{"_other":"excluded","":{"_other":"excluded","users":{"_other":"excluded","_id":"included","name":"included"}}}';
    const page = await sync(emulator, { selection });
    expect(page.values.map(({ value }) => value)).toEqual([{ _id: id, name: 'Ada' }]);
    deployment.transaction((tx) => {
      tx.delete(id);
    });
    const next = await sync(emulator, { selection, cursor: page.pagination.nextCursor });
    expect(next.values).toMatchObject([{ deleted: true, value: { _id: id } }]);
  });

  const clients: [client: string | undefined, pattern: RegExp][] = [
    ['airbyte-export-0.3.0', /^airbyte-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
    ['fivetran-export-2.0.0', /^fivetran-[0-9a-f]{8}-/],
    ['fivetran-import-2.0.0', /^fivetran-[0-9a-f]{8}-/],
    ['streaming-import-1.0.0', /^[0-9a-f]{8}-/],
    [undefined, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ];
  test.each(clients)('the client %s begins a sync whose id is like %s', async (client, pattern) => {
    const emulator = await deploy();
    const headers: Record<string, string> = client === undefined ? {} : { 'convex-client': client };
    const { syncId, pagination } = await sync(emulator, {}, { headers });
    expect(syncId).toMatch(pattern);
    // The id stays the same, whoever goes on.
    const other = await sync(
      emulator,
      { cursor: pagination.nextCursor },
      { headers: { 'convex-client': 'npm-1.50.0' } },
    );
    expect(other.syncId).toBe(syncId);
    const converted = (await convertReply(emulator, emulator.deployment.now(), undefined, { headers })).json();
    const next = await sync(emulator, { cursor: String(converted['cursor']) });
    expect(next.syncId).toMatch(pattern);
    expect(next.syncId).not.toBe(syncId);
  });
});
