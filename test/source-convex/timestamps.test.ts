import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ISO_LENGTH, writeIso } from '../../source-convex/output/timestamps.ts';
import { counted, date, names } from '../../shared/core/text.ts';

function iso(digits: string): string {
  const out = Buffer.alloc(ISO_LENGTH + 4, '#');
  writeIso(out, 2, Buffer.from(`xx${digits.padStart(19, '0')}`), 2);
  expect([out[1], out[ISO_LENGTH + 2]]).toEqual([0x23, 0x23]);
  return out.toString('latin1', 2, ISO_LENGTH + 2);
}

// Where the Python source rounded through a double, the digits are cut off instead.
test.each([
  ['1660025892355943945', '2022-08-09T06:18:12.355943'],
  ['1700000000999999999', '2023-11-14T22:13:20.999999'],
  ['1770335566197682922', '2026-02-05T23:52:46.197682'],
  ['1709164799999999999', '2024-02-28T23:59:59.999999'],
  ['1709164800000000000', '2024-02-29T00:00:00.000000'],
  ['1735689599000001000', '2024-12-31T23:59:59.000001'],
  ['9223372036854775807', '2262-04-11T23:47:16.854775'],
  ['9999999999999999999', '2286-11-20T17:46:39.999999'],
  ['999999999', '1970-01-01T00:00:00.999999'],
  ['0', '1970-01-01T00:00:00.000000'],
])('%s is %s', (digits, text) => {
  expect(iso(digits)).toBe(text);
});

test('any timestamp is what a Date says of its milliseconds, and its own microseconds', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (ts) => {
      const text = iso(String(ts));
      expect(text.slice(0, 23)).toBe(new Date(Number(ts / 1_000_000n)).toISOString().slice(0, 23));
      expect(text.slice(20)).toBe(String((ts / 1000n) % 1_000_000n).padStart(6, '0'));
    }),
  );
});

test.each([
  ['1790000000124494963', '2026-09-21 14:13:20 UTC'],
  ['2652635567679741986', '2054-01-21 19:12:47 UTC'],
  ['0', '1970-01-01 00:00:00 UTC'],
])('for humans, %s is %s', (digits, text) => {
  expect(date(digits)).toBe(text);
});

test('for humans, numbers and names', () => {
  expect([counted(0, 'record'), counted(1, 'record'), counted(12_345, 'record')]).toEqual([
    '0 records',
    '1 record',
    '12,345 records',
  ]);
  const streams = Array.from({ length: 10 }, (_, i) => ({ name: `s${i}` }));
  expect(names(streams.slice(0, 1))).toBe('s0');
  expect(names(streams.slice(0, 8))).toBe('s0, s1, s2, s3, s4, s5, s6, s7');
  expect(names(streams)).toBe('s0, s1, s2, s3, s4, s5, s6, s7 and 2 more');
});
