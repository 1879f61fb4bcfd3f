/**
 * From a record's data to a row of a snapshot import: the document that streaming import would have stored.
 * The snapshot import refuses what streaming import makes over (C177), so fields are renamed and left out
 * here. Everything else keeps its bytes.
 */
import { type Spelling, freeFieldName, isDropped, spelledFieldName } from '../../shared/convex/identifiers.ts';
import { COMMA, Members, OPEN_BRACE, OPEN_BRACKET, skipSpace, skipValue } from '../../shared/json/raw.ts';
import { JsonCheck } from './json-check.ts';

export type Row =
  /** `bytes`: without a line break. May be a view of the buffer that was given. */
  | { kind: 'row'; bytes: Buffer }
  /** Only the deployment can tell whether it stores the row `bytes`. Undefined: the data are no JSON. */
  | { kind: 'doubtful'; bytes: Buffer | undefined };

/** Convex has no name for a field. */
class NoName extends Error {}

export class RowEncoder {
  readonly #spelling: Spelling;
  readonly #check = new JsonCheck(changes);

  /** `spelling`: has to have all parts of a record's names before the record is encoded. */
  constructor(spelling: Spelling) {
    this.#spelling = spelling;
  }

  /** The row for the record's data `buffer[start, end)`. */
  encode(buffer: Buffer, start: number, end: number): Row {
    const check = this.#check;
    if (!check.check(buffer, start, end)) return { kind: 'doubtful', bytes: undefined };
    let bytes: Buffer | undefined = buffer.subarray(start, end);
    if (check.marked) {
      const pieces: (Buffer | string)[] = [];
      try {
        this.#object(buffer, start, end, pieces, 1);
      } catch (error) {
        if (!(error instanceof NoName)) throw error;
        return { kind: 'doubtful', bytes: undefined };
      }
      bytes = Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
    }
    return { kind: check.nearLimit ? 'doubtful' : 'row', bytes };
  }

  #value(buffer: Buffer, start: number, end: number, out: (Buffer | string)[], depth: number): void {
    if (buffer[start] === OPEN_BRACE) this.#object(buffer, start, end, out, depth + 1);
    else if (buffer[start] === OPEN_BRACKET) this.#array(buffer, start, end, out, depth + 1);
    else out.push(buffer.subarray(start, end));
  }

  #array(buffer: Buffer, start: number, end: number, out: (Buffer | string)[], depth: number): void {
    out.push('[');
    let at = skipSpace(buffer, start + 1, end);
    // At the end stands the closing bracket.
    for (let first = true; at < end - 1; first = false) {
      if (!first) out.push(',');
      const after = skipValue(buffer, at, end);
      this.#value(buffer, at, after, out, depth);
      at = skipSpace(buffer, after, end);
      if (buffer[at] === COMMA) at = skipSpace(buffer, at + 1, end);
    }
    out.push(']');
  }

  /** A repeated key keeps its first place and its last value; so do fields that get one name (C38). */
  #object(buffer: Buffer, start: number, end: number, out: (Buffer | string)[], depth: number): void {
    const fields = new Map<string, [number, number]>();
    const members = new Members().open(buffer, start, end);
    while (members.next()) fields.set(members.key(), [members.valueStart, members.valueEnd]);
    const stored = new Map<string, [number, number]>();
    for (const [name, place] of fields) stored.set(this.#freeName(name, fields), place);
    out.push('{');
    let first = true;
    for (const [name, [valueStart, valueEnd]] of stored) {
      if (depth === 1 && isDropped(name)) continue;
      out.push(`${first ? '' : ','}${JSON.stringify(name)}:`);
      first = false;
      this.#value(buffer, valueStart, valueEnd, out, depth);
    }
    out.push('}');
  }

  #freeName(name: string, fields: ReadonlyMap<string, unknown>): string {
    const renamed = spelledFieldName(name, this.#spelling);
    const stored = renamed === undefined || renamed === name ? renamed : freeFieldName(renamed, fields);
    if (stored === undefined) throw new NoName();
    return stored;
  }
}

/** Whether a field of this name is stored under another one, or left out. */
function changes(name: string, depth: number): boolean {
  if (depth === 1 && isDropped(name)) return true;
  const first = name.charCodeAt(0);
  if (first === UNDERSCORE || first === DOLLAR) return true;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return true;
  }
  return name.length > MAX_NAME;
}

const UNDERSCORE = 0x5f;
const DOLLAR = 0x24;
const MAX_NAME = 1_024;
