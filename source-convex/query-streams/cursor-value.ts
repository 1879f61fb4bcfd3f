/**
 * The value of a cursor field: kept as the raw JSON that came, compared exactly, in the order that Convex's
 * own indexes have.
 *
 * Numbers are compared digit by digit, never as doubles. Texts are compared by their UTF-8 bytes, as Convex
 * does; JavaScript's order by UTF-16 units differs for characters beyond U+FFFF, and would lose records whose
 * text holds them. An int64 comes wrapped (`{"$integer":…}`) in the format convex_encoded_json and as a bare
 * integer in export_json; in plain json it is a text of digits, which is not in the order of its numbers,
 * hence not an int64 any more.
 */
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import { compareNumbers, isNumber } from '../../shared/json/decimals.ts';

export interface CursorValue {
  kind: 'number' | 'text' | 'int64';
  /** The JSON text that came. */
  raw: string;
}

/** The value of this raw JSON; undefined for null; the kind's name where it is none that has an order. */
export function cursorValueOf(raw: string): CursorValue | undefined | 'boolean' | 'list' | 'object' {
  if (raw === 'null') return undefined;
  if (raw.startsWith('"')) return { kind: 'text', raw };
  if (isNumber(raw)) return { kind: 'number', raw };
  if (INT64.test(raw)) return { kind: 'int64', raw };
  return raw.startsWith('[') ? 'list' : raw.startsWith('{') ? 'object' : 'boolean';
}

const INT64 = /^\{\s*"\$integer"\s*:\s*"([A-Za-z0-9+/]{11}=)"\s*\}$/;

/** Compares two values of one kind. */
export function compareCursors(a: CursorValue, b: CursorValue): number {
  if (a.raw === b.raw) return 0;
  switch (a.kind) {
    case 'number':
      return compareNumbers(a.raw, b.raw);
    case 'text':
      return Buffer.compare(utf8(a.raw), utf8(b.raw));
    case 'int64':
      return compareNumbers(int64(a.raw).toString(), int64(b.raw).toString());
  }
}

/**
 * The value as an argument. Arguments are decoded as Convex's own JSON, in which a bare number is always a
 * float64: the int64 of an export has to be wrapped again.
 */
export function asArgument({ kind, raw }: CursorValue, format: ValueFormat): string {
  if (format !== 'export_json' || kind !== 'number' || !/^-?\d{1,19}$/.test(raw)) return raw;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(raw)));
  return `{"$integer":"${bytes.toString('base64')}"}`;
}

function utf8(raw: string): Buffer {
  return Buffer.from(JSON.parse(raw) as string);
}

function int64(raw: string): bigint {
  return Buffer.from(INT64.exec(raw)?.[1] ?? '', 'base64').readBigInt64LE();
}
