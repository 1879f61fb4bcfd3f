/**
 * Data Sync, typed (C90 to C104): pages of changes after an opaque cursor, cursors for positions in the
 * change log, and which syncs there are.
 *
 * Each route may be missing on an older backend. A missing route answers 404 with an empty body; so may an
 * ingress whose backend restarts. It is therefore asked for three times (see client.ts) before it counts as
 * missing: `ConvexApiError` with the reason `no-route`.
 */
import { isDigits } from '../json/integers.ts';
import { DataSyncReader } from './data-sync-reader.ts';
import type { Changes } from './data-sync-changes.ts';
import { cursorOf, type DataSyncPage, type DataSyncStart } from './data-sync-page.ts';
import { ConvexApiError } from './errors.ts';
import { jsonObject, protocolViolation, type ConvexClient } from './client.ts';
import type { Selection } from './selection.ts';

export type { Changes } from './data-sync-changes.ts';
export type { DataSyncPage, DataSyncStart, DataSyncStatus } from './data-sync-page.ts';

/** A sync that was active within the last three days. */
export interface ActiveSync {
  syncId: string;
  /** Physical tables: more than the selected ones while an import writes the hidden copy of one (C104). */
  totalTables: number;
}

const SYNC = '/api/v1/data/sync';
const FROM_DELTAS = '/api/data_sync_cursor_from_deltas';
const ACTIVE = '/api/v1/data/list_active_syncs';
const ACTIVE_PAGE = 100;
/** Far more than a deployment has consumers. */
const MAX_ACTIVE_PAGES = 100;

export class DataSync {
  readonly #http: ConvexClient;

  constructor(http: ConvexClient) {
    this.#http = http;
  }

  /**
   * One page of changes after `cursor`; null starts a sync from scratch. Yields a `DataSyncStart` with all
   * truncates before the first change, then the changes in order. The page counts only as a whole (C92).
   *
   * Where the connection breaks off, the page is requested again from the same cursor. Its answer may differ
   * then: it has the same changes and perhaps later ones, a later `snapshotTs`, perhaps more truncates. So
   * another `DataSyncStart` is yielded, with `again` set, and changes are repeated. Changes yielded before it
   * are revisions that were committed, up to the `snapshotTs` of their own start; a consumer that upserts may
   * keep them. Of truncates, the last start counts.
   *
   * Throws `ConvexApiError`: `expired`, `bad-position`, `no-route`, `transient` after a page that did not
   * come further with many tries.
   */
  async *page(args: {
    cursor: string | null;
    selection: Selection;
  }): AsyncGenerator<DataSyncStart | Changes, DataSyncPage> {
    const { cursor, selection } = args;
    // JSON leaves out what is undefined.
    const body = JSON.stringify({ cursor: cursor ?? undefined, selection });
    const reader = new DataSyncReader(this.#http, { method: 'POST', path: SYNC, body }, cursor);
    try {
      for (;;) {
        const step = await this.#optional(SYNC, () => reader.next());
        if (step.kind === 'page') return step.page;
        yield step;
      }
    } finally {
      await reader.close();
    }
  }

  /**
   * A cursor from which `page` goes on where the change log was read up to `ts` (digits, nanoseconds). All
   * tables of the selection count as read up to then (C100): make it before a snapshot is pinned. No side
   * effect.
   */
  async cursorFromDeltas({ ts, selection }: { ts: string; selection: Selection }): Promise<string> {
    if (!isDigits(ts)) throw new TypeError('the position is not written in digits');
    // A bare integer: the server refuses strings, and a number would round it (C20).
    const body = `{"cursor":${ts},"selection":${JSON.stringify(selection)}}`;
    const text = await this.#optional(FROM_DELTAS, () => this.#http.once({ method: 'POST', path: FROM_DELTAS, body }));
    return cursorOf(jsonObject(text, FROM_DELTAS)['cursor'], FROM_DELTAS);
  }

  /** The sync with this id; undefined where it is not among those of the last three days. */
  async activeSync(syncId: string): Promise<ActiveSync | undefined> {
    let cursor: string | undefined;
    for (let page = 0; page < MAX_ACTIVE_PAGES; page++) {
      const { syncs, next } = await this.#activePage(cursor);
      const found = syncs.find((sync) => sync.syncId === syncId);
      if (found !== undefined || next === undefined) return found;
      if (next === cursor) throw protocolViolation(ACTIVE, 'gives the cursor back that it was given');
      cursor = next;
    }
    return undefined;
  }

  async #activePage(cursor: string | undefined): Promise<{ syncs: ActiveSync[]; next: string | undefined }> {
    const query = { limit: String(ACTIVE_PAGE), ...(cursor === undefined ? {} : { cursor }) };
    const text = await this.#optional(ACTIVE, () => this.#http.once({ method: 'GET', path: ACTIVE, query }));
    // Its timestamps are rounded, and not used.
    const { syncs, pagination } = jsonObject(text, ACTIVE) as {
      syncs?: unknown;
      pagination?: { hasMore?: unknown; nextCursor?: unknown } | null;
    };
    if (!Array.isArray(syncs) || typeof pagination?.hasMore !== 'boolean')
      throw protocolViolation(ACTIVE, 'lists no syncs');
    const { hasMore, nextCursor } = pagination;
    if (hasMore && typeof nextCursor !== 'string')
      throw protocolViolation(ACTIVE, 'says that there is more but not where');
    return { syncs: syncs.map(activeSyncOf), next: hasMore ? (nextCursor as string) : undefined };
  }

  async #optional<T>(path: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await this.#http.retrying(path, attempt);
    } catch (error) {
      if (!(error instanceof ConvexApiError) || !error.emptyNotFound) throw error;
      throw new ConvexApiError({ reason: 'no-route', retry: false }, `it has no ${path}`, { status: 404 });
    }
  }
}

function activeSyncOf(value: unknown): ActiveSync {
  const { syncId, status } = (value ?? {}) as { syncId?: unknown; status?: { totalTables?: unknown } | null };
  const { totalTables } = status ?? {};
  if (typeof syncId !== 'string' || typeof totalTables !== 'number' || totalTables < 0)
    throw protocolViolation(ACTIVE, 'lists something else than syncs');
  return { syncId, totalTables };
}
