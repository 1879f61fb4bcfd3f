/** PyAirbyte, a client of Airbyte's own, with our connectors. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { compare } from '../../pipeline/demo/compare.ts';
import { PyAirbyte, type Table } from './setup.ts';

let py: PyAirbyte;
let source: Emulator;
let destination: Emulator;
let ids: string[];

beforeAll(async () => {
  py = new PyAirbyte();
  source = await startEmulator({ limits: { snapshotPage: 100 } });
  destination = await startEmulator({ instanceName: 'wise-heron-456', seed: 2 });
  const { deployment } = source;
  deployment.transaction((tx) => {
    ids = Array.from({ length: 250 }, (_, n) =>
      tx.insert('users', {
        name: `User ${n} ✓`,
        big: 2n ** 62n + BigInt(n),
        half: n / 2,
        tags: ['a', n],
        admin: n % 2 === 0,
      }),
    );
    tx.insert('invoices', { total: 1.5, lines: [{ sku: 'x', n: 1 }] }, 'billing');
  });
  deployment.createTable('drafts');
});

afterAll(async () => {
  await Promise.all([source.close(), destination.close()]);
  py.folder.remove();
});

const configs = () => ({
  source_config: { deployment_url: source.url, access_key: source.readOnlyKey },
  destination_config: { deployment_url: destination.url, access_key: destination.importOnlyKey },
});
const cache = (name: string) => `${py.folder.path}/${name}.duckdb`;
/** The timestamps of a table's live documents, digit for digit. */
const timestamps = (table: string): Map<string, string> =>
  new Map(
    [...source.deployment.documents(table)].map(({ _id }) => {
      const entry = source.deployment.catalog.get(table, '')?.documents.get(_id);
      return [_id, String(entry?.head?.ts)];
    }),
  );

interface Read {
  records: number;
  tables: Record<string, Table>;
}

describe('the source', () => {
  test('validate: a valid executable', async () => {
    const config = py.folder.write('source.json', configs().source_config);
    const { code, output } = await py.cli('validate', `--connector=${py.source}`, `--config=${config}`);
    expect(output).toContain('Connection check succeeded');
    expect(code).toBe(0);
  });

  test('check and discover', async () => {
    const { streams } = await py.run<{ streams: string[] }>('check', configs());
    expect(streams.sort()).toEqual(['drafts', 'invoices', 'users']);
  });

  test('a check that fails: the remedy reaches the user, the key does not', async () => {
    const config = { ...configs().source_config, access_key: 'prod:happy-otter-123|n0-such-key' };
    const { error } = await py.run<{ error: string }>('refused', { ...configs(), source_config: config });
    expect(error).toContain('deployment:data:view');
    expect(error).not.toContain('n0-such-key');
  });

  test('read into DuckDB, then only what has changed', async () => {
    const args = { ...configs(), cache: cache('read') };
    const first = await py.run<Read>('read', args);
    expect(first.records).toBe(251);
    expect(first.tables['drafts']?.rows).toEqual([]);
    expect(first.tables['users']?.types).toMatchObject({
      _id: 'VARCHAR',
      _creationtime: 'DECIMAL(38,9)',
      _ts: 'BIGINT',
      _deleted: 'BOOLEAN',
      name: 'VARCHAR',
      big: 'VARCHAR',
      half: 'DECIMAL(38,9)',
      tags: 'JSON',
      admin: 'BOOLEAN',
      _ab_cdc_lsn: 'BIGINT',
    });
    expectRows(first.tables['users']);

    const [gone = '', changed = ''] = ids;
    source.deployment.transaction((tx) => {
      tx.delete(gone);
      tx.patch(changed, { name: 'changed' });
      tx.insert('users', { name: 'new', big: -1n, half: 0.25, tags: [], admin: true });
    });
    const second = await py.run<Read>('read', args);
    expect(second.records).toBe(3);
    const tombstone = second.tables['users']?.rows.find(({ _id }) => _id === gone);
    expect(tombstone).toMatchObject({ _deleted: true, name: null });
    expect(tombstone?.['_ab_cdc_deleted_at']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+$/);
    expectRows(second.tables['users'], [gone]);

    expect((await py.run<Read>('read', args)).records).toBe(0);
  });

  /** Every live document is there once, with its values and with every digit of its timestamp. */
  function expectRows(table: Table | undefined, deleted: string[] = []): void {
    const rows = new Map((table?.rows ?? []).map((row) => [row['_id'] as string, row]));
    for (const id of deleted) rows.delete(id);
    const expected = new Map([...source.deployment.documents('users')].map((document) => [document._id, document]));
    expect([...rows.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [id, row] of rows) {
      const document = expected.get(id);
      expect({ ...row, half: Number(row['half']) }).toMatchObject({
        name: document?.['name'],
        big: `${document?.['big'] as bigint}`,
        half: document?.['half'],
        tags: document?.['tags'],
        admin: document?.['admin'],
        _ab_cdc_deleted_at: null,
      });
    }
    // JSON.parse would round them here, so Python hands integers over as text: see client.py.
    expect(new Map([...rows].map(([id, row]) => [id, row['_ts']]))).toEqual(timestamps('users'));
  }
});

describe('the destination', () => {
  test('validate and check', async () => {
    const config = py.folder.write('destination.json', configs().destination_config);
    const { code } = await py.cli('validate', `--connector=${py.destination}`, `--config=${config}`);
    expect(code).toBe(0);
    await py.run('check_destination', configs());
  });

  test('fed by our source: an exact copy, and then an exact copy of the changes', async () => {
    const args = { ...configs(), cache: cache('states') };
    const { records } = await py.run<{ records: number }>('write_from_source', args);
    expect(records).toBe(251);
    expect(compare(source.deployment, destination.deployment).differences).toEqual([]);

    source.deployment.transaction((tx) => {
      tx.delete(ids[5] ?? '');
      tx.patch(ids[6] ?? '', { half: -0 });
    });
    await py.run('write_from_source', args);
    expect(compare(source.deployment, destination.deployment).differences).toEqual([]);
  });

  test('fed by a cache of PyAirbyte', async () => {
    await using target = await emulated();
    const destination_config = { deployment_url: target.emulator.url, access_key: target.emulator.importOnlyKey };
    const args = { ...configs(), destination_config, cache: cache('cached') };
    const { records } = await py.run<{ records: number }>('write_from_cache', args);
    expect(records).toBe(250);
    const users = [...target.emulator.deployment.documents('users')];
    expect(users.map(({ source_id }) => source_id).sort()).toEqual(
      [...source.deployment.documents('users')].map(({ _id }) => _id).sort(),
    );
    const names = new Map([...source.deployment.documents('users')].map(({ _id, name }) => [_id, name]));
    for (const user of users) expect(user['name']).toBe(names.get(user['source_id'] as string));
  });

  test("PyAirbyte's smoke test, read back", async () => {
    await using target = await emulated();
    const { emulator } = target;
    const config = py.folder.write('smoke.json', { deployment_url: emulator.url, access_key: emulator.importOnlyKey });
    const args = [`--destination=${py.destination}`, `--config=${config}`, '--scenarios=all'];
    const { code, output } = await py.cli('destination-smoke-test', ...args);
    expect(output).toContain('"success": true');
    expect(code).toBe(0);
    const rows = (stream: string) => {
      const table = emulator.deployment.tables().find(({ table }) => table.endsWith(`_smoke_test_${stream}`));
      expect(table, stream).toBeDefined();
      return [...emulator.deployment.documents(table?.table ?? '')].map(({ _id, _creationTime, ...fields }) => fields);
    };
    expect(rows('basic_types')).toEqual(
      expect.arrayContaining([{ id: 1, name: 'Alice', amount: 100.5, is_active: true }]),
    );
    expect(rows('basic_types')).toHaveLength(3);
    expect(rows('large_batch_stream')).toHaveLength(1000);
    expect(rows('empty_stream')).toEqual([]);
    expect(rows('schema_with_no_primary_key')).toHaveLength(3);
    expect(rows('CamelCaseStreamName')).toHaveLength(1);
    // The last one wins.
    expect(rows('duplicate_primary_keys').filter(({ id }) => id === 3)).toHaveLength(1);
    expect(new Set(rows('duplicate_primary_keys').map(({ id }) => id)).size).toBe(
      rows('duplicate_primary_keys').length,
    );
    expect(rows('unicode_and_special_strings').map((row) => row['unicode_text'])).toContain('你好世界');
    expect(rows('nested_json_objects').find(({ id }) => id === 1)).toMatchObject({
      metadata: { source: 'api', tags: ['a', 'b', 'c'] },
      nested_deep: { level1: { level2: { value: 'deep' } } },
    });
    // Its source leaves out what is null.
    expect(rows('null_handling').find(({ id }) => id === 2)).toEqual({ id: 2 });
    expect(rows('special_number_values').find(({ id }) => id === 1)).toMatchObject({ float_value: Number.MAX_VALUE });
  });
});

test('all that our connectors have written to stdout is what the official models accept', async () => {
  const { failed, types } = await py.run<{ failed: string[]; types: Record<string, number> }>('parse', {
    folder: py.recorded,
  });
  expect(failed).toEqual([]);
  for (const type of ['SPEC', 'CONNECTION_STATUS', 'CATALOG', 'RECORD', 'STATE', 'TRACE', 'LOG'])
    expect(types[type], type).toBeGreaterThan(0);
  expect(types['ERROR']).toBe(0);
});

async function emulated() {
  const emulator = await startEmulator({ instanceName: 'calm-fox-789', seed: 3 });
  return { emulator, [Symbol.asyncDispose]: () => emulator.close() };
}
