/** Field report D1: the second attempt of a replacement goes on where the first one stopped, and the table is complete then. */
import { describe, expect, test } from 'vitest';
import { markerField, markerOf, markerTable, verdictOn } from '../../destination-convex/generation-marker.ts';
import { errorsOf, logsOf } from '../support/messages.ts';
import { until } from '../support/until.ts';
import {
  append,
  CLEAR,
  countsOf,
  dedup,
  Destination,
  IMPORT,
  overwrite,
  READY,
  record,
  state,
  statesIn,
  status,
  text,
  withoutStats,
  type Wanted,
} from './setup.ts';

/** Every record is a batch, so every state comes back by itself. */
const ENV = { CONVEX_CONNECTOR_BATCH_RECORDS: '1', CONVEX_CONNECTOR_BATCH_AGE_MS: '1' };
const FIFTH = { generation: 5, minimum: 5, sync: 90 };

/** Records `from` to `to` of a stream, a state after each. */
function lines(stream: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => [
    record(stream, { n: from + i }),
    state(stream, from + i),
  ]).flat();
}

/** The cursor of the last state of a stream that came back; 0 where none did. */
function committed(output: readonly string[], stream: string): number {
  const own = statesIn(output).filter((line) => line.includes(`"name":"${stream}"`));
  return Number(/"cursor":(\d+)/.exec(own.at(-1) ?? '')?.[1] ?? 0);
}

const numbers = (destination: Destination, table = 't') =>
  destination
    .rows(table)
    .map(({ n }) => n)
    .sort((a, b) => Number(a) - Number(b));

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

const MODES: [string, (more?: Partial<Wanted>) => Wanted][] = [
  ['append', (more) => append('t', { ...FIFTH, ...more })],
  ['append_dedup', (more) => dedup('t', ['n'], { ...FIFTH, ...more })],
  ['overwrite', (more) => overwrite('t', { ...FIFTH, ...more })],
];

/** What ended the first attempt, which was given records 1 to 4. Gives back what it said. */
type Loss = (destination: Destination, stream: Wanted) => Promise<string[]>;

const killedAfter =
  (acknowledged: number): Loss =>
  async (destination, stream) => {
    const running = destination.start({ streams: [stream], env: ENV });
    running.child.stdin.write(text([status('t', 'STARTED'), ...lines('t', 1, 4)]));
    await running.line(`state ${acknowledged}`, (line) => withoutStats(line) === state('t', acknowledged));
    running.kill();
    return (await running.finished).lines;
  };

const LOSSES: [string, Loss][] = [
  ['killed after the first state', killedAfter(1)],
  ['killed after the last state', killedAfter(4)],
  [
    'another stream is incomplete',
    async (destination, stream) => {
      const input = [...lines('t', 1, 4), status('t', 'COMPLETE'), status('other', 'INCOMPLETE')];
      const finished = await destination.write({ streams: [stream, append('other')], env: ENV }, input);
      expect(finished.code).toBe(1);
      return finished.lines;
    },
  ],
  [
    'the call after the sync fails',
    async (destination, stream) => {
      const config = { after_sync: { kind: 'mutation', path: 'no:such', on_failure: 'Fail sync' } };
      const input = [...lines('t', 1, 4), status('t', 'COMPLETE')];
      const finished = await destination.write({ streams: [stream], config, env: ENV }, input);
      expect(finished.code).toBe(1);
      return finished.lines;
    },
  ],
  [
    'a record of another stream is refused',
    async (destination, stream) => {
      const input = [...lines('t', 1, 4), record('other', { x: 1 }), status('t', 'COMPLETE')];
      const finished = await destination.write({ streams: [stream, dedup('other', ['id'])], env: ENV }, input);
      expect(finished.code).toBe(1);
      return finished.lines;
    },
  ],
];

describe.each(MODES)('D1: a second attempt of the same generation (%s)', (_mode, stream) => {
  describe.each(LOSSES)('%s', (_loss, loss) => {
    test.each([
      ['nothing more to send', 0, 90],
      ['more to send', 2, 90],
      ['nothing more to send, in a later job', 0, undefined],
    ])('%s', async (_more, more, sync) => {
      await using destination = await Destination.start({ backfillDelayMs: 10 });
      destination.insert('t', { n: 999 });
      // A stream that is read in full in each sync has another generation in each.
      const incremental = { extra: { sync_mode: 'incremental' } };
      const output = await loss(destination, stream(incremental));
      const from = committed(output, 't');
      expect(from).toBeGreaterThan(0);
      const again = await destination.write({ streams: [stream({ ...incremental, sync: sync ?? 95 })], env: ENV }, [
        ...lines('t', from + 1, 4 + more),
        // The source that has nothing more to say repeats its last state.
        state('t', 4 + more),
        status('t', 'COMPLETE'),
      ]);
      expect(again.code, again.lines.join('\n')).toBe(0);
      // Appended records that were not acknowledged come twice.
      expect([...new Set(numbers(destination))]).toEqual(upTo(4 + more));
      expect(committed(again.lines, 't')).toBe(4 + more);
      expect(destination.emulator.journal.count(CLEAR)).toBe(1);
    });
  });

  test('killed before a state came back: the table is emptied again, and nothing is there twice', async () => {
    await using destination = await Destination.start();
    const first = destination.start({ streams: [stream()], env: ENV });
    first.child.stdin.write(text(upTo(3).map((n) => record('t', { n }))));
    await until('three rows', () => destination.rows('t').length === 3);
    first.kill();
    await first.finished;
    const again = await destination.write({ streams: [stream()], env: ENV }, [
      ...lines('t', 1, 3),
      status('t', 'COMPLETE'),
    ]);
    expect(again.code).toBe(0);
    expect(numbers(destination)).toEqual(upTo(3));
  });

  test('killed before the table is emptied: the next attempt empties it', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { n: 999 });
    const remove = destination.emulator.faults.add({ kind: 'hang', path: CLEAR });
    const first = destination.start({ streams: [stream()], env: ENV });
    first.child.stdin.write(text(lines('t', 1, 2)));
    await until('the request to empty it', () => destination.emulator.journal.count(CLEAR) > 0);
    first.kill();
    expect(statesIn((await first.finished).lines)).toEqual([]);
    remove();
    const input = [...lines('t', 1, 2), status('t', 'COMPLETE')];
    expect((await destination.write({ streams: [stream()], env: ENV }, input)).code).toBe(0);
    expect(numbers(destination)).toEqual([1, 2]);
  });

  test('a new generation empties again, and so does a lower one, of a connection that was made anew', async () => {
    await using destination = await Destination.start();
    for (const [generation, sync] of [
      [5, 90],
      [6, 91],
      [1, 92],
      [2, 93],
      [2, 93],
    ] as const) {
      const finished = await destination.write({ streams: [stream({ generation, minimum: generation, sync })] }, [
        ...lines('t', 1, 2),
        status('t', 'COMPLETE'),
      ]);
      expect(finished.code).toBe(0);
    }
    expect(destination.emulator.journal.count(CLEAR)).toBe(4);
  });
});

test('D1: a state from before the first record of a stream comes back before a record of it is written', async () => {
  await using destination = await Destination.start();
  destination.insert('t', { old: 1 });
  const running = destination.start({ streams: [append('other'), append('t', FIFTH)] });
  // One batch would hold all of it.
  running.child.stdin.write(
    text([record('other', { n: 1 }), state('t', 0), record('t', { n: 1 }), record('t', { n: 2 })]),
  );
  await until('the first record', () => destination.rows('other').length === 1);
  // The first import asks for the generation; the records of t come with the second one, which never ends.
  destination.emulator.faults.add({ kind: 'hang', path: IMPORT, after: 1, times: Infinity });
  running.child.stdin.end();
  await running.line('the state', (line) => withoutStats(line) === state('t', 0));
  expect(destination.rows('t').filter(({ n }) => n !== undefined)).toEqual([]);
  running.kill();
  await running.finished;
});

test('D1: the same generation of another sync is another connection where each sync reads everything', async () => {
  await using destination = await Destination.start();
  const stream = (sync: number) =>
    append('t', { generation: 1, minimum: 1, sync, extra: { sync_mode: 'full_refresh' } });
  await destination.write({ streams: [stream(20)] }, [...lines('t', 1, 3), status('t', 'COMPLETE')]);
  const again = await destination.write({ streams: [stream(21)] }, [...lines('t', 1, 2), status('t', 'COMPLETE')]);
  expect(again.code).toBe(0);
  expect(numbers(destination)).toEqual([1, 2]);
});

test('D1: where it cannot be told whether another sync belongs to the connection, the table is kept and a warning says so', async () => {
  await using destination = await Destination.start();
  const stream = (sync: number) => append('t', { generation: 1, minimum: 1, sync });
  await destination.write({ streams: [stream(20)] }, [...lines('t', 1, 2), status('t', 'COMPLETE')]);
  const again = await destination.write({ streams: [stream(21)] }, [...lines('t', 3, 3), status('t', 'COMPLETE')]);
  expect(numbers(destination)).toEqual([1, 2, 3]);
  expect(logsOf(again.lines).join('\n')).toContain('another sync (20) has done it for generation 1');
});

test('D1: a second attempt that finds the index of the marker unfinished waits for it', async () => {
  await using destination = await Destination.start({ backfillDelayMs: Infinity });
  const { journal, deployment } = destination.emulator;
  const first = destination.start({ streams: [append('t', FIFTH)], env: ENV });
  first.child.stdin.write(text(lines('t', 1, 1)));
  await until('the question whether the index is ready', () => journal.count(READY) > 0);
  first.kill();
  expect(statesIn((await first.finished).lines)).toEqual([]);
  journal.clear();
  const input = text([...lines('t', 2, 3), status('t', 'COMPLETE')]);
  const second = destination.start({ streams: [append('t', FIFTH)], env: ENV }, { input });
  await until('two questions', () => journal.of(IMPORT).filter((entry) => entry.status === 400).length >= 2);
  expect(destination.rows('t')).toEqual([{ n: 1 }]);
  deployment.finishBackfills();
  expect((await second.finished).code).toBe(0);
  expect(numbers(destination)).toEqual([1, 2, 3]);
});

test('D1: the bookkeeping table is empty, and asking and marking need no more than the permission to import', async () => {
  await using destination = await Destination.start();
  for (const [from, to] of [
    [1, 2],
    [3, 3],
  ] as const) {
    const finished = await destination.write({ streams: [append('t', FIFTH)] }, [
      ...lines('t', from, to),
      status('t', 'COMPLETE'),
    ]);
    expect(finished.code).toBe(0);
  }
  expect(destination.tables().sort()).toEqual([markerTable('t'), 't'].sort());
  expect(destination.rows(markerTable('t'))).toEqual([]);
});

test('D1: a stream that would be written to a bookkeeping table is refused', async () => {
  await using destination = await Destination.start();
  const finished = await destination.write({ streams: [append('t', FIFTH), append('airbyte_generation_t')] }, []);
  expect(errorsOf(finished.lines)).toMatchObject([{ failure_type: 'config_error' }]);
  expect(errorsOf(finished.lines)[0]!.message).toContain('airbyte_generation_t');
  expect(destination.emulator.journal.entries).toEqual([]);
});

test('D1: a bookkeeping table that somebody else deduplicates in is not taken for a marker', async () => {
  await using destination = await Destination.start();
  destination.insert('t', { old: 1 });
  await destination.write({ streams: [dedup('airbyte_generation_t', ['id'])] }, [
    record('airbyte_generation_t', { id: 1 }),
  ]);
  const finished = await destination.write({ streams: [append('t', FIFTH)] }, [
    ...lines('t', 1, 1),
    status('t', 'COMPLETE'),
  ]);
  expect(errorsOf(finished.lines)).toMatchObject([{ failure_type: 'config_error' }]);
  expect(destination.rows('t')).toEqual([{ old: 1 }]);
});

describe('D1: where no generation identifies the replacement, states come back when the whole sync has succeeded', () => {
  const UNIDENTIFIED: [string, Partial<Wanted>][] = [
    ['no generation', {}],
    ['the constant generation of PyAirbyte', { generation: 1, minimum: 1, sync: 1 }],
    ['a generation without a minimum', { generation: 5, minimum: 0, sync: 9 }],
  ];

  test.each(UNIDENTIFIED)('all is well: %s', async (_, more) => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [overwrite('t', more), append('other')], env: ENV }, [
      ...lines('t', 1, 3),
      status('t', 'COMPLETE'),
      ...lines('other', 1, 1),
      status('other', 'COMPLETE'),
    ]);
    expect(finished.code).toBe(0);
    expect(statesIn(finished.lines).map(withoutStats)).toEqual([
      state('other', 1),
      state('t', 1),
      state('t', 2),
      state('t', 3),
    ]);
    expect(countsOf(finished.lines)).toEqual(['1', '1', '1', '1']);
  });

  test.each(
    UNIDENTIFIED.flatMap(([name, more]) => LOSSES.slice(2).map(([loss, lose]) => [name, loss, more, lose] as const)),
  )('%s, %s: none comes back, and the second attempt is complete', async (_name, _loss, more, lose) => {
    await using destination = await Destination.start();
    const output = await lose(destination, overwrite('t', more));
    expect(committed(output, 't')).toBe(0);
    const again = await destination.write({ streams: [overwrite('t', more)], env: ENV }, [
      ...lines('t', 1, 4),
      status('t', 'COMPLETE'),
    ]);
    expect(again.code).toBe(0);
    expect(numbers(destination)).toEqual(upTo(4));
  });

  test('they come after the call after the sync', async () => {
    await using destination = await Destination.start();
    const config = { after_sync: { kind: 'mutation', path: 'no:such', on_failure: 'Warn' } };
    const finished = await destination.write({ streams: [overwrite('t')], config, env: ENV }, [
      ...lines('t', 1, 1),
      status('t', 'COMPLETE'),
    ]);
    expect(finished.code).toBe(0);
    const warned = finished.lines.findIndex((line) => line.includes('could not be called'));
    const given = finished.lines.findIndex((line) => line.startsWith('{"type":"STATE"'));
    expect(warned).toBeGreaterThan(-1);
    expect(given).toBeGreaterThan(warned);
  });
});

describe('the name of a bookkeeping table', () => {
  test.each([
    ['users', 'airbyte_generation_users'],
    ['a'.repeat(45), `airbyte_generation_${'a'.repeat(45)}`],
  ])('%s: %s', (table, name) => {
    expect(markerTable(table)).toBe(name);
  });

  test('a long one is cut, and two that begin alike differ', () => {
    const names = ['a', 'b'].map((end) => markerTable('t'.repeat(60) + end));
    for (const name of names) expect(name).toMatch(/^airbyte_generation_t{32}_[0-9a-f]{12}$/);
    expect(new Set(names).size).toBe(2);
  });
});

describe('what the deployment answers about a marker', () => {
  const lists = (fields: string) =>
    `The index range included a comparison with "question", but airbyte_generation_t._by_airbyte_primary_key with fields ${fields} doesn't index this field. For more information see https://docs.convex.dev/using/indexes.`;
  const generation = (id: number, sync?: number) => ({ kind: 'generation', generation: { id, sync } });
  test.each([
    ['IndexNotFoundError', 'Index m._by_airbyte_primary_key not found.', { kind: 'none' }],
    ['IndexBackfillingError', 'Index m is currently backfilling', { kind: 'building' }],
    ['FieldNotInIndex', lists('["generation_5_sync_90", "_creationTime"]'), generation(5, 90)],
    ['FieldNotInIndex', lists('["generation_5_sync_90"]'), generation(5, 90)],
    ['FieldNotInIndex', lists('["generation_5", "_creationTime"]'), generation(5)],
    ['FieldNotInIndex', lists('["id", "_creationTime"]'), { kind: 'foreign' }],
    ['FieldNotInIndex', lists('["generation_5", "id"]'), { kind: 'foreign' }],
    ['FieldNotInIndex', 'in other words', { kind: 'foreign' }],
    ['FieldNotInIndex', undefined, { kind: 'foreign' }],
    ['InternalServerError', 'no answer', undefined],
    [undefined, undefined, undefined],
  ])('%s %s', (code, detail, expected) => {
    expect(markerOf({ code, detail })).toEqual(expected);
  });

  test.each([
    { id: 5, sync: 90 },
    { id: 1, sync: undefined },
    { id: Number.MAX_SAFE_INTEGER, sync: Number.MAX_SAFE_INTEGER },
  ])('the field of %o is read back', (wanted) => {
    const field = markerField(wanted);
    expect(field.length).toBeLessThanOrEqual(64);
    expect(markerOf({ code: 'FieldNotInIndex', detail: lists(`["${field}", "_creationTime"]`) })).toEqual(
      generation(wanted.id, wanted.sync),
    );
  });
});

describe('whether a table is emptied', () => {
  test.each([
    ['no marker', undefined, { id: 5, sync: 9 }, false, 'empty'],
    ['a lower generation', { id: 4, sync: 8 }, { id: 5, sync: 9 }, false, 'empty'],
    ['a higher generation', { id: 5, sync: 8 }, { id: 1, sync: 9 }, false, 'empty'],
    ['the same sync', { id: 5, sync: 9 }, { id: 5, sync: 9 }, false, 'keep'],
    ['the same sync, read in full', { id: 5, sync: 9 }, { id: 5, sync: 9 }, true, 'keep'],
    ['no sync in the marker', { id: 5, sync: undefined }, { id: 5, sync: 9 }, true, 'keep'],
    ['no sync in the catalog', { id: 5, sync: 9 }, { id: 5, sync: undefined }, true, 'keep'],
    ['another sync', { id: 5, sync: 9 }, { id: 5, sync: 10 }, false, 'keep-of-other-sync'],
    ['another sync, read in full', { id: 5, sync: 9 }, { id: 5, sync: 10 }, true, 'empty'],
  ])('%s', (_, generation, wanted, everySync, expected) => {
    const marker =
      generation === undefined ? ({ kind: 'none' } as const) : ({ kind: 'generation', generation } as const);
    expect(verdictOn(marker, wanted, everySync)).toBe(expected);
  });
});
