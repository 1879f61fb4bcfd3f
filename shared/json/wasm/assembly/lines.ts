/** AssemblyScript: makes lines of the changes that `findChanges` found at CHUNK. See ../lines.ts. */
import { CHUNK, LINES, LINE_HEAD, LINE_TAIL } from './memory';

/** From this length on, the engine's own copy is faster. */
const LONG: i32 = 512;

/**
 * Writes a line to LINES at `out`: `head` bytes of LINE_HEAD, the text from `from` to before `to`, and `tail`
 * bytes of LINE_TAIL. Each integer that ends at one of the `count` positions at `numbers` gets quotes.
 * Returns the position after the line; -1 if one of the positions is that of a `$`, which is for others to
 * rewrite. There has to be room for the line and two quotes for each position.
 */
export function writeLine(out: i32, head: i32, from: i32, to: i32, numbers: i32, count: i32, tail: i32): i32 {
  let line = copy(LINES + out, LINE_HEAD, head);
  let taken = CHUNK + from;
  for (const end = numbers + 4 * count; numbers < end; numbers += 4) {
    const after = CHUNK + load<i32>(numbers);
    const byte = load<u8>(after);
    if (byte == 0x24) return -1;
    // A minus begins a number; the position after its digits follows.
    if (byte == 0x2d) continue;
    let at = after;
    while (<u32>load<u8>(at - 1) - 0x30 <= 9) at--;
    if (load<u8>(at - 1) == 0x2d) at--;
    line = copy(line, taken, at - taken);
    store<u8>(line, 0x22);
    line = copy(line + 1, at, after - at);
    store<u8>(line++, 0x22);
    taken = after;
  }
  line = copy(line, taken, CHUNK + to - taken);
  return copy(line, LINE_TAIL, tail) - LINES;
}

/** Returns the position after the copy. Bytes after it, up to 15, may be changed too. */
// @ts-ignore: decorator
@inline
function copy(target: i32, source: i32, length: i32): i32 {
  if (length >= LONG) {
    memory.copy(target, source, length);
  } else {
    for (let i = 0; i < length; i += 16) v128.store(target + i, v128.load(source + i));
  }
  return target + length;
}
