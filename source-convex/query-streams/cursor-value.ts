/**
 * Values of a cursor field: kept as raw JSON, compared exactly, in the order of Convex's indexes (C43).
 *
 * Numbers are compared by their digits, never as doubles. Strings are compared by their UTF-8 bytes;
 * JavaScript's order by UTF-16 units differs beyond U+FFFF and would lose records. An int64 is
 * `{"$integer":…}` in convex_encoded_json and a bare integer in export_json (C42). In json it is a string of
 * digits (C41), which is made an int64 once the type is known.
 */
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import { stringAt } from '../../shared/json/raw.ts';
import { compareNumbers, isNumber } from '../../shared/json/decimals.ts';

export interface CursorValue {
  kind: 'number' | 'text' | 'int64';
  /** Raw JSON, as it came. */
  raw: string;
}

/** The value of raw JSON. Undefined for null; the name of the type for values without an order. */
export function cursorValueOf(raw: string): CursorValue | undefined | 'boolean' | 'list' | 'object' {
  if (raw === 'null') return undefined;
  if (raw.startsWith('"')) return { kind: 'text', raw };
  if (isNumber(raw)) return { kind: 'number', raw };
  if (INT64.test(raw)) return { kind: 'int64', raw };
  return raw.startsWith('[') ? 'list' : raw.startsWith('{') ? 'object' : 'boolean';
}

const INT64 = /^\{\s*"\$integer"\s*:\s*"([A-Za-z0-9+/]{11}=)"\s*\}$/;

/** Compares two values of the same kind. */
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

/** The greater one of two values of the same kind. Undefined is less than any value. */
export function greater(a: CursorValue | undefined, b: CursorValue | undefined): CursorValue | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareCursors(a, b) < 0 ? b : a;
}

/** Whether the value is a text that an int64 may be in `json`. */
export function isDigits(value: unknown): boolean {
  const { kind, raw } = (value ?? {}) as Partial<CursorValue>;
  return kind === 'text' && DIGITS.test(raw!);
}

const DIGITS = /^"(0|-?[1-9]\d{0,18})"$/;

/** A text of digits as the int64 that it stands for. Other values, also longer numbers, stay. */
export function asInt64(value: CursorValue | undefined): CursorValue | undefined {
  const digits = value?.kind === 'text' ? DIGITS.exec(value.raw)?.[1] : undefined;
  const fits = digits !== undefined && BigInt.asIntN(64, BigInt(digits)) === BigInt(digits);
  return fits ? { kind: 'int64', raw: wrapped(digits) } : value;
}

/** Raw JSON for an argument. An int64 is `{"$integer":…}`: a bare number would be a float64 (C196). */
export function asArgument({ kind, raw }: CursorValue, format: ValueFormat): string {
  if (format !== 'export_json' || kind !== 'number' || !/^-?\d{1,19}$/.test(raw)) return raw;
  return wrapped(raw);
}

function wrapped(digits: string): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(digits)));
  return `{"$integer":"${bytes.toString('base64')}"}`;
}

function utf8(raw: string): Buffer {
  const bytes = Buffer.from(raw);
  return Buffer.from(stringAt(bytes, 0, bytes.length));
}

function int64(raw: string): bigint {
  return Buffer.from(INT64.exec(raw)?.[1] ?? '', 'base64').readBigInt64LE();
}
