import type { Random } from '../store/random.ts';

// Crockford's alphabet in lower case. It is in ASCII order, so among ids of one table the order of the texts is the
// order of the internal ids: a page cursor can be compared as text.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const DIGITS = new Map([...ALPHABET].map((character, value) => [character, value]));
const INTERNAL_ID_BYTES = 16;

/** A decoded document id: the number of its table and its 16 internal bytes. */
export interface DecodedId {
  tableNumber: number;
  internalId: Uint8Array;
}

// Ids are made by the hundred thousand: written as bytes, they become flat strings, which compare fast.
const ALPHABET_BYTES = Buffer.from(ALPHABET);
const text32 = Buffer.alloc(40);

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

function fromBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let position = 0;
  let bits = 0;
  let value = 0;
  for (const character of text) {
    const digit = DIGITS.get(character);
    if (digit === undefined) return undefined;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[position++] = (value >>> bits) & 255;
    }
  }
  return bytes;
}

function fletcher16(bytes: Uint8Array, length: number): [number, number] {
  let low = 0;
  let high = 0;
  for (let i = 0; i < length; i++) {
    low = (low + (bytes[i] ?? 0)) & 255;
    high = (high + low) & 255;
  }
  return [low, high];
}

/**
 * The text of a document id as Convex writes it (version 6): variable-length table number, 16 internal bytes, a
 * Fletcher-16 checksum, all in lower-case Crockford base32; 32 characters for table numbers of user tables.
 * (crates/value/src/id_v6.rs)
 */
export function encodeId(tableNumber: number, internalId: Uint8Array): string {
  const bytes = new Uint8Array(5 + INTERNAL_ID_BYTES + 2);
  let length = 0;
  let rest = tableNumber;
  while (rest >= 0x80) {
    bytes[length++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[length++] = rest;
  bytes.set(internalId, length);
  length += INTERNAL_ID_BYTES;
  const [low, high] = fletcher16(bytes, length);
  bytes[length++] = low;
  bytes[length++] = high;
  return base32(bytes, length);
}

/** The parts of a document id, or undefined where the text is not a canonical id. */
export function decodeId(text: string): DecodedId | undefined {
  if (text.length < 31 || text.length > 37) return undefined;
  const bytes = fromBase32(text);
  if (bytes === undefined) return undefined;
  let tableNumber = 0;
  let position = 0;
  for (;;) {
    const byte = bytes[position];
    if (byte === undefined || position >= 5) return undefined;
    tableNumber += (byte & 0x7f) * 2 ** (7 * position);
    position++;
    if (byte < 0x80) break;
  }
  if (tableNumber === 0 || tableNumber > 0xffff_ffff) return undefined;
  const internalId = bytes.slice(position, position + INTERNAL_ID_BYTES);
  if (internalId.length !== INTERNAL_ID_BYTES) return undefined;
  // One-to-one: only the text that encoding would give is an id.
  return encodeId(tableNumber, internalId) === text ? { tableNumber, internalId } : undefined;
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
