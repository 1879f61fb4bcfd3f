/** Whether the value of a primary key is stored as a value that no other value of the source is stored as. Pure, works on bytes. */
import { fieldNameOf } from '../shared/convex/identifiers.ts';
import { standsForFloat64 } from '../shared/json/float64.ts';
import { COLON, OPEN_BRACE, OPEN_BRACKET, QUOTE, skipSpace, skipString, stringAt } from '../shared/json/raw.ts';

/**
 * `rounded`: a number in it is not the one number that stands for its float64. `renamed`: an object in it has a field that Convex stores
 * under another name, which another value may have as its own. Other keys are stored as the same value then.
 */
export type KeyValueProblem = 'rounded' | 'renamed';

/** Looks at the value `buffer[start, end)`, at every depth. Throws `JsonError` where it is no JSON. */
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

/** Up to 15 digits without an exponent are kept by every float64, and need no closer look. */
function roundedNumber(buffer: Buffer, start: number, end: number): boolean {
  const text = buffer.toString('latin1', start, end);
  if (text.length < 16 && !/e/i.test(text)) return false;
  return !standsForFloat64(text);
}

function isNumberStart(byte: number): boolean {
  return byte === MINUS || (byte >= ZERO && byte <= NINE);
}

function isNumberByte(byte: number): boolean {
  return isNumberStart(byte) || byte === PLUS || byte === POINT || byte === UPPER_E || byte === LOWER_E;
}

const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;
