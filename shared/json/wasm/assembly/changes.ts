/**
 * AssemblyScript: the changes of a page of Data Sync, as a deployment writes them:
 * `{"component":"…","table":"…","ts":…,"deleted":false,"value":{…}}`, separated by commas.
 *
 * One pass finds where they end, their members, and the values that are written differently in another value
 * format.
 */
import { beginExportValues, exportValuesOf } from './export-values';
import { CHANGE_NUMBERS, MAX_CHANGES, OUTPUT } from './memory';
import { closes, opens, readBlock } from './structure';

/** Bits of a change's flags. */
const DELETED: i32 = 1;
/** It has the `ts` of the change before it. */
const SAME_TS: i32 = 2;
/** It has the component and the table of the change before it. */
const SAME_TABLE: i32 = 4;

/** The members of the change in hand. `value` is 0 if it is written in another form. */
let componentEnd: i32 = 0;
let tsStart: i32 = 0;
let tsEnd: i32 = 0;
let flags: i32 = 0;
let value: i32 = 0;
/** Where the change before it began, and its members; `lastStart` is -1 if there is none of this form. */
let lastStart: i32 = -1;
let lastTsStart: i32 = 0;
let lastTsEnd: i32 = 0;

/**
 * The `length` bytes at `text` begin with a change. Writes the ends of the changes that end within them to
 * OUTPUT, as `findElements` does. Writes to `numbers`, which has room for `MAX_CHANGES` of them,
 * `CHANGE_NUMBERS` for each change: the position after its end; its flags; the positions of the quote after
 * its component, of its `ts` and of the byte after that; of its value, 0 if the change is written in another
 * form; and how many values are written differently. The positions of these follow (see export-values.ts).
 * Returns the number of changes; may be less than there are, if they do not fit.
 */
export function findChanges(text: i32, length: i32, numbers: i32): i32 {
  let found = 0;
  let depth = 0;
  let start = 0;
  let valueEnd = 0;
  let change = numbers;
  let next = numbers;
  const limit = numbers + 4 * MAX_CHANGES;
  lastStart = -1;
  beginExportValues();
  for (let at = 0; at < length; at += 64) {
    readBlock(text, at, length, true);
    let events = exportValuesOf(text, at, length);
    const closed = <i32>popcnt(closes);
    if (depth > closed + 1) {
      depth += <i32>popcnt(opens) - closed;
      if (value == 0) continue;
      if (next + 4 * 64 > limit) return found;
      while (events != 0) {
        const position = at + <i32>ctz(events);
        events &= events - 1;
        if (position <= value) continue;
        store<i32>(next, position);
        next += 4;
      }
      continue;
    }
    let bits = opens | closes | events;
    while (bits != 0) {
      const bit = bits & (0 - bits);
      bits ^= bit;
      const position = at + <i32>ctz(bit);
      if ((opens & bit) != 0) {
        if (depth++ > 0) continue;
        start = position;
        valueEnd = 0;
        change = next;
        next += 4 * CHANGE_NUMBERS;
        if (next > limit) return found;
        readBeginning(text, position, length);
        continue;
      }
      if ((events & bit) != 0 && value != 0 && position > value && valueEnd == 0) {
        if (next == limit) return found;
        store<i32>(next, position);
        next += 4;
      }
      if ((closes & bit) == 0) continue;
      if (depth == 0) return found;
      depth--;
      if (depth == 1 && valueEnd == 0 && position > value) valueEnd = position + 1;
      if (depth > 0) continue;
      // The value has to be the last member: what might follow it is not part of the document.
      const known = value != 0 && valueEnd == position;
      store<i32>(change, position + 1);
      store<i32>(change, flags, 4);
      store<i32>(change, componentEnd, 8);
      store<i32>(change, tsStart, 12);
      store<i32>(change, tsEnd, 16);
      store<i32>(change, known ? value : 0, 20);
      store<i32>(change, ((next - change) >> 2) - CHANGE_NUMBERS, 24);
      lastStart = known ? start : -1;
      lastTsStart = tsStart;
      lastTsEnd = tsEnd;
      store<i32>(OUTPUT + 4 * found++, position + 1);
    }
  }
  return found;
}

/** Reads what stands before the value of the change that begins at `at`. */
function readBeginning(text: i32, at: i32, length: i32): void {
  value = 0;
  flags = 0;
  const limit = text + length;
  let to = text + at;
  const names = lastTsStart - lastStart;
  if (lastStart != -1 && to + names < limit && sameBytes(to, text + lastStart, names)) {
    flags = SAME_TABLE;
    to += names;
  } else {
    to = readNames(text, to, limit);
    if (to == 0) return;
  }
  tsStart = to - text;
  while (to < limit && <u32>load<u8>(to) - 0x30 <= 9) to++;
  tsEnd = to - text;
  const digits = tsEnd - tsStart;
  if (digits == 0 || digits > 19 || (digits > 1 && load<u8>(text + tsStart) == 0x30)) return;
  if (lastStart != -1 && digits == lastTsEnd - lastTsStart)
    if (sameBytes(text + tsStart, text + lastTsStart, digits)) flags |= SAME_TS;
  // ,"deleted":
  if (to + 27 > limit || load<u64>(to) != 0x6574656c6564222c || load<u16>(to, 8) != 0x2264) return;
  if (load<u8>(to, 10) != 0x3a) return;
  if (load<u32>(to, 11) == 0x65757274) {
    flags |= DELETED;
    to += 15;
  } else if (load<u32>(to, 11) == 0x736c6166 && load<u8>(to, 15) == 0x65) {
    to += 16;
  } else {
    return;
  }
  // ,"value":{
  if (load<u64>(to) == 0x2265756c6176222c && load<u16>(to, 8) == 0x7b3a) value = to + 9 - text;
}

/** Reads `{"component":"…","table":"…","ts":` at `to`. Returns its end; 0 for another form. */
function readNames(text: i32, to: i32, limit: i32): i32 {
  // {"component":"
  if (to + 14 > limit || load<u64>(to) != 0x6e6f706d6f63227b || load<u32>(to, 8) != 0x22746e65) return 0;
  if (load<u16>(to, 12) != 0x223a) return 0;
  to = nameEnd(to + 14, limit);
  componentEnd = to - text;
  // ","table":"
  if (to + 11 > limit || load<u64>(to) != 0x656c626174222c22 || load<u16>(to, 8) != 0x3a22) return 0;
  if (load<u8>(to, 10) != 0x22) return 0;
  const table = to + 11;
  to = nameEnd(table, limit);
  // ","ts":
  if (to == table || to + 7 > limit || load<u32>(to) != 0x74222c22 || load<u32>(to, 3) != 0x3a227374) return 0;
  return to + 7;
}

/** The position of the quote after a name without escapes; of something else if there is none. */
function nameEnd(from: i32, limit: i32): i32 {
  let to = from;
  while (to < limit) {
    const byte = load<u8>(to);
    if (byte == 0x22 || byte == 0x5c) break;
    to++;
  }
  return to;
}

function sameBytes(a: i32, b: i32, length: i32): bool {
  let i = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  for (; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}
