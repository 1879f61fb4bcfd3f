import { describe, expect, test } from 'vitest';
import { deploy, rows } from '../client.ts';
import { importFile, lines, rowOf, until, upload, zip } from './import-client.ts';

/** CSV, one JSON array, and ZIP with the export's own encoding. */

const ZIP = { format: 'zip', mode: 'replace' };
const UNIFORM = '"uniform"\n';
const NAN = 'AAAAAAAA+H8=';

describe('csv', () => {
  const CSV = { tableName: 't', format: 'csv' };

  test.each<[string, string, object[]]>([
    [
      'numbers and texts',
      'a,b\n1,x\n-2.5e3,\n',
      [
        { a: 1, b: 'x' },
        { a: -2500, b: '' },
      ],
    ],
    ['quotes, line feeds and commas in them', 'a,b\n"x ""y""","1\n2,3"\n', [{ a: 'x "y"', b: '1\n2,3' }]],
    ['CRLF, empty lines, no last line feed', 'a\r\n\r\n1\r\n2', [{ a: 1 }, { a: 2 }]],
    ['names without the spaces around them', ' a , b\n1,2\n', [{ a: 1, b: 2 }]],
    ['words for special numbers: null', 'a,b,c\nNaN,inf,-Infinity\n', [{ a: null, b: null, c: null }]],
    ['what only begins as a number', 'a,b\n1x,0x10\n', [{ a: '1x', b: '0x10' }]],
    ['a byte order mark, which is left out', '\ufeffa\n1\n', [{ a: 1 }]],
    ['a header alone', 'a,b\n', []],
  ])('%s', async (_, content, expected) => {
    const emulator = await deploy();
    expect((await importFile(emulator, content, CSV)).state).toBe('completed');
    expect(rows(emulator, 't')).toEqual(expected);
  });

  test.each<[string | Buffer, string]>([
    ['a,b\n1,2\n3\n', "CSV row 3 doesn't have all of the fields in the header"],
    [Buffer.from('a\n\xff\n', 'latin1'), 'Failed to parse CSV row 0: CSV parse error: invalid UTF-8'],
    ['$a\n1\n', "CSV header \"$a\" isn't a valid field name: Field name $a starts with '$', which is reserved."],
  ])('%j is refused', async (content, message) => {
    const emulator = await deploy();
    expect(await importFile(emulator, content, CSV)).toEqual({ state: 'failed', error_message: message });
  });
});

describe('jsonArray', () => {
  const ARRAY = { tableName: 't', format: 'jsonArray' };

  test('holds rows', async () => {
    const emulator = await deploy();
    await importFile(emulator, '[{"a":1},\n{"a":2}]', ARRAY);
    expect(rows(emulator, 't')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  test.each<[string | Buffer, string]>([
    [Buffer.from('["\xff"]', 'latin1'), 'Not valid JSON: invalid unicode code point'],
    ['{}', 'Not a JSON array'],
    ['[', 'Not valid JSON: EOF while parsing'],
    ['\ufeff[]', 'UTF-8 BOM is not supported'],
    ['[5]', "Row 1 wasn't a valid Convex value: expected object, received 5"],
  ])('%j is refused', async (content, message) => {
    const emulator = await deploy();
    expect((await importFile(emulator, content, ARRAY)).error_message).toContain(message);
  });

  test('is bounded', async () => {
    const emulator = await deploy();
    const content = `[{"a":"${'x'.repeat(1 << 24)}"}]`;
    expect((await importFile(emulator, content, ARRAY)).error_message).toBe(
      'Import is too large for JSON (16777217 bytes > maximum 16 MiB). Consider converting data to JSONLines',
    );
  });
});

describe('zip', () => {
  test.each([false, true])('of two tables, stored: %s', async (stored) => {
    const emulator = await deploy();
    const file = zip({ 'a/documents.jsonl': lines(2), 'b/documents.jsonl': lines(1, 7), 'README.md': '# x' }, stored);
    expect((await importFile(emulator, file, ZIP)).num_rows_written).toBe('3');
    expect(rows(emulator, 'a')).toEqual([{ n: 0 }, { n: 1 }]);
    expect(rows(emulator, 'b')).toEqual([{ n: 7 }]);
  });

  test('with "uniform" reads what export_json writes, byte for byte', async () => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => {
      tx.insert('t', {
        int: 5n,
        large: 9007199254740993n,
        least: -(2n ** 63n),
        float: 5,
        zero: -0,
        huge: 1e300,
        nan: NaN,
        infinite: -Infinity,
        bytes: new Uint8Array([1, 2, 255]).buffer,
        list: [1n, { a: 2n, b: 2 }],
      });
    });
    const before = emulator.deployment.encoded('t', '', 'export_json');
    const documents = [...before.values()].map((text) => `${text}\n`).join('');
    const state = await importFile(
      emulator,
      zip({ 't/documents.jsonl': documents, 't/generated_schema.jsonl': UNIFORM }),
      ZIP,
    );
    expect(state.state).toBe('completed');
    expect(emulator.deployment.encoded('t', '', 'export_json')).toEqual(before);
  });

  test('without it every number is a float64, and wrapped values are refused', async () => {
    const emulator = await deploy();
    await importFile(emulator, zip({ 't/documents.jsonl': '{"a":5}\n' }), ZIP);
    expect(rows(emulator, 't')).toEqual([{ a: 5 }]);
    const { error_message: text } = await importFile(
      emulator,
      zip({ 't/documents.jsonl': `{"a":{"$float":"${NAN}"}}\n` }),
      ZIP,
    );
    expect(text).toBe("Row 1 wasn't a valid Convex value: Field name $float starts with '$', which is reserved.");
  });

  test.each([
    ['an integer _creationTime', '{"_creationTime":1790000000000}', "doesn't match '_creationTime' field"],
    ['a finite $float', '{"a":{"$float":"AAAAAAAA8D8="}}', 'Float64 1 should be encoded as a number'],
    ['an unknown wrapper', '{"a":{"$other":"x"}}', "Field name $other starts with '$', which is reserved."],
    ['base64 that is none', '{"a":{"$bytes":"?"}}', "Row 1 wasn't a valid Convex value: "],
    ['an int64 of seven bytes', '{"a":{"$integer":"AQAAAAAAAA=="}}', "Row 1 wasn't a valid Convex value: "],
    ['a row that is a wrapped value', '{"$integer":"AQAAAAAAAAA="}', "Row 1 wasn't an object"],
  ])('"uniform" refuses %s', async (_, row, message) => {
    const emulator = await deploy();
    const file = zip({ 't/documents.jsonl': `${row}\n`, 't/generated_schema.jsonl': UNIFORM });
    expect((await importFile(emulator, file, ZIP)).error_message).toContain(message);
  });

  test('an integer beyond int64 is a float64', async () => {
    const emulator = await deploy();
    const file = zip({ 't/documents.jsonl': '{"a":9223372036854775808}\n', 't/generated_schema.jsonl': UNIFORM });
    await importFile(emulator, file, ZIP);
    expect(rows(emulator, 't')).toEqual([{ a: 2 ** 63 }]);
  });

  test('a backend of before March 2026 refuses "uniform", before anything is confirmed', async () => {
    const emulator = await deploy({ withoutUniform: true });
    const id = await upload(emulator, zip({ 't/generated_schema.jsonl': UNIFORM, 't/documents.jsonl': '' }), ZIP);
    const row = await until(emulator, id, 'waiting_for_confirmation', 'failed');
    expect(row.state).toEqual({
      state: 'failed',
      error_message:
        "Hit an error while importing:\ncannot parse t/generated_schema.jsonl: unexpected token at 'uniform'",
    });
  });

  test.each([
    ['"other"', "Hit an error while importing:\ncannot parse t/generated_schema.jsonl: unexpected token at 'other'"],
    ['5', "Row 1 wasn't a valid Convex value: first line of generated_schema must be a string"],
    ['{', "Row 1 wasn't valid JSON: "],
  ])('a generated schema %s is refused before anything is confirmed', async (schema, message) => {
    const emulator = await deploy();
    const id = await upload(emulator, zip({ 't/generated_schema.jsonl': schema, 't/documents.jsonl': '' }), ZIP);
    const { state } = await until(emulator, id, 'waiting_for_confirmation', 'failed');
    expect(state.error_message).toContain(message);
  });

  test('without documents completes with 0 and touches nothing', async () => {
    const emulator = await deploy();
    emulator.deployment.load('foo', [{ old: true }]);
    const state = await importFile(emulator, zip({ 'README.md': '# x', '_foo/documents.jsonl': lines(1) }), ZIP);
    expect(state).toMatchObject({ state: 'completed', num_rows_written: '0' });
    expect(emulator.deployment.tables()).toEqual([{ component: '', table: 'foo', documents: 1 }]);
  });

  test('empties a table that _tables lists and that has no documents', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    const { number } = emulator.deployment.catalog.get('t')!;
    const file = zip({ '_tables/documents.jsonl': `{"name":"t","id":${number}}\n` });
    expect((await importFile(emulator, file, ZIP)).state).toBe('completed');
    expect(emulator.deployment.tables()).toEqual([{ component: '', table: 't', documents: 0 }]);
  });

  test('a common folder does not count', async () => {
    const emulator = await deploy();
    await importFile(emulator, zip({ 'snapshot_1/t/documents.jsonl': lines(1) }), ZIP);
    expect(rows(emulator, 't')).toEqual([{ n: 0 }]);
  });

  test('components: those that are not there are made, unmounted', async () => {
    const emulator = await deploy();
    const file = zip({ 't/documents.jsonl': lines(1), '_components/a/_components/b/t/documents.jsonl': lines(2) });
    const id = await upload(emulator, file, { ...ZIP, componentPath: 'base' });
    const row = await until(emulator, id, 'waiting_for_confirmation');
    expect(
      row.checkpoints?.map(({ component_path, display_table_name }) => [component_path, display_table_name]),
    ).toEqual([
      ['base', 't'],
      ['base/a/b', 't'],
    ]);
    expect((await rowOf(emulator, id)).state.message_to_confirm).toContain('Component base/a/b\n');
    await importFile(emulator, file, { ...ZIP, componentPath: 'base' });
    expect(emulator.deployment.tables().map(({ component, documents }) => [component, documents])).toEqual([
      ['base/a/b', 2],
      ['base', 1],
    ]);
    expect(emulator.deployment.components.at(emulator.deployment.now())).toEqual(['']);
  });

  test.each<[string, Buffer]>([
    ['is none', Buffer.from('{"a":1}\n'.repeat(10))],
    ['is empty', Buffer.alloc(0)],
    ['has no central directory', zip({ 't/documents.jsonl': lines(9) }).subarray(0, -60)],
    ['is damaged', damaged(zip({ 't/documents.jsonl': lines(9) }, true))],
    ['has lost the header of an entry', beheaded(zip({ 't/documents.jsonl': lines(9) }))],
    ['has a part twice', Buffer.concat([Buffer.alloc(40), zip({ 't/documents.jsonl': lines(9) })])],
    ['holds what is no UTF-8', zip({ 't/documents.jsonl': Buffer.from('{"a":"\xff"}', 'latin1') })],
  ])('a file that %s', async (_, file) => {
    const emulator = await deploy();
    const { error_message: text } = await importFile(emulator, file, ZIP);
    expect(text).toBe('Hit an error while importing:\ninvalid zip file');
  });

  test.each([
    ['a b/documents.jsonl', "table name 'a b' invalid: Identifier a b has invalid character ' '"],
    ['_components/1/t/documents.jsonl', "component name '1' invalid: Invalid first character '1' in 1"],
  ])('%s is refused', async (name, message) => {
    const emulator = await deploy();
    expect((await importFile(emulator, zip({ [name]: '' }), ZIP)).error_message).toContain(message);
  });
});

/** The first entry's header does not begin as one. */
function beheaded(file: Buffer): Buffer {
  file[0] = 0;
  return file;
}

/** One letter of the first entry's content is another one. */
function damaged(file: Buffer): Buffer {
  file[file.indexOf('"n"') + 1] = 'm'.charCodeAt(0);
  return file;
}
