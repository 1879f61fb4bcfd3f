import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareDigits, digitsOf, isDigits, maxDigits, minDigits } from '../../../shared/json/integers.ts';

const integer = fc.bigInt({ min: 0n, max: 2n ** 70n });

describe('timestamps as digits', () => {
  test('are compared as the integers that they are', () => {
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        const sign = a < b ? -1 : a > b ? 1 : 0;
        expect(Math.sign(compareDigits(String(a), String(b)))).toBe(sign);
        expect(maxDigits(String(a), String(b))).toBe(String(a > b ? a : b));
        expect(minDigits(String(a), String(b))).toBe(String(a < b ? a : b));
      }),
    );
  });

  test('that a double would confuse are told apart', () => {
    expect(compareDigits('1790000000124494963', '1790000000124494964')).toBeLessThan(0);
    expect(Number('1790000000124494963')).toBe(Number('1790000000124494964'));
  });

  test.each([
    ['0', true],
    ['7', true],
    ['1790000000124494963', true],
    ['123456789012345678901234567890', true],
    ['', false],
    ['-1', false],
    ['+1', false],
    ['01', false],
    ['1.0', false],
    ['1e3', false],
    [' 1', false],
    ['1\n', false],
    ['１', false],
  ])('%j: %s', (text, is) => {
    expect(isDigits(text)).toBe(is);
  });

  test.each([
    ['1790000000124494963', '1790000000124494963'],
    ['"1790000000124494963"', '1790000000124494963'],
    ['null', undefined],
    ['"null"', undefined],
    ['""', undefined],
    ['"', undefined],
    ['1.5', undefined],
    ['-1', undefined],
    ['"1', undefined],
    [undefined, undefined],
  ])('raw %j is %j', (raw, digits) => {
    expect(digitsOf(raw)).toBe(digits);
  });
});
