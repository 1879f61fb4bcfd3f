/** Full refreshes, and their attempts. */
import { describe, expect, test } from 'vitest';
import { logsOf, statesOf } from '../support/messages.ts';
import { lastState, recordsOf, replay, savedStates, Source, people, change, NOW, type RecordLine } from './setup.ts';

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

  test.each([
    ['another sync', 7, 8],
    ['a sync that is not identified, as PyAirbyte calls each of its own', 7, 1],
    ['a sync without a number', 7, null],
  ])('S8: %s does not go on with an interrupted one, it begins anew', async (_what, before, after) => {
    await using source = await Source.start({ limits: { snapshotPage: 4 } });
    source.deployment.load('users', people(10));
    const first = await interrupted(source, before);
    change(source);
    const lines = await source.readAll({ streams: [{ ...FULL, syncId: after }], state: savedStates(first.lines) });
    // A destination has emptied the table for this sync: these records have to be the whole of it.
    expect(replay(recordsOf(lines), 'users')).toEqual(source.truth('users'));
    expect(logsOf(lines)).toContain(
      'INFO The saved state of users is of a full refresh that another sync did not finish. The stream is read from its beginning.',
    );
  });

  test('S8: a state of version 0.1.0 does not say which sync it belongs to: the full refresh begins anew', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 4 } });
    source.deployment.load('users', people(10));
    const first = await interrupted(source, 7);
    const old = JSON.stringify(savedStates(first.lines)).replace(/,"sync_id":7/, '');
    const lines = await source.readAll({ streams: [{ ...FULL, syncId: 7 }], state: old });
    expect(replay(recordsOf(lines), 'users')).toEqual(source.truth('users'));
  });

  test('S8: every state of an attempt says which sync it belongs to, also before its first page', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 4 } });
    source.deployment.load('users', people(10));
    const first = await interrupted(source, 7);
    source.emulator.faults.add({
      kind: 'status',
      status: 401,
      code: 'BadAdminKey',
      path: '/api/list_snapshot',
      after: 2,
    });
    const state = savedStates(first.lines);
    const second = await source.read({ streams: [{ ...FULL, syncId: 7 }], state });
    expect(second.code).toBe(1);
    for (const message of [...statesOf(first.lines), ...statesOf(second.lines)])
      expect(message).toMatchObject({ stream: { stream_state: { sync_id: 7 } } });
  });

  test('S8: an incremental stream goes on with its snapshot in whichever sync', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 4 } });
    source.deployment.load('users', people(10));
    source.emulator.faults.add({
      kind: 'status',
      status: 401,
      code: 'BadAdminKey',
      path: '/api/list_snapshot',
      after: 2,
    });
    const first = await source.read({ streams: [{ name: 'users', syncId: 7 }] });
    const state = savedStates(first.lines);
    const lines = await source.readAll({ streams: [{ name: 'users', syncId: 8 }], state });
    expect(recordsOf(lines)).toHaveLength(6);
    expect(replay([...recordsOf(first.lines), ...recordsOf(lines)], 'users')).toEqual(source.truth('users'));
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
