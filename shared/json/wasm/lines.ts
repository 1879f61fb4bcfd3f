/**
 * Lines that WebAssembly puts together of the changes that `findChanges` has found in a chunk, one behind the
 * other. There is one place for them, so only one caller may use it at a time.
 */
import { foundChanges } from './find.ts';
import { memory, wasm } from './module.ts';

const MAX_LINES = wasm.MAX_LINES.value;
export const lines = Buffer.from(memory, wasm.LINES.value, MAX_LINES);

const MAX_LINE_PART = wasm.MAX_LINE_PART.value;
const head = new Uint8Array(memory, wasm.LINE_HEAD.value, MAX_LINE_PART);
const tail = new Uint8Array(memory, wasm.LINE_TAIL.value, MAX_LINE_PART);
let headLength = 0;
let tailLength = 0;

/** Returned by `writeLine` instead of a position. */
export const NO_ROOM = 0;

/** Sets what stands before and after the members in the next lines. False if it is too long. */
export function setLineParts(before: readonly Buffer[], after: Buffer): boolean {
  if (after.length + before.reduce((sum, { length }) => sum + length, 0) > MAX_LINE_PART) return false;
  headLength = 0;
  for (const part of before) {
    head.set(part, headLength);
    headLength += part.length;
  }
  tail.set(after);
  tailLength = after.length;
  return true;
}

/**
 * Writes a line to `lines` at `out`, with the bytes from `start` to before `end` of the chunk that was
 * searched last. The integers that end at the `count` positions in `foundChanges` from `first` on are written
 * as texts. Returns the position after the line, `NO_ROOM`, or a negative number if the line may have a value
 * that is written differently and is no integer.
 */
export function writeLine(out: number, start: number, end: number, first: number, count: number): number {
  if (out + headLength + (end - start) + 2 * count + tailLength > MAX_LINES) return NO_ROOM;
  return wasm.writeLine(out, headLength, start, end, foundChanges.byteOffset + 4 * first, count, tailLength);
}
