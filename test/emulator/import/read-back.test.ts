import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { addIndexes, clearTables, deploy, importRecords, indexesReady, type Reply, rows } from '../client.ts';

/**
 * What the key of an import can read back: the fields of a table's primary key index. Each answer is the literal one of
 * a real backend (get-convex/convex-backend 94a42c3db).
 */

/** Imports one row into table `m`, whose primary key is `field`. */
function importBy(emulator: Emulator, field: string, data: unknown = { [field]: true }): Promise<Reply> {
  return importRecords(emulator, { m: { primaryKey: [[field]] } }, [['m', data]]);
}

const NOT_INDEXED = {
  code: 'FieldNotInIndex',
  message:
    'The index range included a comparison with "g3", but m._by_airbyte_primary_key with fields ' +
    '["g2", "_creationTime"] doesn\'t index this field. For more information see https://docs.convex.dev/using/indexes.',
};

async function indexed(field: string): Promise<Emulator> {
  const emulator = await deploy({ backfillDelayMs: Infinity });
  expect((await addIndexes(emulator, { m: [[field]] })).status).toBe(200);
  emulator.deployment.finishBackfills();
  return emulator;
}

describe('a table that is not there', () => {
  test('an import names the missing index', async () => {
    const emulator = await deploy();
    const reply = await importBy(emulator, 'g2');
    expect([reply.status, reply.json()]).toEqual([
      400,
      { code: 'IndexNotFoundError', message: 'Index m._by_airbyte_primary_key not found.' },
    ]);
  });

  test('primary_key_indexes_ready names the missing index', async () => {
    const emulator = await deploy();
    const reply = await indexesReady(emulator, ['m']);
    expect([reply.status, reply.json()]).toEqual([
      400,
      { code: 'MissingIndex', message: 'Missing index: m._by_airbyte_primary_key' },
    ]);
  });
});

describe('a table with a ready index on g2', () => {
  test('a row with g2 is upserted, however often', async () => {
    const emulator = await indexed('g2');
    for (let time = 0; time < 3; time++) expect((await importBy(emulator, 'g2')).status).toBe(200);
    expect(rows(emulator, 'm')).toEqual([{ g2: true }]);
  });

  test('another key is refused; the message names the stored fields, and nothing is written', async () => {
    const emulator = await indexed('g2');
    const before = emulator.deployment.log.rows.length;
    const reply = await importBy(emulator, 'g3');
    expect([reply.status, reply.json()]).toEqual([400, NOT_INDEXED]);
    expect(rows(emulator, 'm')).toEqual([]);
    expect(emulator.deployment.log.rows).toHaveLength(before);
  });

  test('another key without messages is not checked', async () => {
    const emulator = await indexed('g2');
    expect((await importRecords(emulator, { m: { primaryKey: [['g3']] } }, [])).status).toBe(200);
  });

  test('a row without the key is refused before the index is looked at', async () => {
    const emulator = await indexed('g2');
    const reply = await importBy(emulator, 'g3', {});
    expect([reply.status, reply.json()['code']]).toEqual([400, 'MissingPrimaryKeyValue']);
  });

  test('a new index on g3: neither key is answered until it is ready, then only g3', async () => {
    const emulator = await indexed('g2');
    await addIndexes(emulator, { m: [['g3']] });
    for (const field of ['g2', 'g3']) {
      const reply = await importBy(emulator, field);
      expect([reply.status, reply.json()['code']]).toEqual([400, 'IndexBackfillingError']);
    }
    emulator.deployment.finishBackfills();
    expect((await importBy(emulator, 'g3')).status).toBe(200);
    const reply = await importBy(emulator, 'g2');
    expect([reply.status, reply.json()['code']]).toEqual([400, 'FieldNotInIndex']);
    expect(reply.json()['message']).toContain('with fields ["g3", "_creationTime"]');
  });

  test('clear_tables keeps the index', async () => {
    const emulator = await indexed('g2');
    await importBy(emulator, 'g2');
    expect((await clearTables(emulator, ['m'])).status).toBe(200);
    expect(rows(emulator, 'm')).toEqual([]);
    expect((await importBy(emulator, 'g3')).json()).toEqual(NOT_INDEXED);
  });

  test('rows can be appended to a table that has an index', async () => {
    const emulator = await indexed('g2');
    for (let time = 0; time < 2; time++) {
      expect((await importRecords(emulator, { m: {} }, [['m', { a: 1 }]])).status).toBe(200);
    }
    expect(rows(emulator, 'm')).toEqual([{ a: 1 }, { a: 1 }]);
    expect((await importBy(emulator, 'g3')).json()).toEqual(NOT_INDEXED);
  });
});

test('keys that skip a field of the index list the fields with _creationTime', async () => {
  const emulator = await deploy({ backfillDelayMs: Infinity });
  await addIndexes(emulator, { m: [['a'], ['b']] });
  emulator.deployment.finishBackfills();
  const reply = await importBy(emulator, 'b');
  expect([reply.status, reply.json()]).toEqual([
    400,
    {
      code: 'InvalidIndexRange',
      message:
        "Tried to query index m._by_airbyte_primary_key but the query didn't use the index fields in order.\n" +
        'Index fields: ["a", "b", "_creationTime"]\nQuery fields: ["b"]\nFirst incorrect field: "b"\n' +
        'For more information see https://docs.convex.dev/using/indexes.',
    },
  ]);
});
