/** A Data Sync page beside its values: raw JSON in, checked values out. Pure. Throws `ConvexApiError`. */
import { parsedJson } from '../core/json.ts';
import { isTimestamp } from '../json/integers.ts';
import { JsonError, rawMembers } from '../json/raw.ts';
import { protocolViolation } from './client.ts';
import type { TableRef } from './selection.ts';

/** `stale`, `upToDate`: all that was read is exactly the deployment at `snapshotTs` (ns, C92). */
export type DataSyncStatus =
  { type: 'snapshotting' } | { type: 'stale'; snapshotTs: string } | { type: 'upToDate'; snapshotTs: string };

/** What is known of a page before its first change. */
export interface DataSyncStart {
  kind: 'start';
  status: DataSyncStatus;
  /** Everything that is held for these tables is void (C93). */
  truncates: TableRef[];
  /** The page broke off and was requested again: changes repeat, status and truncates may differ. */
  again: boolean;
}

/** What is known of a page at its end. */
export interface DataSyncPage {
  status: DataSyncStatus;
  truncates: TableRef[];
  syncId: string;
  /** Hex, opaque, another one in each answer (C98). */
  nextCursor: string;
  /** How many changes the page had, in its last answer. */
  changes: number;
}

type Members = ReadonlyMap<string, string>;

/** `before`: the members that stand before `values`. */
export function startOf(before: Members, again: boolean, path: string): DataSyncStart {
  const status = before.get('status');
  const truncates = before.get('truncates');
  if (status === undefined || truncates === undefined)
    throw protocolViolation(path, 'does not give "status" and "truncates" before its values');
  return { kind: 'start', status: statusOf(status, path), truncates: truncatesOf(truncates, path), again };
}

export function endOf(
  members: Members,
  given: string | null,
  path: string,
): Pick<DataSyncPage, 'syncId' | 'nextCursor'> {
  const syncId = parsedJson(members.get('syncId'));
  if (typeof syncId !== 'string' || syncId === '') throw protocolViolation(path, 'has no "syncId"');
  const pagination = objectOf(members.get('pagination'));
  const nextCursor = cursorOf(parsedJson(pagination?.get('nextCursor')), path);
  if (nextCursor === given) throw protocolViolation(path, 'gives the cursor back that it was given');
  return { syncId, nextCursor };
}

export function cursorOf(cursor: unknown, path: string): string {
  if (typeof cursor !== 'string' || !/^(?:[0-9a-f]{2})+$/i.test(cursor)) throw protocolViolation(path, 'has no cursor');
  return cursor;
}

function statusOf(raw: string, path: string): DataSyncStatus {
  const members = objectOf(raw);
  const type = parsedJson(members?.get('type'));
  if (type === 'snapshotting') return { type };
  // Taken as it is written: a number would round it (C20).
  const snapshotTs = members?.get('snapshotTs') ?? '';
  if (type !== 'stale' && type !== 'upToDate') throw protocolViolation(path, 'has a status of an unknown type');
  if (!isTimestamp(snapshotTs)) throw protocolViolation(path, 'has a status without a timestamp');
  return { type, snapshotTs };
}

function truncatesOf(raw: string, path: string): TableRef[] {
  const list = parsedJson(raw);
  if (!Array.isArray(list)) throw protocolViolation(path, 'has no list of truncates');
  return list.map((entry: unknown) => {
    const { component, table } = (entry ?? {}) as Partial<TableRef>;
    if (typeof component !== 'string' || typeof table !== 'string' || table === '')
      throw protocolViolation(path, 'has a truncate without a table');
    return { component, table };
  });
}

function objectOf(raw: string | undefined): Map<string, string> | undefined {
  try {
    return raw === undefined ? undefined : rawMembers(Buffer.from(raw));
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
