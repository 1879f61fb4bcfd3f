/** Modes, states and catalogs: what a run reads, given what was read before. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf, statesOf, statusesOf } from '../support/messages.ts';
import {
  lastState,
  recordsOf,
  replay,
  savedStates,
  Source,
  stateOf,
  steadyLogsOf,
  type RecordLine,
  type Wanted,
} from './setup.ts';

const people = (n: number, from = 0): object[] => Array.from({ length: n }, (_, i) => ({ name: `Person ${from + i}` }));
const WARNING =
  'WARN The change log does not show tables that were imported over, restored from a backup, cleared or dropped. After such a change, refresh the streams concerned.';
const NOW = '2026-09-21 14:13:20 UTC';

/** Changes documents of a table in some transactions: updates, deletions, insertions. */
function change(source: Source, table = 'users', component = ''): void {
  const [a, b, c] = [...source.deployment.documents(table, component)].map(({ _id }) => _id);
  source.deployment.transaction((tx) => {
    tx.patch(a!, { name: 'changed once' });
    tx.delete(b!);
  });
  source.deployment.transaction((tx) => {
    tx.patch(a!, { name: 'changed twice' });
    tx.patch(c!, { name: 'changed' });
    tx.insert(table, { name: 'new' }, component);
  });
}

/** Whether the records of all these runs, in order, leave what the table holds. */
function expectTruth(source: Source, table: string, runs: readonly (readonly string[])[], component = ''): void {
  const stream = component === '' ? table : `${component}.${table}`;
  expect(replay(runs.flatMap(recordsOf), stream)).toEqual(source.truth(table, component));
}

describe('a first sync', () => {
  test('line by line', async () => {
    await using source = await Source.start();
    source.deployment.load('users', [{ name: 'Ada' }]);
    source.deployment.load('keys', [{ key: 'k' }], { component: 'betterAuth' });
    const [user] = [...source.deployment.documents('users')];
    const [key] = [...source.deployment.documents('keys', 'betterAuth')];
    const streams: Wanted[] = ['users', { name: 'keys', namespace: 'betterAuth' }];
    const lines = await source.readAll({ streams });
    const head = String(lastState(lines, 'users')?.['delta_cursor']);
    const [first, second] = source.emulator.journal.of('/api/list_snapshot').slice(1);
    expect(first?.body).toBe(
      `{"snapshot":${head},"selection":{"_other":"excluded","":{"_other":"excluded","users":{"_other":"included"}},"betterAuth":{"_other":"excluded","keys":{"_other":"included"}}},"format":"json"}`,
    );
    expect(second?.body).toMatch(
      /^\{"snapshot":\d{19},"cursor":"\{\\"tablet\\":\\".{22}\\",\\"id\\":\\"\w+\\"\}","selection":/,
    );
    const ts = Object.fromEntries(recordsOf(lines).map((record) => [record.stream, record.ts]));
    const iso = (digits = '') => {
      const micros = digits.slice(10, 16);
      return `${new Date(Number(digits.slice(0, 10)) * 1000).toISOString().slice(0, 19)}.${micros}`;
    };
    const status = (stream: string, value: string) =>
      `{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":T,"stream_status":{"stream_descriptor":${stream},"status":"${value}"}}}`;
    const state = (stream: string, more: boolean, count: number) =>
      `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":${stream},"stream_state":{"snapshot_cursor":null,"snapshot_has_more":${more},"delta_cursor":"${head}","deployment":"happy-otter-123"}},"sourceStats":{"recordCount":${count}}}}`;
    const log = (message: string) => `{"type":"LOG","log":{"level":"INFO","message":"${message}"}}`;
    const users = '{"name":"users"}';
    const keys = '{"name":"keys","namespace":"betterAuth"}';
    const userRecord = `{"type":"RECORD","record":{"stream":"users","data":{"_component":"","_table":"users","_ts":${ts['users']},"_creationTime":${user!._creationTime},"_id":"${user!._id}","name":"Ada","_deleted":false,"_ab_cdc_lsn":${ts['users']},"_ab_cdc_updated_at":"${iso(ts['users'])}","_ab_cdc_deleted_at":null},"emitted_at":T}}`;
    const keyTs = ts['betterAuth.keys'];
    const keyRecord = `{"type":"RECORD","record":{"stream":"keys","namespace":"betterAuth","data":{"_component":"betterAuth","_table":"keys","_ts":${keyTs},"_creationTime":${key!._creationTime},"_id":"${key!._id}","key":"k","_deleted":false,"_ab_cdc_lsn":${keyTs},"_ab_cdc_updated_at":"${iso(keyTs)}","_ab_cdc_deleted_at":null},"emitted_at":T}}`;
    // The server walks tables in the order of their hidden ids.
    const usersFirst = recordsOf(lines)[0]?.stream === 'users';
    const [one, other] = usersFirst
      ? ([
          [users, userRecord],
          [keys, keyRecord],
        ] as const)
      : ([
          [keys, keyRecord],
          [users, userRecord],
        ] as const);
    const shown = lines
      .map((line) => line.replace(/"emitted_at":\d{13}/, '"emitted_at":T').replace(/in \d+\.\d s/, 'in N s'))
      // A state after a page says how far that was; its cursor is the server's own.
      .filter((line) => !line.includes('"snapshot_cursor":"'));
    expect(shown).toEqual([
      status(users, 'STARTED'),
      status(keys, 'STARTED'),
      log(`2 streams: 2 from the beginning. This run ends at ${NOW}.`),
      log(`Reading users, betterAuth.keys as of ${NOW}.`),
      state(users, true, 0),
      state(keys, true, 0),
      status(one[0], 'RUNNING'),
      one[1],
      status(other[0], 'RUNNING'),
      other[1],
      state(users, false, usersFirst ? 0 : 1),
      state(keys, false, usersFirst ? 1 : 0),
      status(users, 'COMPLETE'),
      status(keys, 'COMPLETE'),
      log('Read 2 records of 2 streams in N s.'),
    ]);
  });

  test('of a full refresh is a snapshot, and nothing of the change log', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const lines = await source.readAll({ streams: [{ name: 'users', mode: 'full_refresh' }] });
    expectTruth(source, 'users', [lines]);
    expect(source.emulator.journal.count('/api/document_deltas')).toBe(0);
    expect(lastState(lines, 'users')).not.toHaveProperty('sync_id');
  });

  test('of an empty table, and of a table of which the deployment ignores the selection', async () => {
    await using source = await Source.start();
    source.deployment.createTable('empty');
    source.deployment.load('full', people(2));
    const lines = await source.readAll({ streams: ['empty'] });
    expect(recordsOf(lines)).toEqual([]);
    expect(statusesOf(lines)).toEqual(['empty STARTED', 'empty RUNNING', 'empty COMPLETE']);
    expect(statesOf(lines)).toHaveLength(2);
  });
});

describe('a second sync', () => {
  test('reads what has changed, deletions included, and each revision once', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(5));
    const first = await source.readAll({ streams: ['users'] });
    change(source);
    const second = await source.readAll({ streams: ['users'], state: savedStates(first) });
    expect(
      recordsOf(second)
        .map(({ deleted }) => deleted)
        .sort(),
    ).toEqual([false, false, false, false, true]);
    expectTruth(source, 'users', [first, second]);
    const since = NOW;
    expect(steadyLogsOf(second)).toEqual([
      `INFO 1 stream: 1 with changes only. This run ends at ${NOW}.`,
      WARNING,
      `INFO Reading the changes of users since ${since}, up to ${NOW}.`,
      'INFO Read 5 records of 1 stream in N s.',
    ]);
    // And a third one reads nothing: nothing has changed since.
    const third = await source.readAll({ streams: ['users'], state: savedStates(first, second) });
    expect(recordsOf(third)).toEqual([]);
    expect(BigInt(String(lastState(third, 'users')?.['delta_cursor']))).toBeGreaterThan(
      BigInt(String(lastState(second, 'users')?.['delta_cursor'])),
    );
  });

  test('writes a tombstone as a record with nothing but its id', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(1));
    const first = await source.readAll({ streams: ['users'] });
    const [{ _id: id } = { _id: '' }] = source.deployment.documents('users');
    source.deployment.transaction((tx) => {
      tx.delete(id);
    });
    const second = await source.readAll({ streams: ['users'], state: savedStates(first) });
    const [line] = second.filter((text) => text.startsWith('{"type":"RECORD"'));
    expect(
      line!
        .replace(/\d{19}/g, 'TS')
        .replace(/"\d{4}-[^"]+"/g, '"ISO"')
        .replace(/\d{13}\}\}$/, 'T}}'),
    ).toBe(
      `{"type":"RECORD","record":{"stream":"users","data":{"_component":"","_table":"users","_ts":TS,"_deleted":true,"_id":"${id}","_ab_cdc_lsn":TS,"_ab_cdc_updated_at":"ISO","_ab_cdc_deleted_at":"ISO"},"emitted_at":T}}`,
    );
  });

  test('far behind walks through the log in pages', async () => {
    await using source = await Source.start({ limits: { deltaRows: 4 } });
    source.deployment.load('users', people(5));
    const first = await source.readAll({ streams: ['users'] });
    source.emulator.journal.clear();
    for (let i = 0; i < 40; i++) source.deployment.load('users', people(1, i));
    const second = await source.readAll({ streams: ['users'], state: savedStates(first) });
    expect(recordsOf(second)).toHaveLength(40);
    expect(source.emulator.journal.count('/api/document_deltas')).toBe(10);
    expectTruth(source, 'users', [first, second]);
  });

  test('ends at the present of its beginning, however much is written meanwhile', async () => {
    await using source = await Source.start({ limits: { deltaRows: 2 } });
    source.deployment.load('users', people(3));
    const first = await source.readAll({ streams: ['users'] });
    source.deployment.load('users', people(6), { perTransaction: 1 });
    // From its first look at the log on, every request finds more than it reads.
    const { journal } = source.emulator;
    const write = setInterval(() => {
      if (journal.count('/api/document_deltas') > 0) source.deployment.load('users', people(8), { perTransaction: 1 });
    }, 1);
    const second = await source.readAll({ streams: ['users'], state: savedStates(first) });
    clearInterval(write);
    // Three pages of two, and the first that reaches beyond the beginning of the run.
    expect(journal.count('/api/document_deltas')).toBe(4);
    expect(recordsOf(second).length).toBeGreaterThanOrEqual(6);
    const third = await source.readAll({ streams: ['users'], state: savedStates(first, second) });
    expectTruth(source, 'users', [first, second, third]);
  });
});

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
      `INFO 2 streams: 1 from the beginning, 1 with changes only. This run ends at ${NOW}.`,
      WARNING,
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
    expect(logsOf(second)).toContain(WARNING);
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

describe('a full refresh', () => {
  const FULL = { name: 'users', mode: 'full_refresh' };

  /** A state of a run that stopped after its first page. */
  async function interrupted(source: Source, syncId: number): Promise<{ lines: string[]; records: RecordLine[] }> {
    source.emulator.faults.add({
      kind: 'status',
      status: 401,
      code: 'BadAdminKey',
      path: '/api/list_snapshot',
      after: 2,
    });
    const { lines, code } = await source.read({ streams: [{ ...FULL, syncId }] });
    expect(code).toBe(1);
    return { lines, records: recordsOf(lines) };
  }

  test('goes on where an earlier attempt stopped', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 4 } });
    source.deployment.load('users', people(10));
    const first = await interrupted(source, 7);
    expect(first.records).toHaveLength(4);
    const before = source.truth('users');
    change(source);
    const lines = await source.readAll({ streams: [{ ...FULL, syncId: 7 }], state: savedStates(first.lines) });
    // As of the first attempt: not a mixture of two times.
    expect(replay([...first.records, ...recordsOf(lines)], 'users')).toEqual(before);
    expect(recordsOf(lines)).toHaveLength(6);
    expect(lastState(lines, 'users')).toMatchObject({ snapshot_has_more: false, sync_id: 7 });
    expect(logsOf(lines)[0]).toBe(`INFO 1 stream: 1 from the middle of a snapshot. This run ends at ${NOW}.`);
  });

  test('is not done twice by attempts of one sync, but by the next sync', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const first = await source.readAll({ streams: [{ ...FULL, syncId: 7 }] });
    source.emulator.journal.clear();
    const second = await source.readAll({ streams: [{ ...FULL, syncId: 7 }], state: savedStates(first) });
    expect(recordsOf(second)).toEqual([]);
    expect(lastState(second, 'users')).toEqual(lastState(first, 'users'));
    expect(logsOf(second)[0]).toBe(
      `INFO 1 stream: 1 that an earlier attempt has read completely. This run ends at ${NOW}.`,
    );
    expect(source.emulator.journal.count('/api/list_snapshot')).toBe(1);
    const third = await source.readAll({ streams: [{ ...FULL, syncId: 8 }], state: savedStates(first, second) });
    expect(recordsOf(third)).toHaveLength(3);
  });

  test.each([[1], [null], [undefined]])('is done anew where no sync is named: sync_id %j', async (syncId) => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const wanted = syncId === undefined ? FULL : { ...FULL, syncId };
    const first = await source.readAll({ streams: [wanted] });
    const second = await source.readAll({ streams: [wanted], state: savedStates(first) });
    expect(recordsOf(second)).toHaveLength(3);
  });

  test('after incremental syncs reads all', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const first = await source.readAll({ streams: ['users'] });
    expect(recordsOf(await source.readAll({ streams: [FULL], state: savedStates(first) }))).toHaveLength(3);
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
    const head = emulator.journal.of('/api/list_snapshot').slice(1);
    const asked = head.map(({ body }) => /"snapshot":(\d+)/.exec(body)?.[1]);
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
      .slice(1)
      .map(({ body }) => /"snapshot":(\d+)/.exec(body)?.[1]);
    expect(new Set(asked)).toEqual(new Set([String(lastState(first, 'a')?.['delta_cursor'])]));
    expectTruth(source, 'a', [first, second]);
    // At that time its documents were not there yet: they come as changes.
    expectTruth(source, 'b', [second]);
  });
});

describe('states of the Python source', () => {
  test('in the snapshot: an integer timestamp, digit for digit', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    source.deployment.load('users', people(7));
    source.emulator.faults.add({
      kind: 'status',
      status: 401,
      code: 'BadAdminKey',
      path: '/api/list_snapshot',
      after: 2,
    });
    const { lines: first } = await source.read({ streams: ['users'] });
    const { snapshot_cursor, delta_cursor } = lastState(first, 'users') as Record<string, string>;
    change(source);
    source.emulator.journal.clear();
    const state = `[{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"snapshot_cursor":${JSON.stringify(snapshot_cursor)},"snapshot_has_more":true,"delta_cursor":${delta_cursor}}}}]`;
    const second = await source.readAll({ streams: ['users'], state });
    expectTruth(source, 'users', [first, second]);
    expect(source.emulator.journal.of('/api/list_snapshot')[1]?.body).toContain(`"snapshot":${delta_cursor},`);
  });

  test('in the change log: the old snapshot cursor means nothing', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(7));
    const first = await source.readAll({ streams: ['users'] });
    const cursor = String(lastState(first, 'users')?.['delta_cursor']);
    change(source);
    const state = `[{"type":"STREAM","stream":{"stream_descriptor":{"name":"users","namespace":null},"stream_state":{"snapshot_cursor":"2345","snapshot_has_more":false,"delta_cursor":${cursor},"delta_has_more":false}}}]`;
    const second = await source.readAll({ streams: ['users'], state });
    expectTruth(source, 'users', [first, second]);
    expect(source.emulator.journal.of('/api/document_deltas')[0]?.body).toContain(`{"cursor":${cursor},`);
  });

  test('before its first page', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    const state = [stateOf('users', { snapshot_cursor: null, snapshot_has_more: true, delta_cursor: null })];
    expectTruth(source, 'users', [await source.readAll({ streams: ['users'], state })]);
  });
});

describe('state files', () => {
  test.each([
    ['an empty list', '[]'],
    ['an empty object', '{}'],
    ['null', ' null\n'],
    ['nothing', ''],
    ['a byte order mark and nothing', '\ufeff[]'],
    [
      'states without content',
      '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":null}},{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{}}}]',
    ],
    ['an empty legacy state', '{"type":"LEGACY","data":{}}'],
    ['a GLOBAL state without streams', '{"type":"GLOBAL","global":{"shared_state":{"x":1},"stream_states":[]}}'],
  ])('%s: everything is read', async (_what, state) => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    expect(recordsOf(await source.readAll({ streams: ['users'], state }))).toHaveLength(2);
  });

  test.each<[string, (stream: string) => string]>([
    ['a list of STREAM states', (stream) => `[{"type":"STREAM","stream":${stream}}]`],
    ['a single state', (stream) => `{"type":"STREAM","stream":${stream}}`],
    [
      'a state with the nulls of PyAirbyte',
      (stream) =>
        `[{"type":"STREAM","stream":${stream},"global_":null,"data":null,"sourceStats":null,"destinationStats":null}]`,
    ],
    ['a GLOBAL state', (stream) => `[{"type":"GLOBAL","global":{"shared_state":null,"stream_states":[${stream}]}}]`],
    [
      'a GLOBAL state as PyAirbyte spells it',
      (stream) => `[{"type":"GLOBAL","stream":null,"global_":{"shared_state":{},"stream_states":[${stream}]}}]`,
    ],
    ['a saved message', (stream) => `{"type":"STATE","state":{"type":"STREAM","stream":${stream}}}`],
    ['a state that the platform has numbered', (stream) => `[{"type":"STREAM","stream":${stream},"id":3}]`],
  ])('%s: only changes are read', async (_what, write) => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const first = await source.readAll({ streams: ['users'] });
    const [saved] = savedStates(first) as { stream: object }[];
    source.deployment.load('users', people(1, 9));
    const lines = await source.readAll({ streams: ['users'], state: write(JSON.stringify(saved!.stream)) });
    expect(recordsOf(lines)).toHaveLength(1);
  });

  test.each([
    [
      'no JSON',
      '[{"type":',
      'The state file is not valid: it is not JSON. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'a number',
      '7',
      'The state file is not valid: byte 0 does not start a JSON object. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'a state that names no stream',
      '[{"type":"STREAM","stream":{"stream_state":{"a":1}}}]',
      'The state file is not valid: a state in it names no stream. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'a legacy state',
      '{"type":"LEGACY","data":{"users":{"delta_cursor":1}}}',
      'The state file holds a state of the type LEGACY, which cannot be assigned to streams. Clear the streams and sync them anew.',
    ],
  ])('%s: nothing is read', async (_what, state, message) => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    const { code, lines } = await source.read({ streams: ['users'], state });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([{ failure_type: 'config_error', message }]);
    expect(source.emulator.journal.count()).toBe(0);
  });

  test('that does not exist', async () => {
    await using source = await Source.start();
    const { lines } = await source.readWith(['--state', '/nowhere/state.json'], { streams: ['users'] });
    expect(errorsOf(lines)).toEqual([
      {
        failure_type: 'config_error',
        message: 'The state file cannot be read: it does not exist. Check the path that was given with --state.',
      },
    ]);
  });
});

describe('a state that cannot be gone on from costs its stream only', () => {
  const REFRESH = 'Refresh (or clear) the stream to read it anew.';
  const cursor = '1790000000124494963';
  test.each<[string, unknown, string]>([
    [
      'of another source',
      { cursor: '2026-01-01' },
      `The saved state of stream "users" lacks snapshot_has_more, so it is not a state of source-convex. ${REFRESH}`,
    ],
    ['that is a list', [1], `The saved state of stream "users" is not a JSON object. ${REFRESH}`],
    [
      'with a timestamp that is none',
      { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: '2026-01-01' },
      `The saved state of stream "users" has a delta_cursor that is no timestamp. ${REFRESH}`,
    ],
    [
      'with a timestamp that no clock of Convex will show',
      { snapshot_cursor: null, snapshot_has_more: true, delta_cursor: '9999999999999999999' },
      `The saved state of stream "users" has a delta_cursor that is no timestamp. ${REFRESH}`,
    ],
    [
      'without a timestamp',
      { snapshot_cursor: null, snapshot_has_more: false },
      `The saved state of stream "users" lacks delta_cursor. ${REFRESH}`,
    ],
    [
      'of another deployment',
      { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: cursor, deployment: 'wise-heron-101' },
      'The saved state of stream "users" was saved from the deployment wise-heron-101, but this connection reads happy-otter-123. Refresh (or clear) the stream to read it anew from here, or correct the deployment URL and the deploy key.',
    ],
  ])('%s', async (_what, content, message) => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    source.deployment.load('posts', people(2));
    const { code, lines } = await source.read({ streams: ['users', 'posts'], state: [stateOf('users', content)] });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([{ failure_type: 'config_error', stream_descriptor: { name: 'users' }, message }]);
    expectTruth(source, 'posts', [lines]);
    expect(statesOf(lines).some((state) => JSON.stringify(state).includes('"users"'))).toBe(false);
  });

  test('a snapshot position that the deployment does not know', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    source.deployment.load('posts', people(2));
    const head = String(source.deployment.now());
    const content = { snapshot_cursor: '{"tablet":"x","id":"y"}', snapshot_has_more: true, delta_cursor: head };
    const { code, lines } = await source.read({ streams: ['users', 'posts'], state: [stateOf('users', content)] });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([
      {
        failure_type: 'config_error',
        stream_descriptor: { name: 'users' },
        message:
          '127.0.0.1 does not know the saved position (400 InvalidListSnapshotCursor): the state is of another deployment, or the deployment was restored from a backup since. Refresh (or clear) the stream to read it anew.',
      },
    ]);
    expectTruth(source, 'posts', [lines]);
  });

  test('a snapshot of a time that has not come: streams that would have joined it do not share its fate', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    source.deployment.load('posts', people(2));
    const future = String(source.deployment.now() + 86_400_000_000_000n);
    const content = { snapshot_cursor: null, snapshot_has_more: true, delta_cursor: future };
    const { code, lines } = await source.read({ streams: ['users', 'posts'], state: [stateOf('users', content)] });
    expect(code).toBe(1);
    expect(
      errorsOf(lines).map(({ message, stream_descriptor }) => [stream_descriptor?.name, message.slice(0, 67)]),
    ).toEqual(
      [['users', '127.0.0.1 does not know the saved position (400 SnapshotTooNew): the']].map(([name, text]) => [
        name,
        text!.slice(0, 67),
      ]),
    );
    expectTruth(source, 'posts', [lines]);
  });
});

describe('a cursor in the future', () => {
  test('reads nothing, says so, and loses nothing later', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const first = await source.readAll({ streams: ['users'] });
    const future = '2652635567679741986';
    const state = [stateOf('users', { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: future })];
    const second = await source.readAll({ streams: ['users'], state });
    expect(recordsOf(second)).toEqual([]);
    expect(statesOf(second).length).toBeGreaterThan(0);
    expect(logsOf(second)).toContain(
      `WARN The saved position of users (2054-01-21 19:12:47 UTC) lies ahead of the deployment's present (${NOW}). Reading goes on from the present. If the deployment was restored from a backup, or the state is of another one, refresh the stream.`,
    );
    change(source);
    const third = await source.readAll({ streams: ['users'], state: savedStates(second) });
    expectTruth(source, 'users', [first, third]);
  });

  test('by a little, as clocks of servers differ, is stayed at', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const cursor = String(source.deployment.now() + 60_000_000_000n);
    const state = [stateOf('users', { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: cursor })];
    const lines = await source.readAll({ streams: ['users'], state });
    expect(recordsOf(lines)).toEqual([]);
    expect(lastState(lines, 'users')?.['delta_cursor']).toBe(cursor);
    expect(source.emulator.journal.count('/api/document_deltas')).toBe(0);
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
