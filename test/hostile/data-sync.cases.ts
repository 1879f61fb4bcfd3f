/** Answers of the routes of Data Sync that no Convex deployment gives, and what the source makes of each. */
import type { AnswerCase } from './answers.cases.ts';
import {
  active,
  cursorAt,
  document,
  EARLIER,
  endless,
  LATER,
  NOW,
  page,
  pinnedIn,
  SECRET,
  status,
  syncChange,
  syncPage,
  type Lie,
  type SyncPage,
} from './lying-server.ts';

export interface DataSyncCase extends Omit<AnswerCase, 'kind' | 'message'> {
  kind?: string;
  message: string;
  /** Up to when the states say that the stream was read. Default: no state says more than what the run began with. */
  readUpTo?: string;
}

/** Between `EARLIER` and `NOW`. */
const BETWEEN = '1786000000000000999';
/** 2255. */
const FAR = '9000000000000000001';

const unlike = (what: string, tried = ''): string =>
  `127.0.0.1 answered, but not as a Convex deployment does${tried}: ${what}. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.`;
const unlikeAlways = (what: string): string => unlike(what, ', although it was tried 3 times over N s');
const unwell = (what: string, tried = ''): string =>
  `127.0.0.1 does not answer as it should at the moment${tried}: ${what}. Nothing that was committed is lost; the next sync goes on from there.`;
const unwellAlways = (what: string): string => unwell(what, ', although it was tried 3 times over N s');

const NOT_KEPT = `127.0.0.1 does not keep its documents' history back to 2026-08-06 07:06:40 UTC any more, where users stopped. What was deleted since cannot be found out, so reading on would leave deleted documents in the destination. Refresh these streams (or clear and sync them) to read them anew. Sync more often than the deployment's retention to avoid this, or set "When the saved position has expired" to "Re-sync data".`;

const SYNC = '/api/v1/data/sync';
const ACTIVE = '/api/v1/data/list_active_syncs';
const answer = `the answer of ${SYNC}`;

const refuse =
  (code: number, body: string | object = ''): Lie =>
  (_n, _body, response) =>
    void response.writeHead(code).end(typeof body === 'string' ? body : JSON.stringify(body));

const sync = (one: SyncPage): { sync: Lie } => ({ sync: () => syncPage(one) });
const change = syncChange();
/** A change with one of its members replaced by another text, or taken out. */
const changed = (from: string, to: string): { sync: Lie } => sync({ values: [change.replace(from, to)] });

const PAGE_CASES: DataSyncCase[] = [
  {
    name: 'an empty body',
    lies: { sync: () => '' },
    message: unlikeAlways(`${SYNC}: the response broke off after 0 bytes`),
  },
  {
    name: 'null',
    lies: { sync: () => 'null' },
    message: unlikeAlways(`${SYNC}: byte 0 of the response should be a JSON object`),
  },
  {
    name: 'a web page',
    lies: { sync: () => '<!doctype html>' },
    message: unlikeAlways(`${SYNC}: byte 0 of the response should be a JSON object`),
  },
  {
    name: 'an error with status 200',
    lies: { sync: () => JSON.stringify({ code: 'DataSyncCursorExpired', message: SECRET }) },
    message: unlikeAlways(`${SYNC}: the response has no "values"`),
  },
  {
    name: 'a page of the change log',
    lies: { sync: () => page([document()]) },
    message: unlike(`${answer} does not give "status" and "truncates" before its values`),
  },
  {
    name: 'values before the truncates',
    lies: {
      sync: () =>
        `{"status":${status('upToDate', NOW)},"values":[${change}],"truncates":[],"syncId":"s","pagination":{"hasMore":true,"nextCursor":"c1"}}`,
    },
    message: unlike(`${answer} does not give "status" and "truncates" before its values`),
  },
  {
    name: 'no values, and then the truncates',
    lies: {
      sync: () =>
        `{"status":${status('upToDate', NOW)},"values":[],"truncates":[],"syncId":"s","pagination":{"hasMore":true,"nextCursor":"c1"}}`,
    },
    message: unlike(`${answer} does not give "status" and "truncates" before its values`),
  },
  {
    name: 'truncates that are null',
    lies: sync({ truncates: 'null' }),
    message: unlike(`${answer} has no list of truncates`),
  },
  {
    name: 'truncates that are names',
    lies: sync({ truncates: '["users"]' }),
    message: unlike(`${answer} has a truncate without a table`),
  },
  {
    name: 'a truncate without a component',
    lies: sync({ truncates: '[{"table":"users"}]' }),
    message: unlike(`${answer} has a truncate without a table`),
  },
  {
    name: 'a truncate of a table that is not selected',
    lies: sync({ truncates: '[{"component":"","table":"other"}]', values: [change] }),
    kind: 'ok',
    message: '',
    records: 1,
    readUpTo: NOW,
  },
  {
    name: 'a status that is a text',
    lies: sync({ status: '"upToDate"' }),
    message: unlike(`${answer} has a status of an unknown type`),
  },
  {
    name: 'a status of tomorrow',
    lies: sync({ status: status('almostUpToDate', NOW), values: [change] }),
    message: unlike(`${answer} has a status of an unknown type`),
  },
  {
    name: 'a status without a timestamp',
    lies: sync({ status: '{"type":"upToDate"}' }),
    message: unlike(`${answer} has a status without a timestamp`),
  },
  {
    name: 'a timestamp that is a text',
    lies: sync({ status: status('stale', `"${NOW}"`) }),
    message: unlike(`${answer} has a status without a timestamp`),
  },
  {
    name: 'a timestamp in exponents',
    lies: sync({ status: status('stale', '1.786e18') }),
    message: unlike(`${answer} has a status without a timestamp`),
  },
  {
    name: 'a negative timestamp',
    lies: sync({ status: status('stale', '-1') }),
    message: unlike(`${answer} has a status without a timestamp`),
  },
  {
    name: 'a timestamp of thirty digits',
    lies: sync({ status: status('stale', '1'.repeat(30)) }),
    message: unlike(`${answer} has a status without a timestamp`),
  },
  {
    name: 'an earlier timestamp',
    lies: sync({ status: status('upToDate', '1785000000000000001'), values: [change] }),
    message: unlike('a page of Data Sync goes back in time'),
  },
  {
    name: 'a timestamp far ahead of the present',
    lies: sync({ status: status('upToDate', FAR), values: [syncChange({}, { ts: FAR })] }),
    message: unlike(
      "a page of changes is of a time (2255-03-14 16:00:00 UTC) that lies ahead of the deployment's present",
    ),
  },
  {
    name: 'a snapshot that nobody asked for',
    lies: sync({ status: '{"type":"snapshotting"}', values: [change] }),
    message: unlike('a page of Data Sync reads a table that it did not truncate'),
  },
  { name: 'no cursor', lies: sync({ cursor: 'null' }), message: unlike(`${answer} has no cursor`) },
  {
    name: 'no pagination',
    lies: { sync: () => syncPage().replace('"pagination"', '"more"') },
    message: unlike(`${answer} has no cursor`),
  },
  {
    name: 'a cursor that is a number',
    lies: sync({ cursor: '1786000000123456789' }),
    message: unlike(`${answer} has no cursor`),
  },
  {
    name: 'a cursor that is not hex',
    lies: sync({ cursor: '"c0ffee z"' }),
    message: unlike(`${answer} has no cursor`),
  },
  { name: 'an empty cursor', lies: sync({ cursor: '""' }), message: unlike(`${answer} has no cursor`) },
  {
    name: 'the cursor that was given',
    lies: sync({ cursor: JSON.stringify(cursorAt(0)) }),
    message: unlike(`${answer} gives the cursor back that it was given`),
  },
  {
    name: 'no sync id',
    lies: { sync: () => syncPage().replace('"syncId"', '"id"') },
    message: unlike(`${answer} has no "syncId"`),
  },
  {
    name: 'a change without its table',
    lies: changed('"table":"users",', ''),
    message: unlike(`${SYNC}: a change lacks one of "component", "table", "ts", "deleted" and "value"`),
  },
  {
    name: 'a change whose component is null',
    lies: changed('"component":""', '"component":null'),
    message: unlike(`${SYNC}: byte 101 does not start a JSON string`),
  },
  {
    name: 'a change with an empty table',
    lies: changed('"users"', '""'),
    message: unlike(`${SYNC}: a change has no table`),
  },
  {
    name: 'a change whose time is a text',
    lies: changed(NOW, `"${NOW}"`),
    message: unlike(`${SYNC}: a change has a "ts" that is no timestamp`),
  },
  {
    name: 'a change whose time is a fraction',
    lies: changed(NOW, `${NOW}.5`),
    message: unlike(`${SYNC}: a change has a "ts" that is no timestamp`),
  },
  {
    name: 'a change whose time has exponents',
    lies: changed(NOW, '1.786e18'),
    message: unlike(`${SYNC}: a change has a "ts" that is no timestamp`),
  },
  {
    name: 'a change of thirty digits',
    lies: changed(NOW, '1'.repeat(30)),
    message: unlike(`${SYNC}: a change has a "ts" that is no timestamp`),
  },
  {
    name: 'a change without deleted',
    lies: changed('"deleted":false,', ''),
    message: unlike(`${SYNC}: a change lacks one of "component", "table", "ts", "deleted" and "value"`),
  },
  {
    name: 'a change whose deleted is a number',
    lies: changed('"deleted":false', '"deleted":0'),
    message: unlike(`${SYNC}: a change has a "deleted" that is neither true nor false`),
  },
  {
    name: 'a change whose value is a text',
    lies: changed('"value":{', `"value":"${SECRET}","more":{`),
    message: unlike(`${SYNC}: a change has a "value" that is no document`),
  },
  {
    name: 'a change whose value is null',
    lies: changed('"value":{', '"value":null,"more":{'),
    message: unlike(`${SYNC}: a change has a "value" that is no document`),
  },
  {
    name: 'changes that are null',
    lies: sync({ values: ['null'] }),
    message: unlikeAlways(`${SYNC}: byte 88 of the response should be a document`),
  },
  {
    name: 'changes of other tables',
    lies: sync({ values: [syncChange({}, { table: 'other' }), syncChange({}, { table: 'Users' }), change] }),
    kind: 'ok',
    message: '',
    records: 1,
    readUpTo: NOW,
  },
  {
    name: 'changes beyond the timestamp of the page',
    lies: sync({ values: [syncChange({}, { ts: LATER })] }),
    message: unlike('a page of Data Sync holds changes that are not in the order of their commits'),
  },
  {
    name: 'changes in the wrong order',
    lies: sync({ values: [change, syncChange({}, { ts: BETWEEN })] }),
    message: unlike('a page of Data Sync holds changes that are not in the order of their commits'),
  },
  {
    name: 'changes from before the cursor',
    lies: sync({ values: [syncChange({}, { ts: '1785000000000000001' })] }),
    message: unlike('a page of Data Sync holds changes that are not in the order of their commits'),
  },
  {
    name: 'a deletion of a document without an id',
    lies: sync({ values: [`{"component":"","table":"users","ts":${NOW},"deleted":true,"value":{}}`] }),
    message: unlike('a document has no "_id"'),
  },
  {
    name: 'a document without fields',
    lies: sync({ values: [`{"component":"","table":"users","ts":${NOW},"deleted":false,"value":{}}`] }),
    message: unlike('a document has no "_id"'),
  },
  {
    name: 'bytes that are a number',
    lies: changed(`"${SECRET}"`, `{"$bytes":57}`),
    message: unlike('a page of Data Sync: a document has a $bytes of another form'),
  },
  {
    name: 'a float that is a number',
    lies: changed(`"${SECRET}"`, `{"$float":"AAAAAAAA8D8="}`),
    message: unlike('a page of Data Sync: a document has a $float that is a finite number'),
  },
  {
    name: 'an integer of two hundred digits',
    lies: changed(`"${SECRET}"`, '1'.repeat(200)),
    config: { value_format: 'convex_encoded_json' },
    message: unlike('a page of Data Sync: a document has an integer of more than 64 bits'),
  },
  {
    name: 'a raw line break in a text',
    lies: changed(SECRET, 'a\nb'),
    message: unlikeAlways(`${SYNC}: a string of the response holds a raw line break`),
  },
  {
    name: 'keys twice',
    lies: changed('"ts"', '"table":"users","ts"'),
    kind: 'ok',
    message: '',
    records: 1,
    readUpTo: NOW,
  },
  {
    name: 'endless nesting',
    lies: { sync: endless(`{"status":${status('stale', NOW)},"truncates":[],"values":[`, '[') },
    message: unlikeAlways(`${SYNC}: byte 85 of the response should be a document`),
  },
  {
    name: 'endless truncates',
    lies: { sync: endless(`{"status":${status('stale', NOW)},"truncates":[`, '{"component":"","table":"other"},') },
    message: unlikeAlways(
      `${SYNC}: the response holds a value of more than 16777216 bytes, which no page of documents does`,
    ),
  },
  {
    name: 'an endless status',
    lies: { sync: endless('{"status":"', 'x') },
    message: unlikeAlways(
      `${SYNC}: the response holds a value of more than 16777216 bytes, which no page of documents does`,
    ),
  },
  {
    name: 'endless changes',
    lies: { sync: endless(`{"status":${status('stale', NOW)},"truncates":[],"values":[${change}`, `,${change}`) },
    records: 'many',
    message: unlike(`${answer} has more than 500000 changes`),
  },
  {
    name: 'an endless document',
    lies: { sync: endless(`{"status":${status('stale', NOW)},"truncates":[],"values":[{"component":"`, 'x') },
    message: unlikeAlways(
      `${SYNC}: the response holds a value of more than 33554432 bytes, which no page of documents does`,
    ),
  },
  {
    name: 'an endless cursor',
    lies: {
      sync: endless(`{"status":${status('stale', NOW)},"truncates":[],"values":[],"pagination":{"nextCursor":"`, 'c0'),
    },
    message: unlikeAlways(
      `${SYNC}: the response holds a value of more than 16777216 bytes, which no page of documents does`,
    ),
  },
  {
    name: 'a page that always breaks off',
    lies: {
      sync: (_n, _body, response) => {
        const whole = syncPage({ values: [change, change] });
        response.writeHead(200, { 'content-length': whole.length });
        response.write(whole.slice(0, -80), () => response.destroy());
        return undefined;
      },
    },
    // Those of each try.
    records: 'many',
    message: unwell(`${SYNC} broke off (ERR_HTTP_CONTENT_LENGTH_MISMATCH), 10 times at or before one place of a page`),
  },
];

const WALK_CASES: DataSyncCase[] = [
  {
    name: 'one page for ever, with other cursors',
    lies: sync({ status: status('stale', BETWEEN) }),
    readUpTo: BETWEEN,
    message: unlike('100 pages of Data Sync in a row end where they begin'),
  },
  {
    name: 'one page for ever, with its changes',
    lies: sync({ status: status('stale', BETWEEN), values: [syncChange({}, { ts: BETWEEN })] }),
    readUpTo: BETWEEN,
    records: 1,
    message: unlike('100 pages of Data Sync in a row end where they begin'),
  },
  {
    name: 'cursors that get shorter and shorter',
    lies: {
      sync: (n) =>
        syncPage({ status: status('stale', BETWEEN), cursor: JSON.stringify('c0'.repeat(Math.max(1, 200_000 - n))) }),
    },
    readUpTo: BETWEEN,
    message: unlike('100 pages of Data Sync in a row end where they begin'),
  },
  {
    name: 'a truncate on each page',
    lies: sync({ truncates: '[{"component":"","table":"users"}]' }),
    kind: 'ok',
    message: '',
    readUpTo: NOW,
  },
  {
    name: 'a huge cursor',
    lies: sync({ cursor: JSON.stringify('c0'.repeat(4_000_000)), values: [change] }),
    kind: 'ok',
    message: '',
    records: 1,
    readUpTo: NOW,
  },
  {
    name: 'no such route, after a page',
    lies: {
      sync: (n, body, response) =>
        n === 1
          ? syncPage({ status: status('stale', BETWEEN), values: [syncChange({}, { ts: BETWEEN })] })
          : refuse(404)(n, body, response),
    },
    kind: 'ok',
    records: 1,
    readUpTo: NOW,
    message: '',
  },
  {
    name: 'no such sync',
    lies: { sync: refuse(404, { code: 'DataSyncNotFound', message: 'No active data sync with id x' }) },
    kind: 'system_error',
    message: `127.0.0.1 refused a request: ${SYNC} answered 404 DataSyncNotFound: No active data sync with id x`,
  },
  {
    name: 'a web page with status 404',
    lies: { sync: refuse(404, '<h1>Not found</h1>') },
    message: unlikeAlways(`${SYNC} answered 404`),
  },
  {
    name: 'forbidden by a firewall',
    lies: { sync: refuse(403, '<h1>Forbidden</h1>') },
    message: unlikeAlways(`${SYNC} answered 403`),
  },
  {
    name: 'forbidden to the key',
    lies: { sync: refuse(403, { code: 'OperationNotPermitted', message: 'no' }) },
    kind: 'config_error',
    message:
      'The deploy key is valid for 127.0.0.1 but lacks the permission deployment:data:view (403 OperationNotPermitted). Make a key that has it. Deploy keys are made in the Convex dashboard under Settings → URL & Deploy Key; the admin key of a self-hosted deployment is made with its generate_admin_key script.',
  },
  {
    name: 'not a part of the plan',
    lies: { sync: refuse(403, { code: 'StreamingExportNotEnabled', message: 'no' }) },
    kind: 'config_error',
    message:
      "The plan of 127.0.0.1 does not include streaming export (403 StreamingExportNotEnabled). It is part of Convex's Professional plan (https://www.convex.dev/plans), and always available on self-hosted deployments.",
  },
  {
    name: 'a cursor of another deployment',
    lies: { sync: refuse(400, { code: 'InvalidDataSyncCursor', message: 'Could not parse the data sync cursor' }) },
    kind: 'config_error',
    message:
      '127.0.0.1 does not know the saved position (400 InvalidDataSyncCursor): the state is of another deployment, or the deployment was restored from a backup since. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'a cursor that has expired',
    lies: { sync: refuse(400, { code: 'DataSyncCursorExpired', message: 'x' }) },
    kind: 'config_error',
    message: NOT_KEPT,
  },
  {
    name: 'an unknown refusal',
    lies: { sync: refuse(400, { code: 'NoSuchThing', message: 'never seen' }) },
    kind: 'system_error',
    message: `127.0.0.1 refused a request: ${SYNC} answered 400 NoSuchThing: never seen`,
  },
  { name: 'unavailable', lies: { sync: refuse(503) }, message: unwellAlways(`${SYNC} answered 503`) },
  {
    name: 'unavailable after a page',
    lies: {
      sync: (n, body, response) =>
        n === 1
          ? syncPage({ status: status('stale', BETWEEN), values: [syncChange({}, { ts: BETWEEN })] })
          : refuse(503)(n, body, response),
    },
    readUpTo: BETWEEN,
    records: 1,
    message: unwellAlways(`${SYNC} answered 503`),
  },
  {
    name: 'the table disappears from the list',
    lies: {
      tables: (n) =>
        n === 1
          ? '{"tables":[],"byComponent":{"":[{"name":"users","columns":["_id","text"]}]}}'
          : '{"tables":[],"byComponent":{}}',
      sync: () => syncPage({ values: [change] }),
    },
    kind: 'config_error',
    records: 1,
    message: `The deployment has no table "users". It was synced before, so it was dropped or renamed since; what was synced stays in the destination. Refresh the source's schema and deselect the stream, or create the table.`,
  },
];

export const SYNC_PAGES = PAGE_CASES.map(inChain);
export const SYNC_WALKS = WALK_CASES.map(inChain);

function inChain(one: DataSyncCase): DataSyncCase {
  return { ...one, from: EARLIER, chain: true };
}

/** The stream was read from the change log before, so a chain has to be begun. */
const BEGIN_CASES: DataSyncCase[] = [
  {
    name: 'a conversion without a cursor',
    lies: { convert: () => '{}' },
    message: unlike('the answer of /api/data_sync_cursor_from_deltas has no cursor'),
  },
  {
    name: 'a conversion to a number',
    lies: { convert: () => '{"cursor":5}' },
    message: unlike('the answer of /api/data_sync_cursor_from_deltas has no cursor'),
  },
  {
    name: 'a conversion to an empty body',
    lies: { convert: () => '' },
    message: unlike(
      'the answer of /api/data_sync_cursor_from_deltas is not the JSON object that a Convex deployment sends',
    ),
  },
  {
    name: 'an endless conversion',
    lies: { convert: endless('{"cursor":"', 'c0') },
    message: unlike('/api/data_sync_cursor_from_deltas answered with more than 67108864 bytes'),
  },
  {
    name: 'a conversion that is refused',
    lies: { convert: refuse(400, { code: 'InvalidDataSyncCursor', message: 'x' }) },
    kind: 'config_error',
    message:
      '127.0.0.1 does not know the saved position (400 InvalidDataSyncCursor): the state is of another deployment, or the deployment was restored from a backup since. Refresh (or clear) the stream to read it anew.',
  },
  {
    name: 'a conversion that is not there',
    lies: { convert: refuse(404), deltas: () => `{"values":[],"cursor":${NOW},"hasMore":false}` },
    kind: 'ok',
    message: '',
    readUpTo: NOW,
  },
  {
    name: 'no syncs',
    lies: { active: (n) => (n === 1 ? active() : '{"syncs":[],"pagination":{"hasMore":false}}') },
    message: unwell('list_active_syncs does not tell how many tables a sync of 1 table follows'),
  },
  {
    name: 'syncs that are null',
    lies: { active: (n) => (n === 1 ? active() : '{"syncs":null,"pagination":{"hasMore":false}}') },
    message: unlike(`the answer of ${ACTIVE} lists no syncs`),
  },
  {
    name: 'syncs that are numbers',
    lies: { active: (n) => (n === 1 ? active() : '{"syncs":[1],"pagination":{"hasMore":false}}') },
    message: unlike(`the answer of ${ACTIVE} lists something else than syncs`),
  },
  {
    name: 'a number of tables that is a text',
    lies: { active: (n) => active(n === 1 ? 1 : '1') },
    message: unlike(`the answer of ${ACTIVE} lists something else than syncs`),
  },
  {
    name: 'a negative number of tables',
    lies: { active: () => active(-1) },
    message: unlike(`the answer of ${ACTIVE} lists something else than syncs`),
  },
  {
    name: 'a number of tables that is too small',
    lies: { active: () => active(0) },
    message: unwell('list_active_syncs does not tell how many tables a sync of 1 table follows'),
  },
  {
    name: 'more syncs at one place for ever',
    lies: { active: (n) => (n === 1 ? active() : '{"syncs":[],"pagination":{"hasMore":true,"nextCursor":"x"}}') },
    message: unlike(`the answer of ${ACTIVE} gives the cursor back that it was given`),
  },
  {
    name: 'more syncs for ever',
    lies: { active: (n) => (n === 1 ? active() : `{"syncs":[],"pagination":{"hasMore":true,"nextCursor":"${n}"}}`) },
    message: unwell('list_active_syncs does not tell how many tables a sync of 1 table follows'),
  },
  {
    name: 'more syncs, but not where',
    lies: { active: (n) => (n === 1 ? active() : '{"syncs":[],"pagination":{"hasMore":true}}') },
    message: unlike(`the answer of ${ACTIVE} says that there is more but not where`),
  },
  {
    name: 'endless syncs',
    lies: { active: (n, body, response) => (n === 1 ? active() : endless('{"syncs":[', '1,')(n, body, response)) },
    message: unlike(`${ACTIVE} answered with more than 67108864 bytes`),
  },
  {
    name: 'a page that is far ahead of the present',
    lies: sync({ status: status('upToDate', FAR) }),
    message: unwell('snapshots of the deployment are older than its changes, and stay so'),
  },
  {
    name: 'a list of syncs that is not there',
    lies: { active: refuse(404), deltas: () => `{"values":[],"cursor":${NOW},"hasMore":false}` },
    kind: 'ok',
    message: '',
    readUpTo: NOW,
  },
  {
    name: 'a list of syncs that is a web page',
    lies: { active: () => '<!doctype html>' },
    kind: 'ok',
    readUpTo: NOW,
    message: '',
  },
];
export const BEGINNINGS = BEGIN_CASES.map((one) => ({ ...one, from: EARLIER, config: {} }));

const replaced = {
  sync: ((n) => syncPage(n === 1 ? { truncates: '[{"component":"","table":"users"}]' } : {})) satisfies Lie,
};
const idAt = (n: number): { _id: string } => ({ _id: `j57${String(n).padStart(29, '0')}` });
const pinned =
  (documents: readonly string[], cursor: string | null = null): Lie =>
  (_n, body) =>
    page(documents, cursor, pinnedIn(body));

/** The table was replaced, so what it held is compared with what it holds. */
const COMPARISON_CASES: DataSyncCase[] = [
  { name: 'no lie', lies: {}, kind: 'ok', message: '', readUpTo: NOW },
  {
    name: 'an empty body',
    lies: { ids: () => '' },
    message: unlikeAlways('/api/list_snapshot: the response broke off after 0 bytes'),
  },
  {
    name: 'documents of other tables',
    lies: { ids: pinned([document({}, { table: 'other' })]) },
    kind: 'ok',
    message: '',
    records: 1,
    readUpTo: NOW,
  },
  {
    name: 'ids in another order',
    lies: { ids: pinned([document(idAt(2)), document(idAt(1))]) },
    message: unlike('a listing of documents is not in the order of their ids'),
  },
  {
    name: 'an id twice',
    lies: { ids: pinned([document(), document()]) },
    message: unlike('a listing of documents is not in the order of their ids'),
  },
  {
    name: 'documents without ids',
    lies: { ids: pinned([document().replace('"_id"', '"id"')]) },
    message: unlike('a document has no "_id"'),
  },
  {
    name: 'ids that are numbers',
    lies: { ids: pinned([document({ _id: 57 })]) },
    message: unlike('a document has no "_id"'),
  },
  {
    name: 'empty pages in a circle',
    lies: { ids: (n, body) => page([], `${n % 3}`, pinnedIn(body)) },
    message: unlike('the pages of the snapshot go round in a circle'),
  },
  {
    name: 'other tables in a circle',
    lies: { ids: (n, body) => page([document({}, { table: 'other' })], `${n % 3}`, pinnedIn(body)) },
    message: unlike('the pages of the snapshot go round in a circle'),
  },
  {
    name: 'another snapshot',
    lies: { ids: () => page([document()], null, LATER) },
    message: unlike('the answer of /api/list_snapshot answered with another snapshot than the one that was asked for'),
  },
  {
    name: 'a snapshot in another order',
    lies: { snapshot: pinned([document(idAt(2)), document(idAt(1))]) },
    message: unlike('a snapshot is not in the order of its ids'),
  },
  {
    name: 'a snapshot without ids',
    lies: { snapshot: pinned([document().replace('"_id"', '"id"')]) },
    message: unlike('a document has no "_id"'),
  },
  {
    name: 'an old snapshot that is not kept',
    lies: { ids: refuse(400, { code: 'SnapshotTooOld', message: 'x' }) },
    kind: 'config_error',
    message: NOT_KEPT,
  },
  {
    name: 'an old snapshot that fails',
    lies: { ids: refuse(500, { code: 'InternalServerError', message: 'x' }) },
    message: unwellAlways('/api/list_snapshot answered 500 InternalServerError'),
  },
  {
    name: 'endless ids',
    lies: { ids: endless(`{"values":[${document()}`, `,${document()}`) },
    message: unlike('a listing of documents is not in the order of their ids'),
  },
];
export const COMPARISONS = COMPARISON_CASES.map(inChain).map((one) => ({ ...one, lies: { ...replaced, ...one.lies } }));
