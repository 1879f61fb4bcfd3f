/**
 * Finds the rule of Convex that a refused record breaks. Pure. The texts name columns (top-level fields),
 * counts and limits. They never have values or names of nested fields, which may be content, as in a map from
 * addresses to counts (INV11).
 */
import { isUtf8 } from 'node:buffer';
import { freeFieldName, isDropped, isFieldName, spelledFieldName } from '../shared/convex/identifiers.ts';
import { JsonError, Members, QUOTE, skipString } from '../shared/json/raw.ts';

/** Convex's limits (C31, C35). `_id` and `_creationTime` count as fields. */
const MAX = { fields: 1024, ownFields: 1022, elements: 8192, depth: 16, bytes: 1 << 20, nameLength: 1024 };
/** The deepest JSON that Convex can read. */
const MAX_JSON_DEPTH = 127;
/** A non-ASCII name of more characters may be too long once Convex has transliterated it (C37). */
const LONG_BEYOND_ASCII = 100;
/** Characters of a field's name that are shown. */
const MAX_SHOWN = 60;

/** The deployment is not asked for the spelling of names (C37). */
const NO_SPELLING = new Map<string, string>();

/** Convex's code of a refusal. Undefined for data that were not sent. */
type Code = string | undefined;
const UNREADABLE: Code[] = [undefined, 'BadJsonBody'];
const UNNAMEABLE: Code[] = [undefined, 'InternalServerError'];

interface Cause {
  codes: readonly Code[];
  text: string;
}

/**
 * Why Convex refused these data with `code`, or why they were not sent (no code): a sentence without its full
 * stop. Undefined if the data break no known rule of this code.
 */
export function causeOf(data: Buffer, code?: string): string | undefined {
  for (const { codes, text } of causes(data)) if (codes.includes(code)) return text;
  return undefined;
}

function* causes(data: Buffer): Generator<Cause> {
  const record = parse(data);
  if (typeof record !== 'object' || record === null) {
    yield { codes: UNREADABLE, text: notJson(data) };
    return;
  }
  let deepest: Place = { value: record, column: undefined, depth: 1 };
  const waiting: Place[] = [deepest];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    yield* causesAt(place);
    const { value, depth } = place;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > deepest.depth) deepest = place;
    for (const [name, inner] of Object.entries(value) as [string, unknown][])
      waiting.push({ value: inner, column: place.column ?? name, depth: depth + 1 });
  }
  if (deepest.depth > MAX.depth) {
    const codes = ['InvalidDocumentError', 'TooNestedError', ...(deepest.depth > MAX_JSON_DEPTH ? UNREADABLE : [])];
    yield {
      codes,
      text: `its field ${shown(deepest.column!)} is nested too deeply: the record has ${deepest.depth} levels, and Convex takes ${MAX.depth}`,
    };
  }
  yield* causesOfSize(record);
}

/** A value of the record. `depth`: the number of containers around it, itself included. */
interface Place {
  value: unknown;
  /** The top-level field that it is in. Undefined for the record itself. */
  column: string | undefined;
  depth: number;
}

function* causesAt({ value, column, depth }: Place): Generator<Cause> {
  if (typeof value === 'number' && !Number.isFinite(value))
    yield {
      codes: UNREADABLE,
      text: `${inColumn(column, depth)} holds a number beyond the range of 64-bit floating point (1.8e308)`,
    };
  else if (typeof value === 'string' && !value.isWellFormed())
    yield {
      codes: UNREADABLE,
      text: `${inColumn(column, depth)} holds half of a surrogate pair, which is not Unicode`,
    };
  else if (Array.isArray(value)) {
    if (value.length > MAX.elements)
      yield {
        codes: ['ArrayTooLong'],
        text: `${inColumn(column, depth)} holds a list of ${value.length} elements, and Convex takes ${MAX.elements}`,
      };
  } else if (typeof value === 'object' && value !== null) {
    yield* causesOfNames(Object.keys(value), column);
  }
}

function* causesOfNames(names: string[], column: string | undefined): Generator<Cause> {
  const own = column === undefined ? names.filter((name) => !isMark(name)) : names;
  const most = column === undefined ? MAX.ownFields : MAX.fields;
  const where = column === undefined ? 'it' : `an object in its field ${shown(column)}`;
  if (own.length > most || names.length > MAX.fields)
    yield { codes: ['TooManyFieldsError'], text: `${where} has ${own.length} fields, and Convex takes ${most}` };
  const others = new Set(names);
  for (const name of names) {
    const which = column === undefined ? `its field ${shown(name)}` : `a field inside its field ${shown(column)}`;
    if (!name.isWellFormed())
      yield { codes: UNREADABLE, text: `the name of ${which} holds half of a surrogate pair, which is not Unicode` };
    if (isFieldName(name) && !name.startsWith('_')) continue;
    const stored = spelledFieldName(name, NO_SPELLING);
    if (stored === undefined) yield* causesOfLength(name, which);
    else if (freeFieldName(stored, others) === undefined)
      yield {
        codes: UNNAMEABLE,
        text: `Convex cannot store ${which}: the names that it would give the field, ${column === undefined ? `"${cut(stored)}" and those with "source_" before it` : '"source_…"'}, are those of other fields`,
      };
  }
}

/** For a name that Convex renames, whose new form is too long or unknown. */
function* causesOfLength(name: string, which: string): Generator<Cause> {
  const { length } = name;
  if (length > MAX.nameLength || /^[\0-\x7f]*$/.test(name))
    yield {
      codes: UNNAMEABLE,
      text: `the name of ${which} has ${length} characters, and Convex takes ${MAX.nameLength}, its prefix "source_" included`,
    };
  else if (length > LONG_BEYOND_ASCII)
    yield {
      codes: ['InternalServerError'],
      text: `the name of ${which} has ${length} characters, which are probably too many after Convex has transliterated them to ASCII (it takes ${MAX.nameLength})`,
    };
}

function* causesOfSize(record: object): Generator<Cause> {
  const sizes = Object.entries(record).map(([name, value]) => ({ name, bytes: name.length + 1 + sizeOf(value) }));
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const largest = sizes.reduce((most, each) => (each.bytes > most.bytes ? each : most), { name: '', bytes: 0 });
  if (total > MAX.bytes)
    yield {
      codes: ['ValueTooLargeError'],
      text: `it has ${mebibytes(total)} as Convex counts, of which ${mebibytes(largest.bytes)} are in its field ${shown(largest.name)}, and a document may have 1 MiB`,
    };
}

/** Bytes as Convex counts them (C35). */
function sizeOf(value: unknown): number {
  let bytes = 0;
  const waiting = [value];
  while (waiting.length > 0) {
    const each = waiting.pop();
    if (typeof each === 'string') bytes += Buffer.byteLength(each) + 2;
    else if (typeof each === 'number') bytes += 9;
    else if (typeof each !== 'object' || each === null) bytes += 1;
    else {
      bytes += 2;
      for (const [name, inner] of Object.entries(each) as [string, unknown][]) {
        if (!Array.isArray(each)) bytes += name.length + 1;
        waiting.push(inner);
      }
    }
  }
  return bytes;
}

/** Why the data are not valid JSON. */
function notJson(data: Buffer): string {
  const members = new Members();
  try {
    members.open(data, 0, data.length);
    while (members.next()) {
      const value = data.subarray(members.valueStart, members.valueEnd);
      if (isUtf8(value) && parse(value) !== undefined) continue;
      const field = `its field ${shown(members.key())}`;
      if (!isUtf8(value)) return `${field} holds bytes that are not UTF-8`;
      const word = wordIn(value);
      return `${field} ${word === undefined ? 'is not valid JSON' : `holds ${word}, which JSON does not have`}`;
    }
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  return 'its data are not valid JSON';
}

/** Values that programs write although JSON does not have them. */
const WORDS = new Set(['NaN', 'nan', 'Infinity', 'inf', 'undefined', 'None', 'True', 'False']);

/** The first of `WORDS` outside of strings. */
function wordIn(json: Buffer): string | undefined {
  let word = '';
  for (let at = 0; at !== -1 && at <= json.length; at++) {
    const byte = json[at] ?? 0;
    if (isLetter(byte)) {
      word += String.fromCharCode(byte);
      continue;
    }
    if (WORDS.has(word)) return word;
    word = '';
    if (byte === QUOTE) {
      at = skipString(json, at + 1, json.length);
      if (at === -1) return undefined;
      at--;
    }
  }
  return undefined;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** Undefined for invalid JSON. The value is only inspected; the received bytes are sent (INV4). */
function parse(json: Buffer): unknown {
  if (!isUtf8(json)) return undefined;
  try {
    return JSON.parse(json.toString()) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether Convex drops the field (C39). Convex counts fields before that. */
function isMark(name: string): boolean {
  return isDropped(spelledFieldName(name, NO_SPELLING) ?? '');
}

function inColumn(column: string | undefined, depth: number): string {
  return depth === 2 ? `its field ${shown(column!)}` : `something in its field ${shown(column!)}`;
}

function shown(name: string): string {
  return JSON.stringify(cut(name));
}

function cut(name: string): string {
  return name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name;
}

function mebibytes(bytes: number): string {
  return `${(bytes / MAX.bytes).toFixed(2)} MiB`;
}
