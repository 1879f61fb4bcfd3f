/**
 * Nanosecond timestamps as text. A Date has milliseconds and a double rounds nanoseconds to multiples of 256, so both are kept away:
 * digits go in, digits come out.
 */

/** Length of `2026-11-22T03:14:15.926535`. */
export const ISO_LENGTH = 26;

const ZERO = 0x30;
const SECONDS_DIGITS = 10;
const NANOSECOND_DIGITS = 19;
const SECONDS_PER_DAY = 86_400;

let cachedDay = -1;
let cachedDate = '';

/**
 * Writes the naive UTC timestamp (ISO 8601, six digits of a second, truncated, no zone: as the Python source wrote it) of `ts` into
 * `out` at `at`: `ISO_LENGTH` bytes. `ts`: digits, nanoseconds since 1970.
 */
export function writeIso(out: Buffer, at: number, ts: string): void {
  const digits = ts.length === NANOSECOND_DIGITS ? ts : ts.padStart(NANOSECOND_DIGITS, '0');
  let seconds = 0;
  for (let i = 0; i < SECONDS_DIGITS; i++) seconds = seconds * 10 + digits.charCodeAt(i) - ZERO;
  const day = Math.floor(seconds / SECONDS_PER_DAY);
  if (day !== cachedDay) {
    // Consecutive documents are mostly of one day.
    cachedDate = new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);
    cachedDay = day;
  }
  for (let i = 0; i < 10; i++) out[at + i] = cachedDate.charCodeAt(i);
  const time = seconds - day * SECONDS_PER_DAY;
  out[at + 10] = 0x54;
  twoDigits(out, at + 11, Math.floor(time / 3600));
  out[at + 13] = 0x3a;
  twoDigits(out, at + 14, Math.floor(time / 60) % 60);
  out[at + 16] = 0x3a;
  twoDigits(out, at + 17, time % 60);
  out[at + 19] = 0x2e;
  for (let i = 0; i < 6; i++) out[at + 20 + i] = digits.charCodeAt(SECONDS_DIGITS + i);
}

function twoDigits(out: Buffer, at: number, value: number): void {
  out[at] = ZERO + Math.floor(value / 10);
  out[at + 1] = ZERO + (value % 10);
}
