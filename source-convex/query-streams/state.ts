/**
 * The state of a query stream:
 *
 * `{"query": "orders:changed", "fingerprint": "…", "page_cursor": string|null, "has_more": boolean, "cursor":
 * string|null, "next_cursor": string|null}`, with `deployment` and `sync_id` as in the state of a table.
 *
 * `page_cursor` is the position in a walk that is not finished (`has_more`). `cursor` is what the walk was
 * begun with: the greatest value of the cursor field that the walks before it have seen; `next_cursor` is the
 * greatest that this walk has seen so far, and becomes `cursor` when it is finished. Both are JSON texts
 * inside of JSON strings, so that no reader rounds a number or writes it another way.
 */
import { StateError, stateMembers, stringMember, syncIdMember } from '../saved-state.ts';
import { cursorValueOf, type CursorValue } from './cursor-value.ts';

export interface QueryState {
  fingerprint: string;
  pageCursor: string | null;
  hasMore: boolean;
  cursor: CursorValue | undefined;
  nextCursor: CursorValue | undefined;
  deployment: string | undefined;
  /** The sync whose full refresh this state belongs to. */
  syncId: number | undefined;
}

/** Reads the raw JSON text of a saved state. Unknown members are ignored. Throws `StateError`. */
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
    ...(state.deployment === undefined ? {} : { deployment: state.deployment }),
    ...(state.syncId === undefined ? {} : { sync_id: state.syncId }),
  };
}

function cursor(members: Map<string, string>, name: string): CursorValue | undefined {
  const raw = stringMember(members, name);
  const value = raw === undefined || !isJson(raw) ? raw : cursorValueOf(raw);
  if (typeof value === 'string') throw new StateError(`has a ${name} that is no value of a cursor`);
  return value;
}

function isJson(raw: string): boolean {
  try {
    JSON.parse(raw);
    return true;
  } catch {
    return false;
  }
}
