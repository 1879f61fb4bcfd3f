import { describe, expect, test } from 'vitest';
import type { SchemaJson } from '../../../emulator/index.ts';
import { deploy, rows } from '../client.ts';
import { idsOf, importFile, lines, numberOf, zip } from './import-client.ts';

/** Which number a table gets, and what refuses an import because of it: data-sync-and-imports.md, section 6.4. */

const PREFIX = 'Hit an error while importing:\n';

describe('_tables', () => {
  const tables = (text: string, more: Record<string, string> = {}) => zip({ '_tables/documents.jsonl': text, ...more });
  const ZIP = { format: 'zip', mode: 'replace' };

  test('fixes numbers, also with a point', async () => {
    const emulator = await deploy();
    const file = tables('{"name":"a","id":10050.0}\n{"name":"b","id":10051}\n', { 'a/documents.jsonl': lines(1) });
    expect((await importFile(emulator, file, ZIP)).num_rows_written).toBe('1');
    expect([numberOf(emulator, 'a'), numberOf(emulator, 'b')]).toEqual([10050, 10051]);
  });

  test.each([
    ['{"name":"a","id":10050}\n{"name":"a","id":10051}', `${PREFIX}\`_tables\` contains duplicate entries for \`a\``],
    ['{"name":"a","id":10050}\n{"name":"b","id":10050}', `${PREFIX}conflict between \`a\` and \`b\` with number 10050`],
    ['{"name":"a b","id":10050}', '"a b" isn\'t a valid table name: Identifier a b has invalid character'],
    ['{"id":10050}', "Row 1 wasn't a valid Convex value: table requires name"],
    ['{"name":"a"}', "Row 1 wasn't a valid Convex value: table requires id"],
    ['5', "Row 1 wasn't an object"],
    ['{"name":"_a","id":10050}', `${PREFIX}Invalid table name _a starts with metadata prefix '_'`],
  ])('%s is refused', async (text, message) => {
    const emulator = await deploy();
    expect((await importFile(emulator, tables(text), ZIP)).error_message).toContain(message);
  });

  test('a table whose ids have the number of another in the file: InvalidId', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{}]);
    const number = numberOf(emulator, 't');
    const file = tables(`{"name":"a","id":${number}}\n`, {
      't/documents.jsonl': `{"_id":"${idsOf(emulator, 't')[0]}"}\n`,
    });
    expect((await importFile(emulator, file, ZIP)).error_message).toBe(
      `${PREFIX}conflict between \`a\` and \`t\` with number ${number}`,
    );
  });

  test('a fresh number that meets a fixed one: TableNumberConflict', async () => {
    const emulator = await deploy();
    const file = tables('{"name":"z","id":10001}\n', { 'a/documents.jsonl': lines(1) });
    expect((await importFile(emulator, file, ZIP)).error_message).toBe(
      `${PREFIX}conflict between \`a\` and \`z\` with table number 10001`,
    );
  });

  test('the number of a table that came meanwhile: TableConflict', async () => {
    const emulator = await deploy();
    const hold = emulator.imports.hold('swap');
    const done = importFile(emulator, tables('{"name":"a","id":10050}\n'), ZIP);
    await hold.reached;
    const other = emulator.deployment.beginImport({ table: 'other', number: 10050 });
    other.write('other', [{ n: 1 }]);
    other.swap();
    hold.release();
    expect((await done).error_message).toContain(
      `${PREFIX}New table \`a\` has IDs that conflict with existing table \`other\`.`,
    );
    expect(rows(emulator, 'other')).toEqual([{ n: 1 }]);
    expect(emulator.deployment.catalog.get('a')).toBeUndefined();
  });

  test('a table whose number another one takes gets a fresh one', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    const number = numberOf(emulator, 't');
    const file = tables(`{"name":"a","id":${number}}\n`, { 't/documents.jsonl': lines(1) });
    expect((await importFile(emulator, file, ZIP)).error_message).toBeUndefined();
    expect(numberOf(emulator, 'a')).toBe(number);
    expect(numberOf(emulator, 't')).not.toBe(number);
    expect(rows(emulator, 't')).toEqual([{ n: 0 }]);
  });

  test('a number may not change where another table refers to it: ImportForeignKey', async () => {
    const schema: SchemaJson = {
      schemaValidation: true,
      tables: [
        {
          tableName: 'refers',
          documentType: {
            type: 'object',
            value: { to: { fieldType: { type: 'id', tableName: 't' }, optional: true } },
          },
        },
      ],
    };
    const emulator = await deploy({ schema });
    emulator.deployment.load('t', [{}]);
    emulator.deployment.load('refers', [{}]);
    const file = tables('{"name":"t","id":10050}\n');
    expect((await importFile(emulator, file, ZIP)).error_message).toBe(
      `${PREFIX}Import changes table 't' which is referenced by 'refers' in the schema`,
    );
    emulator.deployment.clearTable('refers');
    expect((await importFile(emulator, file, ZIP)).state).toBe('completed');
  });

  test('ids in the file are checked against the tables as they will be', async () => {
    const schema: SchemaJson = {
      schemaValidation: true,
      tables: [
        {
          tableName: 'refers',
          documentType: {
            type: 'object',
            value: { to: { fieldType: { type: 'id', tableName: 'a' }, optional: false } },
          },
        },
      ],
    };
    const source = await deploy();
    source.deployment.load('filler', [{}]);
    source.deployment.load('a', [{}]);
    const [id] = idsOf(source, 'a');
    const emulator = await deploy({ schema });
    const file = zip({ 'a/documents.jsonl': `{"_id":"${id}"}\n`, 'refers/documents.jsonl': `{"to":"${id}"}\n` });
    expect((await importFile(emulator, file, ZIP)).error_message).toBeUndefined();
    expect(rows(emulator, 'refers')).toEqual([{ to: id }]);
  });
});
