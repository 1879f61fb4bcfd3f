/**
 * The fields of a stream that Convex renames or drops (C36, C39), remembered from record to record. A record
 * is decoded only if two of its fields may get the same name (see merged-fields.ts). In all other records the
 * names are compared with the known ones, byte by byte.
 */
import {
  type Spelling,
  isDropped,
  partsToSpell,
  spelledFieldName,
  withoutPrefixes,
} from '../shared/convex/identifiers.ts';
import { BACKSLASH, COLON, JsonError, QUOTE, bytesAre, skipSpace, stringAt } from '../shared/json/raw.ts';
import { mergedFields, type MergedFields } from './merged-fields.ts';

interface NotedField {
  /** The name as written, with its quotes. */
  bytes: Buffer;
  name: string;
  /** Whether Convex stores it under another name. */
  renamed: boolean;
  /** Whether Convex may store another field under the same name. */
  contested: boolean;
  /** Whether Convex drops it if it is a top-level field. */
  dropped: boolean;
}

/** Remembered fields. There may be any number (a map by id). Other renamed fields are decoded. */
const MAX_FIELDS = 512;

export class FieldNames {
  readonly #spelling: Spelling;
  readonly #fields: NotedField[] = [];
  readonly #byText = new Map<string, NotedField>();
  readonly #unspelled = new Set<string>();
  #changed = false;
  /** Incremented with each change of the known fields. */
  version = 0;
  #next = 0;
  /** Fields of the current record that are contested, and renamed ones that are not remembered. */
  #suspects = 0;
  #others = 0;

  /** `spelling`: shared by all streams; entries are added during the run. */
  constructor(spelling: Spelling) {
    this.#spelling = spelling;
  }

  /** Call at the beginning of each record. */
  begin(): void {
    this.#next = 0;
    this.#suspects = 0;
    this.#others = 0;
  }

  /** The field whose name ends with the quote at `end`. Undefined if it is no key or not remembered. */
  onKey(buffer: Buffer, end: number): NotedField | undefined {
    if (buffer[end + 1] !== COLON && buffer[skipSpace(buffer, end + 1, buffer.length)] !== COLON) return undefined;
    const start = openingQuote(buffer, end);
    let field = this.#fields[this.#next];
    if (field !== undefined && bytesAre(buffer, start, end + 1, field.bytes)) this.#next++;
    else field = this.#find(buffer, start, end + 1);
    if (field?.contested) this.#suspects++;
    return field;
  }

  /** Parts that the deployment has to spell. Without `all`: only those needed to check the record. */
  unspelled(all: boolean): ReadonlySet<string> {
    return all || this.#fields.length + this.#others > 1 ? this.#unspelled : NONE;
  }

  /** Notes the parts of all names of the record `buffer[start, end)`, if it has too many for `onKey`. */
  noteAll(buffer: Buffer, start: number, end: number): void {
    try {
      JSON.parse(buffer.toString('utf8', start, end), (name, value: unknown) => {
        this.#noteParts(name);
        return value;
      });
    } catch {
      // Not JSON, or nested too deeply: the deployment refuses the record.
    }
  }

  /** Call after the deployment was asked for all `unspelled` parts. Names are then compared again. */
  spelled(): void {
    this.version++;
    this.#unspelled.clear();
    this.#changed = true;
  }

  /** The fields that can be skipped in the next record. */
  harmless(): readonly NotedField[] {
    return this.#changed ? [] : this.#fields.filter(({ contested }) => !contested);
  }

  /** Whether two fields of the current record may get the same name. */
  isSuspicious(): boolean {
    if (!this.#changed) return this.#suspects > 1 || this.#others > 0;
    this.#compare();
    return true;
  }

  /** Two fields of the record `buffer[start, end)` that get the same name. */
  merged(buffer: Buffer, start: number, end: number): MergedFields | undefined {
    try {
      return mergedFields(JSON.parse(buffer.toString('utf8', start, end)) as object, this.#spelling);
    } catch (error) {
      // Not JSON: the deployment refuses the record.
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  #find(buffer: Buffer, start: number, end: number): NotedField | undefined {
    const text = buffer.toString('utf8', start, end);
    const known = this.#byText.get(text);
    if (known !== undefined) {
      this.#next = this.#fields.indexOf(known) + 1;
      return known;
    }
    const name = nameAt(buffer, start, end);
    if (name === undefined) return undefined;
    const stored = spelledFieldName(name, this.#spelling);
    if (stored === undefined) this.#noteParts(name);
    if (this.#fields.length === MAX_FIELDS) {
      if (stored !== name) this.#others++;
      return undefined;
    }
    const field: NotedField = {
      bytes: Buffer.from(buffer.subarray(start, end)),
      name,
      renamed: stored !== name,
      contested: false,
      dropped: stored !== undefined && isDropped(stored),
    };
    this.#fields.splice(this.#next++, 0, field);
    this.#byText.set(text, field);
    this.version++;
    this.#changed ||= field.renamed;
    return field;
  }

  #noteParts(name: string): void {
    for (const part of partsToSpell(name)) if (!this.#spelling.has(part)) this.#unspelled.add(part);
  }

  /** Marks the fields as contested whose new names are equal except for prefixes, or unknown. */
  #compare(): void {
    const byRest = new Map<string, Set<string>>();
    const rests = this.#fields.map(({ name, renamed }) => {
      const stored = renamed ? spelledFieldName(name, this.#spelling) : undefined;
      if (stored === undefined) return undefined;
      const rest = withoutPrefixes(stored);
      byRest.set(rest, (byRest.get(rest) ?? new Set()).add(name));
      return rest;
    });
    for (const [index, field] of this.#fields.entries()) {
      const rest = rests[index];
      field.contested = field.renamed && (rest === undefined || byRest.get(rest)!.size > 1);
    }
    this.#changed = false;
    this.version++;
  }
}

const NONE: ReadonlySet<string> = new Set();

/** The quote that begins the string ending at `end`. Inner quotes follow an odd number of backslashes. */
export function openingQuote(buffer: Buffer, end: number): number {
  for (let at = end - 1; ; at--) {
    while (at > 0 && buffer[at] !== QUOTE) at--;
    let before = at;
    while (before > 0 && buffer[before - 1] === BACKSLASH) before--;
    if ((at - before) % 2 === 0) return at;
  }
}

/** The string `buffer[start, end)`. Undefined if it is not valid: the deployment refuses the record. */
export function nameAt(buffer: Buffer, start: number, end: number): string | undefined {
  try {
    const name = stringAt(buffer, start, end);
    return name.isWellFormed() ? name : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
