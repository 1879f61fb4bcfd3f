/**
 * AssemblyScript, compiled together with structure.ts: finds the names of fields that Convex may change, and
 * the numbers that it may round.
 *
 * For each 64 bytes, one bit a byte, as in structure.ts. Only keys of interest and runs of 16 digits or more
 * are looked at byte by byte.
 */
import { MAX_FOUND, OUTPUT } from './memory';
import { KEPT, UNKNOWN, judge } from './numbers';
import { beginQuiet, hasQuietNumbers, isQuietName } from './quiet';
import { beginText, bitsOf, bytesThatAre, quotes, readBlock, slashes, strings } from './structure';
import { SOURCE_A, hasOddByte } from './watch';

/** What `inspect` finds, beside numbers of the kinds of numbers.ts: a key of interest. */
const KEY: i32 = 0;
/** Numbers of a record that are told. An array may hold thousands; each costs over 100 bytes of text. */
const MAX_NUMBERS: i32 = 64;

// What `inspect` knows of the text before the block in hand, and in the next call of the text before.
/** Whether the string that goes on is one of interest. */
let marked: bool = false;
/** One if the last byte opened a string, or ended one, or ended one of interest. */
let opened: u64 = 0;
let ended: u64 = 0;
let endedMarked: u64 = 0;
/** How many digits and points stand before the block without anything between. */
let run: i32 = 0;
/** Where the quote stands that ends the last key. */
let lastKey: i32 = -1;
let numbers: i32 = 0;

/**
 * The `length` bytes at `text` are the beginning of a value (`first`) or go on with it; all but the last ones
 * of a value are a multiple of 64. Writes to OUTPUT, three numbers each: `KEY`, the position of the quote
 * that ends it and 0, for keys that begin with `_`, `$` or `source_a`, or have an escape or anything but
 * printable ASCII in them (a colon or a blank follows the quote); `ROUNDED` or `UNKNOWN`, the position of the
 * number's first digit and that of the quote that ends the last key before it. Positions in earlier text are
 * negative. `names` and `quietNumbers`: how many quiet keys there are; nothing is written for them. Returns
 * how many numbers were written; -1 if there is not room for all.
 */
export function inspect(text: i32, length: i32, first: bool, names: i32, quietNumbers: i32): i32 {
  let found = 0;
  if (first) {
    beginText();
    marked = false;
    opened = 0;
    ended = 0;
    endedMarked = 0;
    run = 0;
    lastKey = -1;
    numbers = 0;
    beginQuiet(names, quietNumbers);
  }
  for (let at = 0; at < length; at += 64) {
    readBlock(text, at, length, false);
    if (quotes == 0 && ~strings == 0) {
      // In the middle of a long string.
      if (hasOddByte(text + at)) marked = true;
      opened = 0;
      ended = 0;
      endedMarked = 0;
      run = 0;
      continue;
    }
    const a = v128.load(text + at);
    const b = v128.load(text + at, 16);
    const c = v128.load(text + at, 32);
    const d = v128.load(text + at, 48);
    const opening = quotes & strings;
    const closing = quotes & ~strings;
    const firsts = (opening << 1) | opened;
    opened = opening >> 63;
    // 0x7f and all bytes beyond: their top bit is set after an addition of one (0xff is in no UTF-8).
    const one = i8x16.splat(1);
    let marks = slashes | bitsOf(i8x16.add(a, one), i8x16.add(b, one), i8x16.add(c, one), i8x16.add(d, one));
    marks |= firsts & (bytesThatAre(i8x16.splat(0x5f), a, b, c, d) | bytesThatAre(i8x16.splat(0x24), a, b, c, d));
    let s = firsts & bytesThatAre(i8x16.splat(0x73), a, b, c, d);
    while (s != 0) {
      const bit = s & (0 - s);
      s ^= bit;
      if (load<u64>(text + at + <i32>ctz(bit)) == SOURCE_A) marks |= bit;
    }
    marks &= strings;
    if (marked && (strings & 1) != 0) marks |= 1;
    // Adding its marks to a run of ones carries into the place after it, which is the quote that ends the
    // string.
    const sum = strings + marks;
    let closingMarked = sum & closing;
    if (marked && (strings & 1) == 0) closingMarked |= 1;
    marked = sum < strings;
    const blank = i8x16.splat(0x20);
    const follows =
      bytesThatAre(i8x16.splat(0x3a), a, b, c, d) |
      bitsOf(i8x16.le_u(a, blank), i8x16.le_u(b, blank), i8x16.le_u(c, blank), i8x16.le_u(d, blank));
    const keys = ((closing << 1) | ended) & follows;
    let special = ((closingMarked << 1) | endedMarked) & follows;
    ended = closing >> 63;
    endedMarked = closingMarked >> 63;
    while (special != 0) {
      const end = at + <i32>ctz(special) - 1;
      special &= special - 1;
      if (isQuietName(text, end)) continue;
      if (found > MAX_FOUND - 3) return -1;
      store<i32>(OUTPUT + 4 * found, KEY);
      store<i32>(OUTPUT + 4 * found + 4, end);
      store<i32>(OUTPUT + 4 * found + 8, 0);
      found += 3;
    }
    // Digits, and the point before them in ASCII; the slash between is outside of strings in no JSON.
    const point = i8x16.splat(0x2e);
    const span = i8x16.splat(11);
    let digits =
      bitsOf(
        i8x16.le_u(i8x16.sub(a, point), span),
        i8x16.le_u(i8x16.sub(b, point), span),
        i8x16.le_u(i8x16.sub(c, point), span),
        i8x16.le_u(i8x16.sub(d, point), span),
      ) & ~strings;
    if (length - at < 64) digits &= ((<u64>1) << (length - at)) - 1;
    const lead = <i32>ctz(~digits);
    let starts = digits & (digits >> 1);
    starts &= starts >> 2;
    starts &= starts >> 4;
    starts &= starts >> 8;
    starts &= ~(starts << 1);
    if (run > 0) starts &= ~(<u64>1);
    const crossing = run > 0 && run < 16 && run + lead >= 16;
    if (crossing && numbers < MAX_NUMBERS) found = tellNumber(found, text, at - run, length, lastKey);
    while (starts != 0 && numbers < MAX_NUMBERS) {
      const bit = starts & (0 - starts);
      starts ^= bit;
      const before = keys & (bit - 1);
      const key = before == 0 ? lastKey : at + 62 - <i32>clz(before);
      found = tellNumber(found, text, at + <i32>ctz(bit), length, key);
    }
    run = lead == 64 ? run + 64 : <i32>clz(~digits);
    if (keys != 0) lastKey = at + 62 - <i32>clz(keys);
  }
  lastKey -= length;
  return found;
}

/** The number whose first digit is at `at`, unless it is kept or not wholly within the text. */
function tellNumber(found: i32, text: i32, at: i32, length: i32, key: i32): i32 {
  const kind = at >= 0 ? judge(text + at, text + length) : UNKNOWN;
  if (kind == KEPT || found > MAX_FOUND - 3 || hasQuietNumbers(text, key)) return found;
  numbers++;
  store<i32>(OUTPUT + 4 * found, kind);
  store<i32>(OUTPUT + 4 * found + 4, at);
  store<i32>(OUTPUT + 4 * found + 8, key);
  return found + 3;
}
