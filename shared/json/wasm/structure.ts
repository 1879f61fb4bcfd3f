/**
 * AssemblyScript, compiled to WebAssembly by `npm run wasm`: finds the structure of JSON text, 64 bytes at a time.
 *
 * The same as `skipNested` and `Members` in raw.ts, ten times as fast (measured: 0.14 against 2.0 ns a byte for the ends of typical
 * documents), which makes finding documents cheaper than copying them. For each 64 bytes, one bit a byte: where are quotes, backslashes,
 * brackets, commas? Escaped quotes are struck out, a running XOR over the quotes tells what is inside strings, and only blocks in which
 * something can begin or end at the wanted depth are looked at bit by bit.
 */

/**
 * Bytes of the memory: the positions found (4 bytes each), the keys of members to pass over, two places for text, and some bytes that may
 * be read beyond the last one. See find.ts.
 */
export const OUTPUT: i32 = 1024;
export const MAX_FOUND: i32 = 32 * 1024;
export const KEYS: i32 = OUTPUT + 4 * MAX_FOUND;
export const MAX_KEYS: i32 = 64;
/** A key: its text with both quotes, then a 32-bit mask with a bit for each byte of it. */
export const KEY_BYTES: i32 = 48;
export const MAX_KEY_TEXT: i32 = 32;
export const COPIED: i32 = KEYS + MAX_KEYS * KEY_BYTES;
export const MAX_COPIED: i32 = 256 * 1024;
export const RESIDENT: i32 = COPIED + MAX_COPIED;
export const MAX_RESIDENT: i32 = 64 * 1024;
/** Keys that `inspect` does not report, after some bytes that may be read beyond the text. See inspect.ts. */
export const QUIET: i32 = RESIDENT + MAX_RESIDENT + 128;
export const MAX_QUIET: i32 = 64;
/** The text of a quiet key with both quotes, at the end of 32 bytes; then 32-bit numbers: a mask of its bytes, its length, what is quiet. */
export const QUIET_BYTES: i32 = 48;

/** One bit for each byte of the block in hand, without what is inside strings. */
export let opens: u64 = 0;
export let closes: u64 = 0;
export let commas: u64 = 0;
/** All ones while the block before ended inside a string; one if its last byte escapes the first of this one. */
export let inside: u64 = 0;
export let escapes: u64 = 0;
/** One bit for each byte of the block in hand that is a quote, or inside a string. */
export let quotes: u64 = 0;
export let strings: u64 = 0;
/** One bit for each byte of the block in hand that is a backslash. */
export let slashes: u64 = 0;

export function beginText(): void {
  inside = 0;
  escapes = 0;
}

/** The top bits of 64 bytes, in order. */
// @ts-ignore: decorator
@inline
export function bitsOf(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u32>i8x16.bitmask(a) | (<u32>i8x16.bitmask(b) << 16);
  const high = <u32>i8x16.bitmask(c) | (<u32>i8x16.bitmask(d) << 16);
  return <u64>low | ((<u64>high) << 32);
}

/** One bit for each of 64 bytes that is `byte`. Written out: a loop over the four parts of a block costs a fifth more (measured). */
// @ts-ignore: decorator
@inline
export function bytesThatAre(byte: v128, a: v128, b: v128, c: v128, d: v128): u64 {
  return bitsOf(i8x16.eq(a, byte), i8x16.eq(b, byte), i8x16.eq(c, byte), i8x16.eq(d, byte));
}

// @ts-ignore: decorator
@inline
export function readBlock(text: i32, at: i32, length: i32, withCommas: bool): void {
  let a = v128.load(text + at);
  let b = v128.load(text + at, 16);
  let c = v128.load(text + at, 32);
  let d = v128.load(text + at, 48);
  let quoting = bytesThatAre(i8x16.splat(0x22), a, b, c, d);
  let backslashes = bytesThatAre(i8x16.splat(0x5c), a, b, c, d);
  let between: u64 = 0;
  if (withCommas) between = bytesThatAre(i8x16.splat(0x2c), a, b, c, d);
  // '[' and '{' differ in one bit, and so do ']' and '}'.
  const caseBit = i8x16.splat(0x20);
  a = v128.or(a, caseBit);
  b = v128.or(b, caseBit);
  c = v128.or(c, caseBit);
  d = v128.or(d, caseBit);
  let opening = bytesThatAre(i8x16.splat(0x7b), a, b, c, d);
  let closing = bytesThatAre(i8x16.splat(0x7d), a, b, c, d);
  if (length - at < 64) {
    const within: u64 = ((<u64>1) << (length - at)) - 1;
    quoting &= within;
    backslashes &= within;
    opening &= within;
    closing &= within;
    between &= within;
  }
  slashes = backslashes;
  if ((backslashes | escapes) != 0) {
    let escaped = escapes;
    backslashes &= ~escapes;
    escapes = 0;
    while (backslashes != 0) {
      const next = (backslashes & (0 - backslashes)) << 1;
      if (next == 0) {
        escapes = 1;
        break;
      }
      escaped |= next;
      // What is escaped is no backslash that escapes.
      backslashes &= backslashes - 1;
      backslashes &= ~next;
    }
    quoting &= ~escaped;
    // The text ends within the block: whether its last byte escapes the next one is for whoever goes on with it.
    if (length - at < 64) escapes = (escaped >> (length - at)) & 1;
  }
  let quoted = quoting;
  quoted ^= quoted << 1;
  quoted ^= quoted << 2;
  quoted ^= quoted << 4;
  quoted ^= quoted << 8;
  quoted ^= quoted << 16;
  quoted ^= quoted << 32;
  quoted ^= inside;
  inside = <u64>(<i64>quoted >> 63);
  quotes = quoting;
  strings = quoted;
  opens = opening & ~quoted;
  closes = closing & ~quoted;
  commas = between & ~quoted;
}

/**
 * The `length` bytes at `text` begin with an element's bracket. Writes, for each element that ends within them, the position after its
 * last byte (counted from the text's beginning) to OUTPUT, and returns their number. Stops at a bracket that closes more than was opened:
 * the end of the array.
 */
export function findElements(text: i32, length: i32): i32 {
  let found = 0;
  let depth = 0;
  inside = 0;
  escapes = 0;
  for (let at = 0; at < length; at += 64) {
    readBlock(text, at, length, false);
    const closed = <i32>popcnt(closes);
    if (depth > closed) {
      depth += <i32>popcnt(opens) - closed;
      continue;
    }
    let brackets = opens | closes;
    while (brackets != 0) {
      const bracket = brackets & (0 - brackets);
      brackets ^= bracket;
      if ((opens & bracket) != 0) {
        depth++;
        continue;
      }
      if (depth == 0) return found;
      if (--depth > 0) continue;
      store<i32>(OUTPUT + 4 * found, at + <i32>ctz(bracket) + 1);
      if (++found == MAX_FOUND) return found;
    }
  }
  return found;
}

/**
 * The `length` bytes at `text` go on with an element, or begin one: `depth` brackets are open, and the last byte before was inside a string, or
 * a backslash that escapes the first one of these. Returns the position after the element's last byte; -1 if it does not end within
 * the text, and then writes to OUTPUT what these three are by its end.
 */
export function findEnd(text: i32, length: i32, depth: i32, inString: bool, escaped: bool): i32 {
  inside = inString ? ~(<u64>0) : 0;
  escapes = escaped ? 1 : 0;
  for (let at = 0; at < length; at += 64) {
    readBlock(text, at, length, false);
    const closed = <i32>popcnt(closes);
    if (depth > closed) {
      depth += <i32>popcnt(opens) - closed;
      continue;
    }
    let brackets = opens | closes;
    while (brackets != 0) {
      const bracket = brackets & (0 - brackets);
      brackets ^= bracket;
      if ((opens & bracket) != 0) depth++;
      else if (--depth == 0) return at + <i32>ctz(bracket) + 1;
    }
  }
  store<i32>(OUTPUT, depth);
  store<i32>(OUTPUT + 4, inside != 0 ? 1 : 0);
  store<i32>(OUTPUT + 8, <i32>escapes);
  return -1;
}

/** Which of the first `count` keys at KEYS the member at `member` has; `tries` of them are tried, from number `from` on. -1 for none. */
// @ts-ignore: decorator
@inline
function keyOf(member: i32, from: i32, count: i32, tries: i32): i32 {
  const low = v128.load(member);
  const high = v128.load(member + 16);
  for (let tried = 0, key = from; tried < tries; tried++, key++) {
    if (key >= count) key = 0;
    const entry = KEYS + key * KEY_BYTES;
    const mask = load<i32>(entry + MAX_KEY_TEXT);
    const same =
      i8x16.bitmask(i8x16.eq(low, v128.load(entry))) |
      (i8x16.bitmask(i8x16.eq(high, v128.load(entry + 16))) << 16);
    if ((same & mask) == mask) return key;
  }
  return -1;
}

/** After so many keys that are none of those, an object is one of changing keys (a map by id), and the others are not searched for theirs. */
const MAX_MISSES: i32 = 16;

/** Whether a colon and the first byte of a value follow the key. Where not, what that means is for others to say. */
// @ts-ignore: decorator
@inline
function isMember(member: i32, entry: i32): bool {
  const colon = member + 32 - clz(load<i32>(entry + MAX_KEY_TEXT));
  if (load<u8>(colon) != 0x3a) return false;
  const byte = <i32>load<u8>(colon + (load<u8>(colon + 1) == 0x20 ? 2 : 1));
  return byte == 0x22 || (byte > 0x2c && byte != 0x5d && byte != 0x7d);
}

/**
 * The `length` bytes at `text` begin with an object's brace. Writes to OUTPUT the position after its end, and then where its members begin
 * and end (a comma's position, or the closing brace's), except for those that have one of the first `keys` keys at KEYS, which
 * are expected in that order; a member with such a key may be told of all the same. Returns how many positions that are; 0 if the object
 * does not end within the text or has too many members.
 */
export function findMembers(text: i32, length: i32, keys: i32): i32 {
  let found = 1;
  let depth = 0;
  let next = 0;
  let misses = 0;
  let listed = false;
  inside = 0;
  escapes = 0;
  for (let at = 0; at < length; at += 64) {
    readBlock(text, at, length, true);
    const closed = <i32>popcnt(closes);
    if (depth - 1 > closed) {
      depth += <i32>popcnt(opens) - closed;
      continue;
    }
    let marks = opens | closes | commas;
    while (marks != 0) {
      const mark = marks & (0 - marks);
      marks ^= mark;
      if ((opens & mark) != 0) {
        if (depth++ > 0) continue;
      } else if ((commas & mark) != 0) {
        if (depth != 1) continue;
      } else if (--depth > 0) {
        continue;
      }
      // A member of the object ends here, or begins, or both.
      const position = at + <i32>ctz(mark);
      if (listed) store<i32>(OUTPUT + 4 * found++, position);
      if (depth == 0) {
        store<i32>(OUTPUT, position + 1);
        return found;
      }
      let member = text + position + 1;
      if (load<u8>(member) == 0x20) member++;
      const key = keyOf(member, next, keys, misses < MAX_MISSES ? keys : min(keys, 1));
      listed = key == -1 || !isMember(member, KEYS + key * KEY_BYTES);
      if (key != -1) next = key + 1;
      else misses++;
      if (listed) {
        if (found >= MAX_FOUND - 1) return 0;
        store<i32>(OUTPUT + 4 * found++, position + 1);
      }
    }
  }
  return 0;
}
