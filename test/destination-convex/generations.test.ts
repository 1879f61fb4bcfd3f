import { describe, expect, test } from 'vitest';
import { truncationOf } from '../../destination-convex/generations.ts';
import { outcomeOf, type StreamHistory } from '../../destination-convex/stream-tracker.ts';
import { errorsOf, logsOf } from '../support/messages.ts';
import {
  append,
  CLEAR,
  countsOf,
  dedup,
  Destination,
  overwrite,
  record,
  state,
  statesIn,
  status,
  text,
  withoutStats,
} from './setup.ts';

describe('whether a stream replaces what is in its table', () => {
  test.each([
    ['overwrite', undefined, undefined, undefined, 'overwrite'],
    ['overwrite', 1, 1, 1, 'overwrite'],
    ['overwrite', 5, 0, 9, 'overwrite'],
    ['append', undefined, undefined, undefined, 'none'],
    ['append', 3, 0, 9, 'none'],
    ['append', 3, 3, 9, 'generation'],
    ['append_dedup', 2, 2, 2, 'generation'],
    // The first refresh of a stream that was never refreshed.
    ['append_dedup', 1, 1, 812, 'generation'],
    // PyAirbyte writes this into every catalog.
    ['append_dedup', 1, 1, 1, 'none'],
    ['append', 1, 1, undefined, 'none'],
    ['append', 0, 0, 812, 'none'],
    ['append', null, null, null, 'none'],
  ] as const)(
    '%s, generation %s, minimum %s, sync %s: %s',
    (destination_sync_mode, generation_id, minimum_generation_id, sync_id, expected) => {
      const stream = { destination_sync_mode, generation_id, minimum_generation_id, sync_id } as Parameters<
        typeof truncationOf
      >[0];
      expect(truncationOf(stream)).toBe(expected);
    },
  );
});

describe('how a stream has ended', () => {
  const history = (more: Partial<StreamHistory>): StreamHistory => ({
    records: 0,
    states: 0,
    emptyStates: 0,
    status: undefined,
    ...more,
  });
  test.each([
    // A platform that sends statuses.
    ['COMPLETE', { status: 'COMPLETE' }, 'none', true, 'complete'],
    ['COMPLETE, truncating', { records: 5, status: 'COMPLETE' }, 'generation', true, 'complete'],
    ['INCOMPLETE', { records: 5, states: 1, status: 'INCOMPLETE' }, 'overwrite', true, 'incomplete'],
    ['RUNNING was the last', { records: 5, status: 'RUNNING' }, 'none', true, 'incomplete'],
    ['records, but no status of its own', { records: 5 }, 'none', true, 'incomplete'],
    ['nothing at all of it', {}, 'overwrite', true, 'silent'],
    // A platform that sends none.
    ['records', { records: 5 }, 'none', false, 'complete'],
    ['records', { records: 5, states: 1 }, 'overwrite', false, 'complete'],
    ['a state', { states: 1 }, 'overwrite', false, 'complete'],
    ['nothing at all of it', {}, 'none', false, 'silent'],
    ['nothing at all of it', {}, 'generation', false, 'silent'],
    // Platforms that ask for generations send COMPLETE when the source succeeds, and nothing when it fails.
    ['records, by generation', { records: 5, states: 1 }, 'generation', false, 'incomplete'],
    ['a clear job', { states: 1, emptyStates: 1 }, 'generation', false, 'complete'],
    ['a clear job', { states: 1, emptyStates: 1 }, 'overwrite', false, 'complete'],
    ['a state with content', { states: 2, emptyStates: 1 }, 'generation', false, 'incomplete'],
  ] as const)('%s (%o, %s, statuses: %s): %s', (_, told, truncation, anyStatus, expected) => {
    expect(outcomeOf(history(told), truncation, anyStatus)).toBe(expected);
  });
});

describe('a stream that replaces its table', () => {
  test('empties it once, just before its first record', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    const env = { CONVEX_CONNECTOR_BATCH_RECORDS: '2' };
    const finished = await destination.write({ streams: [overwrite('t')], env }, [
      status('t', 'STARTED'),
      ...[1, 2, 3, 4, 5].map((n) => record('t', { n })),
      status('t', 'COMPLETE'),
    ]);
    expect(finished.code).toBe(0);
    expect(destination.rows('t').map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
    expect(destination.emulator.journal.count(CLEAR)).toBe(1);
    expect(destination.requests()[0]).toBe('PUT clear_tables 200');
  });

  test('keeps its old documents if the source fails before the first record', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    destination.insert('u', { old: 1 });
    const finished = await destination.write({ streams: [overwrite('t'), overwrite('u')] }, [
      status('t', 'STARTED'),
      status('t', 'INCOMPLETE'),
    ]);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(errorsOf(finished.lines)[0]!.message).toContain(
      'Stream t was not reported complete: the source failed, or its status was not forwarded. ',
    );
    expect(errorsOf(finished.lines)[0]!.message).toContain('t will start anew');
    expect(destination.rows('t')).toEqual([{ old: 1 }]);
    expect(destination.rows('u')).toEqual([{ old: 1 }]);
    expect(destination.emulator.journal.entries).toEqual([]);
  });

  test.each([
    ['COMPLETE', [status('t', 'STARTED'), status('t', 'COMPLETE')]],
    ['COMPLETE, as PyAirbyte sends it', [status('t', 'COMPLETE', null)]],
    ['a state, and the end', [state('t', 1)]],
  ])('is emptied at its end if it had no records: %s', async (_, lines) => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    destination.insert('silent', { old: 1 });
    const finished = await destination.write({ streams: [overwrite('t'), overwrite('silent')] }, lines);
    expect(finished.code).toBe(0);
    expect(destination.rows('t')).toEqual([]);
    expect(destination.rows('silent')).toEqual([{ old: 1 }]);
    expect(logsOf(finished.lines).join('\n')).toContain('sent no messages for silent. Their tables were not changed.');
  });

  test('is emptied before its index is made, and then deduplicated', async () => {
    await using destination = await Destination.start({ backfillDelayMs: 20 });
    const streams = [dedup('t', ['_id'], { generation: 4, minimum: 4, sync: 9 })];
    destination.insert('t', { source_id: 'old' });
    const finished = await destination.write({ streams }, [
      record('t', { _id: 'a', n: 1 }),
      record('t', { _id: 'a', n: 2 }),
      state('t', 1),
      status('t', 'COMPLETE'),
    ]);
    expect(finished.code).toBe(0);
    // The deployment is asked for the generation first.
    expect(destination.requests().slice(0, 3)).toEqual([
      'POST import_airbyte_records 400',
      'PUT clear_tables 200',
      'PUT add_primary_key_indexes 200',
    ]);
    expect(destination.rows('t')).toEqual([{ source_id: 'a', n: 2 }]);
    expect(countsOf(finished.lines)).toEqual(['2']);
  });

  test('is not emptied for the constant generation of PyAirbyte', async () => {
    await using destination = await Destination.start();
    const streams = [dedup('t', ['id'], { generation: 1, minimum: 1, sync: 1 })];
    await destination.write({ streams }, [record('t', { id: 1 })]);
    await destination.write({ streams }, [record('t', { id: 2 })]);
    expect(destination.rows('t')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(destination.emulator.journal.count(CLEAR)).toBe(0);
  });

  test('is refused if it asks to keep some generations and remove others', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('t', { generation: 5, minimum: 3 })] }, []);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)).toMatchObject([{ failure_type: 'config_error' }]);
  });
});

describe('a clear job', () => {
  test.each([
    [
      'STREAM states, generations',
      append('t', { generation: 3, minimum: 3, sync: 9 }),
      nullState('t'),
      [status('t', 'COMPLETE')],
    ],
    ['STREAM states, overwrite', overwrite('t', { generation: 3, minimum: 3, sync: 9 }), nullState('t'), []],
    ['STREAM states, no statuses', dedup('t', ['id'], { generation: 3, minimum: 3, sync: 9 }), nullState('t'), []],
    [
      'a GLOBAL state',
      overwrite('t'),
      '{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":null,"stream_states":[{"stream_descriptor":{"name":"t"},"stream_state":null}]},"id":1}}',
      [],
    ],
  ])('empties the tables and gives its states back: %s', async (_, stream, line, more) => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    const finished = await destination.write({ streams: [stream] }, [line, ...more]);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(destination.rows('t')).toEqual([]);
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([line]);
    expect(countsOf(finished.lines)).toEqual(['0']);
  });
});

function nullState(stream: string): string {
  return `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"${stream}"},"stream_state":null},"id":1}}`;
}

describe('the states of a stream that replaces its table', () => {
  const streams = [append('t', { generation: 4, minimum: 4, sync: 9 }), append('other')];
  const env = { CONVEX_CONNECTOR_BATCH_AGE_MS: '1' };

  test('are echoed as they become durable if a generation identifies the replacement', async () => {
    await using destination = await Destination.start();
    const running = destination.start({ streams, env });
    running.child.stdin.write(
      text([status('t', 'STARTED'), record('t', { n: 1 }), state('t', 1), record('t', { n: 2 })]),
    );
    await running.line('the first state', (line) => withoutStats(line) === state('t', 1));
    running.child.stdin.write(text([state('t', 2)]));
    await running.line('the second state', (line) => withoutStats(line) === state('t', 2));
    running.child.stdin.write(text([status('t', 'COMPLETE')]));
    running.child.stdin.end();
    expect((await running.finished).code).toBe(0);
    expect(countsOf(running.lines)).toEqual(['1', '1']);
  });

  test('are held until the whole sync has succeeded without a generation; those of other streams are not', async () => {
    await using destination = await Destination.start();
    const running = destination.start({ streams: [overwrite('t'), append('other')], env });
    const say = (...lines: string[]) => running.child.stdin.write(text(lines));
    say(status('t', 'STARTED'), record('t', { n: 1 }), state('t', 1), record('t', { n: 2 }), state('t', 2));
    say(status('t', 'COMPLETE'));
    say(status('other', 'STARTED'), record('other', { n: 1 }), state('other', 1));
    await running.line('the state of the other stream', (line) => withoutStats(line) === state('other', 1));
    say(status('other', 'COMPLETE'));
    expect(statesIn(running.lines)).toHaveLength(1);
    running.child.stdin.end();
    expect((await running.finished).code).toBe(0);
    expect(statesIn(running.lines).map(withoutStats)).toEqual([state('other', 1), state('t', 1), state('t', 2)]);
    expect(countsOf(running.lines)).toEqual(['1', '1', '1']);
  });

  test('are echoed at the end of the input for overwrite, if the platform sends no statuses', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [overwrite('t')] }, [record('t', { n: 1 }), state('t', 1)]);
    expect(finished.code).toBe(0);
    expect(countsOf(finished.lines)).toEqual(['1']);
  });

  test('a GLOBAL state is held as well', async () => {
    await using destination = await Destination.start();
    const unidentified = [overwrite('t'), append('other')];
    const global = '{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{"lsn":1},"stream_states":[]}}}';
    const lines = [record('t', { n: 1 }), global, record('other', { n: 1 }), global, status('other', 'COMPLETE')];
    const failing = await destination.write({ streams: unidentified }, lines);
    expect(failing.code).toBe(1);
    expect(statesIn(failing.lines)).toEqual([]);
    const finished = await destination.write({ streams: unidentified }, [...lines, status('t', 'COMPLETE')]);
    expect(finished.code).toBe(0);
    expect(countsOf(finished.lines)).toEqual(['1', '1']);
  });

  test('a GLOBAL state is echoed once all replacements that have begun are marked', async () => {
    await using destination = await Destination.start();
    const identified = ['t', 'later'].map((name) => append(name, { generation: 4, minimum: 4, sync: 9 }));
    const global = '{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{"lsn":1},"stream_states":[]}}}';
    const running = destination.start({ streams: identified, env });
    running.child.stdin.write(text([record('t', { n: 1 }), global]));
    await running.line('the state', (line) => line.startsWith('{"type":"STATE"'));
    running.kill();
    await running.finished;
    expect(destination.tables().sort()).toEqual(['airbyte_generation_t', 't']);
  });
});

test('a stream that did not complete fails the sync, with everything that came written and checkpointed', async () => {
  await using destination = await Destination.start();
  const finished = await destination.write({ streams: [append('a'), append('b'), append('c')] }, [
    status('a', 'STARTED'),
    record('a', { n: 1 }),
    state('a', 1),
    status('a', 'COMPLETE'),
    status('b', 'STARTED'),
    record('b', { n: 1 }),
    state('b', 1),
    status('b', 'INCOMPLETE'),
  ]);
  expect(finished.code).toBe(1);
  expect(errorsOf(finished.lines)[0]!.message).toContain('Stream b was not reported complete');
  expect(statesIn(finished.lines)).toHaveLength(2);
  expect(destination.rows('b')).toEqual([{ n: 1 }]);
});
