import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Value } from '../../../emulator/index.ts';
import { formatValue } from '../../../emulator/values/json-format.ts';
import { ExportValues } from '../../../shared/convex/export-values.ts';
import { GrowingBuffer } from '../../../shared/json/growing-buffer.ts';
import { JsonError } from '../../../shared/json/raw.ts';

const FORMATS = ['json', 'convex_encoded_json', 'export_json'] as const;

function rewritten(text: string, format: (typeof FORMATS)[number], values = new ExportValues(format)): string {
  // Among other bytes, as a document is in a page.
  const page = Buffer.from(`[${text},1]`);
  const out = new GrowingBuffer();
  values.writeMembers(out, page, 1, page.length - 3);
  return `{${out.buffer.toString('utf8', 0, out.length)}`;
}

const special = fc.constantFrom(0, -0, 1, -1, 0.1, 1e300, 5e-324, 1e16, -1.5e-7, 2 ** 53, NaN, Infinity, -Infinity);
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 5n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 1790000000124969419n),
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((s) => s.toWellFormed()),
  fc.constantFrom('5', ':5,', '"', '\\', '\\"', '[5]', '{"$bytes":"AA=="}', '$', '$5', '"$float"', ',-0.0,', '{"a":5}'),
);
const name = fc
  .oneof(fc.string({ unit: fc.constantFrom(...'ab 5:,-"\\$') }), fc.constantFrom('n', 'ä', '__proto__x'))
  .filter((key) => !/^[$_]/.test(key));
const { document } = fc.letrec<{ value: Value; document: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom<Value>(null, true, false),
    special,
    fc.double(),
    int64,
    text,
    fc.uint8Array({ maxLength: 20 }).map((bytes) => new Uint8Array(bytes).buffer),
    fc.array(tie('value'), { maxLength: 8 }),
    tie('document'),
  ),
  document: fc.dictionary(name, tie('value'), { maxKeys: 8 }).map((fields) => ({ ...fields })),
}));

describe('a document of export_json in another format', () => {
  test.each(FORMATS)('is what the deployment itself writes as %s', (format) => {
    const values = new ExportValues(format);
    fc.assert(
      fc.property(document, (value) => {
        expect(rewritten(formatValue(value, 'export_json'), format, values)).toBe(formatValue(value, format));
      }),
      { numRuns: 3000 },
    );
  });

  test.each(FORMATS)('at every place within a block of 64 bytes, as %s', (format) => {
    const values = new ExportValues(format);
    const value: Value = {
      a: [1n, -22n, 333333333333333333n, 1.5, -0, NaN, 'x', new Uint8Array([1, 2]).buffer, -0.5, 1e300, 1e-7, 0n],
      b: -(2n ** 63n),
      c: '$',
      d: ['$x', '"', 7n],
    };
    for (let length = 0; length < 140; length++) {
      const padded: Value = { _: 'p'.repeat(length), ...(value as object) };
      expect(rewritten(formatValue(padded, 'export_json'), format, values)).toBe(formatValue(padded, format));
    }
  });

  test.each(FORMATS)('also one that is larger than what is looked at at a time, as %s', (format) => {
    const value: Value = Array.from({ length: 60_000 }, (_, i) =>
      i % 3 === 0 ? BigInt(i) - 20_000n : i % 3 === 1 ? -0 : i % 1000 === 2 ? Infinity : 1,
    );
    expect(rewritten(formatValue({ value }, 'export_json'), format)).toBe(formatValue({ value }, format));
  });

  test.each(['json', 'convex_encoded_json'] as const)('without such values is the same, as %s', (format) => {
    const text = '{"_creationTime":1716000000000.123,"n":1e16,"text":"5, {\\"$bytes\\": 7}","list":[-1.5]}';
    expect(rewritten(text, format)).toBe(text);
  });

  test('as a proxy may print it, with blanks', () => {
    const text =
      '{ "a" : 5 , "b" : [ -7 , { "$bytes" : "AQI=" } , 1.0 , -0.0 ] , "c" : { "$float" : "AAAAAAAA+H8=" } }';
    expect(rewritten(text, 'json')).toBe('{ "a" : "5" , "b" : [ "-7" , "AQI=" , 1.0 , -0.0 ] , "c" : "NaN" }');
  });

  test.each([
    ['{"a":{"$bytes":5.0}}', 'json'],
    ['{"a":{"$float":"AAAAAAAA8D8="}}', 'json'],
    ['{"a":{"$float":"AA=="}}', 'json'],
    ['{"a":9223372036854775808}', 'convex_encoded_json'],
  ] as const)('%s is refused as %s', (text, format) => {
    expect(() => rewritten(text, format)).toThrow(JsonError);
  });
});
