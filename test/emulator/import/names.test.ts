import { describe, expect, test } from 'vitest';
import {
  addIndexes,
  call,
  clearTables,
  dedupTable,
  deploy,
  importRecords,
  indexesReady,
  outcome,
  rows,
} from '../client.ts';

/** What an import makes of names (crates/application/src/{valid_identifier,airbyte_import}.rs). */

const APPEND = { primaryKey: null };

/**
 * Names beyond ASCII as a real backend spells them (get-convex/convex-backend 94a42c3db, unidecode 0.3.0). The same for
 * tables and for fields.
 */
const SPELT: [given: string, stored: string][] = [
  ['日本', 'source_ri_ben'],
  ['_한국', 'source_hangug'],
  ['_ไทย', 'source_aithy'],
  ['€', 'source_eur'],
  ['½', 'source_1_2'],
  ['_©', 'source_c'],
  ['_𝒳', 'source_'],
  ['_😀', 'source_'],
  ['Ъ', 'source_'],
  ['объект', 'source_obekt'],
  ['Ё', 'source_io'],
  ['Є', 'source_e'],
  ['І', 'source_i'],
  ['Ξ', 'source_ks'],
  ['×', 'source_x'],
];

describe('names are sanitised, primary keys are not', () => {
  const fields: [given: string, stored: string][] = [
    ['_id', 'source_id'],
    ['_creationTime', 'source_creationtime'],
    ['__typename', 'source_typename'],
    ['$set', 'source_set'],
    ['first name', 'first name'],
    ['a.b', 'a.b'],
    ['x-y', 'x-y'],
    ['2024_orders', '2024_orders'],
    ['naïve', 'source_naive'],
    ['Größe', 'source_grosse'],
    ['*name!of.table', '*name!of.table'],
    ['___', 'source_'],
    ['_', 'source_'],
    ['', ''],
    ['__proto__', 'source_proto'],
    ['constructor', 'constructor'],
    ['tab\there', 'source_tab_here'],
    ...SPELT,
  ];
  test.each(fields)('field %j becomes %j, at every depth', async (given, stored) => {
    const emulator = await deploy();
    const data = `{${JSON.stringify(given)}:{"list":[{${JSON.stringify(given)}:1.0}]}}`;
    const raw = `{"tables":{"t":{"jsonSchema":null}},"messages":[{"tableName":"t","data":${data}}]}`;
    const reply = await call(emulator, 'POST', '/api/streaming_import/import_airbyte_records', { raw });
    expect(reply.status).toBe(200);
    const [document] = [...emulator.deployment.encoded('t').values()];
    expect(document).toContain(`${JSON.stringify(stored)}:{"list":[{${JSON.stringify(stored)}:1.0}]}`);
  });

  const tables: [given: string, stored: string][] = [
    ['users', 'users'],
    ['_id', 'source_id'],
    ['first name', 'source_first_name'],
    ['public.Users', 'source_public_users'],
    ['2024_orders', 'source_2024_orders'],
    ['*name!of.table', 'source_name_of_table'],
    ['___', 'source_'],
    ['Ünïcode Täble', 'source_unicode_table'],
    ['x'.repeat(64), 'x'.repeat(64)],
    [`_${'x'.repeat(57)}`, `source_${'x'.repeat(57)}`],
    ...SPELT,
  ];
  test.each(tables)('table %j becomes %j', async (given, stored) => {
    const emulator = await deploy();
    expect((await importRecords(emulator, { [given]: APPEND }, [[given, { n: 1 }]])).status).toBe(200);
    expect(emulator.deployment.tables().map(({ table }) => table)).toEqual([stored]);
    expect((await clearTables(emulator, [given])).status).toBe(200);
    expect((await addIndexes(emulator, { [given]: [['n']] })).status).toBe(200);
    expect(outcome(await indexesReady(emulator, [given]))).toBe('200');
    expect(emulator.deployment.tables().map(({ table }) => table)).toEqual([stored]);
  });

  test('so a key on _id must be given as source_id', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['source_id']]);
    const send = async (path: string) =>
      await importRecords(emulator, { users: { primaryKey: [[path]] } }, [['users', { _id: 'a' }]]);
    expect(outcome(await send('_id'))).toBe('400 IndexFieldsContainId');
    expect(outcome(await send('source_id'))).toBe('200');
    expect(rows(emulator, 'users')).toEqual([{ source_id: 'a' }]);
  });
});

describe('names that become equal', () => {
  const records: [given: object, stored: object][] = [
    [
      { source_id: 1, _id: 2 },
      { source_id: 1, source_source_id: 2 },
    ],
    [
      { _id: 2, source_id: 1 },
      { source_id: 1, source_source_id: 2 },
    ],
    [
      { _id: 1, source_id: 2, source_source_id: 3 },
      { source_source_source_id: 1, source_id: 2, source_source_id: 3 },
    ],
    // Two new names that are equal are not noticed: the later one wins.
    [{ _id: 1, $id: 2 }, { source_id: 2 }],
    [{ $id: 2, _id: 1 }, { source_id: 1 }],
    [{ naïve: 1, $naive: 2 }, { source_naive: 2 }],
    // The user's own fields with the prefix of markers are dropped, at the top only.
    [{ source_ab_cdc_mine: 1, n: { source_ab_cdc_mine: 2 } }, { n: { source_ab_cdc_mine: 2 } }],
  ];
  test.each(records)('%j becomes %j', async (given, stored) => {
    const emulator = await deploy();
    expect((await importRecords(emulator, { t: APPEND }, [['t', given]])).status).toBe(200);
    expect(rows(emulator, 't')).toEqual([stored]);
  });
});
