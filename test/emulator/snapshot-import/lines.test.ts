import { describe, expect, test } from 'vitest';
import { addIndexes, deploy, importRecords, outcome, rows } from '../client.ts';
import { importFile, lines, perform, replaceLines, until, upload } from './import-client.ts';

/** What a jsonLines file may hold: data-sync-and-imports.md, section 14. */

const nested = (levels: number): string => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);
const wide = (fields: number): string => `{${Array.from({ length: fields }, (_, field) => `"f${field}":1`).join(',')}}`;
const tooBig = `{"a":"${'x'.repeat(1 << 20)}"}`;

describe('a file that is read', () => {
  test.each<[string, string | Buffer, object[]]>([
    ['without a last line feed', '{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['with CRLF', '{"a":1}\r\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ['that is empty: the table is emptied', '', []],
    ['of two equal keys: the last wins', '{"a":1,"b":2,"a":3}', [{ a: 3, b: 2 }]],
    ['with a large integer: a float64', '{"a":9007199254740993}', [{ a: 9007199254740992 }]],
    [
      'with names of spaces, dots, digits and nothing',
      '{"a b":1,"c.d":2,"3":3,"":4}',
      [{ 'a b': 1, 'c.d': 2, '3': 3, '': 4 }],
    ],
    ['with an underscore below the top', '{"a":{"_b":1}}', [{ a: { _b: 1 } }]],
    ['with 1,022 fields', wide(1022), [JSON.parse(wide(1022)) as object]],
    ['of 16 levels', nested(16), [JSON.parse(nested(16)) as object]],
    ['with a list of 8,192', `{"a":[${'1,'.repeat(8191)}1]}`, [{ a: Array.from({ length: 8192 }, () => 1) }]],
    ['with a name of 1,024 characters', `{"${'n'.repeat(1024)}":1}`, [{ ['n'.repeat(1024)]: 1 }]],
    [
      'with text of all kinds',
      '{"a":"é\\u0000\\n😀","c":{"__proto__":{"b":1}}}',
      [JSON.parse('{"a":"é\\u0000\\n😀","c":{"__proto__":{"b":1}}}') as object],
    ],
  ])('%s', async (_, content, expected) => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    expect((await replaceLines(emulator, content)).state).toBe('completed');
    const stored = rows(emulator, 't').map((row) => JSON.parse(JSON.stringify(row)) as object);
    expect(stored).toEqual(expected);
  });
});

describe('a file that is refused before it is confirmed', () => {
  test.each<[string, string | Buffer, string]>([
    ['no JSON', '{"a":1}\n{"a":2}\n{"a":\n', "Row 3 wasn't valid JSON: "],
    ['an empty line', '{"a":1}\n\n{"a":2}\n', "Row 2 wasn't valid JSON: EOF while parsing a value"],
    ['two values in a line', '{"a":1} {"a":2}\n', "Row 1 wasn't valid JSON: trailing characters"],
    ['a byte order mark', '\ufeff{"a":1}\n', 'UTF-8 BOM is not supported. Please save your file without BOM.'],
    ['a byte order mark later on', '{"a":1}\n\ufeff{"a":1}\n', "Row 2 wasn't valid JSON: expected value"],
    ['no UTF-8', Buffer.from('{"a":"\xff"}', 'latin1'), "Import wasn't valid UTF8: stream did not contain valid UTF-8"],
    ['half a surrogate pair', '{"a":"\\ud800"}', "Row 1 wasn't valid JSON: "],
    ['NaN', '{"a":NaN}', "Row 1 wasn't valid JSON: "],
    ['a number beyond float64', '{"a":1e999}', "Row 1 wasn't valid JSON: number out of range"],
  ])('%s', async (_, content, message) => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    const id = await upload(emulator, content, { tableName: 't', format: 'jsonLines', mode: 'replace' });
    const row = await until(emulator, id, 'waiting_for_confirmation', 'failed');
    expect(row.state.error_message).toContain(message);
    expect(row.state.state).toBe('failed');
    expect(row.checkpoints).toBeNull();
    expect(rows(emulator, 't')).toEqual([{ old: true }]);
  });
});

describe('a file that is refused only while it is written', () => {
  const conversion = "Row 1 wasn't a valid Convex value: ";
  const wrapped = 'Hit an error while importing:\n';
  test.each<[string, string, string]>([
    ['a row that is no object', '5', `${conversion}expected object, received 5`],
    ['a name with $ at the top', '{"$a":1}', `${conversion}Field name $a starts with '$', which is reserved.`],
    ['a name with $ below', '{"a":[{"$a":1}]}', `${conversion}Field name $a starts with '$', which is reserved.`],
    ['an int64 of the export', '{"a":{"$integer":"AQAAAAAAAAA="}}', `${conversion}Field name $integer starts with`],
    ['a name that is not ASCII', '{"é":1}', `${conversion}Field name é has invalid character`],
    ['a control character', '{"a\\u0007":1}', 'Field names can only contain non-control ASCII characters'],
    ['a name of 1,025', `{"${'n'.repeat(1025)}":1}`, `${conversion}Field name is too long (1025 > maximum 1024)`],
    ['a list of 8,193', `{"a":[${'1,'.repeat(8192)}1]}`, `${conversion}Array length is too long`],
    ['65 levels', nested(65), `${conversion}Value is too nested (nested 65 levels deep > maximum nesting 64)`],
    ['17 levels', nested(17), "isn't a valid document: Document is too nested (nested 17 levels deep"],
    ['1,023 fields', wide(1023), `${wrapped}Object has too many fields (1025 > maximum number 1024)`],
    ['an underscore at the top', '{"_a":1,"secret":"x"}', "Field '_a' starts with an underscore"],
    ['a document of more than 1 MiB', tooBig, `${wrapped}Value is too large (1.00 MiB > maximum size 1 MiB)`],
    ['an _id that is none', '{"_id":"x"}', `${wrapped}invalid _id 'x'`],
    ['an _id that is no text', '{"_id":5}', `doesn't match '_id' field 5`],
    ['a _creationTime that is no number', '{"_creationTime":"x","secret":1}', "doesn't match '_creationTime' field in"],
    ['a _creationTime of 0', '{"_creationTime":0}', "The '_creationTime' field should be a timestamp in milliseconds"],
  ])('%s', async (_, content, message) => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    const id = await upload(emulator, content, { tableName: 't', format: 'jsonLines', mode: 'replace' });
    const parsed = await until(emulator, id, 'waiting_for_confirmation', 'failed');
    expect(parsed.state.state).toBe('waiting_for_confirmation');
    await perform(emulator, id);
    const { state } = await until(emulator, id, 'completed', 'failed');
    expect(state.error_message).toContain(message);
    expect(state.state).toBe('failed');
    expect(rows(emulator, 't')).toEqual([{ old: true }]);
  });

  test('the message may hold the whole row', async () => {
    const emulator = await deploy();
    for (const row of ['{"_a":1,"secret":"hunter2"}', '{"_creationTime":"x","secret":"hunter2"}']) {
      expect((await replaceLines(emulator, row)).error_message).toContain('hunter2');
    }
  });

  test('rows are counted from the first of the file', async () => {
    const emulator = await deploy();
    const { error_message: text } = await replaceLines(emulator, `${lines(3)}{"$":1}\n`);
    expect(text).toBe("Row 4 wasn't a valid Convex value: Field name $ starts with '$', which is reserved.");
  });
});

describe('names of tables', () => {
  test('_t is accepted, and fails later', async () => {
    const emulator = await deploy();
    const { error_message: text } = await replaceLines(emulator, lines(1), '_t');
    expect(text).toBe("Hit an error while importing:\nInvalid table name _t starts with metadata prefix '_'");
  });
});

describe('schema.ts', () => {
  const schema = {
    schemaValidation: true,
    tables: [
      {
        tableName: 't',
        documentType: {
          type: 'object' as const,
          value: { a: { fieldType: { type: 'number' as const }, optional: true } },
        },
      },
    ],
  };

  test('is enforced, row by row', async () => {
    const emulator = await deploy({ schema });
    emulator.deployment.load('t', [{ a: 0 }]);
    const { error_message: text } = await replaceLines(emulator, '{"a":1}\n{"a":"secret"}\n');
    expect(text).toContain('Hit an error while importing:\nFailed to insert or update a document in table "t"');
    expect(text).toContain('secret');
    expect(rows(emulator, 't')).toEqual([{ a: 0 }]);
  });

  test('must not change while the import runs', async () => {
    const emulator = await deploy({ schema });
    const hold = emulator.imports.hold('swap');
    const done = replaceLines(emulator, '{"a":1}');
    await hold.reached;
    emulator.deployment.setSchema(undefined);
    hold.release();
    expect((await done).error_message).toBe(
      'Hit an error while importing:\nCould not complete import because schema changed. Avoid modifying schema.ts ' +
        'while importing tables',
    );
  });

  test('makes an empty cell of a CSV file a missing field', async () => {
    const emulator = await deploy({ schema });
    await importFile(emulator, 'a\n""\n', { tableName: 't', format: 'csv' });
    expect(rows(emulator, 't')).toEqual([{}]);
  });
});

describe('the primary key index', () => {
  const KEY = { primaryKey: [['id']] };

  test('is copied and works at once; an empty file keeps it, too', async () => {
    const emulator = await deploy();
    await addIndexes(emulator, { t: [['id']] });
    emulator.deployment.finishBackfills();
    await replaceLines(emulator, '{"id":1,"a":1}\n');
    expect((await importRecords(emulator, { t: KEY }, [['t', { id: 1, a: 2 }]])).status).toBe(200);
    expect(rows(emulator, 't')).toEqual([{ id: 1, a: 2 }]);
    await replaceLines(emulator, '');
    expect((await importRecords(emulator, { t: KEY }, [['t', { id: 1, a: 3 }]])).status).toBe(200);
    expect(rows(emulator, 't')).toEqual([{ id: 1, a: 3 }]);
  });

  test('fails the import while it is being built', async () => {
    const emulator = await deploy({ backfillDelayMs: Infinity });
    await addIndexes(emulator, { t: [['id']] });
    expect((await replaceLines(emulator, lines(1))).error_message).toBe(
      'Hit an error while importing:\nt is still backfilling indexes, so it cannot be replaced. Wait for indexes to ' +
        'complete backfilling',
    );
  });

  test('is lost at the swap where it is added meanwhile', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ id: 1 }]);
    const hold = emulator.imports.hold('swap');
    const done = replaceLines(emulator, '{"id":2}\n');
    await hold.reached;
    await addIndexes(emulator, { t: [['id']] });
    emulator.deployment.finishBackfills();
    hold.release();
    await done;
    expect(outcome(await importRecords(emulator, { t: KEY }, [['t', { id: 2 }]]))).toBe('400 IndexNotFoundError');
  });

  test('takes two rows of one key, and answers 500 when it is used for that key', async () => {
    const emulator = await deploy();
    await addIndexes(emulator, { t: [['id']] });
    emulator.deployment.finishBackfills();
    expect((await replaceLines(emulator, '{"id":1}\n{"id":1}\n')).state).toBe('completed');
    expect(outcome(await importRecords(emulator, { t: KEY }, [['t', { id: 1 }]]))).toBe('500 InternalServerError');
  });
});
