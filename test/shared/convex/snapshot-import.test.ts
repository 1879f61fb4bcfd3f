/** The client of the snapshot import against the emulated deployment. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../../emulator/index.ts';
import { ConvexApiError } from '../../../shared/convex/errors.ts';
import { ConvexClient } from '../../../shared/convex/client.ts';
import { failureOf, SnapshotImport, type ImportState } from '../../../shared/convex/snapshot-import.ts';
import { TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

function client(key = emulator.key, origin = emulator.url): SnapshotImport {
  return new SnapshotImport(
    new ConvexClient({
      origin,
      key,
      client: 'streaming-import-1.2.3',
      userAgent: 'test',
      retries: { attempts: 4, maxTime: 60_000, minDelay: 1, maxDelay: 1 },
      onRetry: () => undefined,
    }),
  );
}

async function other(options: EmulatorOptions): Promise<void> {
  await emulator.close();
  emulator = await startEmulator(options);
}

async function waitFor(api: SnapshotImport, id: string, wanted: ImportState['state']): Promise<ImportState> {
  return until(`the import is ${wanted}`, async () => {
    const state = await api.stateOf(id);
    return (state.state === wanted || state.state === 'failed') && state;
  });
}

async function upload(api: SnapshotImport, table: string, ...parts: string[]): Promise<string> {
  const token = await api.startUpload();
  const tokens: string[] = [];
  for (const [index, part] of parts.entries())
    tokens.push((await api.uploadPart(token, index + 1, Buffer.from(part))).token);
  return api.finishUpload(token, tokens, table);
}

function values(table: string): unknown[] {
  return [...emulator.deployment.documents(table)].map(({ n }) => n as number).sort();
}

function insert(table: string, n: number): void {
  emulator.deployment.transaction((tx) => tx.insert(table, { n }));
}

test('a table is replaced by the rows of several parts once the import is performed', async () => {
  insert('t', 0);
  const api = client();
  const id = await upload(api, 't', '{"n":1}\n{"n"', ':2}\n', '{"n":3}\n');
  expect(await waitFor(api, id, 'waiting_for_confirmation')).toEqual({ state: 'waiting_for_confirmation', rows: 3 });
  expect(values('t')).toEqual([0]);
  await api.perform(id);
  expect(await waitFor(api, id, 'completed')).toEqual({ state: 'completed', rows: 3 });
  expect(values('t')).toEqual([1, 2, 3]);
  await api.cancel(id);
});

test('a file without rows empties the table', async () => {
  insert('t', 0);
  const api = client();
  const id = await upload(api, 't', '');
  expect(await waitFor(api, id, 'waiting_for_confirmation')).toEqual({ state: 'waiting_for_confirmation', rows: 0 });
  await api.perform(id);
  await waitFor(api, id, 'completed');
  expect(values('t')).toEqual([]);
});

test('a canceled import leaves the table as it was', async () => {
  insert('t', 0);
  const api = client();
  const id = await upload(api, 't', '{"n":1}\n');
  await waitFor(api, id, 'waiting_for_confirmation');
  await api.cancel(id);
  const state = await api.stateOf(id);
  expect(state.state === 'failed' && failureOf(state.message)).toBe('canceled');
  await api.perform(id);
  expect(values('t')).toEqual([0]);
});

test('one request replaces a table as well', async () => {
  insert('t', 0);
  expect(await client(emulator.importOnlyKey).replaceAtOnce('t', Buffer.from('{"n":1}\n{"n":2}\n'))).toBe(2);
  expect(values('t')).toEqual([1, 2]);
});

test('a part whose answer was lost is sent again, and is said to be uncertain: it is in the file twice', async () => {
  const api = client();
  const token = await api.startUpload();
  emulator.faults.add({ kind: 'reset-after-commit', path: '/api/import/upload_part' });
  const part = await api.uploadPart(token, 1, Buffer.from('{"n":1}\n'));
  expect(part.uncertain).toBe(true);
  const id = await api.finishUpload(token, [part.token], 't');
  expect(await waitFor(api, id, 'waiting_for_confirmation')).toMatchObject({ rows: 2 });
  expect((await api.uploadPart(await api.startUpload(), 1, Buffer.from('{"n":1}\n'))).uncertain).toBe(false);
});

describe('what a deployment and a key can do is told without a change', () => {
  test('all of it', async () => {
    expect(await client().isAvailable()).toBe(true);
    expect(await client().mayPoll()).toBe(true);
    expect(emulator.imports.rows.newest(1)).toEqual([]);
  });

  test('a key that may only import cannot poll', async () => {
    const api = client(emulator.importOnlyKey);
    expect(await api.isAvailable()).toBe(true);
    expect(await api.mayPoll()).toBe(false);
  });

  test('a backend without the routes', async () => {
    await other({ withoutSnapshotImport: true });
    expect(await client().isAvailable()).toBe(false);
  });

  test('a wrong key is no answer', async () => {
    const failure = await client('prod:x|1')
      .isAvailable()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConvexApiError);
    expect((failure as ConvexApiError).reason).toBe('bad-key');
  });
});

describe('answers that are not Convex', () => {
  test.each<[string, string, (api: SnapshotImport) => Promise<unknown>]>([
    ['no token', '{"uploadToken":7}', (api) => api.startUpload()],
    ['a part without a token', '{}', (api) => api.uploadPart('x', 1, Buffer.from('{}\n'))],
    ['no id', 'null', (api) => api.finishUpload('x', [], 't')],
    ['a page for perform_import', '<html>', (api) => api.perform('x')],
    ['no number of rows', '{"numWritten":"3"}', (api) => api.replaceAtOnce('t', Buffer.from(''))],
    ['no state', '{"status":"success","value":{"state":{"state":"asleep"}}}', (api) => api.stateOf('x')],
    ['no import', '{"status":"success","value":null}', (api) => api.stateOf('x')],
    ['an import that is canceled although it does not exist', '', (api) => api.isAvailable()],
  ])('%s', async (_, body, ask) => {
    await using server = await TestServer.start((_request, response) => response.end(body));
    const failure = await ask(client(emulator.key, server.url)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConvexApiError);
    expect((failure as ConvexApiError).reason).toBe('not-convex');
  });
});

test.each<[string, string]>([
  ['Import canceled', 'canceled'],
  [`Row 3 wasn't valid JSON: expected value at line 1 column 1`, 'not-json'],
  ['Hit an error while importing:\nImport took too long. Try again or contact Convex.', 'too-old'],
  ['Hit an error while importing:\nCould not complete import because schema changed. Avoid', 'schema-changed'],
  [`Hit an error while importing:\nImport changes table 'a' which is referenced by 'b' in the schema`, 'foreign-key'],
  ['Hit an error while importing:\nTable t is still backfilling indexes, so it cannot be replaced', 'backfilling'],
  [
    'Hit an error while importing:\nFailed to insert or update a document in table "t" because it does not match the schema',
    'schema',
  ],
  ['Hit an error while importing:\nObjects in table "t" have duplicate _id fields', 'ids'],
  ['Something new', 'other'],
])('%s is %s', (message, failure) => {
  expect(failureOf(message)).toBe(failure);
});
