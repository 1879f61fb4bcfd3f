import { ServerError } from '../http/errors.ts';
import type { Deployment } from '../store/deployment.ts';

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
/** A sync is active for so long after its last page, in nanoseconds. */
const ACTIVE_FOR = 3n * 86_400n * SECOND;
/** While a sync goes on, its row is written at most once in so many nanoseconds. */
const WRITE_INTERVAL = 5n * SECOND;

/**
 * The counts of the tables' documents, which a backend works out for a while after its start. `missing`: not there yet,
 * on a backend of August 2026. `zero`: not there yet, on a newer one, which tells 0 instead.
 */
export type TableCounts = 'ready' | 'missing' | 'zero';

/** The state of a sync as list_active_syncs tells it; members in the order of the answer. */
export type ProgressStatus =
  | {
      type: 'snapshotting';
      numTablesSynced: number;
      totalTables: number;
      currentComponent: string;
      currentTable: string;
      numDocumentsInCurrentTable: number;
      totalDocumentsInCurrentTable: number;
      numDocumentsSynced: number;
      totalDocuments: number;
    }
  | { type: 'stale' | 'upToDate'; totalTables: number; numDocumentsSynced: number; syncedTs: bigint };

/** A row of `_data_sync_progress`. */
export interface ProgressRow {
  readonly syncId: string;
  /** Nanoseconds; answers have it in milliseconds. */
  readonly lastUpdated: bigint;
  readonly status: ProgressStatus;
  /** Orders rows of the same time. */
  readonly sequence: number;
}

/** Where in the list of active syncs a page of it ended. */
export type ListPosition = Pick<ProgressRow, 'lastUpdated' | 'sequence'>;

/** The table `_data_sync_progress`: one row for each sync, kept for good. */
export class Progress {
  readonly rows = new Map<string, ProgressRow>();
  /** How often a row was written: each time is a commit, which moves the log on. */
  writes = 0;
  /** Can be changed at any time. */
  tableCounts: TableCounts;
  readonly #deployment: Deployment;

  constructor(deployment: Deployment, tableCounts: TableCounts) {
    this.#deployment = deployment;
    this.tableCounts = tableCounts;
  }

  /**
   * Notes a page. The first of a sync adds its row and an event of the audit log, in one commit; later ones update the
   * row, at most every 5 seconds unless the kind of status changes, or the sync has caught up with new documents.
   * A page of a snapshot needs the counts of tables. Without them no row is written, which only the first page minds
   * (crates/application/src/streaming_export.rs, `record_data_sync_progress`).
   * @throws 500 for the first page of a snapshot without counts
   */
  record(syncId: string, status: ProgressStatus): void {
    const known = this.rows.get(syncId);
    if (status.type === 'snapshotting' && this.tableCounts === 'missing') {
      if (known === undefined) throw new ServerError('table summaries are still bootstrapping');
      return;
    }
    if (known === undefined) {
      this.#deployment.auditLog.push({ action: 'create_data_sync', syncId });
      this.#write(syncId, status, this.rows.size, 2);
      return;
    }
    const due =
      known.status.type !== status.type ||
      (status.type === 'upToDate' && known.status.numDocumentsSynced !== status.numDocumentsSynced) ||
      this.#deployment.now() - known.lastUpdated >= WRITE_INTERVAL;
    if (due) this.#write(syncId, status, known.sequence, 1);
  }

  /** An active sync. */
  find(syncId: string): ProgressRow | undefined {
    const row = this.rows.get(syncId);
    return row !== undefined && this.#active(row) ? row : undefined;
  }

  /** At most `limit` active syncs after a position, the one with the newest page first. */
  list(after: ListPosition | undefined, limit: number): { rows: ProgressRow[]; more: boolean } {
    const sorted = [...this.rows.values()].sort(newestFirst);
    const rest = after === undefined ? sorted : sorted.filter((row) => newestFirst(after, row) < 0);
    const page = rest.slice(0, limit);
    const rows = page.filter((row) => this.#active(row));
    // A page that is full has a cursor, even where nothing follows.
    return { rows, more: rows.length === limit };
  }

  #active({ lastUpdated }: ProgressRow): boolean {
    return this.#deployment.now() - lastUpdated <= ACTIVE_FOR;
  }

  #write(syncId: string, status: ProgressStatus, sequence: number, systemRows: number): void {
    const lastUpdated = this.#deployment.now();
    this.#deployment.systemWrite(systemRows);
    this.rows.set(syncId, { syncId, lastUpdated, status, sequence });
    this.writes++;
  }
}

function newestFirst(a: ListPosition, b: ListPosition): number {
  if (a.lastUpdated !== b.lastUpdated) return a.lastUpdated > b.lastUpdated ? -1 : 1;
  return b.sequence - a.sequence;
}

/** An element of `syncs`. */
export function progressText({ syncId, lastUpdated, status }: ProgressRow): string {
  const members = Object.entries(status).map(
    ([name, value]: [string, string | number | bigint]) =>
      `"${name}":${typeof value === 'bigint' ? String(value) : JSON.stringify(value)}`,
  );
  return `{"syncId":${JSON.stringify(syncId)},"lastUpdated":${lastUpdated / MILLISECOND},"status":{${members.join(',')}}}`;
}
