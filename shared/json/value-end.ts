/** The end of any JSON value, byte by byte: for values that are no objects, or small. */
import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, isSpace } from './raw.ts';
import type { Unfinished } from './wasm/find.ts';

/**
 * `chunk[at]` begins `value`, or goes on with it. Returns the position after its last byte, or -1 if the
 * chunk ends first: `value` says then where it stands. A number or a word has no last byte of its own: it
 * ends before the next comma or bracket.
 */
export function findValueEnd(chunk: Buffer, at: number, value: Unfinished): number {
  let { depth, inString, escaped } = value;
  for (; at < chunk.length; at++) {
    const byte = chunk[at]!;
    if (escaped) {
      escaped = false;
    } else if (inString) {
      if (byte === BACKSLASH) escaped = true;
      if (byte !== QUOTE) continue;
      inString = false;
      if (depth === 0) return at + 1;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) {
      return at;
    }
  }
  Object.assign(value, { depth, inString, escaped });
  return -1;
}
