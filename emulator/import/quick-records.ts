import { HttpError } from '../http/errors.ts';
import type { QuickReader } from '../values/json-parse.ts';
import { freeName } from '../values/sanitise.ts';
import { isFieldName } from '../values/identifiers.ts';
import { emptyObject, type Value, VALUE_LIMITS } from '../values/values.ts';
import { CDC_DELETED, CDC_PREFIX, QuickRecord } from './records.ts';

/** Deeper objects are left to the parser, which knows the limits. */
const MAX_DEPTH = 32;
/** Longer numbers, and those with an exponent, may be out of range. */
const MAX_DIGITS = 300;
const [QUOTE, BACKSLASH, SMALL_U, SMALL_E, POINT] = [0x22, 0x5c, 0x75, 0x65, 0x2e];

/**
 * Reads the data of most records with the parser of the engine, which is faster than the emulator's own. What the
 * engine reads in another way than the backend, and what the backend refuses, is left to the emulator's.
 */
export const quickRecords: QuickReader = {
  applies: ({ length, 0: messages, 2: data }) => length === 3 && messages === 'messages' && data === 'data',
  read: (text, start) => {
    const end = endOfObject(text, start);
    const object = end === undefined ? undefined : recordOf(text.slice(start, end));
    return end === undefined || object === undefined ? undefined : { object, end };
  },
};

/**
 * Where an object ends. Undefined where it has no end, is deep, has a number that may be out of range, or has
 * `\u`, with which half a surrogate pair may be written.
 */
function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  let quoted = false;
  let digits = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) quoted = !quoted;
    else if (quoted) {
      if (code === BACKSLASH && text.charCodeAt(++at) === SMALL_U) return undefined;
    } else if (code >= 0x30 && code <= 0x39) {
      if (++digits > MAX_DIGITS) return undefined;
    } else if ((code | 0x20) === SMALL_E && digits > 0) return undefined;
    else if (code !== POINT) {
      digits = 0;
      // `[` and `{`, `]` and `}`
      if ((code | 0x20) === 0x7b) {
        if (++depth > MAX_DEPTH) return undefined;
      } else if ((code | 0x20) === 0x7d && --depth === 0) return at + 1;
    }
  }
  return undefined;
}

class Unusual extends Error {}

function recordOf(text: string): QuickRecord | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  try {
    return record(data as Given);
  } catch (error) {
    if (error instanceof Unusual || error instanceof HttpError) return undefined;
    throw error;
  }
}

/** What `JSON.parse` makes of an object. */
interface Given {
  [name: string]: GivenValue;
}
type GivenValue = null | boolean | number | string | GivenValue[] | Given;

function record(data: Given): QuickRecord {
  const fields = emptyObject();
  let deleted = false;
  for (const { name, from } of layoutOf(data)) {
    const value = toValue(data[from] ?? null);
    if (!name.startsWith(CDC_PREFIX)) fields[name] = value;
    else if (name === CDC_DELETED && value !== null) deleted = true;
  }
  return new QuickRecord(deleted, fields);
}

function toValue(value: GivenValue): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    if (value.length > VALUE_LIMITS.elements) throw new Unusual();
    return value.map(toValue);
  }
  const object = emptyObject();
  for (const { name, from } of layoutOf(value)) object[name] = toValue(value[from] ?? null);
  return object;
}

/** The fields of an object, sorted by name: the name in the document, and the one in the JSON text. */
type Layout = readonly { name: string; from: string }[];

/** Documents of a table have the same fields: what their names become is found out once. */
const layouts: { given: string[]; layout: Layout }[] = [];
const KEPT_LAYOUTS = 64;

function layoutOf(object: Given): Layout {
  const given = Object.keys(object);
  const known = layouts.find((candidate) => sameNames(candidate.given, given));
  if (known !== undefined) return known.layout;
  const names = new Set(given);
  const renamed = new Map<string, string>();
  for (const from of given) renamed.set(freeName(from, names), from);
  const layout = [...renamed].map(([name, from]) => ({ name, from })).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (layout.length > VALUE_LIMITS.fields || !layout.every(({ name }) => isFieldName(name))) throw new Unusual();
  if (layouts.length >= KEPT_LAYOUTS) layouts.length = 0;
  layouts.push({ given, layout });
  return layout;
}

function sameNames(names: readonly string[], others: readonly string[]): boolean {
  if (names.length !== others.length) return false;
  for (let at = 0; at < names.length; at++) if (names[at] !== others[at]) return false;
  return true;
}
