import type { Random } from '../store/random.ts';

// Crockford's alphabet in lower case. It is in ASCII order, so among ids of one table the order of the texts is the
// order of the internal ids: a page cursor can be compared as text.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const INTERNAL_ID_BYTES = 16;
/** The value of each digit by its character code; 255 for what is none. */
const DIGITS = new Uint8Array(128).fill(255);
for (const [value, character] of [...ALPHABET].entries()) DIGITS[character.charCodeAt(0)] = value;

/** A decoded document id: the number of its table and its 16 internal bytes. */
export interface DecodedId {
  tableNumber: number;
  internalId: Uint8Array;
}

// Ids are made by the hundred thousand: written as bytes, they become flat strings, which compare fast.
const ALPHABET_BYTES = Buffer.from(ALPHABET);
const text32 = Buffer.alloc(40);
/** The bytes of the id that is being written or read: at most 5 of the table number, 16, and 2 of the checksum. */
const scratch = new Uint8Array(40);

function base32(bytes: Uint8Array, length: number): string {
  let position = 0;
  let bits = 0;
  let value = 0;
  for (let i = 0; i < length; i++) {
    value = ((value << 8) | (bytes[i] ?? 0)) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text32[position++] = ALPHABET_BYTES[(value >>> bits) & 31] ?? 0;
    }
  }
  if (bits > 0) text32[position++] = ALPHABET_BYTES[(value << (5 - bits)) & 31] ?? 0;
  return text32.toString('latin1', 0, position);
}

/** Writes the bytes of a text into `scratch`. Returns how many, or undefined where encoding them gives another text. */
function fromBase32(text: string): number | undefined {
  let position = 0;
  let bits = 0;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = DIGITS[text.charCodeAt(at)] ?? 255;
    if (digit === 255) return undefined;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      scratch[position++] = (value >>> bits) & 255;
    }
  }
  // What is left pads the last digit: less than a digit, and zeros.
  return bits < 5 && (value & ((1 << bits) - 1)) === 0 ? position : undefined;
}

/** The checksum of the first bytes of `scratch`: the low byte, and the high byte shifted by 8. */
function fletcher16(length: number): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < length; i++) {
    low = (low + (scratch[i] ?? 0)) & 255;
    high = (high + low) & 255;
  }
  return low | (high << 8);
}

/**
 * The text of a document id as Convex writes it (version 6): variable-length table number, 16 internal bytes, a
 * Fletcher-16 checksum, all in lower-case Crockford base32; 32 characters for table numbers of user tables.
 * (crates/value/src/id_v6.rs)
 */
export function encodeId(tableNumber: number, internalId: Uint8Array): string {
  let length = 0;
  let rest = tableNumber;
  while (rest >= 0x80) {
    scratch[length++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  scratch[length++] = rest;
  scratch.set(internalId, length);
  length += INTERNAL_ID_BYTES;
  const checksum = fletcher16(length);
  scratch[length++] = checksum & 255;
  scratch[length++] = checksum >>> 8;
  return base32(scratch, length);
}

/** The parts of a document id, or undefined where the text is not a canonical id. */
export function decodeId(text: string): DecodedId | undefined {
  const tableNumber = tableNumberOf(text);
  if (tableNumber === undefined) return undefined;
  const start = tableNumberBytes(tableNumber);
  return { tableNumber, internalId: scratch.slice(start, start + INTERNAL_ID_BYTES) };
}

/** The table number of a document id, or undefined where the text is not a canonical id. Leaves its bytes in `scratch`. */
export function tableNumberOf(text: string): number | undefined {
  if (text.length < 31 || text.length > 37) return undefined;
  const length = fromBase32(text);
  if (length === undefined) return undefined;
  let tableNumber = 0;
  let position = 0;
  for (;;) {
    if (position >= 5) return undefined;
    const byte = scratch[position] ?? 0;
    tableNumber += (byte & 0x7f) * 2 ** (7 * position);
    position++;
    if (byte < 0x80) break;
  }
  // One-to-one: only the text that encoding would give is an id.
  if (tableNumber === 0 || tableNumber > 0xffff_ffff || position !== tableNumberBytes(tableNumber)) return undefined;
  const end = position + INTERNAL_ID_BYTES;
  const checksum = (scratch[end] ?? 0) | ((scratch[end + 1] ?? 0) << 8);
  return length === end + 2 && checksum === fletcher16(end) ? tableNumber : undefined;
}

/** How many bytes encoding a table number takes. */
function tableNumberBytes(tableNumber: number): number {
  let bytes = 1;
  for (let rest = tableNumber; rest >= 0x80; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** The id before every id of any table, which a list_snapshot cursor names where the next table begins. */
export const MINIMUM_ID = encodeId(1, new Uint8Array(INTERNAL_ID_BYTES));

/** A fresh document id: 14 random bytes, then the day in two bytes, as the backend makes them. */
export function newId(tableNumber: number, random: Random, day: number): string {
  const internalId = random.fill(new Uint8Array(INTERNAL_ID_BYTES));
  internalId[14] = (day >>> 8) & 255;
  internalId[15] = day & 255;
  return encodeId(tableNumber, internalId);
}

/** A tablet id: 16 random bytes. `order` sorts as the bytes do, `text` is how cursors write it (base64url). */
export interface TabletId {
  order: string;
  text: string;
}

export function newTabletId(random: Random): TabletId {
  return tabletIdFromBytes(random.fill(new Uint8Array(16)));
}

function tabletIdFromBytes(bytes: Uint8Array): TabletId {
  const buffer = Buffer.from(bytes);
  return { order: buffer.toString('hex'), text: buffer.toString('base64url') };
}

/** A tablet id as read from a cursor, or undefined where the text is not 16 bytes of unpadded base64url. */
export function parseTabletId(text: string): TabletId | undefined {
  if (text.length > 22 || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === 16 && bytes.toString('base64url') === text ? tabletIdFromBytes(bytes) : undefined;
}
