import { describe, expect, test } from 'vitest';
import { descriptorKey } from '../../shared/core/stream-descriptor.ts';
import type { ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { planStreams, snapshotWalks, type Plan } from '../../source-convex/streaming-export/plan.ts';

const T1 = '1790000000124494963';
const T2 = '1790000000124494964';
const HEAD = '1790000000999999999';

type Sync = 'full_refresh' | 'incremental';

function planOne(
  state: string | undefined,
  {
    name = 'users',
    namespace,
    mode = 'incremental',
    syncId,
    tables = new Set(['\0users', 'comp\0users']),
    deployment = 'happy-otter-123',
  }: {
    name?: string;
    namespace?: string;
    mode?: Sync;
    syncId?: number | null;
    tables?: ReadonlySet<string> | undefined | 'unknown';
    deployment?: string;
  } = {},
) {
  const descriptor = namespace === undefined ? { name } : { name, namespace };
  const configured = {
    stream: { ...descriptor, json_schema: {}, supported_sync_modes: ['full_refresh', 'incremental'] },
    sync_mode: mode,
    destination_sync_mode: 'append',
    ...(syncId === undefined ? {} : { sync_id: syncId }),
  } as ConfiguredAirbyteStream;
  const [planned] = planStreams({
    configured: [configured],
    states: new Map(state === undefined ? [] : [[descriptorKey(descriptor), state]]),
    tables: tables === 'unknown' ? undefined : tables,
    deployment: deployment === 'unknown' ? undefined : deployment,
  });
  return planned!;
}

/** A plan in short. */
function short(plan: Plan): string {
  switch (plan.kind) {
    case 'snapshot':
      return 'snapshot';
    case 'resume':
      return `resume ${plan.snapshot} ${plan.cursor}`;
    case 'changes':
    case 'done':
      return `${plan.kind} ${plan.cursor}`;
    case 'failed':
      return `failed: ${plan.failure.failureType}: ${plan.failure.message}`;
  }
}

const snapshotState = (cursor: string | null, more = '') =>
  `{"snapshot_cursor":${JSON.stringify(cursor)},"snapshot_has_more":true,"delta_cursor":"${T1}"${more}}`;
const logState = (more = '') => `{"snapshot_cursor":null,"snapshot_has_more":false,"delta_cursor":"${T1}"${more}}`;

describe('what a stream needs', () => {
  test.each<[string, string | undefined, Parameters<typeof planOne>[1], string]>([
    ['no state', undefined, {}, 'snapshot'],
    ['no state, full refresh', undefined, { mode: 'full_refresh' }, 'snapshot'],
    ['the middle of a snapshot', snapshotState('c'), {}, `resume ${T1} c`],
    [
      'the middle of a snapshot, full refresh, of no known sync',
      snapshotState('c'),
      { mode: 'full_refresh' },
      'snapshot',
    ],
    [
      'the middle of a full refresh of this sync',
      snapshotState('c', ',"sync_id":7'),
      { mode: 'full_refresh', syncId: 7 },
      `resume ${T1} c`,
    ],
    [
      'the beginning of a full refresh of this sync',
      snapshotState(null, ',"sync_id":7'),
      { mode: 'full_refresh', syncId: 7 },
      `resume ${T1} null`,
    ],
    [
      'the middle of a full refresh of another sync',
      snapshotState('c', ',"sync_id":6'),
      { mode: 'full_refresh', syncId: 7 },
      'snapshot',
    ],
    [
      'the middle of a full refresh of version 0.1.0',
      snapshotState('c'),
      { mode: 'full_refresh', syncId: 7 },
      'snapshot',
    ],
    [
      'the middle of a full refresh of PyAirbyte',
      snapshotState('c', ',"sync_id":1'),
      { mode: 'full_refresh', syncId: 1 },
      'snapshot',
    ],
    [
      'the middle of a full refresh, now incremental',
      snapshotState('c', ',"sync_id":6'),
      { syncId: 7 },
      `resume ${T1} c`,
    ],
    ['the beginning of a snapshot', snapshotState(null), {}, `resume ${T1} null`],
    ['the change log', logState(), {}, `changes ${T1}`],
    ['the change log, full refresh', logState(), { mode: 'full_refresh' }, 'snapshot'],
    ['nothing read yet', '{"snapshot_cursor":null,"snapshot_has_more":true,"delta_cursor":null}', {}, 'snapshot'],
    ['a full refresh of this sync', logState(',"sync_id":7'), { mode: 'full_refresh', syncId: 7 }, `done ${T1}`],
    ['a full refresh of another sync', logState(',"sync_id":6'), { mode: 'full_refresh', syncId: 7 }, 'snapshot'],
    ['a full refresh of a sync that has no number', logState(',"sync_id":7'), { mode: 'full_refresh' }, 'snapshot'],
    ['a full refresh of PyAirbyte', logState(',"sync_id":1'), { mode: 'full_refresh', syncId: 1 }, 'snapshot'],
    ['a full refresh before, now incremental', logState(',"sync_id":7'), { syncId: 7 }, `changes ${T1}`],
    ['this deployment', logState(',"deployment":"happy-otter-123"'), {}, `changes ${T1}`],
    [
      'a deployment, and it is not known which this is',
      logState(',"deployment":"x"'),
      { deployment: 'unknown' },
      `changes ${T1}`,
    ],
    ['a component', undefined, { namespace: 'comp' }, 'snapshot'],
  ])('%s', (_what, state, options, expected) => {
    expect(short(planOne(state, options).plan)).toBe(expected);
  });

  const REMEDY = 'Refresh (or clear) the stream to read it anew';
  test.each<[string, string | undefined, Parameters<typeof planOne>[1], string]>([
    [
      'another deployment',
      logState(',"deployment":"wise-heron-101"'),
      {},
      `The saved state of stream "users" was saved from the deployment wise-heron-101, but this connection reads happy-otter-123. ${REMEDY} from here, or correct the deployment URL and the deploy key.`,
    ],
    [
      'another source',
      '{"cursor":1}',
      {},
      `The saved state of stream "users" lacks snapshot_has_more, so it is not a state of source-convex. ${REMEDY}.`,
    ],
    ['no JSON object', '[1]', {}, `The saved state of stream "users" is not a JSON object. ${REMEDY}.`],
    [
      'a missing table',
      undefined,
      { name: 'posts' },
      'The deployment has no table "posts". It may be misspelt, not created yet, or of another deployment. Refresh the source\'s schema and deselect the stream, or create the table.',
    ],
    [
      'a missing table that was there',
      logState(),
      { name: 'posts', namespace: 'comp' },
      'The deployment has no table "posts" in the component "comp". It was synced before, so it was dropped or renamed since; what was synced stays in the destination. Refresh the source\'s schema and deselect the stream, or create the table.',
    ],
    [
      'a name that no table can have, where tables are not known',
      undefined,
      { name: 'my-table', tables: 'unknown' },
      'The deployment has no table "my-table". It may be misspelt, not created yet, or of another deployment. Refresh the source\'s schema and deselect the stream, or create the table.',
    ],
  ])('fails: %s', (_what, state, options, message) => {
    const { plan, descriptor } = planOne(state, options);
    expect(short(plan)).toBe(`failed: config_error: ${message}`);
    expect(plan.kind === 'failed' && plan.failure.stream).toEqual(descriptor);
  });

  test('is not known to be missing where tables are not known', () => {
    expect(short(planOne(undefined, { name: 'posts', namespace: 'a/b', tables: 'unknown' }).plan)).toBe('snapshot');
  });

  test('namespaces: absent, null and empty are the root', () => {
    expect(planOne(undefined, { namespace: '' })).toMatchObject({
      component: '',
      table: 'users',
      descriptor: { name: 'users' },
    });
    expect(planOne(undefined, { namespace: 'comp' })).toMatchObject({ component: 'comp', table: 'users' });
  });
});

describe('the walks that snapshots take', () => {
  const fresh = (name: string) => ({ name, plan: { kind: 'snapshot' } as Plan });
  const resume = (name: string, snapshot: string, cursor: string | null) => ({
    name,
    plan: { kind: 'resume', snapshot, cursor } as Plan,
  });
  const changes = { name: 'd', plan: { kind: 'changes', cursor: T1 } as Plan };

  test.each([
    ['none', [changes], []],
    ['all fresh: one walk at the present', [fresh('a'), changes, fresh('b')], [[HEAD, null, 'ab']]],
    ['one interrupted: alone, from its position', [resume('a', T1, 'c')], [[T1, 'c', 'a']]],
    [
      'two interrupted at one time: each alone',
      [resume('a', T1, 'c'), resume('b', T1, 'd')],
      [
        [T1, 'c', 'a'],
        [T1, 'd', 'b'],
      ],
    ],
    [
      'interrupted before their first page: together',
      [resume('a', T1, null), resume('b', T1, null)],
      [[T1, null, 'ab']],
    ],
    [
      'fresh ones join the only time there is',
      [fresh('x'), resume('a', T1, 'c'), resume('b', T1, null)],
      [
        [T1, 'c', 'a'],
        [T1, null, 'bx'],
      ],
    ],
    [
      'fresh ones join none of several',
      [fresh('x'), resume('a', T1, 'c'), resume('b', T2, null), fresh('y')],
      [
        [T1, 'c', 'a'],
        [T2, null, 'b'],
        [HEAD, null, 'xy'],
      ],
    ],
  ])('%s', (_what, streams, walks) => {
    const found = snapshotWalks(streams, HEAD);
    expect(
      found.map(({ snapshot, cursor, streams }) => [snapshot, cursor, streams.map(({ name }) => name).join('')]),
    ).toEqual(walks);
  });
});
