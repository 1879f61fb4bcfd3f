/** AssemblyScript: finds an object's members, and whether `inspect` has something to tell (watch.ts). */
import { KEYS, KEY_BYTES, MAX_FOUND, MAX_KEY_TEXT, OUTPUT, WANTED } from './memory';
import { beginText, closes, commas, opens, readBlock } from './structure';
import { beginWatch, suspicious, watchBlock } from './watch';

/** Which of `count` keys at KEYS the member has, of the `tries` tried from number `from`. -1: none. */
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

/** After so many unknown keys, an object has changing keys (a map by id): the others are not searched. */
const MAX_MISSES: i32 = 16;

/** Whether a colon and the first byte of a value follow the key. If not, the caller decides. */
// @ts-ignore: decorator
@inline
function isMember(member: i32, entry: i32): bool {
  const colon = member + 32 - clz(load<i32>(entry + MAX_KEY_TEXT));
  if (load<u8>(colon) != 0x3a) return false;
  const byte = <i32>load<u8>(colon + (load<u8>(colon + 1) == 0x20 ? 2 : 1));
  return byte == 0x22 || (byte > 0x2c && byte != 0x5d && byte != 0x7d);
}

/**
 * The `length` bytes at `text` begin with an object's brace. Writes to OUTPUT the position after its end,
 * then whether it may have anything that `inspect` would tell of, and then three numbers for each member:
 * where it begins, the number of its key, and where it ends (a comma's position, or the closing brace's). The
 * first `keys` keys at KEYS are expected in that order. Members that have one of them are left out, except
 * where the key is wanted; the number is -1 for all others. A member with such a key may be taken for one of
 * the others. Returns how many numbers were written; 0 if the object does not end within the text or has too
 * many members.
 *
 * `keys` is -1 where the members are not asked for. `names` and `numbers`: how many quiet keys there are; -1
 * for `names` where nobody asks whether there is anything.
 */
export function findMembers(text: i32, length: i32, keys: i32, names: i32, numbers: i32): i32 {
  const watching = names != -1;
  let found = 2;
  let depth = 0;
  let next = 0;
  let misses = 0;
  let listed = false;
  beginText();
  beginWatch(names, numbers);
  for (let at = 0; at < length; at += 64) {
    readBlock(text, at, length, true);
    if (watching) watchBlock(text, at, length);
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
        store<i32>(OUTPUT + 4, suspicious ? 1 : 0);
        return found;
      }
      if (keys == -1) continue;
      let member = text + position + 1;
      if (load<u8>(member) == 0x20) member++;
      const key = keyOf(member, next, keys, misses < MAX_MISSES ? keys : min(keys, 1));
      let number = -1;
      listed = true;
      if (key == -1) {
        misses++;
      } else {
        next = key + 1;
        const entry = KEYS + key * KEY_BYTES;
        if (isMember(member, entry)) {
          number = key;
          listed = load<i32>(entry + WANTED) != 0;
        }
      }
      if (listed) {
        if (found >= MAX_FOUND - 2) return 0;
        store<i32>(OUTPUT + 4 * found, position + 1);
        store<i32>(OUTPUT + 4 * found + 4, number);
        found += 2;
      }
    }
  }
  return 0;
}
