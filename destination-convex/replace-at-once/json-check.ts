/**
 * Whether a text is JSON as Convex reads it, and whether a document is near a limit of Convex. Strict where
 * `raw.ts` is not: a row that Convex cannot parse makes the whole import of its table fail. Works on bytes;
 * nothing is decoded but names.
 */
import { isUtf8 } from 'node:buffer';
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  isSpace,
  stringAt,
} from '../../shared/json/raw.ts';

/** Nesting that the parser of Convex gives up at. */
const MAX_DEPTH = 127;

/** A document within these is surely stored (C35). Convex's sizes are not the bytes of the JSON. */
const SURE = { depth: 14, fields: 1_000, elements: 8_000, nameLength: 1_024, bytes: 200_000 };

/** A number of so many characters without an exponent is never beyond the range of a float64. */
const SURE_NUMBER = 300;

export class JsonCheck {
  /** Whether the document may exceed a limit: only the deployment can tell. */
  nearLimit = false;
  /** Whether `onName` was true for some name. */
  marked = false;
  readonly #onName: (name: string, depth: number) => boolean;
  #buffer: Buffer = Buffer.alloc(0);
  #end = 0;
  #at = 0;

  /** `onName` is called with each field's name and the number of containers around the field. */
  constructor(onName: (name: string, depth: number) => boolean) {
    this.#onName = onName;
  }

  /** Whether `buffer[start, end)` is one JSON object. */
  check(buffer: Buffer, start: number, end: number): boolean {
    this.nearLimit = end - start > SURE.bytes;
    this.marked = false;
    this.#buffer = buffer;
    this.#end = end;
    this.#at = start;
    if (!isUtf8(buffer.subarray(start, end))) return false;
    this.#space();
    if (buffer[this.#at] !== OPEN_BRACE || !this.#value(0)) return false;
    this.#space();
    return this.#at === end;
  }

  #value(depth: number): boolean {
    this.#space();
    if (this.#at >= this.#end) return false;
    switch (this.#buffer[this.#at]) {
      case OPEN_BRACE:
        return this.#object(depth + 1);
      case OPEN_BRACKET:
        return this.#array(depth + 1);
      case QUOTE:
        return this.#string();
      case 0x74:
        return this.#word('true');
      case 0x66:
        return this.#word('false');
      case 0x6e:
        return this.#word('null');
      case undefined:
      default:
        return this.#number();
    }
  }

  #object(depth: number): boolean {
    if (!this.#enter(depth)) return false;
    if (this.#take(CLOSE_BRACE)) return true;
    for (let fields = 1; ; fields++) {
      this.#space();
      const start = this.#at;
      if (this.#buffer[start] !== QUOTE || !this.#string()) return false;
      this.#name(start, depth);
      if (fields > SURE.fields) this.nearLimit = true;
      if (!this.#take(COLON) || !this.#value(depth)) return false;
      if (this.#take(CLOSE_BRACE)) return true;
      if (!this.#take(COMMA)) return false;
    }
  }

  #array(depth: number): boolean {
    if (!this.#enter(depth)) return false;
    if (this.#take(CLOSE_BRACKET)) return true;
    for (let elements = 1; ; elements++) {
      if (elements > SURE.elements) this.nearLimit = true;
      if (!this.#value(depth)) return false;
      if (this.#take(CLOSE_BRACKET)) return true;
      if (!this.#take(COMMA)) return false;
    }
  }

  #enter(depth: number): boolean {
    if (depth > SURE.depth) this.nearLimit = true;
    this.#at++;
    return depth <= MAX_DEPTH;
  }

  #name(start: number, depth: number): void {
    if (this.#at - start > SURE.nameLength) this.nearLimit = true;
    if (this.#onName(stringAt(this.#buffer, start, this.#at), depth)) this.marked = true;
  }

  #string(): boolean {
    const buffer = this.#buffer;
    let at = this.#at + 1;
    for (; at < this.#end; at++) {
      const byte = buffer[at]!;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return true;
      }
      if (byte < 0x20) return false;
      if (byte !== BACKSLASH) continue;
      const escape = buffer[++at];
      if (escape !== LETTER_U) {
        if (escape === undefined || at >= this.#end || !ESCAPES.includes(escape)) return false;
        continue;
      }
      const code = this.#hex(at + 1);
      if (code === undefined || (code >= 0xdc00 && code <= 0xdfff)) return false;
      at += 4;
      if (code < 0xd800 || code > 0xdbff) continue;
      // The other half of the pair has to follow.
      const low = buffer[at + 1] === BACKSLASH && buffer[at + 2] === LETTER_U ? this.#hex(at + 3) : undefined;
      if (low === undefined || low < 0xdc00 || low > 0xdfff) return false;
      at += 6;
    }
    return false;
  }

  #hex(at: number): number | undefined {
    const text = at + 4 > this.#end ? '' : this.#buffer.toString('latin1', at, at + 4);
    return /^[0-9a-fA-F]{4}$/.test(text) ? parseInt(text, 16) : undefined;
  }

  #number(): boolean {
    const start = this.#at;
    let at = start;
    while (at < this.#end && NUMBER_BYTES[this.#buffer[at]!] === 1) at++;
    const text = this.#buffer.toString('latin1', start, at);
    if (!NUMBER.test(text)) return false;
    if ((text.length > SURE_NUMBER || /e/i.test(text)) && !Number.isFinite(Number(text))) this.nearLimit = true;
    this.#at = at;
    return true;
  }

  #word(word: string): boolean {
    const end = this.#at + word.length;
    if (end > this.#end || this.#buffer.toString('latin1', this.#at, end) !== word) return false;
    this.#at = end;
    return true;
  }

  #take(byte: number): boolean {
    this.#space();
    if (this.#at >= this.#end || this.#buffer[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (this.#at < this.#end && isSpace(this.#buffer[this.#at])) this.#at++;
  }
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const NUMBER_BYTES = new Uint8Array(256);
for (const byte of Buffer.from('0123456789+-.eE')) NUMBER_BYTES[byte] = 1;
const ESCAPES = Buffer.from('"\\/bfnrt');
const LETTER_U = 0x75;
