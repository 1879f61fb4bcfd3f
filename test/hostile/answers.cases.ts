/** Answers that no Convex deployment gives, and what the source makes of each. */
import { deflateRawSync, gzipSync } from 'node:zlib';
import {
  active,
  change,
  deltas,
  document,
  EARLIER,
  endless,
  LATER,
  NOW,
  page,
  raw,
  type Lies,
} from './lying-server.ts';

export interface AnswerCase {
  name: string;
  verb?: 'check' | 'discover' | 'read';
  /** Streams of the catalog. Default: `users`. */
  streams?: readonly string[];
  /** The position in the log from which a stream goes on; without, it begins with a snapshot. */
  from?: string;
  /** That position is in a chain of Data Sync. Changes are read from the change log without. */
  chain?: true;
  /** Members of the configuration. */
  config?: object;
  lies: Lies;
  kind: string;
  message: string;
  /** The source is to give up waiting within a second. */
  impatient?: true;
  /** How often a request is tried. Default: 3 times. */
  attempts?: number;
  /** Milliseconds that the run may take. Default: that of all tests. */
  timeLimit?: number;
  /** Records that are written all the same. Default: none. */
  records?: number | 'many';
}

const users = '"users":{"type":"object","properties":{"_id":{"type":"string"}}}';
const twoTables = '{"byComponent":{"":[{"name":"users","columns":[]},{"name":"logs","columns":[]}]}}';
const deep = (levels: number): string => '{"a":'.repeat(levels) + 'null' + '}'.repeat(levels);
const withTs = (ts: string): string => page([document({}, { ts })]);
/** A fifth of a megabyte that becomes 200. */
let bomb: Buffer | undefined;

export const TABLES: AnswerCase[] = [
  {
    name: 'a web page',
    lies: { tables: () => '<html><body>Welcome to the hotel</body></html>' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/get_table_column_names is not the JSON object that a Convex deployment sends. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a list',
    lies: { tables: () => '[]' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/get_table_column_names is not the JSON object that a Convex deployment sends. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'no byComponent',
    lies: { tables: () => '{"tables":[]}' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/get_table_column_names has no "byComponent". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'tables that are numbers',
    lies: { tables: () => '{"byComponent":{"":[1,2]}}' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/get_table_column_names lists something else than tables. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'columns that are no list',
    lies: { tables: () => '{"byComponent":{"":[{"name":"users","columns":"_id"}]}}' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/get_table_column_names lists something else than tables. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'half an answer',
    lies: { tables: () => '{"byComponent":{"":[{"na' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/get_table_column_names is not the JSON object that a Convex deployment sends. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'nested a hundred thousand times',
    lies: { tables: () => `{"byComponent":${deep(100_000)}}` },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/get_table_column_names lists something else than tables. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'endless blanks',
    lies: { tables: endless('', ' ') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/get_table_column_names answered with more than 67108864 bytes. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a redirect',
    lies: {
      tables: (_n, _body, response) =>
        void response.writeHead(307, { location: 'https://evil.example/x?secret=1' }).end(),
    },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/get_table_column_names was redirected to evil.example. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'no content',
    lies: { tables: (_n, _body, response) => void response.writeHead(204).end() },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/get_table_column_names answered 204. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'teapot with an endless body',
    lies: { tables: endless('', 'x', 418) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/get_table_column_names answered 418. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'internal errors with endless bodies',
    lies: { tables: endless('{"code":"', 'x', 500) },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/get_table_column_names answered 500. Nothing that was committed is lost; the next sync goes on from there.',
  },
  {
    name: 'a wait until next year',
    lies: { tables: (_n, _body, response) => void response.writeHead(429, { 'retry-after': '31536000' }).end() },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment: /api/get_table_column_names answered 429. Nothing that was committed is lost; the next sync goes on from there.',
  },
  {
    name: 'headers for ever',
    lies: { tables: raw('HTTP/1.1 200 OK\r\n', 'X-More: of the same\r\n') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/get_table_column_names broke off (HPE_HEADER_OVERFLOW). Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'continue for ever',
    impatient: true,
    lies: { tables: raw('', 'HTTP/1.1 100 Continue\r\n\r\n') },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/get_table_column_names broke off (ETIMEDOUT). Nothing that was committed is lost; the next sync goes on from there.',
  },
  {
    name: 'no HTTP',
    lies: { tables: raw('SSH-2.0-OpenSSH_9.2\r\n', '') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/get_table_column_names broke off (HPE_INVALID_CONSTANT). Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a word that is longer than said',
    impatient: true,
    lies: { tables: raw('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{}', '') },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/get_table_column_names broke off (ETIMEDOUT). Nothing that was committed is lost; the next sync goes on from there.',
  },
];

export const PINS: AnswerCase[] = [
  {
    name: 'no snapshot',
    lies: { pin: () => '{"values":[],"cursor":null,"hasMore":false}' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no timestamp "snapshot". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a text',
    lies: { pin: () => page([], null, `"${NOW}"`) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no timestamp "snapshot". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a fraction',
    lies: { pin: () => page([], null, '1.786e18') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no timestamp "snapshot". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'negative',
    lies: { pin: () => page([], null, '-1') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no timestamp "snapshot". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'forty digits',
    lies: { pin: () => page([], null, '1'.repeat(40)) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no timestamp "snapshot". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
];

export const SNAPSHOTS: AnswerCase[] = [
  {
    name: 'an empty body',
    lies: { snapshot: () => '' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response broke off after 0 bytes. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'null',
    lies: { snapshot: () => 'null' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: byte 0 of the response should be a JSON object. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a list',
    lies: { snapshot: () => `[${document()}]` },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: byte 0 of the response should be a JSON object. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a byte order mark',
    lies: { snapshot: () => `\ufeff${page([document()])}` },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: byte 0 of the response should be a JSON object. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'something behind it',
    lies: { snapshot: () => `${page([document()])}<!-- cached -->` },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: byte 210 of the response should be the end of the response. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'no values',
    lies: { snapshot: () => `{"snapshot":${NOW},"cursor":null,"hasMore":false}` },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response has no "values". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'values that are an object',
    lies: { snapshot: () => `{"values":{},"snapshot":${NOW},"cursor":null,"hasMore":false}` },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response has no "values". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'values twice',
    lies: { snapshot: () => page([document()]).replace('"snapshot"', `"values":[],"snapshot"`) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response has two members "values". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'values that are numbers',
    lies: { snapshot: () => page(['1', '2']) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: byte 11 of the response should be a document. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'values that are null',
    lies: { snapshot: () => page(['null']) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: byte 11 of the response should be a document. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'more, but no cursor',
    lies: { snapshot: () => page([document()]).replace('false}', 'true}') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot says that there is more but not where, or the opposite. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 1,
  },
  {
    name: 'a cursor, but no more',
    lies: { snapshot: () => page([document()], 'next').replace('true}', 'false}') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot says that there is more but not where, or the opposite. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 1,
  },
  {
    name: 'no hasMore',
    lies: { snapshot: () => page([]).replace(',"hasMore":false', '') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no flag "hasMore". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'no cursor',
    lies: { snapshot: () => page([]).replace('"cursor":null,', '') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no "cursor". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a cursor that is a number',
    lies: { snapshot: () => page([], 'x').replace('"x"', '5') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no "cursor". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a cursor with an escape that JSON does not know',
    lies: { snapshot: () => page([], 'x').replace('"x"', '"\\q"') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has no "cursor". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'the cursor that was asked for',
    lies: { snapshot: () => page([document()], 'same') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot answered with the position that it was given: the walk makes no progress. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 2,
  },
  {
    name: 'cursors in a circle',
    lies: { snapshot: (n) => page([document()], ['a', 'b', 'c'][n % 3]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the pages of the snapshot go round in a circle. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 'many',
  },
  {
    name: 'another snapshot',
    lies: { snapshot: () => page([document()], null, LATER) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot answered with another snapshot than the one that was asked for. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 1,
  },
  {
    name: 'documents of other tables',
    lies: { snapshot: () => page([document({}, { table: 'other' }), document({}, { table: 'Users' }), document()]) },
    kind: 'ok',
    message: '',
    records: 1,
  },
  {
    name: 'documents of other components',
    lies: { snapshot: () => page([document().replace('"_component":""', '"_component":"billing"')]) },
    kind: 'ok',
    message: '',
  },
  {
    name: 'a document without its table',
    lies: { snapshot: () => page([document().replace('"_table":"users",', '')]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/list_snapshot: a document lacks one of "_table", "_ts" and "_deleted". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a document without its time',
    lies: { snapshot: () => page([document().replace(`"_ts":${EARLIER},`, '')]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/list_snapshot: a document lacks one of "_table", "_ts" and "_deleted". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a table that is a number',
    lies: { snapshot: () => page([document().replace('"users"', '7')]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/list_snapshot: byte 37 does not start a JSON string. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a time that is a text',
    lies: { snapshot: () => withTs(`"${EARLIER}"`) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/list_snapshot: a document has a "_ts" that is no timestamp. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a time in exponents',
    lies: { snapshot: () => withTs('1.786e18') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/list_snapshot: a document has a "_ts" that is no timestamp. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a negative time',
    lies: { snapshot: () => withTs('-5') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/list_snapshot: a document has a "_ts" that is no timestamp. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a time of thirty digits',
    lies: { snapshot: () => withTs('1'.repeat(30)) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/list_snapshot: a document has a "_ts" that is no timestamp. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a document newer than the snapshot',
    lies: { snapshot: () => page([document(), document({}, { ts: LATER })]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: a page of the snapshot holds a document that is newer than the snapshot. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 1,
  },
  {
    name: 'a table that was finished',
    streams: ['users', 'logs'],
    lies: {
      tables: () => twoTables,
      active: () => active(2),
      snapshot: () => page([document(), document({}, { table: 'logs' }), document()]),
    },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the snapshot goes back to a table that it had finished. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 2,
  },
  {
    name: 'keys twice',
    lies: { snapshot: () => page([document().replace('"text"', '"_ts":5,"text"')]) },
    kind: 'ok',
    message: '',
    records: 1,
  },
  {
    name: 'invalid UTF-8',
    lies: {
      snapshot: () =>
        Buffer.concat([
          Buffer.from(page([]).slice(0, 11)),
          Buffer.from(document().replace(/"\}$/, '')),
          Buffer.from([0xc3, 0x28]),
          Buffer.from(`"}${page([]).slice(11)}`),
        ]),
    },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response is not valid UTF-8. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a raw line break in a text',
    lies: { snapshot: () => page([document().replace('content', 'con\ntent')]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: a string of the response holds a raw line break. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'pages that always break off',
    lies: { snapshot: () => page([document(), document()]).slice(0, -30) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response broke off after 317 bytes. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 2,
  },
  {
    name: 'another page after the first broke off',
    lies: {
      snapshot: (n) =>
        n === 1
          ? page([document({ n: 1 }), document({ n: 2 })]).slice(0, -20)
          : page([document({ n: 3 }), document({ n: 4 })]),
    },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 2 times over N s: /api/list_snapshot gave another page than before its connection broke off. Nothing that was committed is lost; the next sync goes on from there.',
    records: 2,
  },
  {
    name: 'endless nesting',
    lies: { snapshot: endless(`{"values":[${document().slice(0, -1)},"x":`, '[') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response holds a value of more than 33554432 bytes, which no page of documents does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'an endless text',
    lies: { snapshot: endless(`{"values":[${document().slice(0, -1)},"x":"`, 'y') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response holds a value of more than 33554432 bytes, which no page of documents does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'endless documents',
    lies: { snapshot: endless(`{"values":[${document()}`, `,${document()}`) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/list_snapshot has more than 500000 documents. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 'many',
  },
  {
    name: 'endless blanks',
    lies: { snapshot: endless('{"values":[', ' \n') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response goes on with white space for ever. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'endless members',
    lies: { snapshot: endless('{"values":[]', () => `,"${Math.random()}":"${'z'.repeat(1000)}"`) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response has more than 100 members, which no page of documents has. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'an endless cursor',
    lies: { snapshot: endless('{"values":[],"cursor":"', 'c') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response holds a value of more than 65536 bytes, which no page of documents does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'an endless number',
    lies: { snapshot: endless('{"values":[],"snapshot":', '1') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: the response holds a value of more than 65536 bytes, which no page of documents does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a bomb',
    lies: {
      snapshot: (_n, _body, response) =>
        void response
          .writeHead(200, { 'content-encoding': 'gzip' })
          .end((bomb ??= gzipSync(Buffer.alloc(200 << 20, '[')))),
    },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/list_snapshot: byte 0 of the response should be a JSON object. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a compression that is none',
    lies: {
      snapshot: (_n, _body, response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).end(deflateRawSync('{}')),
    },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/list_snapshot broke off (Z_DATA_ERROR). Nothing that was committed is lost; the next sync goes on from there.',
  },
  {
    name: 'half a compression',
    lies: {
      snapshot: (_n, _body, response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(page([document()])).subarray(0, 40)),
    },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/list_snapshot broke off (Z_BUF_ERROR). Nothing that was committed is lost; the next sync goes on from there.',
  },
];

const CHANGE_CASES: AnswerCase[] = [
  {
    name: 'no cursor',
    lies: { deltas: () => '{"values":[],"hasMore":false}' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/document_deltas has no timestamp "cursor". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a cursor that is a text',
    lies: { deltas: () => deltas([], `"${NOW}"`) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/document_deltas has no timestamp "cursor". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a cursor that is null',
    lies: { deltas: () => deltas([], 'null') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/document_deltas has no timestamp "cursor". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'hasMore that is a text',
    lies: { deltas: () => deltas([]).replace('false', '"false"') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/document_deltas has no flag "hasMore". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'more, at the same place',
    lies: { deltas: () => deltas([], EARLIER, true) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: a page of the change log says that there is more, but makes no progress. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'more, at an earlier place',
    lies: { deltas: () => deltas([], '1785000000000000001', true) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: a page of the change log says that there is more, but makes no progress. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  { name: 'an earlier place', lies: { deltas: () => deltas([], '1785000000000000001') }, kind: 'ok', message: '' },
  {
    name: 'a cursor far ahead of the present',
    lies: { deltas: () => deltas([], '9000000000000000001') },
    kind: 'transient_error',
    message:
      "127.0.0.1 answered, but not as a Convex deployment does: a page of changes is of a time (2255-03-14 16:00:00 UTC) that lies ahead of the deployment's present. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.",
  },
  {
    name: 'changes beyond the cursor',
    lies: { deltas: () => deltas([change({}, { ts: LATER })], NOW) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: a page of the change log ends before its own documents. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 1,
  },
  {
    name: 'changes in the wrong order',
    lies: { deltas: () => deltas([change(), change({}, { ts: '1786000000000000999' })]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: a page of the change log goes back in time. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 1,
  },
  {
    name: 'changes from before the cursor',
    lies: { deltas: () => deltas([change({}, { ts: '1785000000000000001' })]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: a page of the change log goes back in time. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'changes of other tables',
    lies: { deltas: () => deltas([change({}, { table: 'other' }), change()]) },
    kind: 'ok',
    message: '',
    records: 1,
  },
  {
    name: 'no _deleted',
    lies: { deltas: () => deltas([document()]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/document_deltas: a document lacks one of "_table", "_ts" and "_deleted". Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: '_deleted that is a number',
    lies: { deltas: () => deltas([change().replace('"_deleted":false', '"_deleted":0')]) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/document_deltas: a document has a "_deleted" that is neither true nor false. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'endless changes',
    lies: { deltas: endless(`{"values":[${change()}`, `,${change()}`) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/document_deltas has more than 500000 documents. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
    records: 'many',
  },
];
export const CHANGES = CHANGE_CASES.map((one) => ({ ...one, from: EARLIER }));

const SCHEMA_CASES: AnswerCase[] = [
  {
    name: 'a web page',
    lies: { schemas: () => '<!doctype html>' },
    kind: 'config_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/json_schemas is not the JSON object that a Convex deployment sends. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a list',
    lies: { schemas: () => '[1]' },
    kind: 'config_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/json_schemas is not the JSON object that a Convex deployment sends. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'components that are texts',
    lies: { schemas: () => '{"":"users"}' },
    kind: 'config_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/json_schemas lists something else than tables. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'components that are null',
    lies: { schemas: () => '{"":null}' },
    kind: 'config_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: the answer of /api/json_schemas lists something else than tables. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'tables that are numbers',
    lies: { schemas: () => `{"":{${users},"x":5,"y":null,"z":[]}}` },
    kind: 'ok',
    message: '',
  },
  {
    name: 'properties that are lists',
    lies: { schemas: () => '{"":{"users":{"type":7,"properties":[1,{}],"required":"x","anyOf":5}}}' },
    kind: 'ok',
    message: '',
  },
  {
    name: 'nested a hundred thousand times',
    lies: {
      schemas: () =>
        `{"":{"users":{"type":"object","properties":${'{"a":{"type":"object","properties":'.repeat(100_000)}{}${'}}'.repeat(100_000)}}}}`,
    },
    kind: 'ok',
    message: '',
  },
  {
    name: 'names of the language',
    lies: {
      schemas: () =>
        '{"":{"__proto__":{"type":"object","properties":{"__proto__":{"type":"string"}}},"constructor":{"type":"object"}}}',
    },
    kind: 'ok',
    message: '',
  },
];
export const SCHEMAS = SCHEMA_CASES.map((one) => ({ ...one, verb: 'discover' as const }));

const TEST_CASES: AnswerCase[] = [
  {
    name: 'a web page',
    lies: { test: () => '<html></html>' },
    kind: 'FAILED',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/test_streaming_export_connection answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'true',
    lies: { test: () => 'true' },
    kind: 'FAILED',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/test_streaming_export_connection answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'nothing',
    lies: { test: () => '' },
    kind: 'FAILED',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/test_streaming_export_connection answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'endless',
    lies: { test: endless('null', ' ') },
    kind: 'FAILED',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/test_streaming_export_connection answered with more than 67108864 bytes. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
];
export const TESTS = TEST_CASES.map((one) => ({ ...one, verb: 'check' as const }));
