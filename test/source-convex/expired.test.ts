/** Positions that the deployment does not keep any more. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf, statusesOf } from '../support/messages.ts';
import { lastState, NOW, people, recordsOf, replay, savedStates, Source } from './setup.ts';

const DAY = 86_400_000_000_000n;
const REMEDY =
  'What was deleted since cannot be found out, so reading on would leave deleted documents in the destination. Refresh these streams (or clear and sync them) to read them anew. Sync more often than the deployment\'s retention to avoid this, or set "When the saved position has expired" to "Re-sync data".';
const RESYNC = { expired_cursor_behavior: 'Re-sync data' };

/** A stream that stopped after one page of its snapshot. */
async function interrupt(source: Source, table: string): Promise<string[]> {
  const { faults } = source.emulator;
  const heal = faults.add({ kind: 'status', status: 401, code: 'BadAdminKey', path: '/api/list_snapshot', after: 2 });
  const { code, lines } = await source.read({ streams: [table] });
  heal();
  expect(code).toBe(1);
  expect(lastState(lines, table)).toMatchObject({ snapshot_has_more: true });
  return lines;
}

describe('a position in the change log that has expired', () => {
  test('fails its streams, with the remedy; the others go on', async () => {
    await using source = await Source.start();
    for (const table of ['a', 'b', 'c']) source.deployment.load(table, people(3));
    const old = await source.readAll({ streams: ['a', 'b'] });
    source.deployment.advance(20n * DAY);
    const young = await source.readAll({ streams: ['c'] });
    for (const table of ['a', 'b', 'c']) source.deployment.load(table, people(1));
    source.emulator.journal.clear();
    const { code, lines } = await source.read({ streams: ['a', 'b', 'c'], state: savedStates(old, young) });
    expect(code).toBe(1);
    const message = `127.0.0.1 does not keep its documents' history back to ${NOW} any more, where a, b stopped. ${REMEDY}`;
    expect(errorsOf(lines)).toEqual(
      ['a', 'b'].map((name) => ({ failure_type: 'config_error', stream_descriptor: { name }, message })),
    );
    expect(recordsOf(lines).map(({ stream }) => stream)).toEqual(['c']);
    expect(statusesOf(lines).filter((status) => /COMPLETE/.test(status))).toEqual([
      'a INCOMPLETE',
      'b INCOMPLETE',
      'c COMPLETE',
    ]);
    expect(logsOf(lines).at(-1)).toBe('ERROR Not read completely: a, b.');
    // An answer that cannot change is not asked for again.
    expect(source.emulator.journal.count('/api/document_deltas')).toBe(2);
    // The state of the failed ones stays what it was: the next run fails as well, until they are refreshed.
    expect(lastState(lines, 'a')).toBeUndefined();
  });

  test('reads its streams anew where that was asked for, in one walk, and the next run goes on', async () => {
    await using source = await Source.start();
    for (const table of ['a', 'b', 'c', 'd']) source.deployment.load(table, people(3));
    const oldest = await source.readAll({ streams: ['a', 'b'] });
    source.deployment.systemWrite();
    const old = await source.readAll({ streams: ['c'] });
    source.deployment.advance(20n * DAY);
    const young = await source.readAll({ streams: ['d'] });
    const [gone] = [...source.deployment.documents('a')];
    source.deployment.transaction((tx) => {
      tx.delete(gone!._id);
    });
    for (const table of ['a', 'b', 'c', 'd']) source.deployment.load(table, people(1));
    source.emulator.journal.clear();
    const state = savedStates(oldest, old, young);
    const lines = await source.readAll({ streams: ['a', 'b', 'c', 'd'], state, config: RESYNC });
    for (const table of ['a', 'b', 'c']) expect(replay(recordsOf(lines), table)).toEqual(source.truth(table));
    expect(replay([...recordsOf(young), ...recordsOf(lines)], 'd')).toEqual(source.truth('d'));
    const warning = (streams: string) =>
      `WARN 127.0.0.1 does not keep its documents' history back to ${NOW} any more. As configured, ${streams} will be read anew; documents that were deleted since then remain in the destination until the streams are refreshed.`;
    expect(logsOf(lines).filter((line) => line.includes('history'))).toEqual([warning('a, b'), warning('c')]);
    const asked = source.emulator.journal.of('/api/list_snapshot').slice(1, -1);
    expect(new Set(asked.map(({ body }) => /"selection":.*/.exec(body)?.[0])).size).toBe(1);
    expect(lastState(lines, 'a')).toMatchObject({ snapshot_cursor: null, snapshot_has_more: false });
    source.deployment.load('a', people(1));
    const next = await source.readAll({ streams: ['a', 'b', 'c', 'd'], state: savedStates(lines) });
    expect(recordsOf(next).map(({ stream }) => stream)).toEqual(['a']);
  });
});

describe('a snapshot that has expired before it was read to its end', () => {
  test.each([
    ['is too old to be listed', 6n, {}],
    ['is older than the documents that are kept', 4n, { retention: 3n * DAY }],
  ])('%s: its stream fails, and one that would have joined it is read', async (_what, days, limits) => {
    await using source = await Source.start({ limits: { snapshotPage: 3, ...limits } });
    source.deployment.load('a', people(8));
    const first = await interrupt(source, 'a');
    source.deployment.advance(days * DAY);
    source.deployment.load('b', people(2));
    const { code, lines } = await source.read({ streams: ['a', 'b'], state: savedStates(first) });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([
      {
        failure_type: 'config_error',
        stream_descriptor: { name: 'a' },
        message: `127.0.0.1 does not keep its documents' history back to ${NOW} any more, where a stopped. ${REMEDY}`,
      },
    ]);
    expect(replay(recordsOf(lines), 'b')).toEqual(source.truth('b'));
    expect(statusesOf(lines)).toContain('b COMPLETE');
  });

  test('is taken anew where that was asked for', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    source.deployment.load('a', people(8));
    const first = await interrupt(source, 'a');
    source.deployment.advance(6n * DAY);
    source.deployment.load('b', people(2));
    const state = savedStates(first);
    const lines = await source.readAll({ streams: ['a', 'b'], state, config: RESYNC });
    for (const table of ['a', 'b']) expect(replay(recordsOf(lines), table)).toEqual(source.truth(table));
  });

  test.each([
    ['Fail sync', 'is too old to be listed', 6n, {}],
    ['Fail sync', 'is older than the documents that are kept', 4n, { retention: 3n * DAY }],
    ['Re-sync data', 'is too old to be listed', 6n, {}],
  ])(
    'S9: with %s, a full refresh whose snapshot %s begins anew by itself, and says so',
    async (behavior, _what, days, limits) => {
      await using source = await Source.start({ limits: { snapshotPage: 3, ...limits } });
      source.deployment.load('a', people(8));
      const { faults } = source.emulator;
      const heal = faults.add({
        kind: 'status',
        status: 401,
        code: 'BadAdminKey',
        path: '/api/list_snapshot',
        after: 2,
      });
      const streams = [{ name: 'a', mode: 'full_refresh', syncId: 7 }, 'b'];
      source.deployment.load('b', people(2));
      const first = await source.read({ streams: streams.slice(0, 1) });
      heal();
      expect(lastState(first.lines, 'a')).toMatchObject({ snapshot_has_more: true, sync_id: 7 });
      source.deployment.advance(days * DAY);
      source.deployment.load('a', people(2));
      const config = { expired_cursor_behavior: behavior };
      const lines = await source.readAll({ streams, state: savedStates(first.lines), config });
      for (const table of ['a', 'b']) expect(replay(recordsOf(lines), table)).toEqual(source.truth(table));
      expect(logsOf(lines)).toContain(
        `WARN The snapshot of ${NOW} that the full refresh of a was reading is not kept by 127.0.0.1 any more. The full refresh begins anew. Documents of its first part that were deleted since then stay in the destination until the next full refresh.`,
      );
      expect(logsOf(lines).filter((line) => line.includes('deletions'))).toEqual([]);
    },
  );

  test('is told from an outage: the deployment answers for it again', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    source.deployment.load('a', people(8));
    const first = await interrupt(source, 'a');
    const state = savedStates(first);
    // The first request pins the present.
    const OUTAGE = { kind: 'status', status: 503, code: 'InternalServerError', path: '/api/list_snapshot' } as const;
    source.emulator.faults.add({ ...OUTAGE, after: 1, times: 2 });
    const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '2' };
    const failed = await source.read({ streams: ['a'], state, env, config: RESYNC });
    expect(failed.code).toBe(1);
    expect(errorsOf(failed.lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(logsOf(failed.lines).join('\n')).not.toContain('will be read anew');
    const lines = await source.readAll({ streams: ['a'], state: savedStates(first, failed.lines) });
    expect(replay(recordsOf([...first, ...lines]), 'a')).toEqual(source.truth('a'));
  });

  test('while it is read: the streams that were not finished fail', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    source.deployment.load('a', people(8));
    source.emulator.faults.add({
      kind: 'status',
      status: 400,
      code: 'SnapshotTooOld',
      path: '/api/list_snapshot',
      after: 2,
    });
    const { code, lines } = await source.read({ streams: ['a'] });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'config_error', stream_descriptor: { name: 'a' } }]);
  });
});

describe('S11: changes that expire while they are read', () => {
  const GONE = {
    kind: 'status',
    status: 400,
    code: 'InvalidWindowToReadDocuments',
    path: '/api/document_deltas',
  } as const;

  test('S11: twice: the third snapshot of the run is followed by its changes, and the run ends with all of them', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    for (const table of ['a', 'b']) source.deployment.load(table, people(5));
    source.emulator.faults.add({ ...GONE, times: 2 });
    const lines = await source.readAll({ streams: ['a', 'b'], config: RESYNC });
    for (const table of ['a', 'b']) expect(replay(recordsOf(lines), table)).toEqual(source.truth(table));
    expect(lastState(lines, 'a')).toMatchObject({ snapshot_has_more: false });
    expect(lastState(lines, 'a')).toEqual(lastState(lines, 'b'));
    expect(snapshotsOf(source)).toBe(3);
    source.deployment.load('a', people(1));
    const next = await source.readAll({ streams: ['a', 'b'], state: savedStates(lines), config: RESYNC });
    expect(recordsOf(next)).toHaveLength(1);
  });

  test('S11: each time: the run ends after four snapshots, and says that too little history is kept', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    for (const table of ['a', 'b']) source.deployment.load(table, people(5));
    source.emulator.faults.add({ ...GONE, times: Infinity });
    const { code, lines } = await source.read({ streams: ['a', 'b'], config: RESYNC });
    expect(code).toBe(1);
    expect(errorsOf(lines).map(({ failure_type, stream_descriptor }) => [failure_type, stream_descriptor])).toEqual([
      ['config_error', { name: 'a' }],
      ['config_error', { name: 'b' }],
    ]);
    expect(errorsOf(lines)[0]!.message).toContain("does not keep its documents' history back to");
    expect(statusesOf(lines).filter((status) => status.endsWith('COMPLETE'))).toEqual(['a INCOMPLETE', 'b INCOMPLETE']);
    expect(snapshotsOf(source)).toBe(4);
  });

  /** The timestamps of which snapshots were read. */
  function snapshotsOf(source: Source): number {
    const asked = source.emulator.journal.of('/api/list_snapshot');
    return new Set(asked.flatMap(({ body }) => /"snapshot":"?(\d+)/.exec(body)?.[1] ?? [])).size;
  }
});
