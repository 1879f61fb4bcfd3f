/**
 * AssemblyScript: the keys about which nothing is left to find out. A quiet name need not be looked at; the
 * numbers of a name of the other table need not be either.
 */
import { KEY_BYTES, MAX_KEY_TEXT, QUIET_NAMES, QUIET_NUMBERS } from './memory';

/** How many of each, and which is expected next: keys of an object mostly come in the same order. */
let names: i32 = 0;
let numbers: i32 = 0;
let nextName: i32 = 0;
let nextNumber: i32 = 0;
/** How many names of the object were not quiet. */
let misses: i32 = 0;
/** After so many, the object has changing keys: its other names are compared with the expected one. */
const MAX_MISSES: i32 = 16;

export function beginQuiet(quietNames: i32, quietNumbers: i32): void {
  names = quietNames;
  numbers = quietNumbers;
  nextName = 0;
  nextNumber = 0;
  misses = 0;
}

/** Whether the key whose closing quote is at `end` is the one of this entry of a table. */
// @ts-ignore: decorator
@inline
function isKey(entry: i32, text: i32, end: i32): bool {
  const low = i8x16.bitmask(i8x16.eq(v128.load(text + end - 31), v128.load(entry)));
  const high = i8x16.bitmask(i8x16.eq(v128.load(text + end - 15), v128.load(entry + 16)));
  const mask = load<i32>(entry + MAX_KEY_TEXT);
  if (((low | (high << 16)) & mask) != mask) return false;
  // A quote after a backslash begins no key. What stands before the text is not known.
  const before = end - load<i32>(entry + MAX_KEY_TEXT + 4);
  return before >= 0 && load<u8>(text + before) != 0x5c;
}

/** Which of the first `count` keys of the table ends with the quote at `end`; -1 for none. */
function find(table: i32, count: i32, next: i32, text: i32, end: i32): i32 {
  for (let tried = 0, key = next; tried < count; tried++, key++) {
    if (key >= count) key = 0;
    if (isKey(table + key * KEY_BYTES, text, end)) return key;
  }
  return -1;
}

/** Whether the key whose closing quote is at `end` is a quiet name. */
// @ts-ignore: decorator
@inline
export function isQuietName(text: i32, end: i32): bool {
  if (nextName < names && isKey(QUIET_NAMES + nextName * KEY_BYTES, text, end)) {
    nextName++;
    return true;
  }
  return isOtherQuietName(text, end);
}

function isOtherQuietName(text: i32, end: i32): bool {
  const key = misses < MAX_MISSES ? find(QUIET_NAMES, names, nextName, text, end) : -1;
  if (key == -1) {
    misses++;
    return false;
  }
  nextName = key + 1;
  return true;
}

/** Whether the numbers of the key whose closing quote is at `end` are of no interest. */
export function hasQuietNumbers(text: i32, end: i32): bool {
  if (end < 0) return false;
  const key = find(QUIET_NUMBERS, numbers, nextNumber, text, end);
  if (key == -1) return false;
  nextNumber = key + 1;
  return true;
}
