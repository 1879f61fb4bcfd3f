/** Reads the result of a query as one page of records. Records stay bytes. */
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
  /** The bytes that hold the records. */
  buffer: Buffer;
  /** Start and end of each record in turn. Records without any field are left out. */
  places: number[];
  /** How many records were left out because they have no field: Airbyte would drop them silently. */
  empty: number;
  /** Cursor of the next page; null after the last page. */
  next: string | null;
}

/** The result cannot be a query stream. `message` continues "the query …". */
export class ResultError extends Error {
  override readonly name = 'ResultError';
}

/** Throws `ResultError` for a result of another form, `JsonError` for invalid JSON. */
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

/** A record is one line. Deployments write no line breaks, but a proxy that reformats JSON may. */
function singleLine({ buffer, start, end }: RawValue): RawValue {
  const bytes = buffer.subarray(start, end);
  if (!bytes.includes(NEWLINE) && !bytes.includes(CARRIAGE_RETURN)) return { buffer, start, end };
  const line = onOneLine(buffer, start, end);
  return { buffer: line, start: 0, end: line.length };
}
