import { describe, expect, test } from 'vitest';
import type { SchemaJson } from '../../emulator/index.ts';
import {
  addIndexes,
  call,
  clearTables,
  dedupTable,
  deltasPage,
  deploy,
  get,
  importRecords,
  indexesReady,
  outcome,
  post,
  rows,
  snapshotPage,
} from './client.ts';

/** Facts about the import endpoints (docs/convex-api.md), each as a client sees it. */

const ID = { primaryKey: [['id']] };
const APPEND = { primaryKey: null };

describe('two of the 400s only mean "wait" (C8)', () => {
  test('IndexBackfillingError on import, until the backfill is over', async () => {
    const emulator = await deploy({ backfillDelayMs: Infinity });
    expect(outcome(await importRecords(emulator, { users: ID }, [['users', { id: 1 }]]))).toBe(
      '400 IndexNotFoundError',
    );
    expect((await addIndexes(emulator, { users: [['id']] })).status).toBe(200);
    expect((await indexesReady(emulator, ['users'])).text).toBe('{"indexesReady":false}');
    const reply = await importRecords(emulator, { users: ID }, [['users', { id: 1 }]]);
    expect(reply.json()).toEqual({
      code: 'IndexBackfillingError',
      message: 'Index users._by_airbyte_primary_key is currently backfilling and not available to query yet.',
    });
    expect(reply.status).toBe(400);
    emulator.deployment.finishBackfills();
    expect((await indexesReady(emulator, ['users'])).text).toBe('{"indexesReady":true}');
    expect((await importRecords(emulator, { users: ID }, [['users', { id: 1 }]])).status).toBe(200);
    expect(rows(emulator, 'users')).toEqual([{ id: 1 }]);
  });

  test('InvalidImport on clearing, while an index is built', async () => {
    const emulator = await deploy({ backfillDelayMs: Infinity });
    await addIndexes(emulator, { users: [['id']] });
    const reply = await clearTables(emulator, ['users']);
    expect(outcome(reply)).toBe('400 InvalidImport');
    expect(reply.json()['message']).toContain('still backfilling indexes');
    emulator.deployment.finishBackfills();
    expect((await clearTables(emulator, ['users'])).status).toBe(200);
  });

  test('a backfill takes a turn of its own, even of an empty table', async () => {
    const emulator = await deploy({ backfillDelayMs: 300 });
    await addIndexes(emulator, { users: [['id']] });
    expect((await indexesReady(emulator, ['users'])).text).toBe('{"indexesReady":false}');
    await expect.poll(async () => (await indexesReady(emulator, ['users'])).text).toBe('{"indexesReady":true}');
  });
});

describe('clear_tables and add_primary_key_indexes are PUT, in this order (C134)', () => {
  test('POST is a 405', async () => {
    const emulator = await deploy();
    const prefix = '/api/streaming_import';
    expect((await post(emulator, `${prefix}/clear_tables`, { tableNames: [] })).status).toBe(405);
    expect((await post(emulator, `${prefix}/add_primary_key_indexes`, { indexes: {} })).status).toBe(405);
    expect((await call(emulator, 'PUT', `${prefix}/import_airbyte_records`, { body: {} })).status).toBe(405);
  });

  test('clear, index, poll, import', async () => {
    const emulator = await deploy({ backfillDelayMs: 20 });
    emulator.deployment.transaction((tx) => tx.insert('users', { id: 9 }));
    expect((await clearTables(emulator, ['users', 'new', 'users'])).status).toBe(200);
    expect(emulator.deployment.tables().map(({ table, documents }) => [table, documents])).toEqual([
      ['new', 0],
      ['users', 0],
    ]);
    expect((await addIndexes(emulator, { users: [['id']] })).status).toBe(200);
    await expect.poll(async () => (await indexesReady(emulator, ['users'])).text).toBe('{"indexesReady":true}');
    expect((await importRecords(emulator, { users: ID }, [['users', { id: 1 }]])).status).toBe(200);
    // Clearing again keeps the index, ready at once.
    expect((await clearTables(emulator, ['users'])).status).toBe(200);
    expect((await indexesReady(emulator, ['users'])).text).toBe('{"indexesReady":true}');
    expect((await importRecords(emulator, { users: ID }, [['users', { id: 2 }]])).status).toBe(200);
    expect(rows(emulator, 'users')).toEqual([{ id: 2 }]);
  });

  test('the same fields change nothing, other ones drop and rebuild the index', async () => {
    const emulator = await deploy({ backfillDelayMs: Infinity });
    await dedupTable(emulator, 'users', [['id']]);
    await addIndexes(emulator, { users: [['id']] });
    expect((await indexesReady(emulator, ['users'])).text).toBe('{"indexesReady":true}');
    await addIndexes(emulator, { users: [['id'], ['region']] });
    expect((await indexesReady(emulator, ['users'])).text).toBe('{"indexesReady":false}');
    expect(outcome(await importRecords(emulator, { users: ID }, [['users', { id: 1 }]]))).toBe(
      '400 IndexBackfillingError',
    );
  });

  test('a table without the index is a 400, no tables are ready', async () => {
    const emulator = await deploy();
    emulator.deployment.createTable('users');
    const reply = await indexesReady(emulator, ['users']);
    expect(reply.json()).toEqual({ code: 'MissingIndex', message: 'Missing index: users._by_airbyte_primary_key' });
    expect(outcome(await indexesReady(emulator, ['nowhere']))).toBe('400 MissingIndex');
    expect((await indexesReady(emulator, [])).text).toBe('{"indexesReady":true}');
  });

  const keys: [key: string[][], expected: string][] = [
    [[['first name']], '400 InvalidPrimaryKey'],
    [[[]], '400 InvalidPrimaryKey'],
    [[['_id']], '400 InvalidPrimaryKey'],
    [[['a'], ['a']], '400 InvalidPrimaryKey'],
    [Array.from({ length: 17 }, (_, n) => [`f${n}`]), '400 InvalidPrimaryKey'],
    [Array.from({ length: 16 }, (_, n) => [`f${n}`]), '400 IndexTooManyFields'],
    [Array.from({ length: 15 }, (_, n) => [`f${n}`]), '200'],
    [[['_creationTime']], '400 IndexFieldsContainCreationTime'],
    [[['meta', '_x']], '400 IndexFieldNameReserved'],
    [[], '200'],
  ];
  test.each(keys)('index on %j: %s', async (key, expected) => {
    const emulator = await deploy();
    expect(outcome(await addIndexes(emulator, { users: key }))).toBe(expected);
    expect(emulator.deployment.tables()).toHaveLength(expected === '200' ? 1 : 0);
  });

  test('bad keys on import have other answers', async () => {
    const emulator = await deploy();
    const send = async (primaryKey: string[][]) => outcome(await importRecords(emulator, { t: { primaryKey } }, []));
    expect(await send([])).toBe('400 EmptyPrimaryKey');
    expect(await send([['_id']])).toBe('400 IndexFieldsContainId');
    expect(await send([['a'], ['a']])).toBe('400 FieldsNotUniqueWithinIndex');
    expect(await send(Array.from({ length: 17 }, (_, n) => [`f${n}`]))).toBe('400 IndexTooManyFields');
    expect(await send([['first name']])).toBe('500 InternalServerError');
  });
});

describe('delete markers (C140, C142)', () => {
  const gone = { id: 1, name: 'gone', _ab_cdc_deleted_at: '2026-01-01' };
  test('of a row that does not exist insert it', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    await importRecords(emulator, { users: ID }, [['users', gone]]);
    expect(rows(emulator, 'users')).toEqual([{ id: 1, name: 'gone' }]);
    await importRecords(emulator, { users: ID }, [['users', gone]]);
    expect(rows(emulator, 'users')).toEqual([]);
  });

  test('are not looked at by append', async () => {
    const emulator = await deploy();
    await importRecords(emulator, { users: APPEND }, [
      ['users', { id: 1, name: 'here' }],
      ['users', gone],
    ]);
    expect(rows(emulator, 'users')).toEqual([
      { id: 1, name: 'here' },
      { id: 1, name: 'gone' },
    ]);
  });

  test('a marker that is null deletes nothing', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    const record = { id: 1, _ab_cdc_deleted_at: null, _ab_cdc_lsn: 5, meta: { _ab_cdc_lsn: 6 } };
    for (let n = 0; n < 2; n++) await importRecords(emulator, { users: ID }, [['users', record]]);
    expect(rows(emulator, 'users')).toEqual([{ id: 1, meta: { source_ab_cdc_lsn: 6 } }]);
  });

  test('inside one request, in the order of the messages', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    const start = emulator.deployment.now();
    await importRecords(emulator, { users: ID }, [
      ['users', { id: 1, v: 1 }],
      ['users', { id: 1, v: 2 }],
      ['users', gone],
      ['users', { id: 2, v: 1 }],
      ['users', { id: 2, v: 2 }],
    ]);
    expect(rows(emulator, 'users')).toEqual([{ id: 2, v: 2 }]);
    // The row that came and went in one commit is in the log as a tombstone of an id never seen.
    const { values } = await deltasPage(emulator, start);
    expect(values.map((value) => value['_deleted']).sort()).toEqual([false, true]);
  });
});

describe('all numbers become float64 (C40)', () => {
  const literals: [literal: string, stored: string][] = [
    ['1', '1.0'],
    ['-0', '{"$float":"AAAAAAAAAIA="}'],
    ['9007199254740993', '9007199254740992.0'],
    ['12345678901234567890123', '1.2345678901234568e22'],
    ['1e308', '1e308'],
    ['1e-400', '0.0'],
    ['0.1', '0.1'],
    ['{"$integer":"BQAAAAAAAAA="}', '{"source_integer":"BQAAAAAAAAA="}'],
    ['{"$bytes":"AAAA"}', '{"source_bytes":"AAAA"}'],
    ['[1,{"$float":"x"}]', '[1.0,{"source_float":"x"}]'],
    ['null', 'null'],
  ];
  test.each(literals)('%s is stored as %s', async (literal, stored) => {
    const emulator = await deploy();
    const raw = `{"tables":{"t":{"jsonSchema":{}}},"messages":[{"tableName":"t","data":{"v":${literal}}}]}`;
    expect((await call(emulator, 'POST', '/api/streaming_import/import_airbyte_records', { raw })).status).toBe(200);
    const [document = ''] = [...emulator.deployment.encoded('t').values()];
    expect(document.endsWith(`,"v":${stored}}`)).toBe(true);
  });

  test('and an int64 that is there already does not match', async () => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => tx.insert('t', { id: 5n }));
    await dedupTable(emulator, 't', [['id']]);
    await importRecords(emulator, { t: ID }, [['t', { id: 5 }]]);
    expect(rows(emulator, 't')).toEqual([{ id: 5n }, { id: 5 }]);
  });
});

describe('dedup replaces the whole row (C141)', () => {
  test('fields left out are gone, _id and _creationTime stay', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    await importRecords(emulator, { users: ID }, [['users', { id: 1, name: 'a', age: 3 }]]);
    const [before] = [...emulator.deployment.documents('users')];
    await importRecords(emulator, { users: ID }, [['users', { id: 1, name: 'b' }]]);
    const [after] = [...emulator.deployment.documents('users')];
    expect(after).toEqual({ _id: before?._id, _creationTime: before?._creationTime, id: 1, name: 'b' });
  });

  test('the same value again is no revision', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    const record = { id: 1, zero: 0, list: [{ a: 1 }] };
    await importRecords(emulator, { users: ID }, [['users', record]]);
    const ts = emulator.deployment.now();
    await importRecords(emulator, { users: ID }, [['users', record]]);
    expect((await deltasPage(emulator, ts)).values).toEqual([]);
    const raw =
      '{"tables":{"users":{"primaryKey":[["id"]],"jsonSchema":{}}},"messages":[{"tableName":"users","data":{"id":1,"zero":-0,"list":[{"a":1}]}}]}';
    await call(emulator, 'POST', '/api/streaming_import/import_airbyte_records', { raw });
    expect((await deltasPage(emulator, ts)).values).toHaveLength(1);
  });
});

describe('primary keys that are null, missing, partial or not unique (C143)', () => {
  test('null is a value, missing is an error', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id'], ['meta', 'region']]);
    const key = { primaryKey: [['id'], ['meta', 'region']] };
    const send = async (data: object) => await importRecords(emulator, { users: key }, [['users', data]]);
    for (let v = 0; v < 2; v++) expect((await send({ id: null, meta: { region: null }, v })).status).toBe(200);
    expect(rows(emulator, 'users')).toEqual([{ id: null, meta: { region: null }, v: 1 }]);
    const missing = await send({ id: 1, meta: {} });
    expect(outcome(missing)).toBe('400 MissingPrimaryKeyValue');
    expect(missing.json()['message']).toBe('Missing value for primary key field: "meta.region".');
    expect(outcome(await send({ id: 1, meta: 'eu' }))).toBe('400 MissingPrimaryKeyValue');
    expect(outcome(await send({}))).toBe('400 MissingPrimaryKeyValue');
  });

  test('1 and 1.0 are the same key, "1" is another, and so are lists and objects', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    const send = async (id: string) => {
      const raw = `{"tables":{"users":{"primaryKey":[["id"]],"jsonSchema":{}}},"messages":[{"tableName":"users","data":{"id":${id}}}]}`;
      expect((await call(emulator, 'POST', '/api/streaming_import/import_airbyte_records', { raw })).status).toBe(200);
    };
    for (const id of ['1', '1.0', '1e0', '"1"', '[1]', '[1.0]', '{"a":1}', 'true', 'null', 'null']) await send(id);
    expect(rows(emulator, 'users').map(({ id }) => id)).toEqual([1, '1', [1], { a: 1 }, true, null]);
  });

  test('paths may be in another order; a part of the index works until it matches two rows', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['a'], ['b']]);
    const send = async (primaryKey: string[][], data: object) =>
      outcome(await importRecords(emulator, { users: { primaryKey } }, [['users', data]]));
    expect(await send([['a'], ['b']], { a: 1, b: 1 })).toBe('200');
    expect(await send([['b'], ['a']], { a: 1, b: 2 })).toBe('200');
    expect(await send([['b'], ['a']], { a: 1, b: 2, again: true })).toBe('200');
    expect(rows(emulator, 'users')).toHaveLength(2);
    expect(await send([['a']], { a: 2, b: 1 })).toBe('200');
    expect(await send([['a']], { a: 2, b: 9 })).toBe('200');
    expect(rows(emulator, 'users')).toHaveLength(3);
    expect(await send([['a']], { a: 1, b: 3 })).toBe('500 InternalServerError');
    expect(await send([['b']], { a: 1, b: 3 })).toBe('400 InvalidIndexRange');
    expect(await send([['c']], { a: 1, c: 3 })).toBe('400 FieldNotInIndex');
  });

  test('rows appended earlier with one key make every later import of it fail', async () => {
    const emulator = await deploy();
    await importRecords(emulator, { users: APPEND }, [
      ['users', { id: 1, n: 1 }],
      ['users', { id: 1, n: 2 }],
      ['users', { id: 2, n: 1 }],
    ]);
    await dedupTable(emulator, 'users', [['id']]);
    expect(outcome(await importRecords(emulator, { users: ID }, [['users', { id: 1 }]]))).toBe(
      '500 InternalServerError',
    );
    expect(outcome(await importRecords(emulator, { users: ID }, [['users', { id: 2 }]]))).toBe('200');
  });
});

describe('a request is one transaction until it meets a limit (C146)', () => {
  const messages = (count: number, data: (n: number) => object): [string, unknown][] =>
    Array.from({ length: count }, (_, n) => ['users', data(n)]);
  async function commits(emulator: Awaited<ReturnType<typeof deploy>>, after: bigint): Promise<number> {
    const { values } = await deltasPage(emulator, after, '"tableName":"users"');
    return new Set(values.map(({ _ts }) => _ts)).size;
  }

  test('a failure before any limit leaves nothing', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    const reply = await importRecords(emulator, { users: ID }, [...messages(50, (id) => ({ id })), ['users', {}]]);
    expect(outcome(reply)).toBe('400 MissingPrimaryKeyValue');
    expect(rows(emulator, 'users')).toEqual([]);
    const unknown = await importRecords(emulator, { users: ID }, [...messages(5, (id) => ({ id })), ['other', {}]]);
    expect(unknown.json()).toEqual({ code: 'MissingStream', message: 'Missing stream for table other' });
    expect(rows(emulator, 'users')).toEqual([]);
  });

  test('what a failed request touched is as it was, also in the index', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    await importRecords(
      emulator,
      { users: ID },
      messages(3, (id) => ({ id, v: 0 })),
    );
    const changes = [...messages(6, (id) => ({ id, v: 1 })), ['users', { id: 2, _ab_cdc_deleted_at: 'now' }]] as [
      string,
      unknown,
    ][];
    expect(outcome(await importRecords(emulator, { users: ID }, [...changes, ['users', {}]]))).toBe(
      '400 MissingPrimaryKeyValue',
    );
    expect(rows(emulator, 'users')).toEqual([0, 1, 2].map((id) => ({ id, v: 0 })));
    expect([...(emulator.deployment.catalog.get('users')?.documents ?? [])]).toHaveLength(3);
    expect(outcome(await importRecords(emulator, { users: ID }, changes))).toBe('200');
    expect(rows(emulator, 'users')).toEqual([0, 1, 3, 4, 5].map((id) => ({ id, v: 1 })));
  });

  test('a failure after a limit leaves what came before committed', async () => {
    const emulator = await deploy({ limits: { documentsWritten: 10 } });
    const reply = await importRecords(emulator, { users: APPEND }, [...messages(25, (id) => ({ id })), ['other', {}]]);
    expect(outcome(reply)).toBe('400 MissingStream');
    expect(rows(emulator, 'users')).toHaveLength(20);
  });

  test('repeating an append duplicates, repeating a dedup does not', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'once', [['id']]);
    emulator.faults.add({ kind: 'reset-after-commit', times: 1 });
    const send = () =>
      importRecords(emulator, { users: APPEND, once: ID }, [
        ['users', { id: 1 }],
        ['once', { id: 1 }],
      ]);
    await expect(send()).rejects.toThrow();
    expect((await send()).status).toBe(200);
    expect(rows(emulator, 'users')).toHaveLength(2);
    expect(rows(emulator, 'once')).toHaveLength(1);
  });

  test('4,096 lookups of new rows fit, or half as many of rows that are there', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    const start = emulator.deployment.now();
    await importRecords(
      emulator,
      { users: ID },
      messages(4096, (id) => ({ id })),
    );
    expect(await commits(emulator, start)).toBe(1);
    const second = emulator.deployment.now();
    await importRecords(
      emulator,
      { users: ID },
      messages(2048, (id) => ({ id, v: 1 })),
    );
    expect(await commits(emulator, second)).toBe(1);
    const third = emulator.deployment.now();
    await importRecords(
      emulator,
      { users: ID },
      messages(2049, (id) => ({ id, v: 2 })),
    );
    expect((await deltasPage(emulator, third)).values).toHaveLength(2048);
    const fourth = emulator.deployment.now();
    await importRecords(
      emulator,
      { users: ID },
      messages(4097, (id) => ({ id: id + 10_000 })),
    );
    expect((await deltasPage(emulator, fourth)).values).toHaveLength(4096);
    expect(rows(emulator, 'users')).toHaveLength(4096 + 4097);
  });

  test('16,000 writes or 16 MiB', async () => {
    const emulator = await deploy({ limits: { deltaRows: 1 } });
    const start = emulator.deployment.systemWrite(1);
    await importRecords(
      emulator,
      { users: APPEND },
      messages(16_001, (id) => ({ id })),
    );
    expect((await deltasPage(emulator, start)).values).toHaveLength(16_000);
    const second = emulator.deployment.now();
    const pad = 'x'.repeat(500_000);
    await importRecords(
      emulator,
      { users: APPEND },
      messages(34, (id) => ({ id, pad })),
    );
    expect((await deltasPage(emulator, second)).values).toHaveLength(33);
  });

  test('reads count twice for a row that is replaced: 32,000 documents or 16 MiB', async () => {
    const emulator = await deploy({ limits: { documentsRead: 20, deltaRows: 1 } });
    await dedupTable(emulator, 'users', [['id']]);
    await importRecords(
      emulator,
      { users: ID },
      messages(11, (id) => ({ id })),
    );
    const start = emulator.deployment.now();
    await importRecords(
      emulator,
      { users: ID },
      messages(11, (id) => ({ id, v: 1 })),
    );
    expect((await deltasPage(emulator, start)).values).toHaveLength(10);
  });
});

describe('limits of a value, each with its code', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  const cases: [what: string, data: object, expected: string][] = [
    ['a document of more than 1 MiB', { pad: 'x'.repeat(1 << 20) }, '400 ValueTooLargeError'],
    ['a document of just under 1 MiB', { pad: 'x'.repeat((1 << 20) - 100) }, '200'],
    [
      '1022 fields and two of Convex’s own',
      Object.fromEntries(Array.from({ length: 1022 }, (_, n) => [`f${n}`, n])),
      '200',
    ],
    ['1023 fields', Object.fromEntries(Array.from({ length: 1023 }, (_, n) => [`f${n}`, n])), '400 TooManyFieldsError'],
    ['1025 fields', Object.fromEntries(Array.from({ length: 1025 }, (_, n) => [`f${n}`, n])), '400 TooManyFieldsError'],
    ['8192 elements', { list: Array.from({ length: 8192 }, () => 0) }, '200'],
    ['8193 elements', { list: Array.from({ length: 8193 }, () => 0) }, '400 ArrayTooLong'],
    ['16 levels', { v: nested(15) }, '200'],
    ['17 levels', { v: nested(16) }, '400 InvalidDocumentError'],
    ['65 levels', { v: nested(64) }, '400 TooNestedError'],
    ['a field name of 1024 characters', { ['x'.repeat(1024)]: 1 }, '200'],
  ];
  test.each(cases)('%s', async (_what, data, expected) => {
    const emulator = await deploy();
    expect(outcome(await importRecords(emulator, { t: APPEND }, [['t', data]]))).toBe(expected);
  });

  test('tables', async () => {
    const emulator = await deploy({ limits: { tables: 2 } });
    const send = async (table: string) => outcome(await importRecords(emulator, { [table]: APPEND }, [[table, {}]]));
    expect(await send('a')).toBe('200');
    expect(await send('b')).toBe('200');
    expect(await send('c')).toBe('400 TooManyTables');
    expect(await send('a')).toBe('200');
  });

  test('the message of a document too large names sizes as Convex does', async () => {
    const emulator = await deploy();
    const reply = await importRecords(emulator, { t: APPEND }, [['t', { pad: 'x'.repeat(1.5 * (1 << 20)) }]]);
    expect(reply.json()['message']).toMatch(/^Value is too large \(1\.50 MiB > maximum size 1 MiB\)$/);
  });
});

describe('shape of the request', () => {
  const bodies: [body: unknown, expected: string][] = [
    [{ tables: {}, messages: [] }, '200'],
    [{ tables: { t: { jsonSchema: null } }, messages: [], more: 1 }, '200'],
    [{ tables: {} }, '400 BadJsonBody'],
    [{ messages: [] }, '400 BadJsonBody'],
    [{ tables: [], messages: [] }, '400 BadJsonBody'],
    [{ tables: { t: {} }, messages: [] }, '400 BadJsonBody'],
    [{ tables: { t: { jsonSchema: {}, primaryKey: ['id'] } }, messages: [] }, '400 BadJsonBody'],
    [{ tables: { t: { jsonSchema: {}, primaryKey: [[1]] } }, messages: [] }, '400 BadJsonBody'],
    [{ tables: {}, messages: [{ tableName: 't' }] }, '400 BadJsonBody'],
    [{ tables: {}, messages: [{ data: {} }] }, '400 BadJsonBody'],
    [{ tables: {}, messages: [{ tableName: 5, data: {} }] }, '400 BadJsonBody'],
    [{ tables: {}, messages: [{ tableName: 't', data: {} }] }, '400 MissingStream'],
  ];
  test.each(bodies)('%j: %s', async (body, expected) => {
    const emulator = await deploy();
    expect(outcome(await post(emulator, '/api/streaming_import/import_airbyte_records', body))).toBe(expected);
  });

  test('primary_key in snake case is not known, so the records are appended', async () => {
    const emulator = await deploy();
    const body = {
      tables: { t: { primary_key: [['id']], jsonSchema: {} } },
      messages: [1, 1].map((id) => ({ tableName: 't', data: { id } })),
    };
    expect((await post(emulator, '/api/streaming_import/import_airbyte_records', body)).status).toBe(200);
    expect(rows(emulator, 't')).toEqual([{ id: 1 }, { id: 1 }]);
  });
});

test('an import is not throttled, but makes the app’s own mutations fail (C149)', async () => {
  const emulator = await deploy();
  const pad = 'x'.repeat(500_000);
  const mutate = () => emulator.deployment.mutation((tx) => tx.insert('app', {}));
  mutate();
  for (let request = 0; request < 3; request++) {
    const reply = await importRecords(
      emulator,
      { t: APPEND },
      Array.from({ length: 6 }, () => ['t', { pad }]),
    );
    expect(reply.status).toBe(200);
  }
  expect(mutate).toThrow(expect.objectContaining({ status: 429, code: 'TooManyWrites' }) as Error);
  emulator.deployment.advance(1_000_000_000n);
  mutate();
});

describe('schemas', () => {
  const schema: SchemaJson = {
    schemaValidation: true,
    tables: [
      {
        tableName: 'users',
        documentType: {
          type: 'object',
          value: {
            name: { fieldType: { type: 'string' }, optional: false },
            age: { fieldType: { type: 'union', value: [{ type: 'number' }, { type: 'null' }] }, optional: true },
            big: { fieldType: { type: 'bigint' }, optional: true },
            kind: {
              fieldType: {
                type: 'union',
                value: [
                  { type: 'literal', value: 'a' },
                  { type: 'literal', value: 'b' },
                ],
              },
              optional: true,
            },
            owner: { fieldType: { type: 'id', tableName: 'users' }, optional: true },
            tags: { fieldType: { type: 'array', value: { type: 'string' } }, optional: true },
            more: {
              fieldType: {
                type: 'record',
                keys: { type: 'string' },
                values: { fieldType: { type: 'number' }, optional: false },
              },
              optional: true,
            },
          },
        },
      },
    ],
  };
  const documents: [data: object, expected: string | undefined][] = [
    [{ name: 'a' }, undefined],
    [{ name: 'a', age: 3 }, undefined],
    [{ name: 'a', age: null, kind: 'b', tags: ['x'], more: { x: 1 } }, undefined],
    [{}, 'Object is missing the required field `name`'],
    [{ name: null }, 'Value does not match validator.'],
    [{ name: 'a', extra: 1 }, 'Object contains extra field `extra` that is not in the validator.'],
    [{ name: 'a', big: 5 }, 'Value does not match validator.'],
    [{ name: 'a', kind: 'c' }, 'Validator: v.union(v.literal("a"), v.literal("b"))'],
    [{ name: 'a', owner: 'nobody' }, 'Validator: v.id("users")'],
    [{ name: 'a', tags: ['x', 1] }, 'Path: .tags[1]'],
    [{ name: 'a', more: { x: 'y' } }, 'Path: .more.values()'],
  ];
  test.each(documents)('%j', async (data, expected) => {
    const emulator = await deploy({ schema });
    const reply = await importRecords(emulator, { users: APPEND }, [['users', data]]);
    expect(outcome(reply)).toBe(expected === undefined ? '200' : '400 SchemaEnforcementError');
    if (expected !== undefined) expect(String(reply.json()['message'])).toContain(expected);
    expect(rows(emulator, 'users')).toHaveLength(expected === undefined ? 1 : 0);
    // Tables that the schema does not mention are free.
    expect((await importRecords(emulator, { other: APPEND }, [['other', data]])).status).toBe(200);
  });

  test('get_schema gives it, or null', async () => {
    const path = '/api/streaming_import/get_schema';
    const emulator = await deploy();
    expect((await get(emulator, path)).text).toBe('null');
    emulator.deployment.setSchema(schema);
    expect((await get(emulator, path)).json()).toMatchObject({
      schemaValidation: true,
      tables: [{ tableName: 'users', indexes: [] }],
    });
  });

  // Every list is there, in this order, also where the schema has none of the kind (crates/common/src/schemas/json.rs).
  test('get_schema lists indexes of each kind, and those that are staged apart', async () => {
    const emulator = await deploy();
    const tables = [
      { tableName: 'plain' },
      {
        tableName: 'notes',
        indexes: [{ indexDescriptor: 'by_text', fields: ['text'] }],
        stagedDbIndexes: [{ indexDescriptor: 'by_author', fields: ['author'] }],
        stagedSearchIndexes: [{ indexDescriptor: 'search', searchField: 'text', filterFields: [] }],
        stagedVectorIndexes: [{ indexDescriptor: 'vector', vectorField: 'v', dimensions: 2, filterFields: [] }],
      },
    ];
    emulator.deployment.setSchema({ tables });
    expect((await get(emulator, '/api/streaming_import/get_schema')).text).toBe(
      '{"tables":[{"tableName":"notes","indexes":[{"indexDescriptor":"by_text","fields":["text"]}],' +
        '"stagedDbIndexes":[{"indexDescriptor":"by_author","fields":["author"]}],"searchIndexes":[],' +
        '"stagedSearchIndexes":[{"indexDescriptor":"search","searchField":"text","filterFields":[]}],"vectorIndexes":[],' +
        '"stagedVectorIndexes":[{"indexDescriptor":"vector","vectorField":"v","dimensions":2,"filterFields":[]}],' +
        '"documentType":null},{"tableName":"plain","indexes":[],"stagedDbIndexes":[],"searchIndexes":[],' +
        '"stagedSearchIndexes":[],"vectorIndexes":[],"stagedVectorIndexes":[],"documentType":null}],' +
        '"schemaValidation":false}',
    );
  });

  test('ids of other tables do not fit', async () => {
    const emulator = await deploy({ schema });
    let id = '';
    emulator.deployment.transaction((tx) => (id = tx.insert('other', {})));
    const reply = await importRecords(emulator, { users: APPEND }, [['users', { name: 'a', owner: id }]]);
    expect(reply.json()['message']).toContain(
      'from table `other`, which does not match the table name in validator `v.id("users")`',
    );
  });
});

test('replace_tables is always refused, whatever the key may do', async () => {
  const emulator = await deploy();
  const ask = async (body: unknown, authorization: string | null) =>
    outcome(await post(emulator, '/api/streaming_import/replace_tables', body, { authorization }));
  expect(await ask({ tableNames: { a: 'b' } }, `Convex ${emulator.readOnlyKey}`)).toBe('400 OverwriteNotSupported');
  expect(await ask({ tableNames: { a: 'b' } }, null)).toBe('400 OverwriteNotSupported');
  expect(await ask({ tableNames: ['a'] }, null)).toBe('400 BadJsonBody');
  expect(await ask({ tableNames: {} }, 'Convex x|y')).toBe('401 BadAdminKey');
});

test('imports go into the root component, and clearing keeps other components’ tables', async () => {
  const emulator = await deploy();
  emulator.deployment.transaction((tx) => tx.insert('users', { n: 1 }, 'shop'));
  await clearTables(emulator, ['users']);
  await importRecords(emulator, { users: APPEND }, [['users', { n: 2 }]]);
  const page = await snapshotPage(emulator, '{"component":"shop"}');
  expect(page.values.map(({ n }) => n)).toEqual([1]);
  expect(rows(emulator, 'users')).toEqual([{ n: 2 }]);
});
