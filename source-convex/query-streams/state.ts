/**
 * The saved state of a query stream:
 *
 * `{"query": "orders:changed", "fingerprint": "…", "page_cursor": string|null, "has_more": boolean, "cursor":
 * string|null, "next_cursor": string|null, "floor_cursor": string, "value_format": string}`, with
 * `deployment` and `sync_id` as in a table's state.
 *
 * `page_cursor` is the position in an unfinished walk (`has_more`). `cursor` is the value of the cursor field
 * that the walk begins with, `next_cursor` the greatest that it has seen, `floor_cursor` a value that was
 * there when it began. At the end the next walk's `cursor` is made of them: see watermark.ts. All are raw
 * JSON in a JSON string, so that no reader rounds or reformats a number.
 */
import { parsedJson } from '../../shared/core/json.ts';
import { StateError, stateMembers, stringMember, syncIdMember } from '../saved-state.ts';
import { cursorValueOf, type CursorValue } from './cursor-value.ts';

export interface QueryState {
  fingerprint: string;
  pageCursor: string | null;
  hasMore: boolean;
  cursor: CursorValue | undefined;
  nextCursor: CursorValue | undefined;
  floor: CursorValue | undefined;
  /** The format of these values. Undefined in states of earlier versions. */
  format: string | undefined;
  deployment: string | undefined;
  /** The sync that a full refresh belongs to. */
  syncId: number | undefined;
}

/** Parses the raw JSON text of a saved state. Ignores unknown members. Throws `StateError`. */
export function parseQueryState(raw: string): QueryState {
  const members = stateMembers(raw);
  const fingerprint = stringMember(members, 'fingerprint');
  const hasMore = members.get('has_more');
  if (fingerprint === undefined || (hasMore !== 'true' && hasMore !== 'false'))
    throw new StateError('is not the state of a query stream');
  const pageCursor = stringMember(members, 'page_cursor') ?? null;
  return {
    fingerprint,
    pageCursor,
    hasMore: hasMore === 'true',
    cursor: cursor(members, 'cursor'),
    nextCursor: cursor(members, 'next_cursor'),
    floor: cursor(members, 'floor_cursor'),
    format: stringMember(members, 'value_format'),
    deployment: stringMember(members, 'deployment'),
    syncId: syncIdMember(members),
  };
}

export function formatQueryState(query: string, state: QueryState): Record<string, unknown> {
  return {
    query,
    fingerprint: state.fingerprint,
    page_cursor: state.pageCursor,
    has_more: state.hasMore,
    cursor: state.cursor?.raw ?? null,
    next_cursor: state.nextCursor?.raw ?? null,
    floor_cursor: state.floor?.raw,
    value_format: state.format,
    deployment: state.deployment,
    sync_id: state.syncId,
  };
}

function cursor(members: Map<string, string>, name: string): CursorValue | undefined {
  const raw = stringMember(members, name);
  const value = raw === undefined || parsedJson(raw) === undefined ? raw : cursorValueOf(raw);
  if (typeof value === 'string') throw new StateError(`has a ${name} that is no value of a cursor`);
  return value;
}
