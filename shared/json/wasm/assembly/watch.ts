/**
 * AssemblyScript: whether an object may have anything that `inspect` would tell of. It is found block by
 * block while `findMembers` goes through the object, at a tenth of the cost of `inspect`; most objects have
 * nothing. Never misses anything; may see something where there is nothing.
 */
import { KEPT, judge } from './numbers';
import { beginQuiet, hasQuietNumbers, isQuietName } from './quiet';
import { bitsOf, bytesThatAre, quotes, slashes, strings } from './structure';

/** Whether there may be something in what was gone through since `beginWatch`. */
export let suspicious: bool = false;

/** Whether the string that goes on has anything special in it. */
let marked: bool = false;
/** One if the last byte opened a string. */
let opened: u64 = 0;
/** The closing quote of the last string that ended before the block in hand. */
let lastClosing: i32 = -1;
/** Where the last number that was looked at ends. */
let numberEnd: i32 = 0;
/** The last key whose numbers are of interest. */
let loudKey: i32 = -1;

/** `source_a` as the eight bytes that begin the name of a field. */
export const SOURCE_A: u64 = 0x615f_6563_7275_6f73;
/** A run of digits and points of this length is a long number. One of its bytes is always tried. */
export const LONG: i32 = 16;

export function beginWatch(names: i32, numbers: i32): void {
  suspicious = false;
  marked = false;
  opened = 0;
  lastClosing = -1;
  numberEnd = 0;
  loudKey = -1;
  beginQuiet(names, numbers);
}

/** Looks at the block at `at` that `readBlock` has read. */
// @ts-ignore: decorator
@inline
export function watchBlock(text: i32, at: i32, length: i32): void {
  if (suspicious) return;
  if (quotes == 0 && ~strings == 0) {
    // In the middle of a long string.
    if (hasOddByte(text + at)) marked = true;
    opened = 0;
    return;
  }
  const closing = quotes & ~strings;
  const ends = endsOfMarked(text, at, closing);
  if (ends != 0 && hasSpecialKey(text, at, ends)) {
    suspicious = true;
    return;
  }
  let tried = sampled(text + at) & ~strings;
  if (length - at < 64) tried &= ((<u64>1) << (length - at)) - 1;
  while (tried != 0) {
    const position = at + <i32>ctz(tried);
    if (position >= numberEnd && hasRoundedNumber(text, at, position, length, closing)) {
      suspicious = true;
      return;
    }
    tried &= tried - 1;
  }
  if (closing != 0) lastClosing = at + 63 - <i32>clz(closing);
}

/** Whether the block at `at`, all of it within a string, has an escape or anything but printable ASCII. */
// @ts-ignore: decorator
@inline
export function hasOddByte(at: i32): bool {
  if (slashes != 0) return true;
  const one = i8x16.splat(1);
  const low = v128.or(i8x16.add(v128.load(at), one), i8x16.add(v128.load(at, 16), one));
  const high = v128.or(i8x16.add(v128.load(at, 32), one), i8x16.add(v128.load(at, 48), one));
  return i8x16.bitmask(v128.or(low, high)) != 0;
}

/** Closing quotes of strings that begin with `_`, `$` or `source_a`, or have an odd byte. */
// @ts-ignore: decorator
@inline
function endsOfMarked(text: i32, at: i32, closing: u64): u64 {
  const a = v128.load(text + at);
  const b = v128.load(text + at, 16);
  const c = v128.load(text + at, 32);
  const d = v128.load(text + at, 48);
  let marks = slashes;
  // 0x7f and all bytes beyond: their top bit is set after an addition of one (0xff is in no UTF-8).
  const one = i8x16.splat(1);
  const a1 = i8x16.add(a, one);
  const b1 = i8x16.add(b, one);
  const c1 = i8x16.add(c, one);
  const d1 = i8x16.add(d, one);
  if (i8x16.bitmask(v128.or(v128.or(a1, b1), v128.or(c1, d1))) != 0) marks |= bitsOf(a1, b1, c1, d1);
  const opening = quotes & strings;
  const firsts = (opening << 1) | opened;
  opened = opening >> 63;
  if (firsts != 0) {
    const underscore = i8x16.splat(0x5f);
    const dollar = i8x16.splat(0x24);
    marks |=
      firsts &
      bitsOf(
        v128.or(i8x16.eq(a, underscore), i8x16.eq(a, dollar)),
        v128.or(i8x16.eq(b, underscore), i8x16.eq(b, dollar)),
        v128.or(i8x16.eq(c, underscore), i8x16.eq(c, dollar)),
        v128.or(i8x16.eq(d, underscore), i8x16.eq(d, dollar)),
      );
    let s = firsts & bytesThatAre(i8x16.splat(0x73), a, b, c, d);
    while (s != 0) {
      const bit = s & (0 - s);
      s ^= bit;
      if (load<u64>(text + at + <i32>ctz(bit)) == SOURCE_A) marks |= bit;
    }
  }
  marks &= strings;
  if (marked) marks |= strings & 1;
  // Adding its marks to a run of ones carries into the place after it, which is the quote that ends the
  // string.
  const sum = strings + marks;
  let ends = sum & closing;
  if (marked) ends |= closing & 1;
  marked = sum < strings;
  return ends;
}

/** Whether one of the strings that end with these quotes is a key and not quiet. */
function hasSpecialKey(text: i32, at: i32, ends: u64): bool {
  while (ends != 0) {
    const end = at + <i32>ctz(ends);
    ends &= ends - 1;
    const next = load<u8>(text + end + 1);
    if ((next == 0x3a || next <= 0x20) && !isQuietName(text, end)) return true;
  }
  return false;
}

/** Digits, and the point before them in ASCII; the slash between is outside of strings in no JSON. */
// @ts-ignore: decorator
@inline
function isNumeric(at: i32): bool {
  return <u32>load<u8>(at) - 0x2e < 12;
}

/** A bit for each sixteenth of 64 bytes, if it is numeric. */
// @ts-ignore: decorator
@inline
function sampled(at: i32): u64 {
  return (
    <u64>isNumeric(at) |
    ((<u64>isNumeric(at + 16)) << 16) |
    ((<u64>isNumeric(at + 32)) << 32) |
    ((<u64>isNumeric(at + 48)) << 48)
  );
}

/** One bit for each of the 16 bytes that is a digit or a point. */
// @ts-ignore: decorator
@inline
function numericAt(at: i32): i32 {
  return i8x16.bitmask(i8x16.le_u(i8x16.sub(v128.load(at), i8x16.splat(0x2e)), i8x16.splat(11)));
}

/** Whether the number at `position` is long and may be rounded, and it matters. */
function hasRoundedNumber(text: i32, at: i32, position: i32, length: i32, closing: u64): bool {
  let start = position - clz(~(numericAt(text + position - 15) << 16)) + 1;
  let end = position + 1 + ctz(~numericAt(text + position + 1));
  if (end - start < LONG) {
    numberEnd = end;
    return false;
  }
  while (start > 0 && isNumeric(text + start - 1)) start--;
  while (end < length && isNumeric(text + end)) end++;
  numberEnd = end;
  // In an array of numbers, too, the last string before is the key.
  let key = lastClosing;
  if (start > at) {
    const before = closing & (((<u64>1) << (start - at)) - 1);
    if (before != 0) key = at + 63 - <i32>clz(before);
  }
  if (key < 0) return true;
  if (key != loudKey) {
    if (load<u8>(text + key + 1) == 0x3a && hasQuietNumbers(text, key)) return false;
    loudKey = key;
  }
  return judge(text + start, text + length) != KEPT;
}
