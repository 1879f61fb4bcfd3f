import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import { until } from '../support/until.ts';
import {
  append,
  CLEAR,
  countsOf,
  dedup,
  Destination,
  IMPORT,
  INDEX,
  overwrite,
  READY,
  record,
  state,
  statesIn,
  text,
} from './setup.ts';

describe('sync modes', () => {
  test('append keeps what is there, and repeats', async () => {
    await using destination = await Destination.start();
    destination.insert('events', { n: 0 });
    const finished = await destination.write({ streams: [append('events')] }, [
      record('events', { n: 1 }),
      record('events', { n: 1 }),
      record('events', { n: 2 }),
    ]);
    expect(finished.code).toBe(0);
    expect(destination.rows('events')).toEqual([{ n: 0 }, { n: 1 }, { n: 1 }, { n: 2 }]);
    // Nothing that only deduplication needs.
    expect(destination.requests()).toEqual(['POST import_airbyte_records 200']);
  });

  test('append_dedup replaces whole rows by their key, the last one wins', async () => {
    await using destination = await Destination.start();
    const streams = [dedup('users')];
    await destination.write({ streams }, [
      record('users', { _id: 'a', n: 1, old: true }),
      record('users', { _id: 'b', n: 1 }),
    ]);
    await destination.write({ streams }, [
      record('users', { _id: 'a', n: 2 }),
      record('users', { _id: 'c', n: 1 }),
      record('users', { _id: 'a', n: 3 }),
    ]);
    expect(destination.rows('users')).toEqual([
      { source_id: 'a', n: 3 },
      { source_id: 'b', n: 1 },
      { source_id: 'c', n: 1 },
    ]);
  });

  test('D8: the last arrival wins, whatever the cursor says, and a key of another type is another row', async () => {
    await using destination = await Destination.start();
    const streams = [dedup('t', ['id'], { extra: { cursor_field: ['at'] } })];
    await destination.write({ streams }, [record('t', { id: 1, at: 9 }), record('t', { id: 1, at: 3 })]);
    expect(destination.rows('t')).toEqual([{ id: 1, at: 3 }]);
    await destination.write({ streams }, [record('t', { id: '1', at: 10 }), record('t', '{"id":1.0,"at":2}')]);
    expect(destination.rows('t')).toEqual([
      { id: 1, at: 2 },
      { id: '1', at: 10 },
    ]);
  });

  test('overwrite empties the table, with or without a primary key', async () => {
    await using destination = await Destination.start();
    destination.insert('plain', { old: 1 });
    destination.insert('keyed', { old: 1 });
    const finished = await destination.write({ streams: [overwrite('plain'), overwrite('keyed', { key: ['id'] })] }, [
      record('plain', { n: 1 }),
      record('keyed', { id: 1 }),
      record('keyed', { id: 2 }),
    ]);
    expect(finished.code).toBe(0);
    expect(destination.rows('plain')).toEqual([{ n: 1 }]);
    expect(destination.rows('keyed')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(destination.emulator.journal.count(INDEX)).toBe(0);
  });

  test('keys may be composite and nested, and their fields are renamed wherever the documents are', async () => {
    await using destination = await Destination.start();
    const streams = [dedup('orders', [['_region', '$code'], ['no']])];
    const order = (code: string, no: number, total: number) =>
      record('orders', { _region: { $code: code, name: 'x' }, no, total });
    const finished = await destination.write({ streams }, [order('eu', 1, 10), order('us', 1, 20), order('eu', 1, 11)]);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(destination.rows('orders')).toEqual([
      { source_region: { source_code: 'eu', name: 'x' }, no: 1, total: 11 },
      { source_region: { source_code: 'us', name: 'x' }, no: 1, total: 20 },
    ]);
    expect(destination.emulator.journal.of(INDEX)[0]!.body).toBe(
      '{"indexes":{"orders":[["source_region","source_code"],["no"]]}}',
    );
  });

  test('null is a value of a key, as it is for the server', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [dedup('t', ['id'])] }, [
      record('t', { id: null, n: 1 }),
      record('t', { id: null, n: 2 }),
      record('t', { id: 0, n: 3 }),
    ]);
    expect(destination.rows('t')).toEqual([
      { id: null, n: 2 },
      { id: 0, n: 3 },
    ]);
  });

  test('a document arrives as it was sent: order of keys, escapes, odd names, numbers', async () => {
    await using destination = await Destination.start();
    const data =
      '{"z":1,"a":-0.0,"big":1e21,"\\u0062":"\\ud83d\\ude00\\n\\"","__proto__":{"x":[]},"first name":"é","deep":{"a.b":{"c":null}}}';
    await destination.write({ streams: [append('t')] }, [record('t', data)]);
    expect(destination.emulator.journal.of(IMPORT)[0]!.body).toBe(
      `{"messages":[{"tableName":"t","data":${data}}],"tables":{"t":{"jsonSchema":{}}}}`,
    );
    expect(destination.rows('t')[0]).toMatchObject({ b: '😀\n"', source_proto: { x: [] }, 'first name': 'é' });
  });
});

describe('requests', () => {
  test('name only the tables that they need', async () => {
    await using destination = await Destination.start();
    const streams = [append('a'), append('b'), dedup('c', ['id']), dedup('d', ['id'])];
    await destination.write({ streams }, [record('a', { n: 1 }), record('c', { id: 1 })]);
    const bodies = destination.emulator.journal.of(IMPORT).map(({ body }) => /"tables":(.*)\}$/.exec(body)![1]);
    expect(bodies.sort()).toEqual(['{"a":{"jsonSchema":{}}}', '{"c":{"primaryKey":[["id"]],"jsonSchema":{}}}']);
  });

  test('are not made without records', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('a'), dedup('b'), overwrite('c')] }, [state('a', 1)]);
    expect(finished.code).toBe(0);
    expect(statesIn(finished.lines)).toHaveLength(1);
    expect(destination.requests()).toEqual([]);
  });

  test('stay within their limits of bytes and records', async () => {
    await using destination = await Destination.start();
    const lines = Array.from({ length: 1000 }, (_, n) => record('t', { id: n, text: 'x'.repeat(n % 97) }));
    const env = { CONVEX_CONNECTOR_BATCH_BYTES: '4000', CONVEX_CONNECTOR_BATCH_RECORDS: '40' };
    await destination.write({ streams: [dedup('t', ['id'])], env }, lines);
    const requests = destination.emulator.journal.of(IMPORT);
    expect(Math.max(...requests.map(({ bodyBytes }) => bodyBytes))).toBeLessThanOrEqual(4000);
    expect(Math.max(...requests.map(({ body }) => body.split('"tableName"').length - 1))).toBeLessThanOrEqual(40);
    // The requests are nearly full.
    expect(requests.length).toBeLessThan(1.3 * (requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0) / 4000));
    expect(destination.rows('t')).toHaveLength(1000);
  });

  test('follow one another, while the next one is filled', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({ kind: 'latency', path: IMPORT, ms: 20, times: 99 });
    const lines = Array.from({ length: 200 }, (_, n) => record('t', { n }));
    const finished = await destination.write(
      { streams: [append('t')], env: { CONVEX_CONNECTOR_BATCH_RECORDS: '10' } },
      lines,
    );
    expect(finished.code).toBe(0);
    expect(destination.emulator.journal.maxConcurrent(IMPORT)).toBe(1);
    expect(destination.rows('t').map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  test('are sent after a while if the source is silent, and the STATEs are echoed', async () => {
    await using destination = await Destination.start();
    const running = destination.start({ streams: [append('t')], env: { CONVEX_CONNECTOR_BATCH_AGE_MS: '50' } });
    running.child.stdin.write(text([record('t', { n: 1 }), state('t', 1), record('t', { n: 2 })]));
    await running.line('the state', (line) => line.startsWith('{"type":"STATE"'));
    await until('both records', () => destination.rows('t').length === 2);
    running.child.stdin.write(text([record('t', { n: 3 }), state('t', 2)]));
    await until('the second state', () => statesIn(running.lines).length === 2);
    running.child.stdin.end();
    expect((await running.finished).code).toBe(0);
    expect(countsOf(running.lines)).toEqual(['1', '2']);
    expect(destination.emulator.journal.count(IMPORT)).toBe(2);
  });

  test('that are not answered stop the source, and memory does not grow', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({ kind: 'latency', path: IMPORT, ms: 1_500 });
    const running = destination.start({ streams: [append('t')] });
    const line = Buffer.from(text([record('t', { text: 'x'.repeat(100_000) })]));
    let taken = 0;
    // Far more than fits into two batches and a pipe: written as fast as it is taken.
    const feed = (async () => {
      for (let n = 0; n < 60; n++) {
        if (!running.child.stdin.write(line))
          await new Promise((resolve) => running.child.stdin.once('drain', resolve));
        taken = n + 1;
      }
      running.child.stdin.end();
    })();
    const takenMeanwhile = await until('the first answer', () =>
      destination.emulator.journal.of(IMPORT)[0]?.endedAt === undefined ? undefined : taken,
    );
    await feed;
    expect((await running.finished).code).toBe(0);
    expect(takenMeanwhile).toBeLessThan(40);
    expect(destination.rows('t')).toHaveLength(60);
  });
});

test('the last log line has the records written, their rate and the waiting times', async () => {
  await using destination = await Destination.start();
  const finished = await destination.write({ streams: [append('a'), dedup('b', ['id'], { namespace: 'n' })] }, [
    record('a', { n: 1 }),
    record('a', { n: 2 }),
    record('b', { id: 1 }, 'n'),
  ]);
  const summary = logsOf(finished.lines).find((line) => line.includes('Records written'));
  expect(summary).toMatch(
    /^INFO Records written: (a: 2, n\.b: 1|n\.b: 1, a: 2)\. 3 in all, in [\d.]+ s \([\d,]+\/s, [\d.]+ MB\/s, 2 requests\)\. Waited \d+ % of the time for the source, \d+ % for Convex\.$/,
  );
  expect(errorsOf(finished.lines)).toEqual([]);
  expect(destination.emulator.journal.count(CLEAR)).toBe(0);
  expect(destination.emulator.journal.count(READY)).toBeGreaterThan(0);
});
