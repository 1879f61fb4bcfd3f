/**
 * AssemblyScript, compiled together with structure.ts: finds the names of fields that Convex may change, and the numbers that it may round.
 *
 * For each 64 bytes, one bit a byte, as in structure.ts. Only keys of interest and runs of 16 digits or more are looked at byte by byte.
 */
import {
  OUTPUT,
  MAX_FOUND,
  QUIET,
  QUIET_BYTES,
  beginText,
  bitsOf,
  bytesThatAre,
  quotes,
  readBlock,
  slashes,
  strings,
} from './structure';

/** What `inspect` finds: a key of interest, an integer that no float64 is equal to, another number of 16 characters or more. */
const KEY: i32 = 0;
const ROUNDED: i32 = 1;
const LONG: i32 = 2;
/** So many numbers of a record are told of: an array may hold thousands, and each of them costs more than a hundred bytes of text. */
const MAX_NUMBERS: i32 = 64;
/** A number of up to 19 digits and the byte after it. */
const MAX_INTEGER: i32 = 20;
/** `source_a` as the eight bytes that begin the name of a field. */
const SOURCE_A: u64 = 0x615f_6563_7275_6f73;

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
/** The number of quiet keys, the one that is expected next, and how many keys were none of them. */
let quietKeys: i32 = 0;
let nextQuiet: i32 = 0;
let misses: i32 = 0;
/** After so many keys that are not quiet, the others of the object are only compared with the expected one. */
const MAX_MISSES: i32 = 16;

/** Whether the key whose closing quote is at `end` is quiet for `kind`: 1 for its name, 2 for numbers in it. */
function isQuiet(text: i32, end: i32, kind: i32): bool {
  if (end < 0) return false;
  const low = v128.load(text + end - 31);
  const high = v128.load(text + end - 15);
  const tries = misses < MAX_MISSES ? quietKeys : min(quietKeys, 1);
  let key = nextQuiet;
  for (let tried = 0; tried < tries; tried++, key++) {
    if (key >= quietKeys) key = 0;
    const entry = QUIET + key * QUIET_BYTES;
    const mask = load<i32>(entry + 32);
    const same =
      i8x16.bitmask(i8x16.eq(low, v128.load(entry))) | (i8x16.bitmask(i8x16.eq(high, v128.load(entry + 16))) << 16);
    if ((same & mask) != mask) continue;
    // A quote after a backslash begins no key. What stands before the text is not known.
    const before = end - load<i32>(entry + 36);
    if (before < 0 || load<u8>(text + before) == 0x5c) continue;
    nextQuiet = key + 1;
    return (load<i32>(entry + 40) & kind) != 0;
  }
  misses++;
  return false;
}

/** 0 if the integer at `number` is equal to a float64, `ROUNDED` if not, `LONG` if it is no integer of up to 19 digits. */
// @ts-ignore: decorator
@inline
function judge(number: i32): i32 {
  let value: u64 = 0;
  let at = number;
  let byte = <u32>load<u8>(at);
  while (byte - 0x30 < 10 && at - number < MAX_INTEGER) {
    value = value * 10 + (byte - 0x30);
    byte = <u32>load<u8>(++at);
  }
  if (at - number >= MAX_INTEGER || byte == 0x2e || (byte | 0x20) == 0x65) return LONG;
  const surplus = 11 - <i32>clz(value);
  return surplus <= 0 || <i32>ctz(value) >= surplus ? 0 : ROUNDED;
}

/**
 * The `length` bytes at `text` are the beginning of a value (`first`) or go on with it; all but the last ones of a value are a multiple of
 * 64. Writes to OUTPUT, three numbers each: `KEY`, the position of the quote that ends it and 0, for keys that begin with `_`, `$` or
 * `source_a`, or have an escape or anything but printable ASCII in them (a colon or a blank follows the quote); `ROUNDED` or `LONG`, the
 * position of the number's first digit and that of the quote that ends the last key before it. Positions in earlier text are negative.
 * Nothing is written for the first `quiet` keys at QUIET. Returns how many numbers were written; -1 if there is not room for all.
 */
export function inspect(text: i32, length: i32, first: bool, quiet: i32): i32 {
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
    quietKeys = quiet;
    nextQuiet = 0;
    misses = 0;
  }
  for (let at = 0; at < length; at += 64) {
    readBlock(text, at, length, false);
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
    // Adding its marks to a run of ones carries into the place after it, which is the quote that ends the string.
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
      if (isQuiet(text, end, 1)) continue;
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

/** The number whose first digit is at `at`, unless it is equal to a float64. What is not whole within the text is for others to judge. */
function tellNumber(found: i32, text: i32, at: i32, length: i32, key: i32): i32 {
  const kind = at >= 0 && at + MAX_INTEGER < length ? judge(text + at) : LONG;
  if (kind == 0 || found > MAX_FOUND - 3 || isQuiet(text, key, 2)) return found;
  numbers++;
  store<i32>(OUTPUT + 4 * found, kind);
  store<i32>(OUTPUT + 4 * found + 4, at);
  store<i32>(OUTPUT + 4 * found + 8, key);
  return found + 3;
}
