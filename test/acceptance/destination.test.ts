/**
 * The scenarios of Airbyte's BasicFunctionalityIntegrationTest for destinations that make sense for Convex, each named after its original.
 * Left out are those of files, and of columns that only warehouses have (_airbyte_raw_id and the like). Types: Convex has no columns, so what
 * the original asks of schema evolution is that nothing fails and no value is lost.
 */
import { describe, expect, test } from 'vitest';
import {
  append,
  countsOf,
  dedup,
  Destination,
  overwrite,
  record,
  state,
  statesIn,
  status,
  T1,
  T2,
  withoutStats,
  type Wanted,
} from '../destination-convex/setup.ts';
import { errorsOf } from '../support/messages.ts';
import type { Finished } from '../support/process.ts';

function expectSuccess({ code, lines }: Finished): void {
  expect(errorsOf(lines)).toEqual([]);
  expect(code).toBe(0);
}

async function write(destination: Destination, streams: Wanted[], lines: string[]): Promise<Finished> {
  const finished = await destination.write({ streams }, lines);
  expectSuccess(finished);
  return finished;
}

/** A stream that replaces its rows, as platforms with generations ask for it. */
const truncate = (name: string, generation: number, more: Partial<Wanted> = {}): Wanted =>
  append(name, { generation, minimum: generation, sync: 10 + generation, ...more });
const complete = (name: string, namespace?: string): string => status(name, 'COMPLETE', namespace);

test('testBasicWrite', async () => {
  await using destination = await Destination.start();
  const lines = [record('users', { id: 1, name: 'a' }), record('users', { id: 2, name: 'b' }), state('users', 1)];
  const { lines: output } = await write(destination, [append('users')], lines);
  expect(destination.rows('users')).toEqual([
    { id: 1, name: 'a' },
    { id: 2, name: 'b' },
  ]);
  expect(statesIn(output).map(withoutStats)).toEqual([state('users', 1)]);
  expect(countsOf(output)).toEqual(['2']);
});

test('testMidSyncCheckpointingStreamState', async () => {
  await using destination = await Destination.start();
  const env = { CONVEX_CONNECTOR_BATCH_AGE_MS: '10' };
  const running = destination.start({ streams: [append('users')], env });
  running.child.stdin.write(`${record('users', { id: 1 })}\n${state('users', 1)}\n`);
  await running.line('the state, while the input goes on', (line) => line.includes('"type":"STATE"'));
  expect(destination.rows('users')).toEqual([{ id: 1 }]);
  running.child.stdin.end(`${record('users', { id: 2 })}\n${state('users', 2)}\n`);
  const finished = await running.finished;
  expectSuccess(finished);
  expect(statesIn(finished.lines)).toHaveLength(2);
});

test('testNamespaces', async () => {
  await using destination = await Destination.start();
  const streams = [append('users', { namespace: 'one' }), append('users', { namespace: 'two' }), append('users')];
  await write(destination, streams, [
    record('users', { of: 1 }, 'one'),
    record('users', { of: 2 }, 'two'),
    record('users', { of: 0 }),
  ]);
  expect(destination.rows('one_users')).toEqual([{ of: 1 }]);
  expect(destination.rows('two_users')).toEqual([{ of: 2 }]);
  expect(destination.rows('users')).toEqual([{ of: 0 }]);
});

describe('testFunkyCharacters', () => {
  const names = [
    'stream with spaces',
    'stream.with.dots',
    'stream-with-dashes',
    'stream\'with"quotes`',
    'STREAM_WITH_ALL_CAPS',
    'CapitalCase',
    'naïve stream ✓',
    '1stream_with_leading_digit',
    '_leading_underscore',
    '__double',
    'select',
    'stream/with\\slashes',
    'stream*with!specials?',
  ];

  test('stream names', async () => {
    await using destination = await Destination.start();
    await write(
      destination,
      names.map((name) => append(name)),
      names.map((name) => record(name, { name })),
    );
    // Every stream has a table of its own.
    const tables = destination.tables();
    expect(tables).toHaveLength(names.length);
    expect(tables.map((table) => destination.rows(table)[0]?.['name']).sort()).toEqual([...names].sort());
  });

  test('namespaces', async () => {
    await using destination = await Destination.start();
    const streams = names.map((namespace) => append('users', { namespace }));
    await write(
      destination,
      streams,
      names.map((namespace) => record('users', { namespace }, namespace)),
    );
    expect(destination.tables()).toHaveLength(names.length);
  });

  test('field names, as keys too', async () => {
    await using destination = await Destination.start();
    const fields = [...names, '_id', '$ref', 'plain'];
    const data = Object.fromEntries(fields.map((field, n) => [field, n]));
    await write(
      destination,
      [append('fields'), dedup('keyed', ['_id'])],
      [record('fields', data), record('keyed', data), record('keyed', { ...data, plain: 'second' })],
    );
    expect(Object.values(destination.rows('fields')[0] ?? {}).sort()).toEqual(fields.map((_field, n) => n).sort());
    expect(destination.rows('keyed')).toEqual([expect.objectContaining({ plain: 'second' })]);
  });
});

describe('testTruncateRefresh', () => {
  test('only the rows of the new generation are left', async () => {
    await using destination = await Destination.start();
    await write(destination, [append('users', { generation: 12, minimum: 0 })], [record('users', { id: 'old' })]);
    const lines = [record('users', { id: 'new' }), state('users', 1), complete('users')];
    const { lines: output } = await write(destination, [truncate('users', 13)], lines);
    expect(destination.rows('users')).toEqual([{ id: 'new' }]);
    expect(statesIn(output)).toHaveLength(1);
  });

  test('testTruncateRefreshNoData: the table is empty', async () => {
    await using destination = await Destination.start();
    await write(destination, [append('users')], [record('users', { id: 'old' })]);
    await write(destination, [truncate('users', 13)], [state('users', 1), complete('users')]);
    expect(destination.rows('users')).toEqual([]);
  });

  test('testInterruptedTruncateWithPriorData: durable states come back, and the next attempt keeps what they cover', async () => {
    await using destination = await Destination.start();
    await write(destination, [append('users')], [record('users', { id: 'old' })]);
    // The source fails: the platform sends no COMPLETE.
    const interrupted = await destination.write({ streams: [truncate('users', 13)] }, [
      record('users', { id: 'first attempt' }),
      state('users', 1),
    ]);
    expect(interrupted.code).toBe(1);
    expect(statesIn(interrupted.lines)).toHaveLength(1);
    // The source goes on from the state that came back: the rows of the first attempt are not sent again, and must stay.
    const rest = [record('users', { id: 'second' }), complete('users')];
    await write(destination, [truncate('users', 13)], rest);
    expect(destination.rows('users')).toEqual([{ id: 'first attempt' }, { id: 'second' }]);
  });

  test('testInterruptedTruncateWithoutPriorData', async () => {
    await using destination = await Destination.start();
    const first = await destination.write({ streams: [truncate('users', 13)] }, [record('users', { id: 1 })]);
    expect(first.code).toBe(1);
    await write(
      destination,
      [truncate('users', 13)],
      [record('users', { id: 1 }), record('users', { id: 2 }), complete('users')],
    );
    expect(destination.rows('users')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test('a source that fails before its first record leaves the old rows', async () => {
    await using destination = await Destination.start();
    await write(destination, [append('users')], [record('users', { id: 'old' })]);
    await destination.write({ streams: [truncate('users', 13)] }, []);
    expect(destination.rows('users')).toEqual([{ id: 'old' }]);
  });

  test('resumeAfterCancelledTruncate: a minimum of 0 keeps everything', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [truncate('users', 43)] }, [record('users', { id: 'of 43, cancelled' })]);
    await write(
      destination,
      [append('users', { generation: 43, minimum: 0 })],
      [record('users', { id: 'more' }), complete('users')],
    );
    expect(destination.rows('users')).toEqual([{ id: 'of 43, cancelled' }, { id: 'more' }]);
  });
});

test('testOverwrite', async () => {
  await using destination = await Destination.start();
  await write(destination, [overwrite('users')], [record('users', { id: 1 }), record('users', { id: 2 })]);
  await write(destination, [overwrite('users')], [record('users', { id: 3 })]);
  expect(destination.rows('users')).toEqual([{ id: 3 }]);
});

test('testAppend', async () => {
  await using destination = await Destination.start();
  for (const id of [1, 2]) await write(destination, [append('users')], [record('users', { id })]);
  expect(destination.rows('users')).toEqual([{ id: 1 }, { id: 2 }]);
});

describe('testAppendSchemaEvolution, testOverwriteSchemaEvolution', () => {
  const before = {
    type: 'object',
    properties: { id: { type: 'integer' }, gone: { type: 'integer' }, changed: { type: 'integer' } },
  };
  const after = {
    type: 'object',
    properties: { id: { type: 'integer' }, changed: { type: 'string' }, added: { type: 'array' } },
  };
  test.each(['append', 'overwrite'])('%s: columns that are new, gone, of another type', async (mode) => {
    await using destination = await Destination.start();
    const old = { id: 1, gone: 1, changed: 1 };
    const fresh = { id: 2, changed: 'text', added: [1] };
    await write(destination, [append('users', { mode, schema: before })], [record('users', old)]);
    await write(destination, [append('users', { mode, schema: after })], [record('users', fresh)]);
    expect(destination.rows('users')).toEqual(mode === 'append' ? [old, fresh] : [fresh]);
  });
});

describe('testDedup', () => {
  const live = { _ab_cdc_deleted_at: null };
  const deleted = { _ab_cdc_deleted_at: '2026-11-22T00:00:00.000000' };

  test('the last record wins, and deletes delete', async () => {
    await using destination = await Destination.start();
    const users = dedup('users', ['id1', 'id2']);
    await write(
      destination,
      [users],
      [
        record('users', { id1: 1, id2: 200, name: 'Alice1', ...live }),
        record('users', { id1: 1, id2: 200, name: 'Alice2', ...live }),
        record('users', { id1: 1, id2: 201, name: 'Bob1', ...live }),
      ],
    );
    expect(destination.rows('users').map(({ name }) => name)).toEqual(['Alice2', 'Bob1']);
    await write(
      destination,
      [users],
      [
        record('users', { id1: 1, id2: 200, name: 'Alice3', ...live }),
        record('users', { id1: 1, id2: 201, ...deleted }),
        // Of a row that has never been there.
        record('users', { id1: 2, id2: 200, ...deleted }),
      ],
    );
    expect(destination.rows('users').map(({ name }) => name)).toEqual(['Alice3']);
  });

  test('testDedupNoCursor', async () => {
    await using destination = await Destination.start();
    await write(
      destination,
      [dedup('users', ['id'], { extra: { cursor_field: [] } })],
      [record('users', { id: 1, name: 'first' }), record('users', { id: 1, name: 'last' })],
    );
    expect(destination.rows('users')).toEqual([{ id: 1, name: 'last' }]);
  });

  test('testDedupChangeCursor', async () => {
    await using destination = await Destination.start();
    const with1 = dedup('users', ['id'], { extra: { cursor_field: ['old_cursor'] } });
    const with2 = dedup('users', ['id'], { extra: { cursor_field: ['new_cursor'] } });
    await write(destination, [with1], [record('users', { id: 1, old_cursor: 1 })]);
    await write(destination, [with2], [record('users', { id: 1, new_cursor: 1 })]);
    expect(destination.rows('users')).toEqual([{ id: 1, new_cursor: 1 }]);
  });

  test('testDedupChangePk', async () => {
    await using destination = await Destination.start();
    await write(destination, [dedup('users', ['id1'])], [record('users', { id1: 1, id2: 7, name: 'a' })]);
    await write(
      destination,
      [dedup('users', ['id1', 'id2'])],
      [record('users', { id1: 1, id2: 7, name: 'b' }), record('users', { id1: 1, id2: 8, name: 'c' })],
    );
    expect(destination.rows('users').map(({ name }) => name)).toEqual(['b', 'c']);
  });

  test('testDedupWithStringKey: of Convex itself, with timestamps that a double cannot hold', async () => {
    await using destination = await Destination.start();
    await write(
      destination,
      [dedup('users')],
      [
        record('users', `{"_id":"k57","_ts":${T1},"name":"a"}`),
        record('users', `{"_id":"k57","_ts":${T2},"name":"b"}`),
      ],
    );
    expect(destination.rows('users')).toEqual([expect.objectContaining({ source_id: 'k57', name: 'b' })]);
  });
});

test('testManyStreamsCompletion', async () => {
  await using destination = await Destination.start();
  const streams = Array.from({ length: 20 }, (_, n) => truncate(`stream${n}`, 2));
  const { lines } = await write(destination, streams, [
    ...streams.map(({ name }) => record(name, { name })),
    ...streams.map(({ name }) => state(name, 1)),
    ...streams.map(({ name }) => complete(name)),
  ]);
  expect(statesIn(lines)).toHaveLength(20);
  for (const { name } of streams) expect(destination.rows(name)).toEqual([{ name }]);
});

describe('types', () => {
  test('testBasicTypes', async () => {
    await using destination = await Destination.start();
    const row = {
      id: 1,
      string: 'foo ✓ \u0000 "\\',
      number: 42.1,
      integer: -42,
      boolean: true,
      big: 9007199254740991,
      tiny: 5e-324,
      timestamp_with_timezone: '2023-01-23T11:34:56-01:00',
      timestamp_without_timezone: '2023-01-23T12:34:56',
      date: '2023-01-23 BC',
      time: '12:34:56-01:00',
      null: null,
    };
    await write(destination, [append('types')], [record('types', row)]);
    expect(destination.rows('types')).toEqual([row]);
  });

  test('testContainerTypes', async () => {
    await using destination = await Destination.start();
    const row = {
      empty_object: {},
      object: { a: { b: { c: [1, { d: null }] } } },
      empty_array: [],
      arrays: [[1], ['x', [true]]],
    };
    await write(destination, [append('types')], [record('types', row)]);
    expect(destination.rows('types')).toEqual([row]);
  });

  test('testUnknownTypes, testUnions: of any schema, and of none', async () => {
    await using destination = await Destination.start();
    const schema = {
      type: 'object',
      properties: { a: { type: 'banana' }, b: { oneOf: [{ type: 'string' }, { type: 'integer' }] } },
    };
    const rows = [{ a: 'x', b: 1 }, { a: { y: 1 }, b: 'z' }, { c: 'of no schema' }];
    await write(
      destination,
      [append('types', { schema })],
      rows.map((row) => record('types', row)),
    );
    expect(destination.rows('types')).toEqual(rows);
  });

  test('testNoColumns', async () => {
    await using destination = await Destination.start();
    await write(
      destination,
      [append('types', { schema: { type: 'object', properties: {} } })],
      [record('types', { foo: 'bar' })],
    );
    expect(destination.rows('types')).toEqual([{ foo: 'bar' }]);
  });

  test('testNoData', async () => {
    await using destination = await Destination.start();
    const { lines } = await write(
      destination,
      [append('types'), dedup('keyed', ['id'])],
      [state('types', 1), complete('types')],
    );
    expect(statesIn(lines)).toHaveLength(1);
  });
});

test('testClear', async () => {
  await using destination = await Destination.start();
  await write(destination, [append('users', { generation: 0, minimum: 0 })], [record('users', { id: 1 })]);
  const cleared =
    '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":null},"id":1}}';
  const { lines } = await write(destination, [truncate('users', 1)], [cleared, complete('users')]);
  expect(destination.rows('users')).toEqual([]);
  expect(statesIn(lines).map(withoutStats)).toEqual([cleared]);
});

describe('WriteInitializationTest', () => {
  test.each<[string, object]>([
    ['testBadCredentials', { access_key: 'prod:happy-otter-123|wr0ng' }],
    ['testInvalidConfig', { deployment_url: 'happy-otter-123' }],
    ['testMissingConfig', { access_key: undefined }],
  ])('%s', async (_name, config) => {
    await using destination = await Destination.start();
    const { code, lines } = await destination.write({ streams: [append('users')], config }, [
      record('users', { id: 1 }),
    ]);
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]?.failure_type).toBe('config_error');
    expect(lines.join()).not.toContain('wr0ng');
  });
});

describe('CheckIntegrationTest', () => {
  test.each<[string, object, string]>([
    ['testSuccessConfigs', {}, 'SUCCEEDED'],
    ['testFailConfigs', { access_key: 'prod:happy-otter-123|wr0ng' }, 'FAILED'],
  ])('%s', async (_name, config, expected) => {
    await using destination = await Destination.start();
    const { code, lines } = await destination.check(config);
    expect(code).toBe(0);
    expect(lines.join()).toContain(`"status":"${expected}"`);
    expect(destination.tables()).toEqual([]);
  });
});
