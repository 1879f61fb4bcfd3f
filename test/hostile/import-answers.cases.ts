/** Answers that no Convex deployment gives to who writes, and what the destination makes of each: above all, no state. */
import { endless, raw, type Lie, type Lies } from './lying-server.ts';

export interface ImportCase {
  name: string;
  verb?: 'check' | 'write';
  mode?: 'append' | 'append_dedup' | 'overwrite';
  lies: Lies;
  kind: string;
  message: string;
  /** The destination is to give up waiting within a second. */
  impatient?: true;
  /** States that come back. Default: none. */
  states?: number;
}

const PAGE = '<html><body>Please accept the terms of use</body></html>';
const answer =
  (status: number, body = '', headers: Record<string, string> = {}): Lie =>
  (_n, _body, response) =>
    void response.writeHead(status, headers).end(body);
const failure = (status: number, code: unknown, message: unknown = 'no'): Lie =>
  answer(status, JSON.stringify({ code, message }));

export const IMPORTS: ImportCase[] = [
  { name: 'nothing', lies: {}, kind: 'ok', message: '', states: 1 },
  { name: 'null', lies: { import: () => 'null' }, kind: 'ok', message: '', states: 1 },
  {
    name: 'a web page',
    lies: { import: () => PAGE },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a web page, for what is appended',
    mode: 'append',
    lies: { import: () => PAGE },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'another JSON',
    lies: { import: () => '{"status":"error"}' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'an endless web page',
    lies: { import: endless('', 'x') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/import_airbyte_records answered with more than 67108864 bytes. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'no content',
    lies: { import: answer(204) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/import_airbyte_records answered 204. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a redirect',
    lies: { import: answer(302, '', { location: '/login' }) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/import_airbyte_records was redirected. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a web page that refuses',
    lies: { import: answer(400, PAGE) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/import_airbyte_records answered 400. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a web page that forbids',
    lies: { import: answer(403, PAGE) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records answered 403. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'too large, whatever it is',
    lies: { import: answer(413, PAGE) },
    kind: 'config_error',
    message:
      'Convex refused 2 records. A record of stream "users" with id = 1 was refused: the server answered 413. A record of stream "users" with id = 2 was refused: the server answered 413. The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
  },
  {
    name: 'internal errors',
    lies: { import: answer(500) },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records answered 500. Nothing that was committed is lost; the next sync goes on from there.',
  },
  {
    name: 'internal errors with endless bodies',
    lies: { import: endless('', 'x', 500) },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records answered 500. Nothing that was committed is lost; the next sync goes on from there.',
  },
  {
    name: 'refusals with endless bodies',
    lies: { import: endless('{"code":"', 'x', 400) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/import_airbyte_records answered 400. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a code that is an object',
    lies: { import: failure(400, { a: 1 }) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/import_airbyte_records answered 400. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'a code of ten thousand letters',
    lies: { import: failure(400, 'C'.repeat(10_000)) },
    kind: 'config_error',
    message:
      'Convex refused 2 records. A record of stream "users" with id = 1 was refused: CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC. A record of stream "users" with id = 2 was refused: CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC. The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
  },
  {
    name: 'an unknown code',
    lies: { import: failure(400, 'Sideways', 'line one\nline two') },
    kind: 'config_error',
    message:
      'Convex refused 2 records. A record of stream "users" with id = 1 was refused: Sideways. A record of stream "users" with id = 2 was refused: Sideways. The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
  },
  {
    name: 'a message that is a number',
    lies: { import: failure(400, 'Sideways', 7) },
    kind: 'config_error',
    message:
      'Convex refused 2 records. A record of stream "users" with id = 1 was refused: Sideways. A record of stream "users" with id = 2 was refused: Sideways. The records around them were written. Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.',
  },
  {
    name: 'no HTTP',
    lies: { import: raw('hello\r\n', '') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records broke off (HPE_INVALID_CONSTANT). Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'headers for ever',
    lies: { import: raw('HTTP/1.1 200 OK\r\n', 'X-More: of the same\r\n') },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records broke off (HPE_HEADER_OVERFLOW). Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'the end of the connection',
    lies: { import: (_n, _body, response) => void response.destroy() },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records broke off (ECONNRESET). Nothing that was committed is lost; the next sync goes on from there.',
  },
  {
    name: 'silence',
    impatient: true,
    lies: { import: () => undefined },
    kind: 'transient_error',
    message:
      '127.0.0.1 does not answer as it should at the moment, although it was tried 3 times over N s: /api/streaming_import/import_airbyte_records broke off (ETIMEDOUT). Nothing that was committed is lost; the next sync goes on from there.',
  },
];

export const PREPARATIONS: ImportCase[] = [
  {
    name: 'an index: a web page',
    lies: { index: () => PAGE },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/add_primary_key_indexes answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'an index: not there',
    lies: { index: answer(404) },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/add_primary_key_indexes answered 404. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'ready: a web page',
    lies: { ready: () => PAGE },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/primary_key_indexes_ready answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'ready: nothing',
    lies: { ready: () => '' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/primary_key_indexes_ready answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'ready: a text',
    lies: { ready: () => '{"indexesReady":"yes"}' },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/primary_key_indexes_ready answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'ready: never',
    lies: { ready: () => '{"indexesReady":false}' },
    kind: 'transient_error',
    message:
      'Convex is still building the index of table users; no records are sent meanwhile, for N s by now. The next sync goes on waiting for it.',
  },
  {
    name: 'emptied: a web page',
    mode: 'overwrite',
    lies: { clear: () => PAGE },
    kind: 'transient_error',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does, although it was tried 3 times over N s: /api/streaming_import/clear_tables answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'emptied: still building',
    mode: 'overwrite',
    lies: { clear: failure(400, 'InvalidImport', 'users is still backfilling indexes') },
    kind: 'transient_error',
    message:
      'Emptying table users waits for an index that Convex is still building, for N s by now. The next sync goes on waiting for it.',
  },
  {
    name: 'check: a web page',
    verb: 'check',
    lies: { ready: () => PAGE },
    kind: 'FAILED',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/primary_key_indexes_ready answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
  {
    name: 'check: nothing',
    verb: 'check',
    lies: { ready: () => '' },
    kind: 'FAILED',
    message:
      '127.0.0.1 answered, but not as a Convex deployment does: /api/streaming_import/primary_key_indexes_ready answered with something else than a Convex deployment does. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.',
  },
];
