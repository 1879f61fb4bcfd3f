/**
 * From `export_json`, in which Data Sync sends every document (C101), to the bytes of the format that is
 * wanted.
 *
 * What differs (C42): int64 values, which export_json writes as bare integers, bytes, and the floats that
 * JSON has no numbers for. Everything else is copied as it is: order of fields, escapes, and the digits of
 * floats are the same in all formats.
 */
import { CLOSE_BRACE, COLON, JsonError, OPEN_BRACE, QUOTE, bytesAre, skipSpace } from '../json/raw.ts';
import { isDigit } from '../json/integers.ts';
import { GrowingBuffer } from '../json/growing-buffer.ts';
import { findExportValues, found } from '../json/wasm/find.ts';
import type { ValueFormat } from './streaming-export.ts';

const DOLLAR = 0x24;
const MINUS = 0x2d;
const BYTES = Buffer.from('"$bytes"');
const FLOAT = Buffer.from('"$float"');
const NEGATIVE_ZERO = Buffer.from('-0.0');
const NEGATIVE_ZERO_ENCODED = Buffer.from('{"$float":"AAAAAAAAAIA="}');
/** Where a document may have values that are written differently, as `findExportValues` gives them. */
export interface SpecialValues {
  /** From `first` on, `count` of them, counted from `base`. */
  positions: Int32Array;
  first: number;
  count: number;
  base: number;
}

export class ExportValues {
  readonly #format: ValueFormat;
  #out = new GrowingBuffer();
  /** Up to where the document in hand is in `#out`. */
  #taken = 0;
  readonly #scratch = Buffer.alloc(8);

  constructor(format: ValueFormat) {
    this.#format = format;
  }

  /**
   * Appends the members of the document `buffer[start, end)` to `out`: all of it but the first brace.
   * `special`: where it may have values that are written otherwise, if that is known. Throws `JsonError` for
   * a special value that no deployment sends.
   */
  writeMembers(out: GrowingBuffer, buffer: Buffer, start: number, end: number, special?: SpecialValues): void {
    this.#out = out;
    this.#taken = start + 1;
    if (this.#format === 'export_json') {
      // Nothing is written otherwise.
    } else if (special === undefined) {
      for (let at = start; at < end;) {
        const { count, length } = findExportValues(buffer, at, end, at === start);
        for (let i = 0; i < count; i++) this.#rewriteAt(buffer, at + found[i]!, end);
        at += length;
      }
    } else {
      const { positions, first, count, base } = special;
      for (let i = first; i < first + count; i++) this.#rewriteAt(buffer, base + positions[i]!, end);
    }
    out.bytes(buffer, this.#taken, end);
  }

  #rewriteAt(buffer: Buffer, position: number, end: number): void {
    // Inside a value that was dealt with already.
    if (position < this.#taken) return;
    const byte = buffer[position];
    if (byte === DOLLAR) this.#special(buffer, position - 1, end);
    else if (byte !== MINUS) this.#integer(buffer, position);
    else if (this.#format === 'json') return;
    else if (bytesAre(buffer, position, position + 4, NEGATIVE_ZERO) && !isNumberByte(buffer[position + 4]))
      this.#replace(buffer, position, position + 4, NEGATIVE_ZERO_ENCODED);
  }

  /** An int64 ends before `after`. */
  #integer(buffer: Buffer, after: number): void {
    let at = after;
    while (isDigit(buffer[at - 1])) at--;
    if (buffer[at - 1] === MINUS) at--;
    const out = this.#out;
    out.bytes(buffer, this.#taken, at);
    if (this.#format === 'json') {
      out.reserve(after - at + 2);
      const { buffer: bytes } = out;
      bytes[out.length++] = QUOTE;
      for (let from = at; from < after; from++) bytes[out.length++] = buffer[from]!;
      bytes[out.length++] = QUOTE;
    } else {
      const value = BigInt(buffer.toString('latin1', at, after));
      if (BigInt.asIntN(64, value) !== value) throw new JsonError('a document has an integer of more than 64 bits');
      this.#scratch.writeBigInt64LE(value);
      out.bytes(Buffer.from(`{"$integer":"${this.#scratch.toString('base64')}"}`));
    }
    this.#taken = after;
  }

  /** `key`: a quote before `$`. `{"$bytes":"…"}` and `{"$float":"…"}` are values of their own. */
  #special(buffer: Buffer, key: number, end: number): void {
    if (this.#format !== 'json') return;
    const open = lastNonSpace(buffer, key - 1);
    const isBytes = bytesAre(buffer, key, key + BYTES.length, BYTES);
    if (buffer[open] !== OPEN_BRACE || (!isBytes && !bytesAre(buffer, key, key + FLOAT.length, FLOAT))) return;
    const colon = skipSpace(buffer, key + BYTES.length, end);
    const text = skipSpace(buffer, colon + 1, end);
    const textEnd = buffer.indexOf(QUOTE, text + 1);
    const close = skipSpace(buffer, textEnd + 1, end);
    if (buffer[colon] !== COLON || buffer[text] !== QUOTE || textEnd === -1 || buffer[close] !== CLOSE_BRACE)
      throw new JsonError(`a document has a ${isBytes ? '$bytes' : '$float'} of another form`);
    if (isBytes) this.#replace(buffer, open, close + 1, buffer.subarray(text, textEnd + 1));
    else this.#replace(buffer, open, close + 1, this.#nameOf(buffer.toString('latin1', text + 1, textEnd)));
  }

  #nameOf(base64: string): Buffer {
    const bytes = Buffer.from(base64, 'base64');
    const value = bytes.length === 8 ? bytes.readDoubleLE() : 0;
    if (Number.isFinite(value)) throw new JsonError('a document has a $float that is a finite number');
    return Buffer.from(`"${value}"`);
  }

  #replace(buffer: Buffer, from: number, to: number, by: Buffer): void {
    this.#out.bytes(buffer, this.#taken, from);
    this.#out.bytes(by);
    this.#taken = to;
  }
}

function lastNonSpace(buffer: Buffer, at: number): number {
  while (at > 0 && (buffer[at] === 0x20 || buffer[at] === 0x09)) at--;
  return at;
}

/** Whether a number goes on with this byte. */
function isNumberByte(byte: number | undefined): boolean {
  return isDigit(byte) || byte === 0x65 || byte === 0x45;
}
