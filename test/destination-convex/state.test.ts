import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readState, withStats } from '../../destination-convex/state.ts';
import { BrokenMessage } from '../../shared/airbyte/inbound.ts';
import { rawMembers } from '../../shared/json/raw.ts';
import { jsonText, objectText } from '../support/json.ts';

/** A STATE line with this state object, which is `line[start, end)`. */
function lineOf(state: string): { line: Buffer; start: number; end: number } {
  const before = '{"type":"STATE","state":';
  const start = Buffer.byteLength(before);
  return { line: Buffer.from(`${before}${state}}`), start, end: start + Buffer.byteLength(state) };
}

function factsOf(state: string): ReturnType<typeof readState> {
  const { line, start, end } = lineOf(state);
  return readState(line, start, end);
}

function echoed(state: string, records: number, rejected = 0): string {
  const { line, start, end } = lineOf(state);
  return withStats(line, start, end, { records, rejected }).toString();
}

describe('the echoed line', () => {
  test('has the received bytes and one more member', () => {
    fc.assert(
      fc.property(objectText, fc.nat(), fc.nat(5), (state, records, rejected) => {
        fc.pre(![...rawMembers(Buffer.from(state)).keys()].includes('destinationStats'));
        const stats = `"destinationStats":{"recordCount":${records}.0${rejected === 0 ? '' : `,"rejectedRecordCount":${rejected}.0`}}`;
        const text = echoed(state, records, rejected);
        const comma = /^\{\s*\}$/.test(state) ? '' : ',';
        expect(text).toBe(`{"type":"STATE","state":${state.replace(/\}$/, `${comma}${stats}}`)}}`);
      }),
      { numRuns: 500 },
    );
  });

  test('replaces statistics that the state already has', () => {
    fc.assert(
      fc.property(jsonText, jsonText, jsonText, (a, stats, b) => {
        expect(echoed(`{"a":${a},"destinationStats":${stats},"b":${b}}`, 7)).toBe(
          `{"type":"STATE","state":{"a":${a},"destinationStats":{"recordCount":7.0},"b":${b}}}`,
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe('the streams of a state', () => {
  const stream = (name: string, state: string, namespace = ''): string =>
    `{"stream_state":${state},"stream_descriptor":{"name":"${name}"${namespace}}}`;
  test.each<[string, ReturnType<typeof readState>]>([
    [
      `{"type":"STREAM","stream":${stream('a', '{"x":1}', ',"namespace":"n"')}}`,
      { type: 'stream', streams: [{ name: 'a', namespace: 'n', empty: false }] },
    ],
    [
      `{"type":"STREAM","stream":${stream('a', 'null', ',"namespace":null')},"global":null}`,
      { type: 'stream', streams: [{ name: 'a', namespace: undefined, empty: true }] },
    ],
    [
      `{"type":"GLOBAL","global":{"stream_states":[${stream('a', '{}')}, ${stream('b', 'null')}]}}`,
      {
        type: 'global',
        streams: [
          { name: 'a', namespace: undefined, empty: false },
          { name: 'b', namespace: undefined, empty: true },
        ],
      },
    ],
    [`{"type":"GLOBAL","global_":{"stream_states":[]}}`, { type: 'global', streams: [] }],
    [`{"data":{"cursor":1}}`, { type: 'legacy', streams: [] }],
  ])('%s', (state, facts) => {
    expect(factsOf(state)).toEqual(facts);
  });

  test('a damaged state gives facts or a BrokenMessage, never another error', () => {
    const whole = `{"type":"GLOBAL","global":{"stream_states":[${stream('a', '{}')}, ${stream('b', 'null')}]},"stream":${stream('c', '5')}}`;
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.uint8Array({ minLength: 1, maxLength: 3 }), (at, damage) => {
        const { line, start, end } = lineOf(whole);
        line.set(damage.subarray(0, end - start - at), start + at);
        try {
          readState(line, start, end);
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenMessage);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
