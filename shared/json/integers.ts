/**
 * Exact integers. Convex's timestamps (`_ts`, `snapshot`, the deltas cursor) are nanoseconds near 1.8e18,
 * which a JavaScript number rounds to multiples of 256 (C20). They are strings of decimal digits and are
 * compared as such.
 */

const DIGITS = /^(?:0|[1-9]\d*)$/;

/** Whether `text` is a non-negative integer of JSON: no sign, no fraction, no leading zero. */
export function isDigits(text: string): boolean {
  return DIGITS.test(text);
}

/** Whether a byte is a decimal digit. */
export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Digits of a 64-bit integer. */
const MAX_TIMESTAMP_DIGITS = 19;

/** Whether `text` is a timestamp as Convex prints it: digits of at most 19 places, nanoseconds. */
export function isTimestamp(text: string): boolean {
  return isDigits(text) && text.length <= MAX_TIMESTAMP_DIGITS;
}

/** Compares two non-negative integers given as digits: negative, zero or positive, as a sort wants it. */
export function compareDigits(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function maxDigits(a: string, b: string): string {
  return compareDigits(a, b) >= 0 ? a : b;
}

export function minDigits(a: string, b: string): string {
  return compareDigits(a, b) <= 0 ? a : b;
}

/**
 * The digits of a value's raw JSON text, written as an integer (`1786…`) or as a string (`"1786…"`);
 * undefined for anything else. Both forms occur in states: ours are strings, those of older connectors are
 * integers.
 */
export function digitsOf(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  const text = raw.length >= 2 && raw.startsWith('"') && raw.endsWith('"') ? raw.slice(1, -1) : raw;
  return isDigits(text) ? text : undefined;
}
