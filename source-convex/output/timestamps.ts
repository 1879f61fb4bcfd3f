/** Nanosecond timestamps as text: Dates have milliseconds, doubles round to 256 ns (INV5). */

/** Length of `2026-11-22T03:14:15.926535`. */
export const ISO_LENGTH = 26;

const ZERO = 0x30;
const SECONDS_DIGITS = 10;
/** Digits of nanoseconds since 1970, from 2001 to 2286. Earlier timestamps are padded with zeros. */
export const TS_DIGITS = 19;
const SECONDS_PER_DAY = 86_400;

let cachedDay = -1;
let cachedDate = '';

/**
 * Writes a timestamp as ISO 8601 in UTC, without a zone and with six digits of a second (truncated), as the
 * Python source did: `ISO_LENGTH` bytes into `out` at `at`. The timestamp is given as 19 digits (nanoseconds
 * since 1970) in `digits` at `from`.
 */
export function writeIso(out: Buffer, at: number, digits: Buffer, from: number): void {
  let seconds = 0;
  for (let i = 0; i < SECONDS_DIGITS; i++) seconds = seconds * 10 + digits[from + i]! - ZERO;
  const day = Math.floor(seconds / SECONDS_PER_DAY);
  if (day !== cachedDay) {
    // Consecutive documents are mostly of one day.
    cachedDate = new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);
    cachedDay = day;
  }
  for (let i = 0; i < 10; i++) out[at + i] = cachedDate.charCodeAt(i);
  const time = seconds - day * SECONDS_PER_DAY;
  const hours = (time / 3600) | 0;
  const minutes = ((time - hours * 3600) / 60) | 0;
  out[at + 10] = 0x54;
  twoDigits(out, at + 11, hours);
  out[at + 13] = 0x3a;
  twoDigits(out, at + 14, minutes);
  out[at + 16] = 0x3a;
  twoDigits(out, at + 17, time - hours * 3600 - minutes * 60);
  out[at + 19] = 0x2e;
  for (let i = 0; i < 6; i++) out[at + 20 + i] = digits[from + SECONDS_DIGITS + i]!;
}

function twoDigits(out: Buffer, at: number, value: number): void {
  const tens = (value / 10) | 0;
  out[at] = ZERO + tens;
  out[at + 1] = ZERO + value - tens * 10;
}
