/**
 * The greatest value of the cursor field that a walk has seen, and which records pass.
 *
 * A query that takes the value as an argument decides itself what it returns; it may go back a little for
 * records that were committed late. Any other query returns everything each time: records from the saved
 * value on pass, also those equal to it, since more of them may have been added.
 *
 * Such a query gives its pages in any order. A record of an earlier page may be changed while later pages are
 * read: its value is then below the greatest one that was seen, but not below one that was there before. So
 * the next walk begins with what was seen before this walk, or on its first page.
 */
import { configError } from '../../shared/core/failure.ts';
import type { ValueFormat } from '../../shared/convex/streaming-export.ts';
import { Members } from '../../shared/json/raw.ts';
import type { QueryStream } from './config.ts';
import { asInt64, compareCursors, cursorValueOf, greater, isDigits, type CursorValue } from './cursor-value.ts';
import type { QueryPage } from './page.ts';
import type { QueryState } from './state.ts';

type RawValue = ReturnType<typeof cursorValueOf>;

/** The field that never changes, and by which queries without an index are ordered. */
const CREATION_TIME = '_creationTime';

export class Watermark {
  /** The value that the walk began with. */
  lower: CursorValue | undefined;
  /** The greatest value that the walk has seen. */
  seen: CursorValue | undefined;
  /** A value that was there before the second page was read. Undefined where only `reached` is needed. */
  floor: CursorValue | undefined;
  readonly #stream: QueryStream;
  readonly #field: string | undefined;
  readonly #filters: boolean;
  readonly #isOrdered: boolean;
  readonly #members = new Members();
  /** Whether texts of digits are int64 values, as they may be in `json` (C41). Undefined: not known yet. */
  #areInt64: boolean | undefined;

  constructor(
    stream: QueryStream,
    format: ValueFormat,
    before: Pick<QueryState, 'cursor' | 'nextCursor' | 'floor'> | undefined,
  ) {
    this.#stream = stream;
    this.#field = stream.cursor?.field;
    this.lower = before?.cursor;
    this.seen = before?.nextCursor;
    this.floor = before?.floor;
    this.#isOrdered = stream.cursor?.argument !== undefined || this.#field === CREATION_TIME;
    this.#filters = this.lower !== undefined && stream.cursor?.argument === undefined;
    this.#areInt64 =
      format !== 'json' || this.#field === undefined ? false : this.#known?.kind === 'int64' || undefined;
  }

  /** Whether it is not known yet if saved values, or those of the page, are int64 or text. */
  needsType(page?: QueryPage): boolean {
    const value = page === undefined ? this.#known : this.#firstValue(page);
    if (value !== undefined && !isDigits(value)) this.#areInt64 ??= false;
    return this.#areInt64 === undefined && isDigits(value);
  }

  /** `page`: of the same query in `convex_encoded_json`, which tells int64 values from texts (C42). */
  learnType(page: QueryPage): void {
    const value = this.#firstValue(page);
    if (value !== undefined) this.#areInt64 = typeof value === 'object' && value.kind === 'int64';
    if (this.#areInt64 !== true) return;
    this.lower = asInt64(this.lower);
    this.seen = asInt64(this.seen);
    this.floor = asInt64(this.floor);
  }

  /** A value of the field, if there was one. */
  get #known(): CursorValue | undefined {
    return this.seen ?? this.lower ?? this.floor;
  }

  /** The greatest value of this walk and earlier ones. */
  get reached(): CursorValue | undefined {
    return greater(this.lower, this.seen);
  }

  /** After a page: the first one tells which values were there when the walk began. */
  endPage(isFirst: boolean): void {
    if (isFirst && !this.#isOrdered) this.floor = greater(this.floor, this.seen);
  }

  /** After the last page: what the next walk begins with. */
  get next(): Pick<QueryState, 'cursor' | 'floor'> {
    const { reached } = this;
    return this.#isOrdered
      ? { cursor: reached, floor: undefined }
      : { cursor: greater(this.lower, this.floor), floor: reached };
  }

  /** Whether the record passes; updates `seen`. Records without a value always pass. */
  passes(buffer: Buffer, start: number, end: number): boolean {
    if (this.#field === undefined) return true;
    const value = this.#valueOf(buffer, start, end);
    if (value === undefined) return true;
    if (this.seen === undefined || compareCursors(value, this.seen) > 0) this.seen = value;
    return !this.#filters || compareCursors(value, this.lower!) >= 0;
  }

  #valueOf(buffer: Buffer, start: number, end: number): CursorValue | undefined {
    let value = this.#rawValueOf(buffer, start, end);
    if (typeof value === 'string') throw this.#refusal(`holds ${value === 'object' ? 'an' : 'a'} ${value}`);
    if (this.#areInt64) value = asInt64(value);
    const known = this.#known;
    if (value !== undefined && known !== undefined && known.kind !== value.kind)
      throw this.#refusal(`holds a ${value.kind} here and a ${known.kind} there`);
    return value;
  }

  #firstValue({ buffer, places }: QueryPage): RawValue {
    for (let i = 0; i < places.length; i += 2) {
      const value = this.#rawValueOf(buffer, places[i]!, places[i + 1]!);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #rawValueOf(buffer: Buffer, start: number, end: number): RawValue {
    let raw = 'null';
    const members = this.#members.open(buffer, start, end);
    while (members.next())
      if (members.key() === this.#field) raw = buffer.toString('utf8', members.valueStart, members.valueEnd);
    return cursorValueOf(raw);
  }

  #refusal(what: string): Error {
    const { name } = this.#stream;
    return configError(
      `Query stream "${name}": its cursor field "${this.#field!}" ${what}. A cursor field holds numbers, or texts, in every record: only then there is an order. Choose another field, or none and read everything each time.`,
    );
  }
}
