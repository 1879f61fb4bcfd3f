import type { Mutation } from '../mutation.ts';

/** What readers of Data Sync have to know: the counts after a start, interruptions, imports under way. */

const TABLE_COUNTS = 'test/emulator/data-sync/table-counts.test.ts';
const AT_LEAST_ONCE = 'test/emulator/data-sync/at-least-once.test.ts';
const UNDER_WAY = 'test/emulator/data-sync/imports-under-way.test.ts';

export const DATA_SYNC_READERS_OF_EMULATOR: Mutation[] = [
  {
    name: 'InternalServerError: the first page of a snapshot needs no counts',
    file: 'emulator/data-sync/progress.ts',
    find: "if (known === undefined) throw new ServerError('table summaries are still bootstrapping');",
    replace: '',
    test: TABLE_COUNTS,
    only: 'until the tables are counted',
  },
  {
    name: 'InternalServerError: every first page needs counts',
    file: 'emulator/data-sync/progress.ts',
    find: "if (status.type === 'snapshotting' && this.tableCounts === 'missing') {",
    replace: "if (this.tableCounts === 'missing') {",
    test: TABLE_COUNTS,
    only: 'begins without one',
  },
  {
    name: 'InternalServerError: every page of a snapshot needs counts',
    file: 'emulator/data-sync/progress.ts',
    find: "if (known === undefined) throw new ServerError('table summaries are still bootstrapping');",
    replace: "throw new ServerError('table summaries are still bootstrapping');",
    test: TABLE_COUNTS,
    only: 'a later page',
  },
  {
    name: 'the trap: deletions are told of documents that were not captured',
    file: 'emulator/data-sync/page.ts',
    find: 'return lastId !== undefined && id <= lastId;',
    replace: 'return tablet.id.order === current?.tablet.id;',
    test: AT_LEAST_ONCE,
    only: 'after 30 seconds',
  },
  {
    name: 'the trap: a table is walked on however old the cursor is',
    file: 'emulator/data-sync/page.ts',
    find: 'latest - cursor.syncedTs < deployment.limits.dataSyncFreshness',
    replace: 'deployment.limits.dataSyncFreshness > 0n',
    test: AT_LEAST_ONCE,
    only: 'after 30 seconds',
  },
  {
    name: 'imports under way: data/sync does not see them before the swap',
    file: 'emulator/data-sync/data-sync.ts',
    find: 'tablet.namedInLog(now) && components',
    replace: 'tablet.active && components',
    test: UNDER_WAY,
    only: 'when the import begins to write',
  },
  {
    name: 'imports under way: document_deltas does not see them before the swap',
    file: 'emulator/export/document-deltas.ts',
    find: 'tablet.namedInLog(now) && components',
    replace: 'tablet.active && components',
    test: UNDER_WAY,
    only: 'document_deltas delivers',
  },
  {
    name: 'imports under way: the rows of a failed one vanish at once',
    file: 'emulator/store/table-import.ts',
    find: '    this.#state = state;\n',
    replace: '    this.#state = state;\n    for (const tablet of this.#tablets.values()) tablet.hiddenUntil = 0n;\n',
    test: UNDER_WAY,
    only: 'its rows stay',
  },
  {
    name: 'imports under way: the rows of a failed one stay for ever',
    file: 'emulator/store/tablets.ts',
    find: 'return this.hiddenUntil !== undefined && now < this.hiddenUntil;',
    replace: 'return this.hiddenUntil !== undefined && now > 0n;',
    test: UNDER_WAY,
    only: 'its rows stay',
  },
  {
    name: 'imports under way: a conversion tracks active tables only',
    file: 'emulator/data-sync/data-sync.ts',
    find: 'this.#targets(selection).map(tracked)',
    replace: 'this.#targets(selection).filter(({ active }) => active).map(tracked)',
    test: UNDER_WAY,
    only: 'never tells of the swap',
  },
  {
    name: 'imports under way: totalTables counts names',
    file: 'emulator/data-sync/data-sync.ts',
    find: 'totalTables: cursor.synced.length,',
    replace: 'totalTables: new Set(cursor.synced.map(({ component, table }) => `${component}:${table}`)).size,',
    test: UNDER_WAY,
    only: 'totalTables',
  },
];
