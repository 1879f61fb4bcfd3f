/** Which streams are asked for: new ones, old ones, several that were interrupted, catalogs of all kinds. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf, statesOf, statusesOf } from '../support/messages.ts';
import {
  lastState,
  recordsOf,
  savedStates,
  Source,
  steadyLogsOf,
  people,
  change,
  expectTruth,
  LOG_REMARK,
  NOW,
  type Wanted,
} from './setup.ts';

describe('streams come and go', () => {
  test('a new stream is read from the beginning, the others go on', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(4));
    const first = await source.readAll({ streams: ['users'] });
    change(source);
    source.deployment.load('posts', people(3));
    const second = await source.readAll({ streams: ['posts', 'users'], state: savedStates(first) });
    expectTruth(source, 'users', [first, second]);
    expectTruth(source, 'posts', [second]);
    expect(steadyLogsOf(second).slice(0, 4)).toEqual([
      'INFO 2 streams: 1 from the beginning, 1 with changes only. This run ends with what is committed when its snapshots are finished.',
      LOG_REMARK,
      `INFO Reading posts as of ${NOW}.`,
      `INFO Reading the changes of posts, users since ${NOW}, up to ${NOW}.`,
    ]);
  });

  test('a stream that is not selected any more is left alone', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    source.deployment.load('posts', people(3));
    const first = await source.readAll({ streams: ['users', 'posts'] });
    change(source, 'posts');
    const second = await source.readAll({ streams: ['users'], state: savedStates(first) });
    expect(recordsOf(second)).toEqual([]);
    expect(statesOf(second)).toHaveLength(1);
    expect(logsOf(second)[0]).toBe('INFO The state also holds 1 stream that the catalog does not select.');
  });

  test('a renamed table: the old stream says that it is gone, the new one is read', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    source.deployment.load('posts', people(3));
    const first = await source.readAll({ streams: ['users', 'posts'] });
    source.deployment.dropTable('users');
    source.deployment.load('people', people(3));
    change(source, 'posts');
    const { code, lines } = await source.read({ streams: ['users', 'people', 'posts'], state: savedStates(first) });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([
      {
        failure_type: 'config_error',
        stream_descriptor: { name: 'users' },
        message:
          'The deployment has no table "users". It was synced before, so it was dropped or renamed since; what was synced stays in the destination. Refresh the source\'s schema and deselect the stream, or create the table.',
      },
    ]);
    expect(statusesOf(lines).filter((status) => status.startsWith('users'))).toEqual([
      'users STARTED',
      'users INCOMPLETE',
    ]);
    expectTruth(source, 'people', [lines]);
    expectTruth(source, 'posts', [first, lines]);
    expect(logsOf(lines).at(-1)).toBe('ERROR Not read completely: users.');
  });

  test('a stream of a component that is not there', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(1));
    const { code, lines } = await source.read({ streams: ['users', { name: 'keys', namespace: 'betterAuth' }] });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([
      {
        failure_type: 'config_error',
        stream_descriptor: { name: 'keys', namespace: 'betterAuth' },
        message:
          'The deployment has no table "keys" in the component "betterAuth". It may be misspelt, not created yet, or of another deployment. Refresh the source\'s schema and deselect the stream, or create the table.',
      },
    ]);
    expectTruth(source, 'users', [lines]);
  });

  test('a cleared table: the log does not show it, and the warning says so', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const first = await source.readAll({ streams: ['users'] });
    source.deployment.clearTable('users');
    source.deployment.load('users', people(2, 100));
    const second = await source.readAll({ streams: ['users'], state: savedStates(first) });
    expect(recordsOf(second)).toHaveLength(2);
    expect(logsOf(second)).toContain(LOG_REMARK);
  });

  test('tables of one name in the app and in a component are two streams', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    source.deployment.load('users', people(3, 10), { component: 'constructor' });
    const streams: Wanted[] = ['users', { name: 'users', namespace: 'constructor' }];
    const first = await source.readAll({ streams });
    change(source, 'users', 'constructor');
    const second = await source.readAll({ streams, state: savedStates(first) });
    expectTruth(source, 'users', [first, second]);
    expectTruth(source, 'users', [first, second], 'constructor');
  });
});

describe('several interrupted streams', () => {
  test('at different timestamps are finished each as of its own, then all go on together', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    const { deployment, emulator } = source;
    const runs: string[][] = [];
    for (const table of ['a', 'b', 'c']) {
      deployment.load(table, people(8));
      deployment.systemWrite();
      // Stopped after one page of documents.
      emulator.faults.clear();
      emulator.faults.add({ kind: 'status', status: 401, code: 'BadAdminKey', path: '/api/list_snapshot', after: 2 });
      runs.push((await source.read({ streams: [table] })).lines);
    }
    emulator.faults.clear();
    const timestamps = runs.map((lines, i) => String(lastState(lines, 'abc'[i]!)?.['delta_cursor']));
    expect(new Set(timestamps).size).toBe(3);
    for (const table of ['a', 'b', 'c']) change(source, table);
    deployment.load('fresh', people(4));
    emulator.journal.clear();
    const lines = await source.readAll({ streams: ['fresh', 'a', 'b', 'c'], state: savedStates(...runs) });
    for (const [i, table] of ['a', 'b', 'c'].entries()) expectTruth(source, table, [runs[i]!, lines]);
    expectTruth(source, 'fresh', [lines]);
    const pages = emulator.journal.of('/api/list_snapshot').slice(1, -1);
    const asked = pages.map(({ body }) => /"snapshot":(\d+)/.exec(body)?.[1]);
    // One after the other, each at its own time; the fresh one at the present. No two are mixed.
    expect([...new Set(asked)].slice(0, 3)).toEqual(timestamps);
    expect(asked).toEqual([...asked].sort());
    expect(new Set(asked).size).toBe(4);
  });

  test('fresh streams join the timestamp of interrupted ones where there is one', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    const { deployment, emulator } = source;
    deployment.load('a', people(8));
    emulator.faults.add({ kind: 'status', status: 401, code: 'BadAdminKey', path: '/api/list_snapshot', after: 2 });
    const { lines: first } = await source.read({ streams: ['a'] });
    deployment.load('b', people(4));
    change(source, 'a');
    emulator.journal.clear();
    const second = await source.readAll({ streams: ['a', 'b'], state: savedStates(first) });
    const asked = emulator.journal
      .of('/api/list_snapshot')
      .slice(1, -1)
      .map(({ body }) => /"snapshot":(\d+)/.exec(body)?.[1]);
    expect(new Set(asked)).toEqual(new Set([String(lastState(first, 'a')?.['delta_cursor'])]));
    expectTruth(source, 'a', [first, second]);
    // At that time its documents were not there yet: they come as changes.
    expectTruth(source, 'b', [second]);
  });
});

describe('catalogs', () => {
  test.each<[string, Wanted[] | object, string]>([
    [
      'a sync mode that does not exist',
      [{ name: '__AIRBYTE__stream_that_does_not_exist', mode: 'INVALID' }],
      'The catalog is not valid: stream "__AIRBYTE__stream_that_does_not_exist" asks for a sync mode that does not exist. Known are full_refresh and incremental.',
    ],
    [
      'a stream twice',
      ['users', { name: 'users', namespace: null }],
      'The catalog is not valid: it has the stream "users" twice.',
    ],
    ['a stream without a name', [''], 'The catalog is not a configured catalog: stream number 1 has no name.'],
  ])('%s: nothing is read', async (_what, streams, message) => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    const { code, lines } = await source.read({ streams: streams as Wanted[] });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([{ failure_type: 'config_error', message }]);
    expect(source.emulator.journal.count()).toBe(0);
  });

  test('no stream at all', async () => {
    await using source = await Source.start();
    const lines = await source.readAll({ streams: [] });
    expect(logsOf(lines)).toEqual(['WARN The catalog selects no streams, so there is nothing to read.']);
    expect(lines).toHaveLength(1);
  });

  test('only streams that do not exist: each says so, and nothing else is asked of the deployment', async () => {
    await using source = await Source.start();
    const { code, lines } = await source.read({ streams: ['a', 'b'] });
    expect(code).toBe(1);
    expect(errorsOf(lines).map(({ stream_descriptor }) => stream_descriptor)).toEqual([{ name: 'a' }, { name: 'b' }]);
    expect(statusesOf(lines)).toEqual(['a STARTED', 'b STARTED', 'a INCOMPLETE', 'b INCOMPLETE']);
    expect(logsOf(lines)).toEqual(['ERROR Not read completely: a, b.']);
    expect(source.emulator.journal.entries.map(({ path }) => path)).toEqual(['/api/get_table_column_names']);
  });

  test('of PyAirbyte: incremental for everything, null for what it does not know, 1 for every run', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const extra = { cursor_field: null, primary_key: null, generation_id: 1, minimum_generation_id: 1 };
    const streams: Wanted[] = [{ name: 'users', namespace: null, syncId: 1, extra }];
    const first = await source.readAll({ streams, state: '[]' });
    change(source);
    const second = await source.readAll({ streams, state: savedStates(first) });
    expectTruth(source, 'users', [first, second]);
  });

  test('over sockets', async () => {
    await using source = await Source.start();
    const { code, lines } = await source.read({ streams: ['users'], env: { DATA_CHANNEL_MEDIUM: 'SOCKET' } });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'config_error' }]);
  });
});
