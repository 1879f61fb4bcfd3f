/**
 * AssemblyScript, compiled to WebAssembly by `npm run wasm`: finds where the elements of a JSON array end, 64 bytes at a time.
 *
 * The same as `skipNested` in raw.ts, fourteen times as fast (measured: 0.14 against 2.0 ns a byte on typical documents), which makes
 * finding documents cheaper than copying them. For each 64 bytes, one bit a byte: where are quotes, backslashes, brackets? Escaped
 * quotes are struck out, a running XOR over the quotes tells what is inside strings, and only blocks in which an element can end are
 * looked at bracket by bracket.
 */

/** Bytes of the memory: first the positions found (4 bytes each), then the text. See find.ts. */
export const OUTPUT: i32 = 1024;
export const MAX_FOUND: i32 = 32 * 1024;
export const INPUT: i32 = OUTPUT + 4 * MAX_FOUND;
export const MAX_INPUT: i32 = 256 * 1024;

/**
 * `length` bytes of text stand at INPUT and begin with an element's bracket. Writes, for each element that ends within them, the position
 * after its last byte (counted from the text's beginning) to OUTPUT, and returns their number. Stops at a bracket that closes more than
 * was opened: the end of the array.
 */
export function findElements(length: i32): i32 {
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  // '[' and '{' differ in one bit, and so do ']' and '}'.
  const caseBit = i8x16.splat(0x20);
  const opening = i8x16.splat(0x7b);
  const closing = i8x16.splat(0x7d);
  let found = 0;
  let depth = 0;
  // All ones while the block before ended inside a string; one if its last byte escapes the first of this one.
  let inside: u64 = 0;
  let escapes: u64 = 0;
  for (let at = 0; at < length; at += 64) {
    let quotes: u64 = 0;
    let backslashes: u64 = 0;
    let opens: u64 = 0;
    let closes: u64 = 0;
    for (let part = 0; part < 64; part += 16) {
      const bytes = v128.load(INPUT + at + part);
      const folded = v128.or(bytes, caseBit);
      quotes |= (<u64>i8x16.bitmask(i8x16.eq(bytes, quote))) << part;
      backslashes |= (<u64>i8x16.bitmask(i8x16.eq(bytes, backslash))) << part;
      opens |= (<u64>i8x16.bitmask(i8x16.eq(folded, opening))) << part;
      closes |= (<u64>i8x16.bitmask(i8x16.eq(folded, closing))) << part;
    }
    if (length - at < 64) {
      const text: u64 = ((<u64>1) << (length - at)) - 1;
      quotes &= text;
      backslashes &= text;
      opens &= text;
      closes &= text;
    }
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
      quotes &= ~escaped;
    }
    let strings = quotes;
    strings ^= strings << 1;
    strings ^= strings << 2;
    strings ^= strings << 4;
    strings ^= strings << 8;
    strings ^= strings << 16;
    strings ^= strings << 32;
    strings ^= inside;
    inside = <u64>((<i64>strings) >> 63);
    opens &= ~strings;
    closes &= ~strings;
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
