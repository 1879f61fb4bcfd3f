/**
 * AssemblyScript, compiled together with structure.ts: finds the values that are written differently from one
 * value format of Convex to another.
 *
 * An int64 is a run of digits that begins after a colon, a comma, a bracket or a minus after one of them, and
 * ends before a comma, a bracket or white space. The runs are found by one addition for 64 bytes: a bit added
 * at the beginning of a run is carried to the byte after it.
 */
import { OUTPUT } from './memory';
import {
  beginText,
  bitsOf,
  bytesThatAre,
  closes,
  commas,
  opens,
  quotes,
  readBlock,
  strings,
} from './structure';

/** One if the block before ended with: a byte before a number; a minus after it; digits; a quote. */
let afterMark: u64 = 0;
let afterMinus: u64 = 0;
let running: u64 = 0;
let afterQuote: u64 = 0;

/** Before the first block of a text. */
export function beginExportValues(): void {
  beginText();
  afterMark = 0;
  afterMinus = 0;
  running = 0;
  afterQuote = 0;
}

/**
 * One bit for each byte of the block in hand that is: the byte after an int64; a `$` after a quote; a minus
 * that begins a number. At most every second byte is one. `readBlock` was called for the block, with commas.
 */
// @ts-ignore: decorator
@inline
export function exportValuesOf(text: i32, at: i32, length: i32): u64 {
  const a = v128.load(text + at);
  const b = v128.load(text + at, 16);
  const c = v128.load(text + at, 32);
  const d = v128.load(text + at, 48);
  const within: u64 = length - at < 64 ? ((<u64>1) << (length - at)) - 1 : ~(<u64>0);
  const outside = within & ~strings;
  const zero = i8x16.splat(0x30);
  const nine = i8x16.splat(9);
  const digits =
    outside &
    bitsOf(
      i8x16.le_u(i8x16.sub(a, zero), nine),
      i8x16.le_u(i8x16.sub(b, zero), nine),
      i8x16.le_u(i8x16.sub(c, zero), nine),
      i8x16.le_u(i8x16.sub(d, zero), nine),
    );
  const dollars = bytesThatAre(i8x16.splat(0x24), a, b, c, d) & within & ((quotes << 1) | afterQuote);
  afterQuote = quotes >> 63;
  const blank = i8x16.splat(0x20);
  const spaces =
    outside & bitsOf(i8x16.le_u(a, blank), i8x16.le_u(b, blank), i8x16.le_u(c, blank), i8x16.le_u(d, blank));
  const colons = bytesThatAre(i8x16.splat(0x3a), a, b, c, d) & outside;
  const marks = colons | commas | opens | spaces;
  const begins = (marks << 1) | afterMark;
  afterMark = marks >> 63;
  const minuses = bytesThatAre(i8x16.splat(0x2d), a, b, c, d) & outside & begins;
  const starts = digits & (begins | (minuses << 1) | afterMinus);
  afterMinus = minuses >> 63;
  const sum = digits + starts;
  const total = sum + running;
  running = sum < digits || total < sum ? 1 : 0;
  return dollars | minuses | (total & ~digits & (commas | closes | spaces));
}

/**
 * The `length` bytes at `text` are JSON; `first`: they begin it, otherwise they go on with what the last call
 * was given, whose length was a multiple of 64. Writes the positions of the bits of `exportValuesOf` to
 * OUTPUT, and returns how many.
 */
export function findExportValues(text: i32, length: i32, first: bool): i32 {
  let found = 0;
  if (first) beginExportValues();
  for (let at = 0; at < length; at += 64) {
    readBlock(text, at, length, true);
    let events = exportValuesOf(text, at, length);
    while (events != 0) {
      store<i32>(OUTPUT + 4 * found++, at + <i32>ctz(events));
      events &= events - 1;
    }
  }
  return found;
}
