import { describe, expect, test } from 'vitest';
import type { EmulatorOptions, SchemaJson, Transaction } from '../../emulator/index.ts';
import { columnNames, deploy, get, outcome } from './client.ts';

/** json_schemas (C80 to C83): from the data's shapes, and with every way in which it fails. */

const bytes = new Uint8Array([1]).buffer;

async function schemas(fill: (tx: Transaction) => void, query = '', options: EmulatorOptions = {}) {
  const emulator = await deploy(options);
  emulator.deployment.transaction(fill);
  return { emulator, reply: await get(emulator, `/api/json_schemas${query}`) };
}

/** The schema of the field `v` of table `t` that holds these values. */
async function fieldSchema(values: unknown[], query = ''): Promise<unknown> {
  const { reply } = await schemas((tx) => {
    for (const v of values) tx.insert('t', v === undefined ? {} : { v });
  }, query);
  return (reply.json()['t'] as { properties: Record<string, unknown> }).properties['v'];
}

const special = {
  $description: 'float64',
  anyOf: [{ type: 'number' }, { type: 'string', $description: '-inf, inf, or NaN' }],
};
const int64 = { $description: 'int64 represented as base10 string', type: 'string' };

describe('what json_schemas says of values (C82)', () => {
  const cases: [values: unknown[], schema: unknown][] = [
    [[null], { type: 'null' }],
    [[1], { type: 'number' }],
    [[1, NaN], special],
    [[-0], special],
    [[1n], int64],
    [[true], { type: 'boolean' }],
    [['a b'], { type: 'string' }],
    [[bytes], { $description: 'base64 bytes', type: 'string' }],
    [[[]], { type: 'array', items: false }],
    [[[], [1]], { type: 'array', items: { type: 'number' } }],
    [[[1, 'x']], { type: 'array', items: { anyOf: [{ type: 'number' }, { type: 'string' }] } }],
    [
      [null, 1n, 1, true, 'x', bytes, [1]],
      {
        anyOf: [
          { type: 'null' },
          int64,
          { type: 'number' },
          { type: 'boolean' },
          { type: 'string' },
          { $description: 'base64 bytes', type: 'string' },
          { type: 'array', items: { type: 'number' } },
        ],
      },
    ],
    [[{}], { type: 'object', properties: {}, additionalProperties: false, required: [] }],
    [
      [{ b: 1, a: 1 }, { b: 1 }],
      {
        type: 'object',
        properties: { a: { type: 'number' }, b: { type: 'number' } },
        additionalProperties: false,
        required: ['b'],
      },
    ],
    // A record has no schema, and says so.
    [[{ 'first name': 1 }], {}],
    [[Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, n]))], {}],
  ];
  test.each(cases)('%#: %s', async (values, schema) => {
    expect(await fieldSchema(values)).toEqual(schema);
  });

  test('every format describes itself', async () => {
    expect(await fieldSchema([1n], '?format=export_json')).toEqual({ $description: 'int64', type: 'number' });
    expect(await fieldSchema([bytes], '?format=export_json')).toMatchObject({
      type: 'object',
      properties: { $bytes: { type: 'string' } },
    });
    expect(await fieldSchema([NaN], '?format=export_json')).toMatchObject({
      anyOf: [{}, { $description: '-inf, inf, or NaN', type: 'object' }],
    });
    expect(await fieldSchema([NaN], '?format=convex_encoded_json')).toMatchObject({
      anyOf: [{}, { $description: '-0, -inf, inf, or NaN', properties: { $float: {} } }],
    });
    expect(await fieldSchema([1n], '?format=convex_json')).toMatchObject({
      properties: { $integer: { type: 'string' } },
    });
  });

  test('strings that are ids of a table in the same component are ids', async () => {
    const { emulator, reply } = await schemas((tx) => {
      const user = tx.insert('users', {});
      tx.insert('orders', { user, other: `${user.slice(0, -1)}0`, list: [user] });
    });
    const { properties } = reply.json()['orders'] as { properties: Record<string, unknown> };
    expect(properties['user']).toEqual({ $description: 'Id(users)', type: 'string' });
    expect(properties['_id']).toEqual({ $description: 'Id(orders)', type: 'string' });
    expect(properties['list']).toEqual({ type: 'array', items: { $description: 'Id(users)', type: 'string' } });
    expect(properties['other']).toEqual({ type: 'string' });
    emulator.deployment.dropTable('users');
    const after = (await get(emulator, '/api/json_schemas')).json()['orders'] as typeof properties;
    expect(after).toMatchObject({ properties: { user: { type: 'string' } } });
    expect(JSON.stringify(after)).not.toContain('Id(users)');
  });

  test('more than sixteen literals, ids among them, still fold into one type', async () => {
    const words = Array.from({ length: 40 }, (_, n) => `word${n}`);
    expect(await fieldSchema(words)).toEqual({ type: 'string' });
    const { reply } = await schemas((tx) => {
      for (let n = 0; n < 40; n++) tx.insert('orders', { user: tx.insert('users', {}) });
    });
    expect(reply.json()['orders']).toMatchObject({ properties: { user: { $description: 'Id(users)' } } });
  });
});

describe('tables (C81, C83)', () => {
  test('an empty table has the system fields', async () => {
    const { reply } = await schemas((tx) => tx.tablet('users'));
    expect(reply.text).toBe(
      '{"users":{"type":"object","properties":{"_creationTime":{"type":"number"},"_id":{"$description":"Id(users)","type":"string"}},' +
        '"additionalProperties":false,"required":["_creationTime","_id"],"$schema":"http://json-schema.org/draft-07/schema#"}}',
    );
  });

  test('deltaSchema adds fields that are never required', async () => {
    const { reply } = await schemas((tx) => tx.insert('users', { name: 'a' }), '?deltaSchema=true&byComponent=true');
    const { users } = reply.json()[''] as { users: { properties: object; required: string[] } };
    expect(users.properties).toMatchObject({
      _table: { type: 'string' },
      _component: { type: 'string' },
      _ts: { type: 'integer' },
      _deleted: { type: 'boolean' },
    });
    expect(Object.keys(users.properties)).toEqual([
      '_creationTime',
      '_id',
      'name',
      '_table',
      '_component',
      '_ts',
      '_deleted',
    ]);
    expect(users.required).toEqual(['_creationTime', '_id', 'name']);
  });

  test('with byComponent components without tables are there, without it a child’s table hides the root’s', async () => {
    const fill = (tx: Transaction) => {
      tx.insert('users', { root: 1 });
      tx.insert('users', { child: 1 }, 'shop');
      tx.insert('orders', {}, 'shop');
    };
    const { emulator, reply } = await schemas(fill, '?byComponent=true');
    emulator.deployment.mountComponent('shop/empty');
    const nested = (await get(emulator, '/api/json_schemas?byComponent=true')).json();
    expect(Object.keys(reply.json()).sort()).toEqual(['', 'shop']);
    expect(nested['shop/empty']).toEqual({});
    expect(Object.keys(nested['shop'] as object).sort()).toEqual(['orders', 'users']);
    const flat = (await get(emulator, '/api/json_schemas')).json();
    expect(Object.keys(flat).sort()).toEqual(['orders', 'users']);
    expect(flat['users']).toMatchObject({ properties: { child: { type: 'number' } } });
  });

  test('schemas are closed, and the next document does not care', async () => {
    const { emulator, reply } = await schemas((tx) => tx.insert('users', { a: 1 }));
    expect(reply.json()['users']).toMatchObject({ additionalProperties: false });
    emulator.deployment.transaction((tx) => tx.insert('users', { b: 1 }));
    const after = (await get(emulator, '/api/json_schemas')).json()['users'];
    expect(after).toMatchObject({ properties: { a: {}, b: {} }, required: ['_creationTime', '_id'] });
  });

  const flags: [query: string, expected: string][] = [
    ['?deltaSchema=1', '400 BadQueryArgs'],
    ['?deltaSchema=True', '400 BadQueryArgs'],
    ['?byComponent=', '400 BadQueryArgs'],
    ['?byComponent=false&delta_schema=1', '200'],
    ['?format=xml', '400 BadFormat'],
  ];
  test.each(flags)('%s: %s', async (query, expected) => {
    const { reply } = await schemas(() => undefined, query);
    expect(outcome(reply)).toBe(expected);
  });
});

describe('one odd table fails the whole request (C80)', () => {
  const odd: [why: string, fields: object][] = [
    ['a field name with a space', { 'first name': 1 }],
    ['a field name with a digit first', { '2024': 1 }],
    ['65 fields', Object.fromEntries(Array.from({ length: 63 }, (_, n) => [`f${n}`, n]))],
  ];
  test.each(odd)('%s', async (_why, fields) => {
    const { emulator, reply } = await schemas((tx) => {
      tx.insert('users', { fine: 1 });
      tx.insert('odd', fields);
    });
    expect(outcome(reply)).toBe('400 NoSchemaForExport');
    // The column names never fail.
    expect(await columnNames(emulator)).toEqual([
      { name: 'odd', columns: ['_creationTime', '_id'] },
      { name: 'users', columns: ['_creationTime', '_id', 'fine'] },
    ]);
  });

  test('objects that have more than 64 fields together', async () => {
    const { reply } = await schemas((tx) => {
      for (let n = 0; n < 70; n++) tx.insert('t', { [`f${n}`]: 1 });
    });
    expect(outcome(reply)).toBe('400 NoSchemaForExport');
  });

  test('the odd document leaves its mark after it is deleted, until the table is empty', async () => {
    const emulator = await deploy();
    const ids: string[] = [];
    emulator.deployment.transaction((tx) => {
      ids.push(tx.insert('t', { fine: 1 }), tx.insert('t', { 'not fine': 1 }));
    });
    const ask = async () => outcome(await get(emulator, '/api/json_schemas'));
    expect(await ask()).toBe('400 NoSchemaForExport');
    emulator.deployment.transaction((tx) => {
      tx.delete(ids[1] ?? '');
    });
    expect(await ask()).toBe('400 NoSchemaForExport');
    emulator.deployment.transaction((tx) => {
      tx.delete(ids[0] ?? '');
    });
    // Within one transaction the order of the ids decides which comes first.
    emulator.deployment.transaction((tx) => {
      tx.insert('t', { fine: 2 });
    });
    expect(await ask()).toBe('200');
  });

  const tableSchema = (documentType: SchemaJson['tables'][number]['documentType']): SchemaJson => ({
    tables: [{ tableName: 'odd', documentType: documentType ?? null }],
    schemaValidation: false,
  });
  const object = (value: Record<string, { type: string; optional?: boolean }>) => ({
    type: 'object' as const,
    value: Object.fromEntries(
      Object.entries(value).map(([name, { optional = false, ...fieldType }]) => [
        name,
        { fieldType: fieldType as never, optional },
      ]),
    ),
  });
  const withSchema: [why: string, schema: SchemaJson, expected: string][] = [
    ['no schema for the table', { tables: [] }, '400 NoTableDefinitionForExport'],
    ['no document type', tableSchema(null), '400 NoTableDefinitionForExport'],
    [
      'a union of objects',
      tableSchema({ type: 'union', value: [object({}), object({})] }),
      '400 UnsupportedSchemaForExport',
    ],
    [
      'a nested union of objects',
      tableSchema({
        type: 'object',
        value: {
          v: {
            fieldType: { type: 'array', value: { type: 'union', value: [object({}), object({})] } },
            optional: false,
          },
        },
      }),
      '400 UnsupportedSchemaForExport',
    ],
    ['v.any()', tableSchema({ type: 'any' }), '200'],
    ['an object', tableSchema(object({ a: { type: 'number' } })), '200'],
  ];
  test.each(withSchema)('where schema.ts has %s', async (_why, schema, expected) => {
    const { reply } = await schemas((tx) => tx.insert('odd', { 'first name': 1 }), '', { schema });
    expect(outcome(reply)).toBe(expected);
  });

  test('fragments from schema.ts, records in no valid JSON Schema among them', async () => {
    const schema = tableSchema({
      type: 'object',
      value: {
        r: {
          fieldType: {
            type: 'record',
            keys: { type: 'string' },
            values: { fieldType: { type: 'number' }, optional: false },
          },
          optional: false,
        },
        f: { fieldType: { type: 'number' }, optional: true },
        i: { fieldType: { type: 'bigint' }, optional: false },
        u: {
          fieldType: { type: 'union', value: [{ type: 'id', tableName: 'users' }, { type: 'null' }] },
          optional: false,
        },
        l: { fieldType: { type: 'literal', value: 'x' }, optional: false },
        a: { fieldType: { type: 'any' }, optional: false },
      },
    });
    const { reply } = await schemas((tx) => tx.insert('odd', { 'first name': 1 }), '', { schema });
    expect(reply.json()['odd']).toMatchObject({
      properties: {
        r: {
          type: 'object',
          $description: 'Record with keys of type v.string()',
          additionalProperties: { type: special },
        },
        f: special,
        i: int64,
        u: { anyOf: [{ $description: 'Id(users)', type: 'string' }, { type: 'null' }] },
        l: { type: 'string' },
        a: {},
      },
      additionalProperties: false,
      required: ['_creationTime', '_id', 'a', 'i', 'l', 'r', 'u'],
    });
  });

  test('v.any() promises the system fields only', async () => {
    const { reply } = await schemas((tx) => tx.insert('odd', { 'first name': 1 }), '', {
      schema: tableSchema({ type: 'any' }),
    });
    expect(reply.json()['odd']).toMatchObject({ additionalProperties: false, required: ['_creationTime', '_id'] });
    expect(Object.keys((reply.json()['odd'] as { properties: object }).properties)).toEqual(['_creationTime', '_id']);
  });

  test('the data’s shape goes before schema.ts', async () => {
    const { reply } = await schemas((tx) => tx.insert('odd', { b: 'x' }), '', {
      schema: tableSchema(object({ a: { type: 'number' } })),
    });
    expect(reply.json()['odd']).toMatchObject({ properties: { b: { type: 'string' } } });
  });
});

test('column names list tables in no order that their names tell', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const emulator = await deploy({ seed });
    for (const table of ['a', 'b', 'c']) emulator.deployment.createTable(table);
    orders.add((await get(emulator, '/api/get_table_column_names')).text);
  }
  expect(orders.size).toBeGreaterThan(1);
});

test('components and hidden tables in column names', async () => {
  const emulator = await deploy();
  emulator.deployment.transaction((tx) => {
    tx.insert('zebras', { b: 1, a: 1 });
    tx.insert('apes', {});
    tx.insert('users', { x: 1 }, 'shop');
  });
  emulator.deployment.beginImport('hidden').write('hidden', [{ n: 1 }]);
  emulator.deployment.mountComponent('empty');
  const [apes, zebras] = [
    '{"name":"apes","columns":["_creationTime","_id"]}',
    '{"name":"zebras","columns":["_creationTime","_id","a","b"]}',
  ];
  const shop = '"shop":[{"name":"users","columns":["_creationTime","_id","x"]}]';
  expect(
    [
      [apes, zebras],
      [zebras, apes],
    ].map((tables) => `{"byComponent":{"":[${tables.join(',')}],${shop}}}`),
  ).toContain((await get(emulator, '/api/get_table_column_names')).text);
  emulator.deployment.unmountComponent('shop');
  expect((await get(emulator, '/api/get_table_column_names')).text).not.toContain('shop');
  expect((await get(emulator, '/api/json_schemas?byComponent=true')).text).not.toContain('hidden');
});
