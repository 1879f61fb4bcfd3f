import { describe, expect, test } from 'vitest';
import {
  call,
  type CallOptions,
  clearTables,
  deploy,
  get,
  importRecords,
  indexesReady,
  outcome,
  post,
  snapshotPage,
} from './client.ts';

/** Facts about HTTP (docs/convex-api.md): what is decided before a request means anything. */

const EXPORTS: [method: string, path: string, body?: unknown][] = [
  ['GET', '/api/list_snapshot'],
  ['POST', '/api/list_snapshot', {}],
  ['GET', '/api/document_deltas?cursor=5'],
  ['POST', '/api/document_deltas', { cursor: 5 }],
  ['GET', '/api/json_schemas'],
  ['GET', '/api/get_table_column_names'],
  ['GET', '/api/test_streaming_export_connection'],
];
const STREAMING_IMPORT = '/api/streaming_import';
const IMPORTS: [method: string, path: string, body?: unknown][] = [
  ['POST', `${STREAMING_IMPORT}/import_airbyte_records`, { tables: {}, messages: [] }],
  ['PUT', `${STREAMING_IMPORT}/add_primary_key_indexes`, { indexes: {} }],
  ['GET', `${STREAMING_IMPORT}/primary_key_indexes_ready`, { tables: [] }],
  ['PUT', `${STREAMING_IMPORT}/clear_tables`, { tableNames: [] }],
  ['GET', `${STREAMING_IMPORT}/get_schema`],
];

describe('keys that are missing, wrong or not enough (C2, C3, C4)', () => {
  test.each([...EXPORTS, ...IMPORTS])('%s %s', async (method, path, body) => {
    const emulator = await deploy();
    const ask = async (options: CallOptions) => outcome(await call(emulator, method, path, { body, ...options }));
    expect(await ask({ authorization: null })).toBe('403 BadDeployKey');
    expect(await ask({ authorization: 'Convex prod:happy-otter-123|bm90IGEga2V5' })).toBe('401 BadAdminKey');
    const other = emulator.key.replace('happy-otter-123', 'sad-otter-456');
    expect(await ask({ authorization: `Convex ${other}` })).toBe('401 BadAdminKey');
    const revoked = emulator.keys.make('all');
    emulator.keys.revoke(revoked);
    expect(await ask({ authorization: `Convex ${revoked}` })).toBe('401 BadAdminKey');
    const [able, unable] = path.includes('streaming_import')
      ? [emulator.importOnlyKey, emulator.readOnlyKey]
      : [emulator.readOnlyKey, emulator.importOnlyKey];
    expect(await ask({ authorization: `Convex ${unable}` })).toBe('403 OperationNotPermitted');
    expect(await ask({ authorization: `Convex ${able}` })).not.toMatch(/^(401|403)/);
  });

  test('the plan is looked at before the key’s permission, but after the key', async () => {
    const emulator = await deploy({ streamingExport: false });
    for (const [method, path, body] of EXPORTS) {
      const ask = async (authorization: string | null) =>
        outcome(await call(emulator, method, path, { body, authorization }));
      expect(await ask(null)).toBe('403 StreamingExportNotEnabled');
      expect(await ask(`Convex ${emulator.importOnlyKey}`)).toBe('403 StreamingExportNotEnabled');
      expect(await ask(`Convex ${emulator.key}`)).toBe('403 StreamingExportNotEnabled');
      expect(await ask('Convex prod:happy-otter-123|bm90IGEga2V5')).toBe('401 BadAdminKey');
    }
    for (const [method, path, body] of IMPORTS) {
      expect(outcome(await call(emulator, method, path, { body, authorization: null }))).toBe('403 BadDeployKey');
    }
  });

  const headers: [header: string, expected: string][] = [
    ['Convex', '400 InvalidHeaderFailure'],
    ['x', '400 InvalidHeaderFailure'],
    ['Basic dXNlcjpwYXNz', '400 InvalidAdminKey'],
    ['prod:happy-otter-123|abc', '400 InvalidAdminKey'],
    ['Bearer abc', '401 InvalidAuthHeader'],
    ['Bearer e30.eyJpc3MiOiJodHRwczovL2V4YW1wbGUuY29tIn0.c2ln', '401 NoAuthProvider'],
    // A key that was pasted without its secret: what follows the colon is taken for a user to act as.
    ['Convex prod:happy-otter-123', '400 HeaderParseFailure'],
    ['Convex happy-otter-123', '401 BadAdminKey'],
  ];
  test.each(headers)('Authorization: %s', async (authorization, expected) => {
    const emulator = await deploy();
    const reply = await get(emulator, '/api/test_streaming_export_connection', { authorization });
    expect(outcome(reply)).toBe(expected);
  });

  test('forms of a key that hold', async () => {
    const emulator = await deploy();
    const [, name = '', secret = ''] = /^prod:([^|]*)\|(.*)$/.exec(emulator.key) ?? [];
    for (const key of [`${name}|${secret}`, `dev:${name}|${secret}`, `preview:team:project|${secret}`, secret]) {
      const reply = await get(emulator, '/api/test_streaming_export_connection', { authorization: `cOnVeX ${key}` });
      expect(outcome(reply)).toBe('200');
    }
    const path = `/api/test_streaming_export_connection?adminKey=${encodeURIComponent(emulator.key)}`;
    expect(outcome(await get(emulator, path, { authorization: null }))).toBe('200');
    expect(emulator.journal.entries.at(-1)?.query).toEqual({});
  });

  test('queries are read before the key, bodies after it, permissions last', async () => {
    const emulator = await deploy();
    const wrong = { authorization: 'Convex x|y' };
    expect(outcome(await get(emulator, '/api/list_snapshot?snapshot=x', wrong))).toBe('400 BadQueryArgs');
    expect(outcome(await call(emulator, 'POST', '/api/list_snapshot', { raw: '{', ...wrong }))).toBe('401 BadAdminKey');
    const unable = { authorization: `Convex ${emulator.readOnlyKey}` };
    const path = `${STREAMING_IMPORT}/clear_tables`;
    expect(outcome(await call(emulator, 'PUT', path, { raw: '{', ...unable }))).toBe('400 BadJsonBody');
    expect(outcome(await call(emulator, 'PUT', path, { raw: '{}', ...unable }))).toBe('400 BadJsonBody');
    expect(outcome(await clearTables(emulator, []))).toBe('200');
  });
});

describe('bodies that are too long, of another type or no JSON are all 400 BadJsonBody (C10)', () => {
  test('too long: 20,971,520 bytes for records, 2,097,152 for all else', async () => {
    const emulator = await deploy();
    const message = (length: number) => {
      const head = '{"tables":{"t":{"jsonSchema":{}}},"messages":[],"pad":"';
      return `${head}${'x'.repeat(length - head.length - 2)}"}`;
    };
    const send = async (path: string, method: string, length: number) =>
      await call(emulator, method, path, { raw: message(length) });
    const records = `${STREAMING_IMPORT}/import_airbyte_records`;
    expect((await send(records, 'POST', 20_971_520)).status).toBe(200);
    const tooLong = await send(records, 'POST', 20_971_521);
    expect(outcome(tooLong)).toBe('400 BadJsonBody');
    expect(tooLong.json()['message']).toBe('Failed to buffer the request body: length limit exceeded');
    expect(outcome(await send('/api/list_snapshot', 'POST', 2_097_152))).toBe('200');
    expect(outcome(await send('/api/list_snapshot', 'POST', 2_097_153))).toBe('400 BadJsonBody');
  });

  const types: [type: string, expected: string][] = [
    ['text/plain', '400 BadJsonBody'],
    ['application/x-www-form-urlencoded', '400 BadJsonBody'],
    ['application/jsonp', '400 BadJsonBody'],
    ['application/json', '200'],
    ['application/json; charset=utf-8', '200'],
    ['application/vnd.api+json', '200'],
  ];
  test.each(types)('content type %s', async (type, expected) => {
    const emulator = await deploy();
    const reply = await call(emulator, 'POST', '/api/list_snapshot', { raw: '{}', headers: { 'content-type': type } });
    expect(outcome(reply)).toBe(expected);
  });

  test('no content type', async () => {
    const emulator = await deploy();
    expect(outcome(await call(emulator, 'POST', '/api/list_snapshot'))).toBe('400 BadJsonBody');
  });

  const bodies = ['', '{', '{]', '{"a":1,}', '[1,]', "{'a':1}", 'nul', '{"a":01}', '{"a":1e400}', '{"a":"\u0001"}'];
  bodies.push('{"a":"\\ud800"}', '{} x', `${'['.repeat(200)}${']'.repeat(200)}`, '[]', '"x"', '5', 'null');
  test.each(bodies)('body %j', async (raw) => {
    const emulator = await deploy();
    const reply = await call(emulator, 'POST', '/api/list_snapshot', {
      raw,
      headers: { 'content-type': 'application/json' },
    });
    expect(outcome(reply)).toBe('400 BadJsonBody');
  });

  test('bytes that are no UTF-8, and gzip', async () => {
    const emulator = await deploy();
    const send = async (raw: Buffer) => outcome(await call(emulator, 'POST', '/api/list_snapshot', { raw }));
    expect(await send(Buffer.from([0x7b, 0xff, 0x7d]))).toBe('400 BadJsonBody');
    expect(await send(Buffer.from('\ufeff{}'))).toBe('400 BadJsonBody');
  });

  test('unknown paths, other methods and timeouts have empty bodies', async () => {
    const emulator = await deploy({ limits: { requestTimeout: 200 }, snapshotInitialiseMs: 60_000 });
    emulator.deployment.createTable('users');
    const missing = await get(emulator, '/api/v1/data/nothing');
    expect(missing).toMatchObject({ status: 404, text: '' });
    expect(missing.headers['content-type']).toBeUndefined();
    const method = await call(emulator, 'DELETE', '/api/list_snapshot');
    expect(method).toMatchObject({ status: 405, text: '' });
    expect(await post(emulator, `${STREAMING_IMPORT}/clear_tables`, { tableNames: [] })).toMatchObject({
      status: 405,
      text: '',
    });
    const timeout = await post(emulator, '/api/list_snapshot', {});
    expect(timeout).toMatchObject({ status: 408, text: '' });
    expect(timeout.headers['content-type']).toBeUndefined();
  });
});

describe('input that will never work is answered with a 500 (C7)', () => {
  const requests: [why: string, method: string, path: string, body: unknown][] = [
    ['bad table name in a selection', 'POST', '/api/list_snapshot', { tableName: 'no table' }],
    ['bad component', 'POST', '/api/list_snapshot', { component: 'a//b' }],
    [
      '_id left out',
      'POST',
      '/api/list_snapshot',
      { selection: { _other: 'included', '': { _other: 'included', t: { _other: 'excluded' } } } },
    ],
    [
      'bad column name',
      'POST',
      '/api/list_snapshot',
      { selection: { _other: 'included', '': { _other: 'included', t: { _other: 'included', $x: 'excluded' } } } },
    ],
    ['negative snapshot', 'POST', '/api/list_snapshot', { snapshot: -5 }],
    ['negative cursor', 'POST', '/api/document_deltas', { cursor: -5 }],
    ['long table name', 'PUT', `${STREAMING_IMPORT}/clear_tables`, { tableNames: ['x'.repeat(65)] }],
  ];
  test.each(requests)('%s', async (_why, method, path, body) => {
    const emulator = await deploy();
    const reply = await call(emulator, method, path, { body });
    expect(reply.status).toBe(500);
    expect(reply.json()).toEqual({
      code: 'InternalServerError',
      message: "Your request couldn't be completed. Try again later.",
    });
  });

  const imports: [why: string, table: string, primaryKey: string[][] | null, data: unknown][] = [
    ['a table name of 65 characters', 'x'.repeat(65), null, {}],
    ['a table name of 58 characters that needs a prefix', `_${'x'.repeat(58)}`, null, {}],
    ['a field name of 1025 characters', 't', null, { ['x'.repeat(1025)]: 1 }],
    ['too many collisions', 't', null, { _id: 1, source_id: 2, source_source_id: 3, source_source_source_id: 4 }],
    ['a primary key that is no identifier', 't', [['first name']], { 'first name': 1 }],
    ['an empty path in the primary key', 't', [[]], { id: 1 }],
    ['data that is no object', 't', null, [1]],
    ['data that is null', 't', null, null],
  ];
  test.each(imports)('%s', async (_why, table, primaryKey, data) => {
    const emulator = await deploy();
    const reply = await importRecords(emulator, { [table]: { primaryKey } }, [[table, data]]);
    expect(outcome(reply)).toBe('500 InternalServerError');
    expect(emulator.deployment.tables()).toEqual([]);
  });
});

test('imports are answered with an empty 200, the connection test with null (C130, C86)', async () => {
  const emulator = await deploy();
  for (const [method, path, body] of IMPORTS.filter(([, path]) => !/ready|schema/.test(path))) {
    const reply = await call(emulator, method, path, { body });
    expect(reply).toMatchObject({ status: 200, text: '' });
    expect(reply.headers['content-type']).toBeUndefined();
  }
  const reply = await get(emulator, '/api/test_streaming_export_connection');
  expect(reply).toMatchObject({ status: 200, text: 'null' });
  expect(reply.headers['content-type']).toBe('application/json');
});

describe('primary_key_indexes_ready is a GET with a JSON body (C133)', () => {
  const path = `${STREAMING_IMPORT}/primary_key_indexes_ready`;
  test('fetch refuses to send it', async () => {
    const emulator = await deploy();
    await expect(fetch(emulator.url + path, { method: 'GET', body: '{"tables":[]}' })).rejects.toThrow(TypeError);
    expect(emulator.journal.count(path)).toBe(0);
  });

  test('the body and its content type are needed, a POST does not help', async () => {
    const emulator = await deploy();
    expect((await indexesReady(emulator, [])).text).toBe('{"indexesReady":true}');
    expect(outcome(await get(emulator, `${path}?tables=users`))).toBe('400 BadJsonBody');
    const untyped = await call(emulator, 'GET', path, {
      raw: '{"tables":[]}',
      headers: { 'content-type': 'text/plain' },
    });
    expect(outcome(untyped)).toBe('400 BadJsonBody');
    expect(outcome(await post(emulator, path, { tables: [] }))).toBe('405');
  });
});

test('no compressed requests, no Retry-After, no request id (C12)', async () => {
  const emulator = await deploy();
  const { gzipSync } = await import('node:zlib');
  const compressed = await call(emulator, 'POST', '/api/list_snapshot', {
    raw: gzipSync('{}'),
    headers: { 'content-encoding': 'gzip', 'convex-request-id': '0123456789abcdef', 'accept-encoding': 'gzip' },
  });
  expect(outcome(compressed)).toBe('400 BadJsonBody');
  emulator.faults.add({ kind: 'status', status: 429 });
  emulator.faults.add({ kind: 'status', status: 503 });
  const replies = [compressed, await get(emulator, '/api/list_snapshot'), await get(emulator, '/api/list_snapshot')];
  expect(replies.map(outcome)).toEqual(['400 BadJsonBody', '429 TooManyConcurrentRequests', '503 InternalServerError']);
  for (const { headers } of replies) {
    expect(Object.keys(headers)).not.toContain('retry-after');
    expect(Object.keys(headers)).not.toContain('content-encoding');
    expect(JSON.stringify(headers)).not.toContain('0123456789abcdef');
  }
});

describe('Convex-Client without a dash is refused on every route there is (C13)', () => {
  test.each([...EXPORTS, ...IMPORTS, ['GET', '/instance_name']] as typeof EXPORTS)(
    '%s %s',
    async (method, path, body) => {
      const emulator = await deploy();
      const reply = await call(emulator, method, path, {
        body,
        authorization: null,
        headers: { 'convex-client': 'airbyte' },
      });
      expect(outcome(reply)).toBe('400 InvalidClientVersion');
    },
  );

  const clients: [client: string, expected: string][] = [
    ['airbyte-export-0.3.0', '200'],
    ['streaming-import-1.0.0', '200'],
    ['my-own-thing', '200'],
    ['npm-0.19.1', '400 ClientVersionUnsupported'],
    ['npm-1.2.3', '200'],
    ['npm-latest', '400 ClientVersionUnsupported'],
    ['python-0.0.2', '400 ClientVersionUnsupported'],
  ];
  test.each(clients)('%s', async (client, expected) => {
    const emulator = await deploy();
    const reply = await get(emulator, '/api/test_streaming_export_connection', {
      headers: { 'convex-client': client },
    });
    expect(outcome(reply)).toBe(expected);
  });
});

describe('snapshots that are too old, too new, or have a bad cursor', () => {
  const day = 86_400_000_000_000n;
  test('five days, then the log’s own retention', async () => {
    const emulator = await deploy();
    const ts = emulator.deployment.transaction((tx) => tx.insert('users', {}));
    const ask = async (snapshot: bigint) => outcome(await get(emulator, `/api/list_snapshot?snapshot=${snapshot}`));
    expect(await ask(emulator.deployment.now() + 3_600_000_000_000n)).toBe('400 SnapshotTooNew');
    emulator.deployment.advance(5n * day - 1_000_000_000n);
    expect(await ask(ts)).toBe('200');
    emulator.deployment.advance(2_000_000_000n);
    expect(await ask(ts)).toBe('400 SnapshotTooOld');
    const short = await deploy({ limits: { retention: day } });
    const old = short.deployment.transaction((tx) => tx.insert('users', {}));
    short.deployment.advance(2n * day);
    expect(outcome(await get(short, `/api/list_snapshot?snapshot=${old}`))).toBe('503 InternalServerError');
  });

  test('a deltas cursor that is older than the retention', async () => {
    const emulator = await deploy();
    const ts = emulator.deployment.transaction((tx) => tx.insert('users', {}));
    // A backend that has just started reads from the start. A minute later it refuses to.
    expect(outcome(await get(emulator, '/api/document_deltas?cursor=0'))).toBe('200');
    expect(outcome(await get(emulator, '/api/document_deltas?cursor=1'))).toBe('200');
    emulator.deployment.advance(60_000_000_000n);
    expect(outcome(await get(emulator, '/api/document_deltas?cursor=0'))).toBe('400 InvalidWindowToReadDocuments');
    emulator.deployment.advance(14n * day - 61_000_000_000n);
    expect(outcome(await get(emulator, `/api/document_deltas?cursor=${ts}`))).toBe('200');
    emulator.deployment.advance(2_000_000_000n);
    expect(outcome(await get(emulator, `/api/document_deltas?cursor=${ts}`))).toBe('400 InvalidWindowToReadDocuments');
  });

  const cursors = ['', 'x', '{}', '{"tablet":"","id":""}', '{"tablet":"AAAAAAAAAAAAAAAAAAAAAA","id":"nope"}', 'null'];
  test.each(cursors)('cursor %j', async (cursor) => {
    const emulator = await deploy();
    emulator.deployment.createTable('users');
    expect(outcome(await post(emulator, '/api/list_snapshot', { cursor }))).toBe('400 InvalidListSnapshotCursor');
  });

  test('a cursor of a table that is not selected any more skips rows of the next one', async () => {
    const emulator = await deploy({ limits: { snapshotPage: 5 } });
    for (const table of ['a', 'b']) {
      emulator.deployment.transaction((tx) => {
        for (let n = 0; n < 10; n++) tx.insert(table, { n });
      });
    }
    const first = await snapshotPage(emulator);
    const next = first.values[0]?.['_table'] === 'a' ? 'b' : 'a';
    const body = `{"snapshot":${first.snapshot},"cursor":${JSON.stringify(first.cursor)},"tableName":"${next}"}`;
    const page = await snapshotPage(emulator, body);
    const all = [...emulator.deployment.documents(next)].map(({ _id }) => _id);
    expect(page.values[0]?.['_id']).not.toBe(all[0]);
    expect(all).toContain(page.values[0]?.['_id']);
  });

  test('a cursor without its snapshot reads another one', async () => {
    const emulator = await deploy({ limits: { snapshotPage: 2 } });
    emulator.deployment.transaction((tx) => {
      for (let n = 0; n < 5; n++) tx.insert('users', { n });
    });
    const first = await snapshotPage(emulator);
    const ids = [...emulator.deployment.documents('users')].map(({ _id }) => _id);
    emulator.deployment.transaction((tx) => {
      tx.patch(ids[4] ?? '', { changed: true });
    });
    const pinned = await snapshotPage(
      emulator,
      `{"snapshot":${first.snapshot},"cursor":${JSON.stringify(first.cursor)}}`,
    );
    const loose = await snapshotPage(emulator, `{"cursor":${JSON.stringify(first.cursor)}}`);
    expect(pinned.snapshot).toBe(first.snapshot);
    expect(BigInt(loose.snapshot)).toBeGreaterThan(BigInt(first.snapshot));
    const last = async (page: typeof pinned) =>
      (await snapshotPage(emulator, `{"snapshot":${page.snapshot},"cursor":${JSON.stringify(page.cursor)}}`)).values[0];
    expect(await last(pinned)).not.toHaveProperty('changed');
    expect(await last(loose)).toHaveProperty('changed', true);
  });
});

test('the small open routes, CORS and HEAD', async () => {
  const emulator = await deploy({ instanceName: 'calm-cat-7' });
  expect((await get(emulator, '/instance_name', { authorization: null })).text).toBe('calm-cat-7');
  expect((await get(emulator, '/instance_version', { authorization: null })).text).toBe('unknown');
  const preflight = await call(emulator, 'OPTIONS', '/api/list_snapshot', {
    authorization: null,
    headers: { origin: 'https://example.com', 'access-control-request-headers': 'authorization' },
  });
  expect(preflight).toMatchObject({ status: 200, text: '' });
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': 'https://example.com',
    'access-control-allow-headers': 'authorization',
    'access-control-max-age': '86400',
  });
  expect(await call(emulator, 'HEAD', '/api/test_streaming_export_connection')).toMatchObject({
    status: 200,
    text: '',
  });
});
