import { describe, expect, test } from 'vitest';
import type { Emulator, SchemaJson } from '../../../emulator/index.ts';
import { deploy, rows, walk } from '../client.ts';
import { idsOf, importFile, lines, numberOf, until, upload, zip } from './import-client.ts';

/** Modes, ids and table numbers: data-sync-and-imports.md, sections 6.4 and 6.5. */

const LINES = { tableName: 't', format: 'jsonLines' };
const PREFIX = 'Hit an error while importing:\n';

const counts = (emulator: Emulator): Record<string, number> =>
  Object.fromEntries(emulator.deployment.tables().map(({ table, documents }) => [table, documents]));

describe('requireEmpty, the default', () => {
  test('refuses a table with rows before it is confirmed', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    const id = await upload(emulator, lines(1), LINES);
    const row = await until(emulator, id, 'waiting_for_confirmation', 'failed');
    expect(row.state.error_message).toBe(
      'Table t already exists. Please choose a new table name or use replace/append modes.',
    );
  });

  test('refuses one that got rows since', async () => {
    const emulator = await deploy();
    const hold = emulator.imports.hold('start');
    const done = importFile(emulator, lines(1), LINES);
    await hold.reached;
    emulator.deployment.load('t', [{ old: true }]);
    hold.release();
    expect((await done).error_message).toContain('Table t already exists.');
  });

  test('fills an empty one', async () => {
    const emulator = await deploy();
    emulator.deployment.createTable('t');
    expect((await importFile(emulator, lines(1), LINES)).state).toBe('completed');
  });
});

describe('append', () => {
  const APPEND = { ...LINES, mode: 'append' };

  test('keeps what is there', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    await importFile(emulator, lines(1), APPEND);
    expect(rows(emulator, 't')).toEqual([{ old: true }, { n: 0 }]);
  });

  test.each([
    ['is there', 'Cannot create document with _id ID that already exists.', false],
    ['was deleted', 'Cannot recreate document with _id ID that was deleted.', true],
  ])('cannot take an _id that %s', async (_, message, deleted) => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    const [id = ''] = idsOf(emulator, 't');
    if (deleted) emulator.deployment.transaction((tx) => tx.delete(id));
    const { error_message: text } = await importFile(emulator, `{"_id":"${id}","n":1}\n`, APPEND);
    expect(text).toContain(`${PREFIX}${message.replace('ID', id)}`);
  });

  test('cannot change the number of the table', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{}]);
    emulator.deployment.load('gone', [{}]);
    const [id = ''] = idsOf(emulator, 'gone');
    const number = numberOf(emulator, 'gone');
    emulator.deployment.dropTable('gone');
    const { error_message: text } = await importFile(emulator, `{"_id":"${id}"}\n`, APPEND);
    expect(text).toBe(
      `${PREFIX}table t wants table number ${number} but was already assigned ${numberOf(emulator, 't')}`,
    );
  });
});

describe('replaceAll', () => {
  const ALL = { ...LINES, mode: 'replaceAll' };
  const schema: SchemaJson = { tables: [{ tableName: 'kept', documentType: { type: 'any' } }] };

  test('drops all other tables, and keeps those of the schema empty, in the same commit', async () => {
    const emulator = await deploy({ schema });
    for (const table of ['t', 'kept', 'other']) emulator.deployment.load(table, [{ old: true }]);
    emulator.deployment.load('inside', [{ old: true }], { component: 'c' });
    const id = await upload(emulator, lines(2), ALL);
    const row = await until(emulator, id, 'waiting_for_confirmation');
    expect(row.checkpoints?.map(({ existing_rows_to_delete: count }) => count)).toEqual(['1', '1', '1', '1']);
    const { timestamp } = await importFile(emulator, lines(2), ALL);
    expect(counts(emulator)).toEqual({ t: 2, kept: 0 });
    const tablesAt = async (ts: bigint) => {
      const values = (await walk(emulator, '', String(ts))).flatMap((page) => page.values);
      return [...new Set(values.map((value) => value['_table'] as string))].sort();
    };
    expect(await tablesAt(BigInt(timestamp!) - 1n)).toEqual(['inside', 'kept', 'other', 't']);
    expect(await tablesAt(BigInt(timestamp!))).toEqual(['t']);
    expect(emulator.deployment.auditLog).toEqual([
      {
        action: 'snapshot_import',
        mode: 'ReplaceAll',
        format: 'jsonl',
        tables: new Map([['', ['kept', 't']]]),
        tableCount: 2,
        tablesDeleted: new Map([
          ['', ['other']],
          ['c', ['inside']],
        ]),
        tableCountDeleted: 2,
      },
    ]);
  });

  test('takes a number that another table has, since that one goes', async () => {
    const emulator = await deploy();
    emulator.deployment.load('other', [{}]);
    const [id = ''] = idsOf(emulator, 'other');
    expect((await importFile(emulator, `{"_id":"${id}"}\n`, ALL)).state).toBe('completed');
    expect(idsOf(emulator, 't')).toEqual([id]);
  });
});

describe('ids', () => {
  const REPLACE = { ...LINES, mode: 'replace' };

  test('and creation times are kept, each without the other', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{}, {}, {}]);
    const [a, b] = idsOf(emulator, 't');
    const time = 1_700_000_000_000.25;
    await importFile(
      emulator,
      `{"_id":"${a}","_creationTime":${time},"n":1}\n{"_id":"${b}","n":2}\n{"_creationTime":${time},"n":3}\n`,
      REPLACE,
    );
    const documents = [...emulator.deployment.documents('t')].sort((x, y) => Number(x['n']) - Number(y['n']));
    expect(documents.map(({ _creationTime }) => _creationTime === time)).toEqual([true, false, true]);
    expect(documents.slice(0, 2).map(({ _id }) => _id)).toEqual([a, b]);
  });

  test('fix the number of a new table, before the table that is there does', async () => {
    const emulator = await deploy();
    emulator.deployment.load('gone', [{}]);
    const [id = ''] = idsOf(emulator, 'gone');
    const number = numberOf(emulator, 'gone');
    emulator.deployment.load('t', [{}]);
    emulator.deployment.dropTable('gone');
    await importFile(emulator, `{"_id":"${id}"}\n{"n":1}\n`, REPLACE);
    expect(numberOf(emulator, 't')).toBe(number);
  });

  test('without them, a table keeps its number', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{}]);
    const number = numberOf(emulator, 't');
    await importFile(emulator, lines(1), REPLACE);
    expect(numberOf(emulator, 't')).toBe(number);
  });

  test('of another table than the first row: ImportConflict', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{}]);
    emulator.deployment.load('u', [{}]);
    const file = `{"_id":"${idsOf(emulator, 't')[0]}"}\n{"_id":"${idsOf(emulator, 'u')[0]}"}\n`;
    expect((await importFile(emulator, file, REPLACE)).error_message).toContain(
      "cannot be imported into 't' because it came from a different deployment",
    );
  });

  test('of a table that stays: TableConflict', async () => {
    const emulator = await deploy();
    emulator.deployment.load('u', [{}]);
    const tablets = emulator.deployment.catalog.all.length;
    expect((await importFile(emulator, `{"_id":"${idsOf(emulator, 'u')[0]}"}\n`, REPLACE)).error_message).toBe(
      `${PREFIX}New table \`t\` has IDs that conflict with existing table \`u\`. To delete all existing tables, import ` +
        'with `npx convex import --replace-all`.',
    );
    // Found before a hidden table is made.
    expect(emulator.deployment.catalog.all).toHaveLength(tablets);
  });

  test('twice in a batch, and twice in two batches', async () => {
    const emulator = await deploy({ limits: { documentsWritten: 4 } });
    emulator.deployment.load('t', [{}]);
    const row = `{"_id":"${idsOf(emulator, 't')[0]}"}\n`;
    expect((await importFile(emulator, row + row, REPLACE)).error_message).toBe(
      `${PREFIX}Objects in table "t" have duplicate _id fields`,
    );
    expect((await importFile(emulator, row + lines(4) + row, REPLACE)).error_message).toContain(
      `${PREFIX}Cannot create document with _id`,
    );
  });

  test('of a system table: TableConflict', async () => {
    const emulator = await deploy();
    const id = await upload(emulator, '', REPLACE);
    expect((await importFile(emulator, `{"_id":"${id}"}\n`, REPLACE)).error_message).toContain(
      'New table `t` has IDs that conflict with existing internal table.',
    );
  });
});

test('tables of one file are swapped in one commit', async () => {
  const emulator = await deploy();
  emulator.deployment.load('a', [{ old: true }]);
  emulator.deployment.load('b', [{ old: true }]);
  const file = zip({ 'a/documents.jsonl': lines(1), 'b/documents.jsonl': lines(1) });
  const { timestamp } = await importFile(emulator, file, { format: 'zip', mode: 'replace' });
  const at = async (ts: bigint) =>
    (await walk(emulator, '', String(ts))).flatMap((page) => page.values).map((value) => 'old' in value);
  expect(await at(BigInt(timestamp!) - 1n)).toEqual([true, true]);
  expect(await at(BigInt(timestamp!))).toEqual([false, false]);
});
