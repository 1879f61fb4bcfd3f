/**
 * Raw JSON: finding values in bytes without decoding them.
 *
 * Every function works on a complete buffer and returns positions in it. Nesting is counted, never recursed
 * into, so a document of a gigabyte of brackets costs a scan and no stack. Only what decides where a value
 * ends is checked (quotes, escapes, brackets): a value that passes through is the producer's business and
 * keeps its bytes.
 */

import { findStringEnd } from './wasm/find.ts';

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const NEWLINE = 0x0a;
export const CARRIAGE_RETURN = 0x0d;

/** The bytes are not the expected JSON. The message names a position, never the bytes. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/** A longer string is worth a native search for its end; a loop is faster before (2x at 64 bytes). */
const LONG_STRING = 128;

/** In a string with so many escaped quotes more will follow. */
const MANY_ESCAPED = 8;

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === NEWLINE || byte === CARRIAGE_RETURN || byte === 0x09;
}

/** The first position at or after `at` that is not white space. */
export function skipSpace(buffer: Buffer, at: number, end: number): number {
  while (at < end && isSpace(buffer[at])) at++;
  return at;
}

/** Bytes that matter inside and outside of strings. One load is cheaper than several comparisons. */
const IN_STRING = new Uint8Array(256);
IN_STRING[QUOTE] = IN_STRING[BACKSLASH] = 1;
const STRING = 1;
const OPEN = 2;
const CLOSE = 3;
const STRUCTURE = new Uint8Array(256);
STRUCTURE[QUOTE] = STRING;
STRUCTURE[OPEN_BRACE] = STRUCTURE[OPEN_BRACKET] = OPEN;
STRUCTURE[CLOSE_BRACE] = STRUCTURE[CLOSE_BRACKET] = CLOSE;

/** `at`: after an opening quote. Returns the position after the closing one; -1 if none before `end`. */
export function skipString(buffer: Buffer, at: number, end: number): number {
  // Four bytes at a time (measured: 1.9x).
  const near = Math.min(end - 4, at + LONG_STRING);
  while (at < near) {
    const a = buffer[at]!;
    const b = buffer[at + 1]!;
    const c = buffer[at + 2]!;
    const d = buffer[at + 3]!;
    if ((IN_STRING[a]! | IN_STRING[b]! | IN_STRING[c]! | IN_STRING[d]!) === 0) at += 4;
    else if (a === QUOTE) return at + 1;
    else if (a === BACKSLASH) at += 2;
    else if (b === QUOTE) return at + 2;
    else if (b === BACKSLASH) at += 3;
    else if (c === QUOTE) return at + 3;
    else if (c === BACKSLASH) at += 4;
    else if (d === QUOTE) return at + 4;
    else at += 5;
  }
  return skipLongString(buffer, at, end);
}

function skipLongString(buffer: Buffer, at: number, end: number): number {
  for (let escaped = 0; at < end; escaped++) {
    // Escaped quotes all over: then 64 bytes at a time are faster.
    if (escaped === MANY_ESCAPED) return findStringEnd(buffer, at, end);
    const quote = buffer.indexOf(QUOTE, at);
    if (quote === -1 || quote >= end) return -1;
    // An odd run of backslashes before a quote escapes it. It begins at `at` or later: `at` is in no escape.
    let run = quote;
    while (run > at && buffer[run - 1] === BACKSLASH) run--;
    at = quote + 1;
    if ((quote - run) % 2 === 0) return at;
    // JSON in a string: the next quotes are near, and a native search costs as much as a hundred bytes.
    const near = Math.min(end, at + LONG_STRING);
    while (at < near) {
      const byte = buffer[at++];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
    }
  }
  return -1;
}

/** `at`: on a bracket or brace. Returns the position after its partner; -1 if none before `end`. */
export function skipNested(buffer: Buffer, at: number, end: number): number {
  let depth = 0;
  while (at < end) {
    const kind = STRUCTURE[buffer[at++]!];
    if (kind === 0) continue;
    if (kind === STRING) {
      at = skipString(buffer, at, end);
      if (at === -1) return -1;
    } else if (kind === OPEN) {
      depth++;
    } else if (--depth === 0) {
      return at;
    }
  }
  return -1;
}

/** `at`: on a value's first byte. Returns the position after the value. Throws `JsonError` if none. */
export function skipValue(buffer: Buffer, at: number, end: number): number {
  const byte = buffer[at];
  let after: number;
  if (byte === QUOTE) {
    after = skipString(buffer, at + 1, end);
  } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
    after = skipNested(buffer, at, end);
  } else {
    after = at;
    while (after < end && !isScalarEnd(buffer[after])) after++;
    if (after === at) after = -1;
  }
  if (after === -1 || after > end) throw new JsonError(`a JSON value that starts at byte ${at} has no end`);
  return after;
}

function isScalarEnd(byte: number | undefined): boolean {
  return (
    byte === COMMA ||
    byte === CLOSE_BRACE ||
    byte === CLOSE_BRACKET ||
    byte === COLON ||
    byte === QUOTE ||
    isSpace(byte)
  );
}

/**
 * Walks the members of one object without allocating: `next()` moves on and the four positions tell where the
 * member stands. Key positions exclude the quotes; a value's are its raw text, quotes included.
 */
export class Members {
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** The position just after the object's closing brace once `next()` has returned false. */
  end = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  #limit = 0;
  #first = true;

  /** Points at the object whose `{` is the first thing that is not white space at or after `start`. */
  open(buffer: Buffer, start: number, limit: number): this {
    const at = skipSpace(buffer, start, limit);
    if (buffer[at] !== OPEN_BRACE || at >= limit) throw new JsonError(`byte ${start} does not start a JSON object`);
    this.#buffer = buffer;
    this.#at = at + 1;
    this.#limit = limit;
    this.#first = true;
    return this;
  }

  /** Points into an object: `at` is just after the value of one of its members. */
  resume(buffer: Buffer, at: number, limit: number): this {
    this.#buffer = buffer;
    this.#at = at;
    this.#limit = limit;
    this.#first = false;
    return this;
  }

  next(): boolean {
    const buffer = this.#buffer;
    const limit = this.#limit;
    let at = skipSpace(buffer, this.#at, limit);
    if (buffer[at] === CLOSE_BRACE && at < limit) {
      this.end = at + 1;
      return false;
    }
    if (!this.#first) {
      if (buffer[at] !== COMMA) throw new JsonError(`byte ${at} should be a comma or the end of a JSON object`);
      at = skipSpace(buffer, at + 1, limit);
    }
    this.#first = false;
    if (buffer[at] !== QUOTE || at >= limit) throw new JsonError(`byte ${at} should start a key of a JSON object`);
    this.keyStart = at + 1;
    at = skipString(buffer, at + 1, limit);
    if (at === -1) throw new JsonError(`a key that starts at byte ${this.keyStart} has no end`);
    this.keyEnd = at - 1;
    at = skipSpace(buffer, at, limit);
    if (buffer[at] !== COLON || at >= limit) throw new JsonError(`byte ${at} should be a colon`);
    this.valueStart = skipSpace(buffer, at + 1, limit);
    this.valueEnd = skipValue(buffer, this.valueStart, limit);
    this.#at = this.valueEnd;
    return true;
  }

  /** Whether the current key is exactly these bytes. A key written with escapes is not: see `key()`. */
  keyIs(name: Uint8Array): boolean {
    return bytesAre(this.#buffer, this.keyStart, this.keyEnd, name);
  }

  /** The current key, decoded. */
  key(): string {
    return stringAt(this.#buffer, this.keyStart - 1, this.keyEnd + 1);
  }
}

/** Whether `buffer[start, end)` is exactly `expected`. Both are short, hence a plain loop. */
export function bytesAre(buffer: Buffer, start: number, end: number, expected: Uint8Array): boolean {
  const length = expected.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (buffer[start + i] !== expected[i]) return false;
  return true;
}

/** Decodes a JSON string token (quotes included). Throws `JsonError` if it is not one. */
export function stringAt(buffer: Buffer, start: number, end: number): string {
  // JSON.parse only where an escape asks for it: most names and ids are plain.
  if (buffer[start] !== QUOTE || buffer[end - 1] !== QUOTE)
    throw new JsonError(`byte ${start} does not start a JSON string`);
  for (let i = start + 1; i < end - 1; i++) {
    if (buffer[i] === BACKSLASH) return parseString(buffer.toString('utf8', start, end));
  }
  return buffer.toString('utf8', start + 1, end - 1);
}

function parseString(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new JsonError('a JSON string holds an escape that JSON does not know');
  }
}

/** Raw texts of an object's members by decoded key. Of repeated keys the last counts, as in JSON.parse. */
export function rawMembers(buffer: Buffer, start = 0, limit = buffer.length): Map<string, string> {
  const found = new Map<string, string>();
  const members = new Members().open(buffer, start, limit);
  while (members.next()) found.set(members.key(), buffer.toString('utf8', members.valueStart, members.valueEnd));
  return found;
}

/**
 * A copy of a value without raw line breaks, so that it fits on one line of output. Between tokens they are
 * white space and become blanks; inside a string JSON does not allow them, and what is not JSON is not passed
 * on.
 */
export function onOneLine(buffer: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.from(buffer.subarray(start, end));
  let at = 0;
  while (at < copy.length) {
    const byte = copy[at]!;
    if (byte === QUOTE) {
      const after = skipString(copy, at + 1, copy.length);
      if (after === -1 || copy.subarray(at, after).some((inside) => inside === NEWLINE || inside === CARRIAGE_RETURN)) {
        throw new JsonError('a string of the response holds a raw line break');
      }
      at = after;
      continue;
    }
    if (byte === NEWLINE || byte === CARRIAGE_RETURN) copy[at] = 0x20;
    at++;
  }
  return copy;
}
