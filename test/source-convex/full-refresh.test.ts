/** Full refreshes, and their attempts. */
import { describe, expect, test } from 'vitest';
import { logsOf } from '../support/messages.ts';
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
