import { type ClientRequest, request } from 'node:http';
import { expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { call, deploy, outcome, rows } from '../client.ts';
import { lines, until, upload } from './import-client.ts';

/** `POST /api/import`: a file in one request, which is answered when the import is over. */

const path = '/api/import?tableName=t&format=jsonLines&mode=replace';

test('waits for the end and says how many rows there were', async () => {
  const emulator = await deploy();
  const reply = await call(emulator, 'POST', path, { raw: lines(5) });
  expect([reply.status, reply.text]).toEqual([200, '{"numWritten":5}']);
  expect(rows(emulator, 't')).toHaveLength(5);
});

test.each([
  ['before it is confirmed', '{', "Row 1 wasn't valid JSON"],
  ['after that', '{"$x":1}', "Row 1 wasn't a valid Convex value: Field name $x starts with '$', which is reserved."],
])('a bad file is 400 ImportFailed, found %s', async (_, content, message) => {
  const emulator = await deploy();
  const reply = await call(emulator, 'POST', path, { raw: content });
  expect(outcome(reply)).toBe('400 ImportFailed');
  expect(reply.json()['message']).toContain(message);
});

test('gives up after the time limit, and the import goes on', async () => {
  const emulator = await deploy({ limits: { requestTimeout: 100 } });
  const hold = emulator.imports.hold('swap');
  expect((await call(emulator, 'POST', path, { raw: lines(5) })).status).toBe(408);
  hold.release();
  await expect.poll(() => rows(emulator, 't').length).toBe(5);
});

test.each([
  ['?tableName=t', '400 BadQueryArgs'],
  ['?tableName=t&format=xml', '400 BadQueryArgs'],
  ['?tableName=_t%20&format=csv', '400 ImportInvalidName'],
  ['?format=csv', '400 InvalidName'],
])('%s is %s', async (search, expected) => {
  const emulator = await deploy();
  expect(outcome(await call(emulator, 'POST', `/api/import${search}`, { raw: '' }))).toBe(expected);
});

/** Begins the request and sends `content` of a body of `length` bytes. Whether it is answered is left to the test. */
function begin(emulator: Emulator, content: string, length = Buffer.byteLength(content)): ClientRequest {
  const headers = { authorization: `Convex ${emulator.key}`, 'content-length': String(length) };
  const outgoing = request(emulator.url + path, { method: 'POST', headers, agent: false });
  outgoing.on('error', () => undefined);
  outgoing.write(content);
  return outgoing;
}

/** Hangs up, and waits until the server has noticed. */
async function hangUp(emulator: Emulator, client: ClientRequest): Promise<void> {
  client.destroy();
  await expect.poll(() => emulator.journal.of('/api/import').map((entry) => entry.endedAt)).not.toContain(undefined);
}

test('goes on without the client that hung up while it ran', async () => {
  const emulator = await deploy();
  const hold = emulator.imports.hold('batch');
  const client = begin(emulator, lines(5));
  const { importId } = await hold.reached;
  await hangUp(emulator, client);
  hold.release();
  expect((await until(emulator, importId, 'completed', 'failed')).state).toMatchObject({ state: 'completed' });
  expect(rows(emulator, 't')).toHaveLength(5);
});

test('imports nothing of a body of which the client sent only a part', async () => {
  const emulator = await deploy();
  emulator.deployment.load('t', [{ old: true }]);
  // What is sent is a whole file for itself: only its length tells that more was to come.
  const client = begin(emulator, lines(5), Buffer.byteLength(lines(6)));
  await expect.poll(() => emulator.journal.count('/api/import')).toBe(1);
  await hangUp(emulator, client);
  // The worker takes imports in order of creation: one from before would be done before this one.
  const id = await upload(emulator, lines(1), { tableName: 'u', format: 'jsonLines' });
  await until(emulator, id, 'waiting_for_confirmation');
  expect(emulator.imports.rows.newest(10).map((row) => row.id)).toEqual([id]);
  expect(rows(emulator, 't')).toEqual([{ old: true }]);
});
