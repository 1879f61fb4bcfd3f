import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sortKey } from '../../../emulator/functions/order.ts';
import { formatValue, type Format } from '../../../emulator/values/json-format.ts';
import {
  asInt64,
  asArgument,
  compareCursors,
  cursorValueOf,
  type CursorValue,
} from '../../../source-convex/query-streams/cursor-value.ts';

const valueOf = (raw: string): CursorValue => {
  const value = cursorValueOf(raw);
  if (typeof value !== 'object') throw new Error(`${raw} is no value of a cursor`);
  return value;
};

/** The order of Convex's own indexes, as the emulated deployment has it. */
const inIndexes = (a: string | number | bigint, b: string | number | bigint) =>
  Math.sign(Buffer.compare(sortKey([a]), sortKey([b])));

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const text = fc.string({ unit: 'binary' });
type Pair = fc.Arbitrary<[string | number | bigint, string | number | bigint]>;

describe('values are in the order that indexes have', () => {
  test.each<[what: string, pairs: Pair, format: Format]>([
    ['texts', fc.tuple(text, text), 'json'],
    ['numbers', fc.tuple(finite, finite), 'json'],
    ['int64, wrapped', fc.tuple(int64, int64), 'convex_encoded_json'],
    ['int64, bare', fc.tuple(int64, int64), 'export_json'],
  ])('%s', (_what, pairs, format) => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const left = valueOf(formatValue(a, format));
        const right = valueOf(formatValue(b, format));
        expect(Math.sign(compareCursors(left, right))).toBe(inIndexes(a, b));
      }),
      { numRuns: 1000 },
    );
  });

  test('also beyond U+FFFF, where the order of UTF-16 is another one', () => {
    expect(compareCursors(valueOf('"\uFFFD"'), valueOf('"\u{1F600}"'))).toBeLessThan(0);
    expect(compareCursors(valueOf(String.raw`"\ufffd"`), valueOf(String.raw`"\ud83d\ude00"`))).toBeLessThan(0);
  });
});

test.each<[raw: string, expected: unknown]>([
  ['null', undefined],
  ['true', 'boolean'],
  ['[1]', 'list'],
  ['{"a":1}', 'object'],
  ['{"$bytes":"AQ=="}', 'object'],
  ['{"$float":"AAAAAAAAAIA="}', 'object'],
  ['1.0', { kind: 'number', raw: '1.0' }],
  ['"1"', { kind: 'text', raw: '"1"' }],
  ['{ "$integer" : "AQAAAAAAAAA=" }', { kind: 'int64', raw: '{ "$integer" : "AQAAAAAAAAA=" }' }],
])('%s', (raw, expected) => {
  expect(cursorValueOf(raw)).toEqual(expected);
});

test('the bare int64 of an export is wrapped again to be an argument, a float is not', () => {
  expect(asArgument(valueOf('-5'), 'export_json')).toBe('{"$integer":"+/////////8="}');
  expect(asArgument(valueOf('5.0'), 'export_json')).toBe('5.0');
  expect(asArgument(valueOf('5'), 'json')).toBe('5');
  expect(asArgument(valueOf('"5"'), 'export_json')).toBe('"5"');
});

test.each([
  ['"9"', '{"$integer":"CQAAAAAAAAA="}'],
  ['"-9223372036854775808"', '{"$integer":"AAAAAAAAAIA="}'],
  ['"9223372036854775807"', '{"$integer":"/////////38="}'],
  ['"9223372036854775808"', '"9223372036854775808"'],
  ['"007"', '"007"'],
  ['"-0"', '"-0"'],
])('the text %s as an int64', (raw, expected) => {
  expect(asInt64({ kind: 'text', raw })?.raw).toBe(expected);
});
