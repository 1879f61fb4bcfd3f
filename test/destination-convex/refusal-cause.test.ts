import { describe, expect, test } from 'vitest';
import { causeOf } from '../../destination-convex/refusal-cause.ts';

const nested = (levels: number) => `${'{"k":'.repeat(levels)}1${'}'.repeat(levels)}`;
const fields = (count: number, prefix = 'f') => Array.from({ length: count }, (_, n) => `"${prefix}${n}":1`).join();
const BYTES = Buffer.from('{"x":"#"}');
const NOT_UTF8 = Buffer.concat([BYTES.subarray(0, 6), Buffer.from([0xc3, 0x28]), BYTES.subarray(7)]);

describe('D5: the rule that a refused record breaks', () => {
  test.each<[code: string | undefined, data: string | Buffer, cause: string | undefined]>([
    // Data that are no JSON, refused here (no code) or by Convex.
    [undefined, '{"x":tru}', 'its field "x" is not valid JSON'],
    ['BadJsonBody', '{"x":1.2.3}', 'its field "x" is not valid JSON'],
    ['BadJsonBody', '{"a":1,"x":[1,]}', 'its field "x" is not valid JSON'],
    ['BadJsonBody', '{"x":"\u0001"}', 'its field "x" is not valid JSON'],
    ['BadJsonBody', '{"x":{"y":[None]}}', 'its field "x" holds None, which JSON does not have'],
    ['BadJsonBody', '{"x":["NaN",NaN,"\\"undefined"]}', 'its field "x" holds NaN, which JSON does not have'],
    ['BadJsonBody', '{"x":[1,"NaN",]}', 'its field "x" is not valid JSON'],
    ['BadJsonBody', NOT_UTF8, 'its field "x" holds bytes that are not UTF-8'],
    ['BadJsonBody', '{"x":1,,}', 'its data are not valid JSON'],
    ['BadJsonBody', '{"\\q":1}', 'its data are not valid JSON'],
    ['BadJsonBody', '[]', undefined],
    ['BadJsonBody', '7', 'its data are not valid JSON'],
    // JSON that holds what no float64 or string can be.
    ['BadJsonBody', '{"x":1e308}', undefined],
    ['BadJsonBody', '{"x":1e309}', 'its field "x" holds a number beyond the range of 64-bit floating point (1.8e308)'],
    ['BadJsonBody', '{"x":"\\ud83d\\ude00"}', undefined],
    [
      'BadJsonBody',
      '{"x":["\\ude00"]}',
      'something in its field "x" holds half of a surrogate pair, which is not Unicode',
    ],
    [
      'BadJsonBody',
      '{"x":{"\\ude00":1}}',
      'the name of a field inside its field "x" holds half of a surrogate pair, which is not Unicode',
    ],
    // Nesting. The record itself is the first level.
    ['InvalidDocumentError', nested(16), undefined],
    [
      'InvalidDocumentError',
      nested(17),
      'its field "k" is nested too deeply: the record has 17 levels, and Convex takes 16',
    ],
    ['BadJsonBody', nested(127), undefined],
    ['BadJsonBody', nested(128), 'its field "k" is nested too deeply: the record has 128 levels, and Convex takes 16'],
    [
      'TooNestedError',
      nested(200_000),
      'its field "k" is nested too deeply: the record has 200000 levels, and Convex takes 16',
    ],
    // Fields: those that mark and order changes are dropped after they were counted.
    ['TooManyFieldsError', `{${fields(1022)},"_ab_cdc_lsn":1,"_ab_cdc_deleted_at":null}`, undefined],
    ['TooManyFieldsError', `{${fields(1023)}}`, 'it has 1023 fields, and Convex takes 1022'],
    ['TooManyFieldsError', `{"o":{${fields(1024)}}}`, undefined],
    [
      'TooManyFieldsError',
      `{"o":[{${fields(1025)}}]}`,
      'an object in its field "o" has 1025 fields, and Convex takes 1024',
    ],
    // Lists.
    ['ArrayTooLong', `{"x":[${Array(8192).fill(1).join()}]}`, undefined],
    [
      'ArrayTooLong',
      `{"x":{"y":[${Array(8193).fill(1).join()}]}}`,
      'something in its field "x" holds a list of 8193 elements, and Convex takes 8192',
    ],
    // Size, as Convex counts: a number has 9 bytes.
    ['ValueTooLargeError', `{"x":"${'y'.repeat(1_048_000)}"}`, undefined],
    [
      'ValueTooLargeError',
      `{"t":"${'y'.repeat(100_000)}","x":[${Array(30)
        .fill(`[${Array(4_000).fill(1).join()}]`)
        .join()}]}`,
      'it has 1.13 MiB as Convex counts, of which 1.03 MiB are in its field "x", and a document may have 1 MiB',
    ],
    // Names.
    ['InternalServerError', `{"${'n'.repeat(1024)}":1}`, undefined],
    ['InternalServerError', `{"_${'n'.repeat(1017)}":1}`, undefined],
    [
      'InternalServerError',
      `{"_${'n'.repeat(1018)}":1}`,
      `the name of its field "_${'n'.repeat(59)}…" has 1019 characters, and Convex takes 1024, its prefix "source_" included`,
    ],
    [
      'InternalServerError',
      `{"x":{"${'語'.repeat(300)}":1}}`,
      'the name of a field inside its field "x" has 300 characters, which are probably too many after Convex has transliterated them to ASCII (it takes 1024)',
    ],
    ['InternalServerError', '{"größe":1,"grösse":2}', undefined],
    [
      'InternalServerError',
      '{"o":{"$x":1,"source_x":2,"source_source_x":3,"source_source_source_x":4}}',
      'Convex cannot store a field inside its field "o": the names that it would give the field, "source_…", are those of other fields',
    ],
    // What the code does not stand for is not said: another rule that the data break need not be the one.
    ['SchemaEnforcementError', nested(17), undefined],
    ['InternalServerError', '{"x":1e309}', undefined],
  ])('%s', (code, data, cause) => {
    expect(causeOf(Buffer.from(data), code)).toBe(cause);
  });
});
