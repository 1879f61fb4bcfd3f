/** Finds a stream's fields, at every depth, that Convex would not store as they are. Counts them. */
import { isDropped, spelledFieldName } from '../shared/convex/identifiers.ts';
import { isNumberByte } from '../shared/json/decimals.ts';
import { isRoundedByFloat64 } from '../shared/json/float64.ts';
import { BACKSLASH, JsonError, Members, bytesAre } from '../shared/json/raw.ts';
import { inspect } from '../shared/json/wasm/find.ts';
import { QuietKeys } from '../shared/json/wasm/keys.ts';
import { CREATION_TIME, TIMESTAMP } from './convex-records.ts';
import { FieldNames, nameAt, openingQuote } from './field-names.ts';
import type { MergedFields } from './merged-fields.ts';
import { valueAt } from './record.ts';

/** A field that Convex has rounded numbers of. */
export interface RoundedField {
  /** The name of the nearest field around the numbers. */
  name: string;
  /** The field of the record itself around the numbers. */
  column: string;
  numbers: number;
}

/** How the deployment spells parts of names, as far as it was asked: for all streams of a run. */
export type Spellings = Map<string, string | undefined>;

/** Up to this many rounded numbers of a field are counted; more say nothing more, and cost time. */
export const MAX_COUNT = 10_000;
/** So many fields with rounded numbers are remembered: maps by id may have any number. */
const MAX_ROUNDED = 100;

export class FieldWatch {
  /** Fields of the record itself that Convex drops, and that are not Airbyte's own `_ab_cdc_…`. */
  readonly dropped = new Set<string>();
  /** Whether there were rounded numbers in fields of which that is known. */
  hasKnownRounded = false;
  readonly #names: FieldNames;
  readonly #fromConvex: boolean;
  readonly #spellings: Spellings;
  readonly #rounded: (RoundedField & { bytes: Buffer; ignored: boolean })[] = [];
  #nextRounded = 0;
  /** Keys that need no inspection, their version, and how many fields are no longer counted. */
  readonly #quiet = new QuietKeys();
  #quietVersion = -1;
  #fullCounts = 0;
  /** The current record. */
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #tooMany = false;
  /** Names that Convex drops if they are fields of the record itself. */
  #suspects: string[] = [];

  /** `fromConvex`: the rounded timestamps of the records are not counted (see convex-records.ts). */
  constructor(spellings: Spellings, fromConvex = false) {
    this.#fromConvex = fromConvex;
    this.#spellings = spellings;
    this.#names = new FieldNames(spellings);
  }

  /** Those with the most rounded numbers first. */
  get rounded(): readonly RoundedField[] {
    return this.#rounded.filter(({ ignored }) => !ignored).sort((a, b) => b.numbers - a.numbers);
  }

  /** Keys that need not be looked at in the next record. */
  get quiet(): QuietKeys {
    if (this.#quietVersion !== this.#version()) this.#silence();
    return this.#quiet;
  }

  /** Goes through the record `buffer[start, end)`; `unspelled` and `merged` then speak of it. */
  inspect(buffer: Buffer, start: number, end: number): void {
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
    this.#nextRounded = 0;
    this.#names.begin();
    this.#tooMany = !inspect(buffer, start, end, this, this.quiet);
    if (this.#suspects.length > 0) this.#findDropped();
  }

  /** Parts of names to ask the deployment for before `merged` can tell. `all`: of all names. */
  unspelled(all: boolean): ReadonlySet<string> {
    if (all && this.#tooMany) this.#names.noteAll(this.#buffer, this.#start, this.#end);
    return this.#names.unspelled(all);
  }

  /** Asks for these parts, each once for all streams. */
  async spell(parts: ReadonlySet<string>, spellingOf: (part: string) => Promise<string | undefined>): Promise<void> {
    for (const part of parts) if (!this.#spellings.has(part)) this.#spellings.set(part, await spellingOf(part));
    this.#names.spelled();
  }

  /** Two fields that Convex would store under one name. Decodes the record only if there may be any. */
  merged(): MergedFields | undefined {
    if (!this.#names.isSuspicious() && !this.#tooMany) return undefined;
    return this.#names.merged(this.#buffer, this.#start, this.#end);
  }

  #version(): number {
    return this.#names.version + this.#fullCounts + this.dropped.size;
  }

  /** What is known of fields changed: decides anew which ones need not be looked at. */
  #silence(): void {
    this.#quietVersion = this.#version();
    const { names, numbers } = this.#quiet;
    names.clear();
    for (const { bytes, name, dropped } of this.#names.harmless())
      if (!dropped || isAirbytes(name) || this.dropped.has(name)) names.add(bytes);
    numbers.clear();
    if (this.#fromConvex) numbers.add(Buffer.from(JSON.stringify(CREATION_TIME)));
    for (const { bytes, numbers: count, ignored } of this.#rounded)
      if (ignored || count >= MAX_COUNT) numbers.add(bytes);
  }

  onKey(end: number): void {
    const buffer = this.#buffer;
    const field = this.#names.onKey(buffer, end);
    if (field === undefined || !field.dropped) return;
    if (!isAirbytes(field.name) && !this.dropped.has(field.name)) this.#suspects.push(field.name);
  }

  onRoundedInteger(_at: number, lastKeyEnd: number): void {
    const buffer = this.#buffer;
    const expected = this.#rounded[this.#nextRounded];
    if (expected !== undefined) {
      const start = lastKeyEnd + 1 - expected.bytes.length;
      if (start > 0 && buffer[start - 1] !== BACKSLASH && bytesAre(buffer, start, lastKeyEnd + 1, expected.bytes)) {
        this.#increment(expected);
        this.#nextRounded++;
        return;
      }
    }
    this.#count(openingQuote(buffer, lastKeyEnd), lastKeyEnd + 1);
  }

  onLongNumber(at: number, lastKeyEnd: number): void {
    const buffer = this.#buffer;
    let start = at;
    while (isNumberByte(buffer[start - 1]!)) start--;
    let end = at;
    while (end < this.#end && isNumberByte(buffer[end]!)) end++;
    const text = buffer.toString('latin1', start, end);
    // The first comparison is the cheap one: most decimals were written from a float64.
    if (String(Number(text)) !== text && isRoundedByFloat64(text)) this.onRoundedInteger(at, lastKeyEnd);
  }

  #increment(field: RoundedField): void {
    if (field.numbers < MAX_COUNT && ++field.numbers === MAX_COUNT) this.#fullCounts++;
  }

  #count(start: number, end: number): void {
    const bytes = this.#buffer.subarray(start, end);
    const index = this.#rounded.findIndex((known) => known.bytes.equals(bytes));
    if (index !== -1) {
      this.#increment(this.#rounded[index]!);
      this.#nextRounded = index + 1;
    } else if (this.#rounded.length < MAX_ROUNDED) {
      const name = nameAt(this.#buffer, start, end);
      const column = columnAt(this.#buffer, this.#start, this.#end, start);
      if (name === undefined || column === undefined) return;
      // What Convex drops is not rounded.
      const stored = spelledFieldName(name, this.#spellings);
      const known = this.#fromConvex && name === TIMESTAMP;
      const ignored = known || (stored !== undefined && isDropped(stored));
      this.hasKnownRounded ||= known;
      this.#rounded.splice(this.#nextRounded++, 0, { name, column, numbers: 1, bytes: Buffer.from(bytes), ignored });
      if (ignored) this.#fullCounts++;
    }
  }

  /** Convex drops fields of the record itself only, not of objects inside of it. */
  #findDropped(): void {
    const data = this.#buffer.subarray(this.#start, this.#end);
    for (const name of this.#suspects) if (hasMember(data, name)) this.dropped.add(name);
    this.#suspects = [];
  }
}

/** The field of the record itself that `at` is in. Undefined if the data are not JSON. */
function columnAt(buffer: Buffer, start: number, end: number, at: number): string | undefined {
  return unlessBroken(() => {
    const members = new Members().open(buffer, start, end);
    while (members.next()) if (members.valueEnd > at) return members.key();
    return undefined;
  });
}

function hasMember(data: Buffer, name: string): boolean {
  return unlessBroken(() => valueAt(data, [name])) !== undefined;
}

/** Undefined if the data are not JSON: the deployment refuses the record. */
function unlessBroken<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** Fields that Airbyte's sources add: nobody misses them. */
function isAirbytes(name: string): boolean {
  return name.startsWith('_ab_cdc_');
}
