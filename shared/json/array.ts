/** The elements of an array in a complete buffer, found without decoding them. */
import { CLOSE_BRACKET, COMMA, JsonError, OPEN_BRACKET, skipSpace, skipValue } from './raw.ts';

/** Calls `onElement` with the place of each element of an array. Throws `JsonError` if it is none. */
export function eachElement(
  buffer: Buffer,
  start: number,
  end: number,
  onElement: (start: number, end: number) => void,
): void {
  if (buffer[start] !== OPEN_BRACKET) throw new JsonError(`byte ${start} does not start a JSON array`);
  let at = skipSpace(buffer, start + 1, end);
  if (buffer[at] === CLOSE_BRACKET && at < end) return;
  for (;;) {
    const after = skipValue(buffer, at, end);
    onElement(at, after);
    at = skipSpace(buffer, after, end);
    if (buffer[at] === CLOSE_BRACKET && at < end) return;
    if (buffer[at] !== COMMA || at >= end)
      throw new JsonError(`byte ${at} should be a comma or the end of a JSON array`);
    at = skipSpace(buffer, at + 1, end);
  }
}
