import { decodeValue } from '../functions/decode.ts';
import { formatValue } from '../values/json-format.ts';
import { type Json, JsonNumber, JsonObject } from '../values/json-parse.ts';
import {
  checkedArray,
  isObject,
  objectFromFields,
  type Value,
  type ValueObject,
  VALUE_LIMITS,
} from '../values/values.ts';
import { ContentError, fieldNameProblem } from './errors.ts';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const WRAPPERS = new Set(['$integer', '$bytes', '$float']);
/** A row that is no object is shown up to here. */
const SHOWN_BYTES = 100;

/**
 * A row as a Convex object. Without `uniform` every number becomes a float64 and wrapped values are refused; with it the
 * row is read as format=export_json writes it: digits alone are an int64, and `$bytes`, `$float` and `$integer` are
 * unwrapped. @throws ContentError that names the row, counted from 1
 */
export function decodeRow(json: Json, row: number, uniform: boolean): ValueObject {
  let value: Value;
  try {
    if (!(json instanceof JsonObject)) throw new Error(`expected object, received ${shown(json)}`);
    value = decode(json, uniform, 0);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ContentError(`Row ${row} wasn't a valid Convex value: ${reason}`);
  }
  if (!isObject(value)) throw new ContentError(`Row ${row} wasn't an object`);
  return value;
}

function decode(json: Json, uniform: boolean, depth: number): Value {
  if (json instanceof JsonNumber) return uniform ? numberOf(json) : Number(json.text);
  if (typeof json !== 'object' || json === null) return json;
  if (depth >= VALUE_LIMITS.nesting) {
    throw new Error(`Value is too nested (nested ${depth + 1} levels deep > maximum nesting ${VALUE_LIMITS.nesting})`);
  }
  if (Array.isArray(json)) return checkedArray(json.map((element) => decode(element, uniform, depth + 1)));
  if (uniform && json.size === 1) {
    const [name] = json.keys();
    if (name !== undefined && WRAPPERS.has(name)) return decodeValue(json);
  }
  const fields: [string, Value][] = [];
  for (const [name, element] of json) {
    const problem = fieldNameProblem(name);
    if (problem !== undefined) throw new Error(problem);
    fields.push([name, decode(element, uniform, depth + 1)]);
  }
  return objectFromFields(fields);
}

function numberOf(json: JsonNumber): bigint | number {
  if (!json.isInteger) return Number(json.text);
  const integer = BigInt(json.text);
  return integer >= INT64_MIN && integer <= INT64_MAX ? integer : Number(json.text);
}

function shown(json: Json): string {
  const text = json instanceof JsonNumber ? json.text : formatValue(decode(json, false, 0), 'json');
  return text.length > SHOWN_BYTES ? `${text.slice(0, SHOWN_BYTES)}...` : text;
}
