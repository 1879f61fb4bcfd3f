import { describe, expect, test } from 'vitest';
import { carriers, chainsOf, startOf } from '../../../source-convex/data-sync/chain.ts';
import { ChangeLogReader } from '../../../source-convex/streaming-export/change-reader.ts';
import { heldAfter, inLog, withHeld, type SyncPlace } from '../../../source-convex/streaming-export/state.ts';
import { TableStream } from '../../../source-convex/streaming-export/table-stream.ts';

interface Stream {
  name: string;
  cursor: string;
  place: SyncPlace | undefined;
}

const T1 = '1790000000000000001';
const T2 = '1790000000000000002';
const T3 = '1790000000000000003';

function stream(name: string, cursor: string, chain?: string | null, hex?: string, ts = cursor): Stream {
  if (chain === undefined) return { name, cursor, place: undefined };
  return { name, cursor, place: { chain, held: [], cursor: hex === undefined ? undefined : { hex, ts } } };
}

/** The chains by name: the cursor that each goes on from, and its streams. */
function chainsByName(streams: readonly Stream[]) {
  const { followed, suspect, outside } = chainsOf(streams);
  const names = (list: readonly Stream[]) => list.map(({ name }) => name).join(' ');
  return {
    followed: followed.map(({ chain, streams: members }) => `${chain.id} from ${chain.cursor}: ${names(members)}`),
    suspect: names(suspect),
    outside: names(outside),
  };
}

describe('which streams follow which cursor', () => {
  test.each<[string, Stream[], ReturnType<typeof chainsByName>]>([
    ['no streams', [], { followed: [], suspect: '', outside: '' }],
    [
      'each with its cursor',
      [stream('a', T1, 'x', 'a1'), stream('b', T1, 'x', 'b1')],
      { followed: ['x from a1: a b'], suspect: '', outside: '' },
    ],
    [
      'the oldest cursor counts',
      [stream('a', T3, 'x', 'a3'), stream('b', T1, 'x', 'b1')],
      { followed: ['x from b1: a b'], suspect: '', outside: '' },
    ],
    [
      'one carries the cursor for all',
      [stream('a', T2, 'x'), stream('b', T1, 'x', 'b1')],
      { followed: ['x from b1: a b'], suspect: '', outside: '' },
    ],
    [
      'a stream that is older than each cursor of its chain',
      [stream('a', T1, 'x'), stream('b', T2, 'x', 'b2')],
      { followed: ['x from b2: b'], suspect: 'a', outside: '' },
    ],
    [
      'a cursor may be older than the stream that carries it',
      [stream('a', T2, 'x'), stream('b', T3, 'x', 'b1', T1)],
      { followed: ['x from b1: a b'], suspect: '', outside: '' },
    ],
    ['no state carries the cursor', [stream('a', T1, 'x')], { followed: [], suspect: 'a', outside: '' }],
    ['set aside by an earlier run', [stream('a', T1, null)], { followed: [], suspect: 'a', outside: '' }],
    ['never read so', [stream('a', T1)], { followed: [], suspect: '', outside: 'a' }],
    [
      'two chains after a kill',
      [stream('a', T1, 'x', 'a1'), stream('b', T2, 'y', 'b2')],
      { followed: ['x from a1: a', 'y from b2: b'], suspect: '', outside: '' },
    ],
  ])('%s', (_name, streams, expected) => {
    expect(chainsByName(streams)).toEqual(expected);
  });
});

test('a chain begins at the oldest position that needs it, and never after the present', () => {
  expect(startOf([], T2)).toBe(T2);
  expect(startOf([stream('a', T3), stream('b', T1)], T2)).toBe(T1);
  expect(startOf([stream('a', T3)], T2)).toBe(T2);
});

test.each([
  [162, 1, 1],
  [15_000, 100, 100],
  [15_000, 300, 139],
  [1_000_000, 10_000, 2],
  [4_000_000, 10_000, 1],
])('of a cursor of %i characters and %i streams, %i carry it', (length, streams, expected) => {
  expect(carriers('0'.repeat(length), streams)).toBe(expected);
});

test('a timestamp of what the destination may hold is named once', () => {
  const place: SyncPlace = { chain: 'x', held: [] };
  const once = withHeld(place, T2);
  expect(once.held).toEqual([T2]);
  expect(withHeld(once, T2)).toBe(once);
  expect(withHeld(once, T3).held).toEqual([T2, T3]);
});

test('what the log was read up to settles no later timestamp', () => {
  const place: SyncPlace = { chain: 'x', held: [T2, T3, T1] };
  expect(heldAfter(place, '0')).toEqual([T2, T3, T1]);
  expect(heldAfter(place, T1)).toEqual([T2, T3]);
  expect(heldAfter(place, T2)).toEqual([T3]);
  expect(heldAfter(place, T3)).toEqual([]);
});

test('reading the change log ends a comparison: the log brings older revisions than it has written', async () => {
  const planned = { descriptor: { name: 't' }, component: '', table: 't', excluded: [], incremental: true };
  const dataSync: SyncPlace = { chain: null, held: [T2], compared: { rows: [{ at: T2, upTo: 'x' }], gone: [] } };
  const plan = { kind: 'changes', cursor: T1, dataSync } as const;
  const stream = new TableStream(0, { ...planned, syncId: undefined, plan }, undefined);
  stream.resumeAt(inLog(T1));
  const reader = new ChangeLogReader({ keepsPlaces: true } as never);
  const kinds: string[] = [];
  for await (const event of reader.prepare([stream], T3)) kinds.push(event.kind);
  expect(kinds).toEqual(['resumed', 'positions', 'checkpoint']);
  expect(stream.place).toEqual({ chain: null, held: [T2, T1, T3], compared: undefined });
});
