import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import {
  append,
  countsOf,
  dedup,
  Destination,
  IMPORT,
  overwrite,
  record,
  state,
  statesIn,
  status,
  T1,
  T2,
  text,
  withoutStats,
} from './setup.ts';

describe('a state', () => {
  test('is echoed as it was received, with the counts of this connector', async () => {
    await using destination = await Destination.start();
    const lines = [
      record('t', { n: 1 }),
      // Unknown keys, odd order, white space, escapes, integers beyond a double, floats as written, no sourceStats.
      `{"state": {"id":  42, "stream":{"stream_state":{"cursor":${T1},"x":1.50,"e":1E5,"deep":[{"n":${T2}}]},"stream_descriptor":{"name":"t"}},"type":"STREAM","new\\u005fkey":"\\ud83d\\ude00"},"type":"STATE","more":[1, 2]}`,
      record('t', { n: 2 }),
      record('t', { n: 3 }),
      // As PyAirbyte writes it: every absent key as null.
      `{"type":"STATE","log":null,"spec":null,"record":null,"state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"t","namespace":null},"stream_state":{"c":1}},"global_":null,"data":null,"sourceStats":null,"destinationStats":null},"trace":null}`,
    ];
    const finished = await destination.write({ streams: [append('t')] }, lines);
    const [first, second] = statesIn(finished.lines.map((line) => line.replace('{"state": ', '{"type":"STATE" ')));
    expect(first).toContain('"more":[1, 2]');
    expect(finished.lines).toContain(
      lines[1]!.replace('"\\ud83d\\ude00"}', '"\\ud83d\\ude00","destinationStats":{"recordCount":1.0}}'),
    );
    expect(second).toBe(lines[4]!.replace('"destinationStats":null', '"destinationStats":{"recordCount":2.0}'));
  });

  test.each([
    ['LEGACY', `{"type":"STATE","state":{"type":"LEGACY","data":{"cursor":${T1}}}}`],
    ['without a type', `{"type":"STATE","state":{"data":{"cursor":${T1}}}}`],
    ['empty', '{"type":"STATE","state":{}}'],
    [
      'GLOBAL',
      `{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{"lsn":${T1}},"stream_states":[{"stream_descriptor":{"name":"a"},"stream_state":{}},{"stream_descriptor":{"name":"b"},"stream_state":null}]},"id":3}}`,
    ],
    ['GLOBAL of PyAirbyte', `{"type":"STATE","state":{"type":"GLOBAL","global":null,"global_":{"stream_states":[]}}}`],
  ])('%s speaks for all streams', async (_, line) => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('a'), append('b')] }, [
      record('a', { n: 1 }),
      record('b', { n: 1 }),
      record('b', { n: 2 }),
      line,
      record('a', { n: 2 }),
      line,
    ]);
    expect(countsOf(finished.lines)).toEqual(['3', '1']);
    expect(statesIn(finished.lines).map((echo) => echo.replace(/,?"destinationStats":\{[^}]*\}/, ''))).toEqual([
      line,
      line,
    ]);
  });

  test('has the count of records of its stream since the previous STATE', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('a'), dedup('b', ['id'])] }, [
      record('a', { n: 1 }),
      record('b', { id: 1 }),
      state('a', 1),
      record('b', { id: 1 }),
      record('a', { n: 2 }),
      record('a', { n: 3 }),
      state('b', 1),
      state('a', 2),
      state('b', 2),
    ]);
    expect(countsOf(finished.lines)).toEqual(['1', '2', '2', '0']);
  });

  test('of a stream that is not selected is echoed as well', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('a')] }, [state('other', 1)]);
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([state('other', 1)]);
  });

  test('is echoed only when every record before it is durable', async () => {
    await using destination = await Destination.start();
    // The first request is answered late: its states must not overtake it.
    destination.emulator.faults.add({ kind: 'latency', path: IMPORT, ms: 400 });
    const running = destination.start({
      streams: [append('a'), append('b')],
      env: { CONVEX_CONNECTOR_BATCH_RECORDS: '2' },
    });
    running.child.stdin.write(
      text([
        record('a', { n: 1 }),
        state('a', 1),
        record('a', { n: 2 }),
        state('a', 2),
        record('b', { n: 1 }),
        state('b', 1),
      ]),
    );
    await running.line('a state', (line) => line.startsWith('{"type":"STATE"'));
    expect(destination.emulator.journal.of(IMPORT)[0]!.endedAt).toBeDefined();
    expect(destination.rows('a')).toHaveLength(2);
    running.child.stdin.end();
    const finished = await running.finished;
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([state('a', 1), state('a', 2), state('b', 1)]);
  });

  test('is never echoed if a record before it cannot be written', async () => {
    await using destination = await Destination.start();
    const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '3', CONVEX_CONNECTOR_BATCH_RECORDS: '2' };
    destination.emulator.faults.add({ kind: 'status', path: IMPORT, status: 503, after: 1, times: 99 });
    const finished = await destination.write({ streams: [append('t')], env }, [
      record('t', { n: 1 }),
      record('t', { n: 2 }),
      state('t', 1),
      record('t', { n: 3 }),
      state('t', 2),
    ]);
    expect(finished.code).toBe(1);
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([state('t', 1)]);
  });

  test('that is broken fails the sync', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('t')] }, [
      record('t', { n: 1 }),
      state('t', 1),
      '{"type":"STATE","state":{"type":"STREAM","stream":',
    ]);
    expect(finished.code).toBe(1);
    expect(finished.lines.join('\n')).toContain('a STATE message that is not valid JSON');
    expect(statesIn(finished.lines)).toHaveLength(1);
  });
});

test('a source that sends no states at all is written as well', async () => {
  await using destination = await Destination.start();
  const finished = await destination.write({ streams: [append('t')] }, [
    status('t', 'STARTED'),
    record('t', { n: 1 }),
    status('t', 'COMPLETE'),
  ]);
  expect(finished.code).toBe(0);
  expect(statesIn(finished.lines)).toEqual([]);
  expect(destination.rows('t')).toEqual([{ n: 1 }]);
});

describe('a state whose stream cannot be told', () => {
  const streams = [overwrite('t', { namespace: 'a' }), overwrite('t', { namespace: 'b' }), append('u')];
  const lines = [
    record('u', { n: 1 }),
    state('u', 1),
    record('t', { n: 1 }, 'a'),
    // Of a.t or of b.t.
    state('t', 1),
    // Of no stream that the catalog has.
    state('other', 1),
    record('t', { n: 2 }, 'b'),
  ];

  test('comes back when the whole sync has succeeded, if a table is replaced without a generation', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams }, lines);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([state('u', 1), state('t', 1), state('other', 1)]);
    expect(logsOf(finished.lines).filter((line) => line.includes('sent a state for'))).toEqual([
      'WARN The source sent a state for "t", and which stream of the catalog it means cannot be told: a.t, b.t. It is given back as if it were of all streams.',
      'WARN The source sent a state for "other", which is not in the catalog. It is given back as if it were of all streams.',
    ]);
  });

  test('does not come back where the sync fails: the next attempt would go on from it after emptying the table', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams }, [
      ...lines,
      status('u', 'COMPLETE'),
      status('t', 'COMPLETE', 'a'),
      status('t', 'INCOMPLETE', 'b'),
    ]);
    expect(finished.code).toBe(1);
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([state('u', 1)]);
  });

  test('does not come back after a record that was refused', async () => {
    await using destination = await Destination.start();
    const all = [append('t', { namespace: 'a' }), append('t', { namespace: 'b' })];
    const finished = await destination.write({ streams: all }, [
      state('t', 1),
      record('t', { list: Array(9_000).fill(1) }, 'a'),
      state('t', 2),
    ]);
    expect(finished.code).toBe(1);
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([state('t', 1)]);
  });

  test('has a status like it: without a namespace it does not pass for none', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams }, [...lines, status('t', 'INCOMPLETE')]);
    expect(errorsOf(finished.lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([state('u', 1)]);
  });
});
