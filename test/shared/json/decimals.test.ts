import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareNumbers, isNumber } from '../../../shared/json/decimals.ts';

describe('numbers as JSON writes them, compared exactly', () => {
  test.each<[a: string, sign: '<' | '=' | '>', b: string]>([
    ['1786000000123456789', '<', '1786000000123456790'],
    ['1786000000123456789.0', '=', '1786000000123456789'],
    ['0.1', '<', '0.10000000000000000001'],
    ['9', '<', '10'],
    ['-9', '>', '-10'],
    ['-1', '<', '0'],
    ['-0.0', '=', '0'],
    ['0e5', '=', '-0'],
    ['1e3', '=', '1000.0'],
    ['1E+3', '<', '1001'],
    ['1.5e-7', '<', '0.0000002'],
    ['12', '<', '123'],
    ['100', '=', '1e2'],
    ['0.001', '=', '1e-3'],
    ['1e400', '>', '1e308'],
    ['-1e400', '<', '-1e308'],
    ['1786000000123.4568', '<', '1786000000123.457'],
  ])('%s %s %s', (a, sign, b) => {
    const expected = { '<': -1, '=': 0, '>': 1 }[sign];
    expect(Math.sign(compareNumbers(a, b))).toBe(expected);
    expect(Math.sign(compareNumbers(b, a))).toBe(expected === 0 ? 0 : -expected);
  });

  test.each(['', '-', '01', '1.', '.5', '1e', 'NaN', '"1"', '1 ', '+1'])('%j is none', (text) => {
    expect(isNumber(text)).toBe(false);
  });

  test('as doubles are, where doubles are exact', () => {
    const written = fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((value) => [value, JSON.stringify(value)] as const);
    fc.assert(
      fc.property(written, written, ([a, textA], [b, textB]) => {
        expect(isNumber(textA)).toBe(true);
        expect(Math.sign(compareNumbers(textA, textB))).toBe(a === b ? 0 : a < b ? -1 : 1);
      }),
      { numRuns: 3000 },
    );
  });

  test('as big integers are', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
        expect(Math.sign(compareNumbers(`${a}`, `${b}.0`))).toBe(a === b ? 0 : a < b ? -1 : 1);
      }),
    );
  });
});
