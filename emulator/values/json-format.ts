import { type Value, type ValueObject, sortedKeys } from './values.ts';
import { badRequest } from '../http/errors.ts';

/** The three forms in which the export endpoints print values (crates/value/src/export.rs). */
export type Format = 'json' | 'convex_encoded_json' | 'export_json';

const FORMATS = new Map<string, Format>([
  ['json', 'json'],
  ['convex_clean_json', 'json'],
  ['convex_encoded_json', 'convex_encoded_json'],
  ['convex_json', 'convex_encoded_json'],
  ['export_json', 'export_json'],
]);

/** @throws 400 `BadFormat`; the message names one format only, as the backend's does. */
export function parseFormat(text: string | undefined): Format {
  if (text === undefined) return 'json';
  const format = FORMATS.get(text);
  if (format === undefined) throw badRequest('BadFormat', `format param must be one of [\`json\`]. Got ${text}`);
  return format;
}

/**
 * A finite double as Rust's serde_json prints it (ryu): shortest digits, always with a point or an exponent, so `1.0`,
 * `-0.0`, `1e16`, `1.5e-7`. JavaScript has the same digits but other forms.
 */
export function formatFloat(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size < 1e16 && Number.isInteger(value)) return `${value}.0`;
  if (size >= 1e-5 && size < 1e16) return String(value);
  const sign = value < 0 ? '-' : '';
  const [mantissa = '', exponentText = '0'] = size.toExponential().split('e');
  return `${sign}${mantissa}e${Number(exponentText)}`;
}

const scratch = Buffer.alloc(8);

function int64Base64(value: bigint): string {
  scratch.writeBigInt64LE(value);
  return scratch.toString('base64');
}

function floatBase64(value: number): string {
  scratch.writeDoubleLE(value);
  return scratch.toString('base64');
}

function formatNumber(value: number, format: Format): string {
  if (Number.isFinite(value)) {
    const wrapped = format === 'convex_encoded_json' && Object.is(value, -0);
    return wrapped ? `{"$float":"${floatBase64(value)}"}` : formatFloat(value);
  }
  return format === 'json' ? `"${value}"` : `{"$float":"${floatBase64(value)}"}`;
}

function formatInt64(value: bigint, format: Format): string {
  if (format === 'json') return `"${value}"`;
  return format === 'export_json' ? `${value}` : `{"$integer":"${int64Base64(value)}"}`;
}

/** A value's JSON text. Object fields come in byte order of their names. */
export function formatValue(value: Value, format: Format): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return formatNumber(value, format);
  if (typeof value === 'bigint') return formatInt64(value, format);
  if (value === null || typeof value === 'boolean') return String(value);
  if (value instanceof ArrayBuffer) {
    const base64 = Buffer.from(value).toString('base64');
    return format === 'json' ? `"${base64}"` : `{"$bytes":"${base64}"}`;
  }
  if (Array.isArray(value)) return `[${value.map((element) => formatValue(element, format)).join(',')}]`;
  return `{${formatFields(value, format)}}`;
}

/** The fields of an object as JSON text without the braces; `includes` selects columns of a document. */
export function formatFields(object: ValueObject, format: Format, includes?: (name: string) => boolean): string {
  const names = includes === undefined ? sortedKeys(object) : sortedKeys(object).filter(includes);
  // Joined, not added up: a text that is kept must be flat, or every page that it goes into would walk its pieces again.
  return names.map((name) => `${nameText(name)}${formatValue(object[name] ?? null, format)}`).join();
}

/** Documents have the same names over and over. */
const nameTexts = new Map<string, string>();
const KEPT_NAMES = 10_000;

/** A name as JSON text, with its colon. */
function nameText(name: string): string {
  const known = nameTexts.get(name);
  if (known !== undefined) return known;
  const text = `${JSON.stringify(name)}:`;
  if (nameTexts.size >= KEPT_NAMES) nameTexts.clear();
  nameTexts.set(name, text);
  return text;
}
