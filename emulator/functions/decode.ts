import { type Json, JsonNumber, JsonObject } from '../values/json-parse.ts';
import { checkedArray, objectFromFields, type Value } from '../values/values.ts';

/**
 * An argument as the backend decodes it (crates/value/src/json/mod.rs): every number is a float64, however it is written; int64, bytes
 * and special floats come wrapped.
 * @throws Error whose message says what is no value
 */
export function decodeValue(json: Json): Value {
  if (json instanceof JsonNumber) return Number(json.text);
  if (Array.isArray(json)) return checkedArray(json.map(decodeValue));
  if (!(json instanceof JsonObject)) return json;
  const [only] = json;
  if (json.size === 1 && only !== undefined) {
    const [key, value] = only;
    if (key === '$integer') return int64Of(bytesOf(value, 8));
    if (key === '$bytes') return new Uint8Array(bytesOf(value)).buffer;
    if (key === '$float') return specialFloatOf(bytesOf(value, 8));
  }
  return objectFromFields([...json].map(([name, value]): [string, Value] => [name, decodeValue(value)]));
}

function bytesOf(value: Json, length?: number): Buffer {
  if (typeof value !== 'string') throw new Error('invalid type, expected a string');
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString('base64') !== value) throw new Error('Invalid base64');
  if (length !== undefined && bytes.length !== length) throw new Error(`Expected ${length} bytes, got ${bytes.length}`);
  return bytes;
}

function int64Of(bytes: Buffer): bigint {
  return bytes.readBigInt64LE();
}

function specialFloatOf(bytes: Buffer): number {
  const value = bytes.readDoubleLE();
  if (Number.isFinite(value) && value !== 0) throw new Error(`Float64 ${value} should be encoded as a number`);
  return value;
}
