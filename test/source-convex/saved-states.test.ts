/** States of other versions, in all files that runners write, and states that nothing can be done with. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf, statesOf } from '../support/messages.ts';
import { lastState, recordsOf, savedStates, Source, stateOf, people, change, expectTruth, NOW } from './setup.ts';

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
