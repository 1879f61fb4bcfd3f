import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quickRecords } from '../../../emulator/import/quick-records.ts';
import { toRecord } from '../../../emulator/import/records.ts';
import { HttpError } from '../../../emulator/http/errors.ts';
import { formatValue } from '../../../emulator/values/json-format.ts';
import {
  type Json,
  JsonObject,
  JsonSyntaxError,
  parseJson,
  type QuickReader,
} from '../../../emulator/values/json-parse.ts';

/** What an import makes of the data of its one record: the document's fields, or the error. */
function outcome(data: string, quick?: QuickReader): unknown {
  try {
    const body = parseJson(`{"messages":[{"tableName":"t","data":${data}}],"tables":{}}`, quick) as JsonObject;
    const [message] = body.get('messages') as JsonObject[];
    const { deleted, fields } = toRecord({ table: 't', data: message?.get('data') as Json });
    return { deleted, names: Object.keys(fields), text: formatValue(fields, 'convex_encoded_json') };
  } catch (error) {
    if (!(error instanceof HttpError || error instanceof JsonSyntaxError)) throw error;
    return { name: error.constructor.name, message: error.message };
  }
}

/** Whether the reader reads the data itself, as the parser would. */
function readsQuickly(data: string): boolean {
  expect(outcome(data, quickRecords)).toEqual(outcome(data));
  return quickRecords.read(data, 0) !== undefined;
}

const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
const fields = (count: number): string => `{${Array.from({ length: count }, (_, n) => `"f${n}":1`).join()}}`;

describe('the data of a record is read as the parser reads it', () => {
  test.each([
    '{"_id":"a","_creationTime":1.5,"name":"Zürich 😀","at":{"lat":-0,"_lng":[1,{"_b":null}]}}',
    '{"b":1,"a":2,"b":3}',
    '{"10":1,"9":2,"a":3,"__proto__":{"x":1},"constructor":2}',
    '{"_ab_cdc_deleted_at":"2026","_ab_cdc_lsn":1790000000147106914,"a":true}',
    '{"_ab_cdc_deleted_at":null,"a":9007199254740993}',
    '{"_a":1,"source_a":2,"_A":3}',
    '{"é":1,"$":2,"a b":3,"":4}',
    ' { "a" : [ ] , "b" : "\\\\\\"\\n{" } ',
    fields(1024),
  ])('quickly: %s', (data) => {
    expect(readsQuickly(data.trim())).toBe(true);
  });

  test.each([
    ['half a surrogate pair', '{"a":"\\ud800"}'],
    ['a number out of range', '{"a":[1e400]}'],
    ['a number out of range in a field that is not imported', '{"_ab_cdc_lsn":-1e400}'],
    ['a number out of range whose field comes again', '{"a":1e400,"a":1}'],
    ['a number out of range without an exponent', `{"a":${'9'.repeat(400)},"a":1}`],
    ['deep', nested(33)],
    ['too deep', nested(65)],
    ['too deep for JSON', nested(200)],
    ['too many fields', fields(1025)],
    ['too many elements', `{"a":[${'0,'.repeat(8192)}0]}`],
    ['a name that cannot be made valid', `{"_${'a'.repeat(1100)}":1}`],
    ['too many names alike', '{"_a":1,"source_a":1,"source_source_a":1,"source_source_source_a":1}'],
    ['a control character', '{"a":"\n"}'],
    ['a comma too many', '{"a":1,}'],
    ['brackets that do not match', '{"a":[1}]'],
    ['no end', '{"a":{"b":"'],
  ])('not at all: %s', (_name, data) => {
    expect(readsQuickly(data)).toBe(false);
  });

  test('whatever it is', () => {
    const name = fc.constantFrom('a', '_a', 'source_a', '_id', '_ab_cdc_deleted_at', '__proto__', '1', 'é', '$', 'A');
    const scalar = fc.constantFrom(
      'null',
      'true',
      '0',
      '-0',
      '1.50',
      '1e3',
      '1e999',
      '"x"',
      '"\\n"',
      '"\\u0041"',
      '"😀"',
    );
    const members = (element: fc.Arbitrary<string>): fc.Arbitrary<string> =>
      fc
        .array(fc.tuple(name, element), { maxLength: 5 })
        .map((entries) => `{${entries.map(([key, text]) => `"${key}":${text}`).join()}}`);
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { withCrossShrink: true, depthSize: 'small' },
        scalar,
        fc.array(tie('value'), { maxLength: 3 }).map((elements) => `[${elements.join()}]`),
        members(tie('value')),
      ),
    }));
    const damage = fc.tuple(fc.nat(), fc.constantFrom('', '"', '{', '}', ']', ',', '\\', '\u0001'));
    fc.assert(
      fc.property(members(value), fc.option(damage, { freq: 2 }), (text, damaged) => {
        const [seed, character] = damaged ?? [0, undefined];
        const at = seed % text.length;
        readsQuickly(character === undefined ? text : text.slice(0, at) + character + text.slice(at + 1));
      }),
      { numRuns: 2000 },
    );
  });
});
