import { randomUUID } from 'node:crypto';
import type { Arguments, Struct } from '../http/arguments.ts';
import type { Deployment } from '../store/deployment.ts';
import { badRequest } from '../http/errors.ts';
import { parseStrictSelection, type Selection } from '../export/selection.ts';
import type { Tablet } from '../store/tablets.ts';
import { decodeCursor, encodeCursor, type SyncCursor, trackedTablets } from './cursor.ts';
import { Encryptor } from './encryptor.ts';
import { expired, unreadableCursor } from './errors.ts';
import { type DataSyncWork, nextPage, type SyncPage, type SyncRow, tracked } from './page.ts';
import { Progress, type ProgressStatus, type TableCounts } from './progress.ts';

const SYNC: Struct = { name: 'DataSyncArgs', fields: ['cursor', 'selection'], defaults: 1 };
const CONVERSION: Struct = { name: 'DataSyncCursorFromDeltasArgs', fields: ['cursor', 'selection'], defaults: 1 };

/** Answers `/api/v1/data/sync` and `/api/data_sync_cursor_from_deltas` (crates/streaming_export/src/lib.rs). */
export class DataSync {
  readonly work: DataSyncWork = { byIdPages: 0, documentsRead: 0, logPages: 0, rowsRead: 0 };
  readonly progress: Progress;
  readonly #deployment: Deployment;
  readonly #encryptor: Encryptor;

  constructor(deployment: Deployment, instanceSecret: string, tableCounts: TableCounts = 'ready') {
    this.#deployment = deployment;
    this.#encryptor = new Encryptor(instanceSecret, 'data sync cursor');
    this.progress = new Progress(deployment, tableCounts);
  }

  /** `client` is the name in the Convex-Client header: it tells who began a sync. */
  prepareSync(args: Arguments): (client: string) => string {
    const body = args.as(SYNC);
    const token = body.optionalString('cursor');
    const selection = parseStrictSelection(body);
    return (client) => {
      const cursor = token === undefined ? undefined : this.#open(token);
      return this.#sync(cursor, selection(), client);
    };
  }

  prepareConversion(args: Arguments): (client: string) => string {
    const body = args.as(CONVERSION);
    body.required('cursor');
    const ts = body.optionalInt64('cursor');
    if (ts === undefined) throw body.error('cursor', 'invalid type: null, expected i64');
    const selection = parseStrictSelection(body);
    return (client) => {
      if (ts < 0n) {
        throw badRequest('InvalidDataSyncCursor', 'The document_deltas cursor is not a valid timestamp');
      }
      return this.#convert(ts, selection(), client);
    };
  }

  #sync(given: SyncCursor | undefined, selection: Selection, client: string): string {
    const targets = this.#targets(selection);
    const page = nextPage(this.#deployment, given, targets, given?.syncId ?? newSyncId(client), this.work);
    const { cursor } = page;
    this.progress.record(cursor.syncId, this.#progressOf(page, targets));
    const truncates = newTables(given, cursor);
    const values = page.rows.map((row) => valueText(row, selection));
    return (
      `{"status":${statusText(page)},"truncates":[${truncates.join(',')}],"values":[${values.join(',')}],` +
      `"syncId":${JSON.stringify(cursor.syncId)},"pagination":{"hasMore":true,"nextCursor":"${this.#seal(cursor)}"}}`
    );
  }

  /** Every table of the selection counts as delivered up to `ts`, whatever tablet it had then. */
  #convert(ts: bigint, selection: Selection, client: string): string {
    const now = this.#deployment.now();
    if (ts > now) {
      throw badRequest('InvalidDataSyncCursor', "document_deltas cursor is ahead of the deployment's latest timestamp");
    }
    if (ts < now - this.#deployment.limits.retention) throw expired();
    const synced = this.#targets(selection).map(tracked);
    const cursor = { syncedTs: ts, synced, current: undefined, syncId: newSyncId(client), documents: 0 };
    return `{"cursor":"${this.#seal(cursor)}"}`;
  }

  /** The tablets of a selection now, hidden ones of imports included, in the order of their ids. */
  #targets(selection: Selection): Tablet[] {
    const now = this.#deployment.now();
    const components = new Set(this.#deployment.components.at(now));
    return this.#deployment.catalog.all
      .filter((tablet) => tablet.namedInLog(now) && components.has(tablet.component))
      .filter((tablet) => selection.includes(tablet.component, tablet.name))
      .sort((a, b) => (a.id.order < b.id.order ? -1 : 1));
  }

  #progressOf({ cursor, latest }: SyncPage, targets: readonly Tablet[]): ProgressStatus {
    const { current } = cursor;
    const counted = this.progress.tableCounts === 'ready';
    if (current === undefined) {
      return {
        type: cursor.syncedTs < latest ? 'stale' : 'upToDate',
        totalTables: cursor.synced.length,
        numDocumentsSynced: cursor.documents,
        syncedTs: cursor.syncedTs,
      };
    }
    return {
      type: 'snapshotting',
      numTablesSynced: cursor.synced.length,
      totalTables: targets.length,
      currentComponent: current.tablet.component,
      currentTable: current.tablet.table,
      numDocumentsInCurrentTable: current.documents,
      totalDocumentsInCurrentTable: (counted && targets.find(({ id }) => id.order === current.tablet.id)?.size) || 0,
      numDocumentsSynced: cursor.documents,
      totalDocuments: counted ? targets.reduce((sum, { size }) => sum + size, 0) : 0,
    };
  }

  #open(token: string): SyncCursor {
    const content = this.#encryptor.open(token);
    if (content === undefined) throw unreadableCursor();
    return decodeCursor(content);
  }

  #seal(cursor: SyncCursor): string {
    return this.#encryptor.seal(encodeCursor(cursor));
  }
}

/** A table is truncated when its tablet is tracked for the first time: in order of names, and once for two tablets. */
function newTables(before: SyncCursor | undefined, after: SyncCursor): string[] {
  const known = new Set((before === undefined ? [] : trackedTablets(before)).map(({ id }) => id));
  const fresh = trackedTablets(after)
    .filter(({ id }) => !known.has(id))
    .sort((a, b) => compare(a.component, b.component) || compare(a.table, b.table));
  return [
    ...new Set(fresh.map(({ component, table }) => `{"component":${JSON.stringify(component)},"table":"${table}"}`)),
  ];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function statusText({ cursor, latest }: SyncPage): string {
  if (cursor.current !== undefined) return '{"type":"snapshotting"}';
  return `{"type":"${cursor.syncedTs < latest ? 'stale' : 'upToDate'}","snapshotTs":${cursor.syncedTs}}`;
}

function valueText({ tablet, id, revision }: SyncRow, selection: Selection): string {
  const { component, name } = tablet;
  const head = `{"component":${JSON.stringify(component)},"table":"${name}","ts":${revision.ts}`;
  if (revision.value === null) return `${head},"deleted":true,"value":{"_id":"${id}"}}`;
  return `${head},"deleted":false,"value":{${revision.fields('export_json', selection.columns(component, name))}}}`;
}

function newSyncId(client: string): string {
  if (client === 'airbyte-export') return `airbyte-${randomUUID()}`;
  if (client === 'fivetran-export' || client === 'fivetran-import') return `fivetran-${randomUUID()}`;
  return randomUUID();
}
