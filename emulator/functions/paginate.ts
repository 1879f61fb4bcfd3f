import { createHash } from 'node:crypto';
import type { ValueObject } from '../values/values.ts';
import { FunctionError } from './errors.ts';

export interface PaginationOptions {
  numItems: number;
  cursor: string | null;
  endCursor?: string | null;
}

export interface PaginationResult {
  page: ValueObject[];
  isDone: boolean;
  continueCursor: string;
}

/** A document at its place in an index. */
export interface Row {
  key: Buffer;
  document: ValueObject;
}

/**
 * A page of `rows`, which are in order. A cursor is a place, not a number: documents that come or go before it move nothing. It holds
 * for exactly the query that it was made by, which `query` stands for (crates/isolate/src/environment/udf/async_syscall.rs).
 */
export function pageOf(
  rows: Iterable<Row>,
  query: unknown,
  { numItems, cursor, endCursor }: PaginationOptions,
  descending: boolean,
): PaginationResult {
  if (!(numItems >= 1)) throw new Error('Must request at least 1 document while paginating');
  const fingerprint = fingerprintOf(query);
  const start = cursor === null ? undefined : parseCursor(cursor, fingerprint);
  const end = endCursor === null || endCursor === undefined ? undefined : parseCursor(endCursor, fingerprint);
  const isPast = (key: Buffer, place: Buffer) => Buffer.compare(key, place) * (descending ? -1 : 1) > 0;
  const page: ValueObject[] = [];
  const result = (place: Place) => ({
    page,
    isDone: place === END,
    continueCursor: formatCursor(place, fingerprint),
  });
  if (start === END) return result(END);
  for (const { key, document } of rows) {
    if (start !== undefined && !isPast(key, start)) continue;
    if (end !== undefined && end !== END && isPast(key, end)) break;
    page.push(document);
    // A page that is full is not known to be the last one: the next may be empty.
    if (end === undefined && page.length >= numItems) return result(key);
  }
  return result(end ?? END);
}

const END = Symbol('end');

/** After a key, or after everything. */
type Place = Buffer | typeof END;

function fingerprintOf(query: unknown): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('hex').slice(0, 16);
}

function formatCursor(place: Place, fingerprint: string): string {
  return Buffer.from(`${fingerprint}${place === END ? '' : place.toString('hex')}`, 'hex').toString('base64url');
}

function parseCursor(cursor: string, fingerprint: string): Place {
  const text = Buffer.from(cursor, 'base64url').toString('hex');
  if (!text.startsWith(fingerprint)) {
    throw new FunctionError(
      'InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a different query.',
      { isConvexSystemError: true, paginationError: 'InvalidCursor' },
    );
  }
  return text.length === fingerprint.length ? END : Buffer.from(text.slice(fingerprint.length), 'hex');
}
