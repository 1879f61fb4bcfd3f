/** One page of a query's records, as bytes: what the query returned, understood as far as that takes. */
import {
  decoded,
  isArray,
  isObject,
  member,
  type FunctionSuccess,
  type RawValue,
} from '../../shared/convex/function-result.ts';
import { eachElement } from '../../shared/json/array.ts';
import { CARRIAGE_RETURN, CLOSE_BRACE, NEWLINE, OPEN_BRACE, onOneLine, skipSpace } from '../../shared/json/raw.ts';

export interface QueryPage {
  /** The bytes in which the records stand. */
  buffer: Buffer;
  /** Where each record begins and ends: start and end in turn. Records without any field are left out. */
  places: number[];
  /** How many were left out: Airbyte would drop them without a word. */
  empty: number;
  /** Where the next page begins; null where this was the last one. */
  next: string | null;
}

/** What the query returned is none of what a query stream can be. `message` continues "the query …". */
export class ResultError extends Error {
  override readonly name = 'ResultError';
}

/** Throws `ResultError` for a result of another form, `JsonError` for one that is no JSON. */
export function pageOf({ value }: FunctionSuccess, paginated: boolean): QueryPage {
  if (!paginated) {
    if (isArray(value)) return { ...recordsOf(value), next: null };
    throw new ResultError(
      isObject(value) && member(value, 'continueCursor') !== undefined
        ? 'returns a page. Switch "Paginated" on'
        : 'returns no list of records',
    );
  }
  const page = isObject(value) ? member(value, 'page') : undefined;
  if (page === undefined || !isArray(page)) {
    throw new ResultError(
      isArray(value)
        ? 'returns a list, not a page. Return what paginate(paginationOpts) gives, or switch "Paginated" off'
        : 'returns no page: an object with page, isDone and continueCursor, as paginate(paginationOpts) gives it',
    );
  }
  const isDone = memberOf(value, 'isDone');
  const cursor = memberOf(value, 'continueCursor');
  if (typeof isDone !== 'boolean') throw new ResultError('returns a page without isDone');
  if (isDone) return { ...recordsOf(page), next: null };
  if (typeof cursor !== 'string') throw new ResultError('returns a page that is not the last, without continueCursor');
  return { ...recordsOf(page), next: cursor };
}

function memberOf(value: RawValue, name: string): unknown {
  const found = member(value, name);
  return found === undefined ? undefined : decoded(found);
}

function recordsOf(list: RawValue): Omit<QueryPage, 'next'> {
  const { buffer, start, end } = singleLine(list);
  const places: number[] = [];
  let empty = 0;
  eachElement(buffer, start, end, (from, to) => {
    if (buffer[from] !== OPEN_BRACE)
      throw new ResultError('returns values that are no objects, so they cannot be records');
    if (buffer[skipSpace(buffer, from + 1, to)] === CLOSE_BRACE) empty++;
    else places.push(from, to);
  });
  return { buffer, places, empty };
}

/** Deployments write no line breaks; a proxy that prints JSON prettily would, and a record is one line. */
function singleLine({ buffer, start, end }: RawValue): RawValue {
  const bytes = buffer.subarray(start, end);
  if (!bytes.includes(NEWLINE) && !bytes.includes(CARRIAGE_RETURN)) return { buffer, start, end };
  const line = onOneLine(buffer, start, end);
  return { buffer: line, start: 0, end: line.length };
}
