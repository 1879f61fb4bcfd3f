import { describe, expect, test } from 'vitest';
import { call, clearTables, deltasPage, deploy, get, outcome, post, snapshotPage, walk } from './client.ts';

/** Facts about the export endpoints (docs/convex-api.md), each as a client sees it. */

function tablesOf(values: Record<string, unknown>[]): string[] {
  return [...new Set(values.map((value) => `${String(value['_component'])}:${String(value['_table'])}`))].sort();
}

describe('timestamps are integers that a double cannot hold (C20)', () => {
  test('they are nineteen digits, and JSON.parse changes every one of them', async () => {
    const emulator = await deploy();
    const committed: bigint[] = [];
    for (let n = 0; n < 20; n++) committed.push(emulator.deployment.transaction((tx) => tx.insert('users', { n })));
    const deltas = await deltasPage(emulator, committed[0] ?? 0n);
    const page = await snapshotPage(emulator);
    const digits = [...deltas.values.map((value) => value._ts), deltas.cursor, page.snapshot];
    expect(digits.slice(0, 19)).toEqual(committed.slice(1).map(String));
    for (const text of digits) {
      expect(text).toMatch(/^\d{19}$/);
      expect(String(BigInt(Number(text)))).not.toBe(text);
    }
    expect(new Set(committed).size).toBe(committed.length);
    expect([...committed].sort((a, b) => (a < b ? -1 : 1))).toEqual(committed);
  });

  test('a POST body needs a raw integer literal, a GET query takes digits', async () => {
    const emulator = await deploy();
    const ts = emulator.deployment.transaction((tx) => tx.insert('users', {}));
    for (const path of ['/api/list_snapshot', '/api/document_deltas']) {
      const name = path.endsWith('deltas') ? 'cursor' : 'snapshot';
      const send = (literal: string) => call(emulator, 'POST', path, { raw: `{"${name}":${literal}}` });
      expect(outcome(await send(String(ts)))).toBe('200');
      for (const literal of [`"${ts}"`, '1.0', '1e18', '-0', 'true', '[1]', '9223372036854775808', '1'.repeat(30)]) {
        expect(`${literal} ${outcome(await send(literal))}`).toBe(`${literal} 400 BadJsonBody`);
      }
      expect(outcome(await get(emulator, `${path}?${name}=${ts}`))).toBe('200');
      for (const text of ['', '1.0', '1e18', 'x', '9223372036854775808']) {
        expect(`${text} ${outcome(await get(emulator, `${path}?${name}=${text}`))}`).toBe(`${text} 400 BadQueryArgs`);
      }
    }
  });
});

describe('a selection that does not fit means everything (C52)', () => {
  const misfits = [
    '{"selection":{}}',
    '{"selection":null}',
    '{"selection":{"":{"_other":"excluded"}}}',
    '{"selection":{"_other":"none"}}',
    '{"selection":{"_other":"excluded","":"included"}}',
    '{"selection":{"_other":"excluded","":{"users":{"_other":"included"}}}}',
    '{"selection":{"_other":"excluded","":{"_other":"excluded","users":"included"}}}',
    '{"selection":{"_other":"excluded","":{"_other":"excluded","users":{"_other":"included","n":true}}}}',
    '{"selection":{"_other":"excluded","_other":"excluded"}}',
    '{"tableName":null}',
    '{"tableName":5}',
    '{"tableName":"users","component":7}',
    '{"tablename":"users"}',
    '{"table":"users"}',
    '{"tableName":"users","table_name":"users"}',
    '{"components":["shop"]}',
  ];
  test.each(misfits)('%s exports everything, with 200', async (raw) => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => {
      tx.insert('users', { n: 1 });
      tx.insert('secrets', { n: 1 });
      tx.insert('orders', { n: 1 }, 'shop');
    });
    const cursor = emulator.deployment.now() - 1_000_000_000n;
    const values = (await walk(emulator, raw.slice(1, -1))).flatMap((page) => page.values);
    expect(tablesOf(values)).toEqual([':secrets', ':users', 'shop:orders']);
    const deltas = await deltasPage(emulator, cursor, raw.slice(1, -1));
    expect(tablesOf(deltas.values)).toEqual([':secrets', ':users', 'shop:orders']);
  });

  test('GET ?selection=… is not understood either', async () => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => tx.insert('users', { n: 1 }));
    const reply = await get(emulator, `/api/list_snapshot?selection=${encodeURIComponent('{"_other":"excluded"}')}`);
    expect(reply.json()['values']).toHaveLength(1);
  });

  const fits: [raw: string, tables: string[]][] = [
    ['{}', [':secrets', ':users', 'shop/eu:orders', 'shop:orders', 'shop:users']],
    ['{"selection":{"_other":"excluded"}}', []],
    ['{"selection":{"_other":"excl","":{"_other":"excl","users":{"_other":"incl"}}}}', [':users']],
    [
      '{"selection":{"_other":"included","":{"_other":"included","secrets":"excluded"},"shop":"excluded"}}',
      [':users', 'shop/eu:orders'],
    ],
    ['{"selection":{"_other":"excluded","shop/eu":{"_other":"included"}}}', ['shop/eu:orders']],
    ['{"selection":{"_other":{"excluded":null},"":{"_other":"included"}}}', [':secrets', ':users']],
    ['{"tableName":"users"}', [':users']],
    ['{"table_name":"users"}', [':users']],
    ['{"table_name":"users","component":"shop"}', ['shop:users']],
    ['{"tableName":"users","component":null,"unknown":[1]}', [':users']],
    ['{"component":"shop"}', ['shop:orders', 'shop:users']],
    ['{"tableName":"nowhere"}', []],
  ];
  test.each(fits)('%s exports %j', async (raw, tables) => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => {
      tx.insert('users', { n: 1 });
      tx.insert('secrets', { n: 1 });
      tx.insert('orders', { n: 1 }, 'shop');
      tx.insert('users', { n: 1 }, 'shop');
      tx.insert('orders', { n: 1 }, 'shop/eu');
    });
    const cursor = emulator.deployment.now() - 1_000_000_000n;
    const pages = await walk(emulator, raw.slice(1, -1));
    expect(tablesOf(pages.flatMap((page) => page.values))).toEqual(tables);
    expect(tablesOf((await deltasPage(emulator, cursor, raw.slice(1, -1))).values)).toEqual(tables);
  });

  test('columns can be left out, but not _id', async () => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => tx.insert('users', { name: 'a', ssn: 'b' }));
    const table = (columns: object) => ({
      selection: { _other: 'excluded', '': { _other: 'excluded', users: columns } },
    });
    const page = await post(
      emulator,
      '/api/list_snapshot',
      table({ _other: 'included', ssn: 'excluded', _creationTime: 'excluded' }),
    );
    expect(Object.keys((page.json()['values'] as object[])[0] ?? {})).toEqual([
      '_component',
      '_table',
      '_ts',
      '_id',
      'name',
    ]);
    const body = table({ _other: 'excluded', name: 'included' });
    expect(outcome(await post(emulator, '/api/list_snapshot', body))).toBe('500 InternalServerError');
    expect(outcome(await post(emulator, '/api/document_deltas', { cursor: 5, ...body }))).toBe(
      '500 InternalServerError',
    );
  });
});

test('backends of August 2025 to March 2026 ignore tableName, and take table_name (C53)', async () => {
  const emulator = await deploy({ ignoreTableName: true });
  emulator.deployment.transaction((tx) => {
    tx.insert('users', { n: 1 });
    tx.insert('secrets', { n: 1 });
  });
  const tables = async (more: string) => tablesOf((await walk(emulator, more)).flatMap((page) => page.values));
  expect(await tables('"tableName":"users"')).toEqual([':secrets', ':users']);
  expect(await tables('"table_name":"users"')).toEqual([':users']);
  const deltas = await deltasPage(emulator, emulator.deployment.now() - 1_000_000_000n, '"tableName":"users"');
  expect(tablesOf(deltas.values)).toEqual([':secrets', ':users']);
});

test('a snapshot page is of one table; empty pages go on, and the end is a null cursor (C50)', async () => {
  const emulator = await deploy({ limits: { snapshotPage: 3 } });
  for (const [table, count] of [
    ['empty', 0],
    ['few', 2],
    ['exact', 6],
    ['many', 7],
  ] as const) {
    emulator.deployment.createTable(table);
    emulator.deployment.transaction((tx) => {
      for (let n = 0; n < count; n++) tx.insert(table, { n });
    });
  }
  const pages = await walk(emulator);
  for (const page of pages) expect(tablesOf(page.values).length).toBeLessThanOrEqual(1);
  const sizes = (table: string) =>
    pages.filter(({ values }) => values[0]?.['_table'] === table).map(({ values }) => values.length);
  expect(sizes('few')).toEqual([2]);
  expect(sizes('exact')).toEqual([3, 3]);
  expect(sizes('many')).toEqual([3, 3, 1]);
  // One empty page for the empty table, one for the table that fills its pages exactly.
  expect(pages.filter(({ values }) => values.length === 0)).toHaveLength(2);
  expect(pages.filter(({ values, hasMore }) => values.length === 0 && hasMore).length).toBeGreaterThan(0);
  expect(pages.slice(0, -1).every(({ hasMore, cursor }) => hasMore && cursor !== null)).toBe(true);
  expect(pages.at(-1)).toMatchObject({ hasMore: false, cursor: null });
  expect(new Set(pages.map(({ snapshot }) => snapshot)).size).toBe(1);
});

test('tables come in the order of random tablet ids, not of their names (C50)', async () => {
  const emulator = await deploy();
  const names = 'abcdefghij'.split('');
  for (const name of names) emulator.deployment.transaction((tx) => tx.insert(name, {}));
  const seen = (await walk(emulator)).flatMap(({ values }) => values.map((value) => value['_table']));
  expect([...seen].sort()).toEqual(names);
  expect(seen).not.toEqual(names);
});

test('a snapshot page has no limit of bytes (C55)', async () => {
  const emulator = await deploy();
  const large = 'x'.repeat(900_000);
  emulator.deployment.transaction((tx) => {
    for (let n = 0; n < 30; n++) tx.insert('blobs', { n, large });
  });
  const reply = await post(emulator, '/api/list_snapshot', {});
  expect(reply.text.length).toBeGreaterThan(27_000_000);
  expect(reply.json()['values']).toHaveLength(30);
});

describe('deltas pages are empty when other rows have used them up (C66)', () => {
  test('rows of system tables and of tables not asked for count', async () => {
    const emulator = await deploy({ limits: { deltaRows: 4 } });
    const start = emulator.deployment.now();
    emulator.deployment.createTable('users');
    emulator.deployment.systemWrite(9);
    for (let n = 0; n < 8; n++) emulator.deployment.transaction((tx) => tx.insert('other', { n }));
    emulator.deployment.systemWrite(1);
    const ts = emulator.deployment.transaction((tx) => tx.insert('users', { n: 1 }));
    const pages = [await deltasPage(emulator, start, '"tableName":"users"')];
    while (pages.at(-1)?.hasMore === true) {
      pages.push(await deltasPage(emulator, pages.at(-1)?.cursor ?? '', '"tableName":"users"'));
    }
    expect(pages).toHaveLength(5);
    expect(pages.slice(0, -1).every(({ values, hasMore }) => values.length === 0 && hasMore)).toBe(true);
    expect(pages.at(-1)?.values.map((value) => value._ts)).toEqual([String(ts)]);
    const cursors = pages.map(({ cursor }) => BigInt(cursor));
    expect(cursors.every((cursor, n) => n === 0 || cursor > (cursors[n - 1] ?? 0n))).toBe(true);
    // The last cursor is "now", beyond the last row: resuming from a row's _ts would read rows again for ever.
    expect(cursors.at(-1)).toBeGreaterThan(ts);
  });

  test('the default budget is 128 rows, and the cursor is exclusive', async () => {
    const emulator = await deploy();
    const start = emulator.deployment.systemWrite(1);
    const first = emulator.deployment.transaction((tx) => tx.insert('users', { n: 0 }));
    for (let n = 1; n < 200; n++) emulator.deployment.transaction((tx) => tx.insert('users', { n }));
    const page = await deltasPage(emulator, start);
    // The first commit made the table: its three system rows count.
    expect(page.values).toHaveLength(125);
    expect(page.hasMore).toBe(true);
    expect(page.cursor).toBe(page.values.at(-1)?._ts);
    expect((await deltasPage(emulator, first - 1n)).values[0]?.['n']).toBe(0);
    expect((await deltasPage(emulator, first)).values[0]?.['n']).toBe(1);
  });

  test('there is no more only when no later row was seen', async () => {
    const emulator = await deploy({ limits: { deltaRows: 1 } });
    const start = emulator.deployment.systemWrite(1);
    emulator.deployment.createTable('users');
    const last = emulator.deployment.transaction((tx) => tx.insert('users', { n: 0 }));
    const table = await deltasPage(emulator, start);
    expect(table).toMatchObject({ values: [], hasMore: true });
    const page = await deltasPage(emulator, table.cursor);
    expect(page).toMatchObject({ hasMore: false, cursor: String(last) });
    expect(page.values).toHaveLength(1);
  });
});

test('a transaction is never split over deltas pages (C67)', async () => {
  const emulator = await deploy();
  const start = emulator.deployment.systemWrite(1);
  const ts = emulator.deployment.transaction((tx) => {
    for (let n = 0; n < 17_000; n++) tx.insert('users', { n });
  });
  emulator.deployment.transaction((tx) => tx.insert('users', { n: -1 }));
  const page = await deltasPage(emulator, start);
  expect(page.values).toHaveLength(17_000);
  expect(new Set(page.values.map((value) => value._ts))).toEqual(new Set([String(ts)]));
  expect(page).toMatchObject({ cursor: String(ts), hasMore: true });
  const ids = page.values.map((value) => String(value['_id']));
  expect(ids).toEqual([...ids].sort());
});

describe('a walk per table multiplies the work of the server (C57, C68)', () => {
  test('every deltas stream reads the whole log', async () => {
    const emulator = await deploy();
    const start = emulator.deployment.systemWrite(1);
    for (let n = 0; n < 100; n++) emulator.deployment.transaction((tx) => tx.insert(`t${n % 5}`, { n }));
    await deltasPage(emulator, start);
    const once = emulator.work.deltas.rowsRead;
    for (let table = 0; table < 5; table++) await deltasPage(emulator, start, `"tableName":"t${table}"`);
    expect(emulator.work.deltas.rowsRead).toBe(6 * once);
  });

  test('one walk keeps the iterator, two interleaved ones take it from each other', async () => {
    const emulator = await deploy({ limits: { snapshotPage: 2 } });
    emulator.deployment.transaction((tx) => {
      for (let n = 0; n < 10; n++) tx.insert('users', { n });
      tx.insert('orders', {});
    });
    const { snapshot } = await snapshotPage(emulator, '{"selection":{"_other":"excluded"}}');
    for (let n = 0; n < 50; n++) emulator.deployment.transaction((tx) => tx.insert('later', { n }));
    const pages = await walk(emulator, '"tableName":"users"', snapshot);
    expect(pages).toHaveLength(6);
    expect(emulator.work.snapshot).toEqual({ initialised: 1, resumed: 5, logRows: emulator.work.snapshot.logRows });
    const rowsOfOne = emulator.work.snapshot.logRows;
    expect(rowsOfOne).toBeGreaterThan(50);

    let a: string | null = null;
    let b: string | null = null;
    const step = async (cursor: string | null, selection: string) =>
      (await snapshotPage(emulator, `{"snapshot":${snapshot},"cursor":${JSON.stringify(cursor)}${selection}}`)).cursor;
    for (let n = 0; n < 3; n++) {
      a = await step(a, ',"tableName":"users"');
      b = await step(b, ',"component":""');
    }
    expect(emulator.work.snapshot).toMatchObject({ initialised: 7, resumed: 5 });
    expect(emulator.work.snapshot.logRows).toBe(7 * rowsOfOne);
  });
});

describe('a first snapshot call that times out goes on only with the same explicit snapshot (C58)', () => {
  test('without a snapshot it never gets anywhere', async () => {
    const emulator = await deploy({ snapshotInitialiseMs: 600, limits: { requestTimeout: 250 } });
    emulator.deployment.transaction((tx) => tx.insert('users', {}));
    for (let n = 0; n < 4; n++) {
      const reply = await post(emulator, '/api/list_snapshot', {});
      expect(reply).toMatchObject({ status: 408, text: '' });
    }
  });

  test('a pinned snapshot is there at once, and repeating the same call succeeds', async () => {
    const emulator = await deploy({ snapshotInitialiseMs: 600, limits: { requestTimeout: 250 } });
    emulator.deployment.transaction((tx) => tx.insert('users', {}));
    const pin = await snapshotPage(emulator, '{"selection":{"_other":"excluded"}}');
    expect(pin).toMatchObject({ values: [], cursor: null, hasMore: false });
    expect(pin.snapshot).toMatch(/^\d{19}$/);
    const raw = `{"snapshot":${pin.snapshot}}`;
    const statuses: number[] = [];
    for (let n = 0; n < 6 && statuses.at(-1) !== 200; n++) {
      statuses.push((await call(emulator, 'POST', '/api/list_snapshot', { raw })).status);
    }
    expect(statuses.length).toBeGreaterThan(1);
    expect(statuses.at(-1)).toBe(200);
    expect(statuses.slice(0, -1).every((status) => status === 408)).toBe(true);
  });
});

describe('tables that are swapped leave no tombstones (C120, C121)', () => {
  test('nor does a dropped one: its rows vanish from the deltas, and stay in older snapshots', async () => {
    const emulator = await deploy();
    const start = emulator.deployment.systemWrite(1);
    const ts = emulator.deployment.transaction((tx) => tx.insert('users', { n: 1 }));
    expect((await deltasPage(emulator, start)).values).toHaveLength(1);
    emulator.deployment.dropTable('users');
    expect((await deltasPage(emulator, start)).values).toEqual([]);
    expect((await deltasPage(emulator, ts)).values).toEqual([]);
    expect((await snapshotPage(emulator)).values).toEqual([]);
    expect((await snapshotPage(emulator, `{"snapshot":${ts}}`)).values).toHaveLength(1);
  });

  test('clear_tables swaps tablets: rows before it are silently gone', async () => {
    const emulator = await deploy();
    const start = emulator.deployment.systemWrite(1);
    let id = '';
    const ts = emulator.deployment.transaction((tx) => (id = tx.insert('users', { n: 1 })));
    expect((await clearTables(emulator, ['users'])).status).toBe(200);
    expect((await deltasPage(emulator, ts)).values).toEqual([]);
    expect((await deltasPage(emulator, start)).values).toEqual([]);
    expect((await snapshotPage(emulator)).values).toEqual([]);
    const later = emulator.deployment.transaction((tx) => tx.insert('users', { n: 2 }));
    const { values } = await deltasPage(emulator, start);
    expect(values.map((value) => value._ts)).toEqual([String(later)]);
    // The table keeps its number: ids still look alike.
    expect(String(values[0]?.['_id']).slice(0, 2)).toBe(id.slice(0, 2));
  });

  test('an import that began before the cursor never appears behind it', async () => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => tx.insert('users', { n: 1 }));
    const hidden = emulator.deployment.beginImport('users');
    const ts = hidden.write('users', [{ n: 2 }, { n: 3 }]);
    const { cursor } = await deltasPage(emulator, emulator.deployment.now());
    expect(BigInt(cursor)).toBeGreaterThan(ts);
    hidden.swap();
    expect((await deltasPage(emulator, cursor)).values).toEqual([]);
    const { values } = await snapshotPage(emulator);
    expect(values.map((value) => [value['n'], value['_ts']])).toEqual(
      expect.arrayContaining([
        [2, String(ts)],
        [3, String(ts)],
      ]),
    );
    expect((await deltasPage(emulator, ts - 1n)).values).toHaveLength(2);
  });

  test('an import filed at an older time is in the log there', async () => {
    const emulator = await deploy();
    const start = emulator.deployment.systemWrite(1);
    emulator.deployment.transaction((tx) => tx.insert('others', { n: 1 }));
    const cursor = emulator.deployment.now();
    emulator.deployment.importTable('users', [{ n: 2 }], { at: start + 1n });
    expect((await deltasPage(emulator, cursor)).values).toEqual([]);
    expect((await deltasPage(emulator, start)).values.map((value) => value['_table'])).toEqual(['users', 'others']);
  });
});

describe('cursors from the future (C70)', () => {
  test('are answered with an older one', async () => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => tx.insert('users', {}));
    const future = emulator.deployment.now() + 3_600_000_000_000n;
    const page = await deltasPage(emulator, future);
    expect(page).toMatchObject({ values: [], hasMore: false });
    expect(BigInt(page.cursor)).toBeLessThan(future);
    expect(page.cursor).toBe(String(emulator.deployment.now()));
  });

  test('negative numbers are a 500, a missing cursor is a 400', async () => {
    const emulator = await deploy();
    expect(outcome(await get(emulator, '/api/document_deltas?cursor=-1'))).toBe('500 InternalServerError');
    expect(outcome(await post(emulator, '/api/document_deltas', { cursor: -1 }))).toBe('500 InternalServerError');
    expect(outcome(await get(emulator, '/api/list_snapshot?snapshot=-1'))).toBe('500 InternalServerError');
    for (const body of [{}, { cursor: null }]) {
      expect(outcome(await post(emulator, '/api/document_deltas', body))).toBe('400 DocumentDeltasCursorRequired');
    }
    expect(outcome(await get(emulator, '/api/document_deltas'))).toBe('400 DocumentDeltasCursorRequired');
  });
});
