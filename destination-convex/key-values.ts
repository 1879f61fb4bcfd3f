/** Whether Convex stores the value of a primary key so that it stays different from other values. Pure. */
import { fieldNameOf } from '../shared/convex/identifiers.ts';
import { isNumberByte } from '../shared/json/decimals.ts';
import { standsForFloat64 } from '../shared/json/float64.ts';
import { isDigit } from '../shared/json/integers.ts';
import { COLON, OPEN_BRACE, OPEN_BRACKET, QUOTE, skipSpace, skipString, stringAt } from '../shared/json/raw.ts';

/**
 * Why other keys may be stored as the same value (DEC37).
 * - `rounded`: a number in it has more digits than a float64 keeps (C40).
 * - `renamed`: an object in it has a field that Convex renames (C36).
 */
export type KeyValueProblem = 'rounded' | 'renamed';

/** Checks the value `buffer[start, end)` at every depth. Throws `JsonError` if it is not valid JSON. */
export function keyValueProblem(buffer: Buffer, start: number, end: number): KeyValueProblem | undefined {
  const first = buffer[start]!;
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return nestedProblem(buffer, start, end);
  return isNumberStart(first) && roundedNumber(buffer, start, end) ? 'rounded' : undefined;
}

function nestedProblem(buffer: Buffer, start: number, end: number): KeyValueProblem | undefined {
  for (let at = start; at < end; at++) {
    const byte = buffer[at]!;
    if (byte === QUOTE) {
      const after = skipString(buffer, at + 1, end);
      if (after === -1) return undefined;
      if (buffer[skipSpace(buffer, after, end)] === COLON && isRenamed(stringAt(buffer, at, after))) return 'renamed';
      at = after - 1;
    } else if (isNumberStart(byte)) {
      let after = at;
      while (after < end && isNumberByte(buffer[after]!)) after++;
      if (roundedNumber(buffer, at, after)) return 'rounded';
      at = after - 1;
    }
  }
  return undefined;
}

function isRenamed(name: string): boolean {
  const stored = fieldNameOf(name);
  return stored.kind !== 'name' || stored.name !== name;
}

/** A float64 keeps up to 15 digits. Only longer numbers and those with an exponent need the exact check. */
function roundedNumber(buffer: Buffer, start: number, end: number): boolean {
  const text = buffer.toString('latin1', start, end);
  if (text.length < 16 && !/e/i.test(text)) return false;
  return !standsForFloat64(text);
}

function isNumberStart(byte: number): boolean {
  return byte === MINUS || isDigit(byte);
}

const MINUS = 0x2d;
