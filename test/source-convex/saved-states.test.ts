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
    source.emulator.journal.clear();
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
    ['S1: a list of an empty object', '[{}]'],
    ['S1: an API answer that says so', '{"stateType":"not_set","connectionId":"c"}'],
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

  /** The descriptor and the state of a stream, as STREAM states hold them. */
  interface Saved {
    stream_descriptor: { name: string };
    stream_state: Record<string, unknown>;
  }
  const text = JSON.stringify;

  test.each<[string, (saved: Saved) => string]>([
    ['a dictionary by stream name', ({ stream_state }) => text({ users: stream_state })],
    [
      'a dictionary by stream name, with states of other streams',
      ({ stream_state }) => text({ x: { a: 1 }, users: stream_state }),
    ],
    [
      'a dictionary with the integers of the Python source',
      ({ stream_state }) => text({ users: stream_state }).replace(/"(\d{19})"/, '$1'),
    ],
    ['a dictionary of STREAM states', (stream) => text({ users: { type: 'STREAM', stream } })],
    ['a list of dictionaries', ({ stream_state }) => text([{ users: stream_state }])],
    ['LEGACY data by stream name', ({ stream_state }) => text({ type: 'LEGACY', data: { users: stream_state } })],
    ['data without a type', ({ stream_state }) => text({ data: { users: stream_state } })],
    ['the inner object of a STATE message', (stream) => text(stream)],
    ['a list of inner objects', (stream) => text([stream])],
    [
      "what Airbyte's settings page shows",
      ({ stream_descriptor, stream_state }) =>
        text([{ streamDescriptor: stream_descriptor, streamState: stream_state }]),
    ],
    [
      "what Airbyte's API answers",
      ({ stream_descriptor, stream_state }) =>
        text({
          stateType: 'stream',
          connectionId: 'c',
          streamState: [{ streamDescriptor: stream_descriptor, streamState: stream_state }],
          globalState: null,
        }),
    ],
    [
      "a GLOBAL state as Airbyte's API answers it",
      ({ stream_descriptor, stream_state }) =>
        text({
          stateType: 'global',
          globalState: {
            sharedState: null,
            streamStates: [{ streamDescriptor: stream_descriptor, streamState: stream_state }],
          },
        }),
    ],
    [
      'STATE messages, one a line',
      (stream) =>
        [{ ...stream, stream_state: { old: 1 } }, stream]
          .map((each) => `${text({ type: 'STATE', state: { type: 'STREAM', stream: each } })}\n`)
          .join(''),
    ],
    [
      'states, one a line',
      (stream) =>
        `${text({ type: 'STREAM', stream })}\n${text({ type: 'STREAM', stream: { stream_descriptor: { name: 'x' }, stream_state: { a: 1 } } })}`,
    ],
    ['states in an object', (stream) => text({ state: [{ type: 'STREAM', stream }] })],
  ])('S1: %s: only changes are read, from the very position', async (_what, write) => {
    await using source = await Source.start();
    source.deployment.load('users', people(3));
    const [saved] = savedStates(await source.readAll({ streams: ['users'] })) as { stream: Saved }[];
    source.deployment.load('users', people(1, 9));
    source.emulator.journal.clear();
    const lines = await source.readAll({ streams: ['users'], state: write(saved!.stream) });
    expect(recordsOf(lines)).toHaveLength(1);
    expect(source.emulator.journal.of('/api/document_deltas')[0]?.body).toContain(
      `{"cursor":${String(saved!.stream.stream_state['delta_cursor'])},`,
    );
  });

  test('S1: states of other streams only: everything is read, and it is said', async () => {
    await using source = await Source.start();
    source.deployment.load('users', people(2));
    const state = [
      stateOf('Users', { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: '1790000000124494963' }),
    ];
    const lines = await source.readAll({ streams: ['users'], state });
    expect(recordsOf(lines)).toHaveLength(2);
    expect(logsOf(lines)).toContain(
      'WARN The state holds 1 stream (Users), but none that the catalog selects: every stream is read from its beginning. If a sync should have gone on, use the state of this connection.',
    );
  });

  test.each([
    [
      'no JSON',
      '[{"type":',
      'The state file is not valid: it is not JSON. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a number',
      '7',
      'The state file is not valid: it contains something that is not a state. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a list in a list',
      '[[]]',
      'The state file is not valid: it contains something that is not a state. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a list of null',
      '[null]',
      'The state file is not valid: it contains something that is not a state. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'a state that names no stream',
      '[{"type":"STREAM","stream":{"stream_state":{"a":1}}}]',
      'The state file is not valid: a state in it names no stream. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a STREAM state without its stream',
      '{"type":"STREAM"}',
      'The state file is not valid: a state in it names no stream. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a GLOBAL state without its streams',
      '{"type":"GLOBAL"}',
      'The state file is not valid: a GLOBAL state in it holds no states of streams. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a message without its state',
      '{"type":"STATE"}',
      'The state file is not valid: a message in it holds no state. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a legacy state of no known stream',
      '{"type":"LEGACY","data":{"posts":{"delta_cursor":1}}}',
      'The state file is not valid: it holds a state of the type LEGACY that does not say which stream of the catalog it is of. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a dictionary of no known stream',
      '{"bookmarks":{"x":{"delta_cursor":1}}}',
      'The state file is not valid: its keys ("bookmarks") are neither those of a state nor streams of the catalog. States are read as a list of STREAM states, one message a line, or an object with the name of a stream as each key. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: the state of a stream without its name',
      '{"snapshot_cursor":null,"snapshot_has_more":false,"delta_cursor":"1"}',
      'The state file is not valid: its keys ("snapshot_cursor", "snapshot_has_more", "delta_cursor") are neither those of a state nor streams of the catalog. States are read as a list of STREAM states, one message a line, or an object with the name of a stream as each key. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a message that is no state',
      '{"type":"RECORD","record":{"stream":"users","data":{}}}',
      'The state file is not valid: its keys ("type", "record") are neither those of a state nor streams of the catalog. States are read as a list of STREAM states, one message a line, or an object with the name of a stream as each key. Use the file that the last sync saved, or start anew without one.',
    ],
    [
      'S1: a dictionary that holds a text',
      '{"users":"1790000000124494963"}',
      'The state file is not valid: what it holds under the key "users" is not the state of a stream. Use the file that the last sync saved, or start anew without one.',
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
