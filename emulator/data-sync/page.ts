import type { Deployment } from '../store/deployment.ts';
import { badRequest } from '../http/errors.ts';
import type { Log, LogRow } from '../store/log.ts';
import type { Revision, Tablet } from '../store/tablets.ts';
import type { SyncCursor, TrackedTablet } from './cursor.ts';
import { expired } from './errors.ts';

/** A revision that a page delivers. */
export interface SyncRow {
  tablet: Tablet;
  id: string;
  revision: Revision;
}

/** What pages have cost the server. */
export interface DataSyncWork {
  /** Pages that walked a table in the order of its ids. */
  byIdPages: number;
  /** Documents looked at for them. */
  documentsRead: number;
  /** Pages that replayed the log. */
  logPages: number;
  /** Log rows looked at for them. */
  rowsRead: number;
}

export interface SyncPage {
  rows: SyncRow[];
  cursor: SyncCursor;
  /** The latest timestamp of the deployment when the page was made. */
  latest: bigint;
}

/**
 * The next page of a sync (crates/table_iteration/src/data_sync.rs). A page either walks one table in the order of its
 * ids, at the cursor's timestamp, or replays the log after that timestamp. `targets` are the tablets of this call's
 * selection in the order of their ids. `cursor` undefined starts from scratch under the sync id `syncId`.
 * @throws 400 `InvalidDataSyncCursor` for a cursor from the future, 400 `DataSyncCursorExpired`
 */
export function nextPage(
  deployment: Deployment,
  given: SyncCursor | undefined,
  targets: readonly Tablet[],
  syncId: string,
  work: DataSyncWork,
): SyncPage {
  const latest = deployment.now();
  const fresh: SyncCursor = { syncedTs: latest, synced: [], current: undefined, syncId, documents: 0 };
  const cursor = reconcile(given ?? fresh, targets);
  if (cursor.syncedTs > latest) {
    throw badRequest('InvalidDataSyncCursor', "data sync cursor is ahead of the deployment's latest timestamp");
  }
  // Reading by id at an older timestamp needs index entries that the backend keeps for minutes only.
  const walks = cursor.current !== undefined && latest - cursor.syncedTs < deployment.limits.dataSyncFreshness;
  const page = walks ? walkPage(deployment, cursor, targets, work) : logPage(deployment, cursor, targets, latest, work);
  return { ...page, latest };
}

/** Forgets tablets that are no targets any more; takes the next one where none is in progress. */
function reconcile(cursor: SyncCursor, targets: readonly Tablet[]): SyncCursor {
  const ids = new Set(targets.map((tablet) => tablet.id.order));
  const synced = cursor.synced.filter(({ id }) => ids.has(id));
  const stays = cursor.current !== undefined && ids.has(cursor.current.tablet.id);
  return { ...cursor, synced, current: stays ? cursor.current : firstUnsynced(synced, targets) };
}

function firstUnsynced(synced: readonly TrackedTablet[], targets: readonly Tablet[]): SyncCursor['current'] {
  const ids = new Set(synced.map(({ id }) => id));
  const next = targets.find((tablet) => !ids.has(tablet.id.order));
  return next && { tablet: tracked(next), lastId: undefined, documents: 0 };
}

export function tracked(tablet: Tablet): TrackedTablet {
  return { id: tablet.id.order, component: tablet.component, table: tablet.name };
}

/** Documents of the table in progress as they were at the cursor's timestamp. The end of a table ends the page. */
function walkPage(
  deployment: Deployment,
  cursor: SyncCursor,
  targets: readonly Tablet[],
  work: DataSyncWork,
): { rows: SyncRow[]; cursor: SyncCursor } {
  const { limits } = deployment;
  const { current } = cursor;
  const tablet = targets.find(({ id }) => id.order === current?.tablet.id);
  if (current === undefined || tablet === undefined) throw new Error('no table is in progress');
  work.byIdPages++;
  const rows: SyncRow[] = [];
  let bytes = 0;
  let full = false;
  for (const entry of tablet.documents.after(current.lastId ?? '')) {
    work.documentsRead++;
    const revision = entry.at(cursor.syncedTs);
    if (revision === undefined) continue;
    rows.push({ tablet, id: entry.id, revision });
    bytes += revision.size;
    full = bytes >= limits.dataSyncBytes || rows.length >= limits.dataSyncPage;
    if (full) break;
  }
  const documents = cursor.documents + rows.length;
  if (full) {
    const lastId = rows.at(-1)?.id;
    const inProgress = { tablet: tracked(tablet), lastId, documents: current.documents + rows.length };
    return { rows, cursor: { ...cursor, current: inProgress, documents } };
  }
  const synced = [...cursor.synced, tracked(tablet)].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { rows, cursor: { ...cursor, synced, current: firstUnsynced(synced, targets), documents } };
}

/**
 * The log after the cursor's timestamp, in whole transactions. Only captured documents are delivered: those of synced
 * tablets, and of the table in progress those up to the last id read. Rows of others count as read.
 */
function logPage(
  deployment: Deployment,
  cursor: SyncCursor,
  targets: readonly Tablet[],
  latest: bigint,
  work: DataSyncWork,
): { rows: SyncRow[]; cursor: SyncCursor } {
  const { limits } = deployment;
  work.logPages++;
  const after = cursor.syncedTs;
  if (after < latest && after + 1n < latest - limits.retention) throw expired();
  const captured = isCaptured(cursor);
  const rows: SyncRow[] = [];
  let ts: bigint | undefined;
  let read = 0;
  let bytes = 0;
  // The transactions that are complete: how many rows of the page are theirs, and the last one's timestamp.
  let whole = 0;
  let wholeTs: bigint | undefined;
  let cut = false;
  // With one target the backend reads the log of that table; with none or several it reads the whole log.
  const log = targets.length === 1 ? (targets[0]?.log ?? deployment.log) : deployment.log;
  for (const row of rowsAfter(log, after, latest)) {
    if (row.ts !== ts) {
      if (ts !== undefined) {
        whole = rows.length;
        wholeTs = ts;
        cut = read >= limits.dataSyncRowsRead || whole >= limits.dataSyncPage || bytes >= limits.dataSyncBytes;
        if (cut) break;
      }
      ts = row.ts;
    }
    read++;
    const { tablet, entry, revision } = row;
    if (tablet !== undefined && entry !== undefined && revision !== undefined && captured(tablet, entry.id)) {
      rows.push({ tablet, id: entry.id, revision });
      bytes += revision.size;
    }
    // A first transaction may be longer than the limit; a later one that reaches it is left to the next page.
    cut = read >= limits.dataSyncRowsRead && wholeTs !== undefined;
    if (cut) break;
  }
  work.rowsRead += read;
  if (cut) rows.length = whole;
  const syncedTs = cut ? (wholeTs ?? latest) : latest;
  return { rows, cursor: { ...cursor, syncedTs, documents: cursor.documents + rows.length } };
}

function isCaptured({ synced, current }: SyncCursor): (tablet: Tablet, id: string) => boolean {
  const ids = new Set(synced.map(({ id }) => id));
  return (tablet, id) => {
    if (ids.has(tablet.id.order)) return true;
    const lastId = tablet.id.order === current?.tablet.id ? current.lastId : undefined;
    return lastId !== undefined && id <= lastId;
  };
}

function* rowsAfter(log: Log, after: bigint, upTo: bigint): Generator<LogRow> {
  for (let position = log.firstAfter(after); position < log.rows.length; position++) {
    const row = log.rows[position];
    if (row === undefined || row.ts > upTo) return;
    yield row;
  }
}
