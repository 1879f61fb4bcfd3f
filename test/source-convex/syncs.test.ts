/** A first sync, and those after it. */
import { describe, expect, test } from 'vitest';
import { statesOf, statusesOf } from '../support/messages.ts';
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

describe('a first sync', () => {
  test('line by line', async () => {
    await using source = await Source.start();
    source.deployment.load('users', [{ name: 'Ada' }]);
    source.deployment.load('keys', [{ key: 'k' }], { component: 'betterAuth' });
    const [user] = [...source.deployment.documents('users')];
    const [key] = [...source.deployment.documents('keys', 'betterAuth')];
    const streams: Wanted[] = ['users', { name: 'keys', namespace: 'betterAuth' }];
    const lines = await source.readAll({ streams });
    const end = String(lastState(lines, 'users')?.['delta_cursor']);
    const [first, second] = source.emulator.journal.of('/api/list_snapshot').slice(1);
    const snapshot = /"snapshot":(\d{19})/.exec(first?.body ?? '')?.[1] ?? '';
    expect(first?.body).toBe(
      `{"snapshot":${snapshot},"selection":{"_other":"excluded","":{"_other":"excluded","users":{"_other":"included"}},"betterAuth":{"_other":"excluded","keys":{"_other":"included"}}},"format":"json"}`,
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
    const state = (stream: string, more: boolean, count: number, head = snapshot) =>
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
      log('2 streams: 2 from the beginning. This run ends with what is committed when its snapshots are finished.'),
      log(`Reading users, betterAuth.keys as of ${NOW}.`),
      state(users, true, 0),
      state(keys, true, 0),
      status(one[0], 'RUNNING'),
      one[1],
      status(other[0], 'RUNNING'),
      other[1],
      state(users, false, usersFirst ? 0 : 1),
      state(keys, false, usersFirst ? 1 : 0),
      log(`Reading the changes of users, betterAuth.keys since ${NOW}, up to ${NOW}.`),
      state(users, false, 0, end),
      status(users, 'COMPLETE'),
      state(keys, false, 0, end),
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
    expect(statesOf(lines)).toHaveLength(3);
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
      LOG_REMARK,
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

  test('S11: that reads its first snapshot for long ends with what was committed meanwhile', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 2 } });
    source.deployment.load('users', people(9));
    source.deployment.load('posts', people(3));
    const { journal } = source.emulator;
    // Each page of the snapshot is followed by a change, in both tables.
    const seen = new Set<number>();
    const write = setInterval(() => {
      const pages = journal.count('/api/list_snapshot');
      if (pages < 2 || seen.has(pages) || journal.count('/api/document_deltas') > 0) return;
      seen.add(pages);
      change(source, 'users');
      source.deployment.load('posts', people(1));
    }, 1);
    source.emulator.faults.add({ kind: 'latency', ms: 30, path: '/api/list_snapshot', times: Infinity });
    const lines = await source.readAll({ streams: ['users', 'posts'] });
    clearInterval(write);
    expect(seen.size).toBeGreaterThan(1);
    for (const table of ['users', 'posts']) expectTruth(source, table, [lines]);
    // Both streams end at one commit.
    expect(lastState(lines, 'users')).toEqual(lastState(lines, 'posts'));
  });

  test('S11: of full refreshes only does not read the log', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    await source.readAll({ streams: [{ name: 'users', mode: 'full_refresh' }] });
    expect(source.emulator.journal.count('/api/document_deltas')).toBe(0);
    expect(source.emulator.journal.count('/api/list_snapshot')).toBe(2);
  });

  test('ends at the present of its beginning, however much is written meanwhile', async () => {
    await using source = await Source.start({ limits: { deltaRows: 2 } });
    source.deployment.load('users', people(3));
    const first = await source.readAll({ streams: ['users'] });
    source.deployment.load('users', people(6), { perTransaction: 1 });
    source.emulator.journal.clear();
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
