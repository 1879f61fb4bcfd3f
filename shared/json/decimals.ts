/** Numbers of JSON, compared exactly. As doubles, int64 values that differ late would be equal. */

import { isDigit } from './integers.ts';

const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,6}))?$/;

/** A number as sign, digits without zeros at either end, and the place of the point before them. */
interface Decimal {
  sign: -1 | 0 | 1;
  digits: string;
  point: number;
}

/** Whether `text` is a number as JSON writes it. */
export function isNumber(text: string): boolean {
  return NUMBER.test(text);
}

/** Whether a byte may stand in a number. */
export function isNumberByte(byte: number): boolean {
  return isDigit(byte) || byte === 0x2e || byte === 0x2b || byte === 0x2d || (byte | 0x20) === 0x65;
}

/** Compares two numbers given as JSON texts: negative, zero or positive, as a sort wants it. -0 equals 0. */
export function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  const left = decimalOf(a);
  const right = decimalOf(b);
  if (left.sign !== right.sign) return left.sign - right.sign;
  const size = left.point - right.point || (left.digits < right.digits ? -1 : left.digits > right.digits ? 1 : 0);
  return left.sign * size || 0;
}

function decimalOf(text: string): Decimal {
  const [, minus, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  const all = whole + fraction;
  const leading = /^0*/.exec(all)?.[0].length ?? 0;
  const digits = all.slice(leading).replace(/0+$/, '');
  if (digits === '') return { sign: 0, digits: '', point: 0 };
  return { sign: minus === '-' ? -1 : 1, digits, point: whole.length - leading + Number(exponent) };
}
