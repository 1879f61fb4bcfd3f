import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatState,
  inLog,
  inSnapshot,
  samePosition,
  parseState,
  type StreamState,
} from '../../source-convex/streaming-export/state.ts';
import { StateError } from '../../source-convex/saved-state.ts';

const TS = '1790000000124494963';

describe('a state that is read', () => {
  const base: StreamState = { ...inLog(TS), deployment: undefined, syncId: undefined };
  test.each<[string, string, StreamState]>([
    ['ours', `{"snapshot_cursor":null,"snapshot_has_more":false,"delta_cursor":"${TS}"}`, base],
    [
      "the Python source's: an integer",
      `{"snapshot_cursor":"2345","snapshot_has_more":false,"delta_cursor":${TS}}`,
      { ...base, snapshotCursor: '2345' },
    ],
    [
      'its oldest: more members',
      `{"snapshot_cursor":null,"snapshot_has_more":false,"delta_cursor":${TS},"delta_has_more":true}`,
      base,
    ],
    [
      'in a snapshot',
      `{"snapshot_cursor":"{\\"tablet\\":\\"x\\"}","snapshot_has_more":true,"delta_cursor":"${TS}"}`,
      { ...base, ...inSnapshot(TS, '{"tablet":"x"}') },
    ],
    [
      'before the first page',
      '{"snapshot_cursor":null,"snapshot_has_more":true,"delta_cursor":null}',
      { ...base, snapshotHasMore: true, deltaCursor: undefined },
    ],
    ['without a snapshot cursor', `{"snapshot_has_more":false,"delta_cursor":"${TS}"}`, base],
    [
      'with a deployment and a sync',
      `{"snapshot_cursor":null,"snapshot_has_more":false,"delta_cursor":"${TS}","deployment":"a","sync_id":812}`,
      { ...base, deployment: 'a', syncId: 812 },
    ],
    [
      'with a sync beyond integers',
      `{"snapshot_has_more":false,"delta_cursor":"${TS}","sync_id":12345678901234567890}`,
      base,
    ],
    ['with blanks', ` { "snapshot_has_more" : false , "delta_cursor" : "${TS}" } `, base],
  ])('%s', (_what, raw, state) => {
    expect(parseState(raw)).toEqual(state);
  });

  test.each([
    ['[]', 'is not a JSON object'],
    ['7', 'is not a JSON object'],
    ['{"a":', 'is not a JSON object'],
    ['{"cursor":"2026"}', 'lacks snapshot_has_more, so it is not a state of source-convex'],
    [
      `{"snapshot_has_more":"false","delta_cursor":"${TS}"}`,
      'lacks snapshot_has_more, so it is not a state of source-convex',
    ],
    ['{"snapshot_has_more":false}', 'lacks delta_cursor'],
    ['{"snapshot_has_more":true,"snapshot_cursor":"c"}', 'lacks delta_cursor'],
    ['{"snapshot_has_more":false,"delta_cursor":"soon"}', 'has a delta_cursor that is no timestamp'],
    ['{"snapshot_has_more":false,"delta_cursor":1.5}', 'has a delta_cursor that is no timestamp'],
    ['{"snapshot_has_more":false,"delta_cursor":-5}', 'has a delta_cursor that is no timestamp'],
    ['{"snapshot_has_more":false,"delta_cursor":1.79e18}', 'has a delta_cursor that is no timestamp'],
    ['{"snapshot_has_more":false,"delta_cursor":9223372036854775808}', 'has a delta_cursor that is no timestamp'],
    [
      `{"snapshot_has_more":true,"snapshot_cursor":7,"delta_cursor":"${TS}"}`,
      'has a snapshot_cursor that is no string',
    ],
    [
      `{"snapshot_has_more":true,"snapshot_cursor":{},"delta_cursor":"${TS}"}`,
      'has a snapshot_cursor that is no string',
    ],
    [`{"snapshot_has_more":false,"delta_cursor":"${TS}","deployment":7}`, 'has a deployment that is no string'],
    ...[
      '5',
      '[]',
      '"x"',
      '{"chain":01}',
      '{"chain":7}',
      '{"chain":"a","cursor":"0a"}',
      `{"chain":"a","cursor":10,"ts":"${TS}"}`,
      '{"chain":"a","cursor":"0a","ts":"9223372036854775808"}',
      '{"chain":null,"held":["soon"]}',
      '{"chain":null,"held":7}',
      '{"chain":null,"compared":[]}',
      '{"chain":null,"compared":{"rows":[]}}',
      '{"chain":null,"compared":{"rows":[{"at":"soon","upTo":"a"}],"gone":[]}}',
      `{"chain":null,"compared":{"rows":[{"at":"${TS}"}],"gone":[null]}}`,
    ].map((place): [string, string] => [
      `{"snapshot_has_more":false,"delta_cursor":"${TS}","data_sync":${place}}`,
      'has a data_sync that this source did not write',
    ]),
  ])('%s', (raw, message) => {
    expect(() => parseState(raw)).toThrow(new StateError(message));
  });

  test('9223372036854775807 is the last timestamp there can be', () => {
    expect(parseState('{"snapshot_has_more":false,"delta_cursor":9223372036854775807}').deltaCursor).toBe(
      '9223372036854775807',
    );
  });
});

test('what is written is read as it was', () => {
  const position = fc.record({
    snapshotHasMore: fc.boolean(),
    snapshotCursor: fc.option(fc.string(), { nil: null }),
    deltaCursor: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
  });
  const timestamp = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);
  const parts = fc.array(fc.record({ at: timestamp, upTo: fc.string() }), { maxLength: 3 });
  const place = fc.record(
    { chain: fc.constant(null), held: fc.array(timestamp), compared: fc.record({ rows: parts, gone: parts }) },
    { requiredKeys: ['chain', 'held'] },
  );
  const more = fc.record({
    dataSync: fc.option(place, { nil: undefined }),
    deployment: fc.option(fc.string(), { nil: undefined }),
    syncId: fc.option(fc.maxSafeNat(), { nil: undefined }),
  });
  fc.assert(
    fc.property(position, more, (at, rest) => {
      const state: StreamState = { ...at, ...rest };
      const text = JSON.stringify(formatState(state));
      expect(parseState(text)).toEqual(state);
      // No number that a reader could round, but for the sync's.
      expect(text.replace(/"sync_id":\d+/, '').replace(/"(?:[^"\\]|\\.)*"/g, '')).not.toMatch(/\d/);
    }),
  );
});

test('the shape that users have stored: three members, and ours only where there is something to say', () => {
  expect(JSON.stringify(formatState({ ...inLog(TS), deployment: undefined, syncId: undefined }))).toBe(
    `{"snapshot_cursor":null,"snapshot_has_more":false,"delta_cursor":"${TS}"}`,
  );
  expect(JSON.stringify(formatState({ ...inSnapshot(TS, 'c'), deployment: 'd', syncId: 3 }))).toBe(
    `{"snapshot_cursor":"c","snapshot_has_more":true,"delta_cursor":"${TS}","deployment":"d","sync_id":3}`,
  );
});

test.each([
  [inLog(TS), inLog(TS), true],
  [inLog(TS), inLog('1790000000124494964'), false],
  [inLog(TS), inSnapshot(TS, null), false],
  [inSnapshot(TS, null), inSnapshot(TS, 'c'), false],
  [inSnapshot(TS, 'c'), inSnapshot(TS, 'c'), true],
])('%j is at %j: %s', (a, b, same) => {
  expect(samePosition(a, b)).toBe(same);
});
