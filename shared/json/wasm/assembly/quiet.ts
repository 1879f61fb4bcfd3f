/**
 * AssemblyScript: the keys about which nothing is left to find out. A quiet name need not be looked at; the numbers of a name of the other
 * table need not be either.
 */
import { KEY_BYTES, MAX_KEY_TEXT, QUIET_NAMES, QUIET_NUMBERS } from './memory';

/** How many there are of each, and which one is expected next: the keys of an object mostly come in the same order. */
let names: i32 = 0;
let numbers: i32 = 0;
let nextName: i32 = 0;
let nextNumber: i32 = 0;
/** How many names of the object were not quiet. */
let misses: i32 = 0;
/** After so many, the object is one of changing keys (a map by id), and its other names are only compared with the expected one. */
const MAX_MISSES: i32 = 16;

export function beginQuiet(quietNames: i32, quietNumbers: i32): void {
  names = quietNames;
  numbers = quietNumbers;
  nextName = 0;
  nextNumber = 0;
  misses = 0;
}

/** Which of the first `count` keys of the table ends with the quote at `end`; -1 for none. `tries` of them are tried, from `next` on. */
function find(table: i32, count: i32, next: i32, tries: i32, text: i32, end: i32): i32 {
  const low = v128.load(text + end - 31);
  const high = v128.load(text + end - 15);
  let key = next;
  for (let tried = 0; tried < tries; tried++, key++) {
    if (key >= count) key = 0;
    const entry = table + key * KEY_BYTES;
    const mask = load<i32>(entry + MAX_KEY_TEXT);
    const same =
      i8x16.bitmask(i8x16.eq(low, v128.load(entry))) | (i8x16.bitmask(i8x16.eq(high, v128.load(entry + 16))) << 16);
    if ((same & mask) != mask) continue;
    // A quote after a backslash begins no key. What stands before the text is not known.
    const before = end - load<i32>(entry + MAX_KEY_TEXT + 4);
    if (before < 0 || load<u8>(text + before) == 0x5c) continue;
    return key;
  }
  return -1;
}

/** Whether the key whose closing quote is at `end` is a quiet name. */
export function isQuietName(text: i32, end: i32): bool {
  const key = find(QUIET_NAMES, names, nextName, misses < MAX_MISSES ? names : min(names, 1), text, end);
  if (key == -1) {
    misses++;
    return false;
  }
  nextName = key + 1;
  return true;
}

/** Whether the numbers of the key whose closing quote is at `end` are of no interest. */
export function hasQuietNumbers(text: i32, end: i32): bool {
  if (end < 0 || numbers == 0) return false;
  const key = find(QUIET_NUMBERS, numbers, nextNumber, numbers, text, end);
  if (key == -1) return false;
  nextNumber = key + 1;
  return true;
}
