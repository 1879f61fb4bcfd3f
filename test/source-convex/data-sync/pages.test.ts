/** Pages of Data Sync become the same records as pages of the change log, in fewer requests and bounded memory. */
import { expect, test } from 'vitest';
import { randomFields } from '../../chaos/values.ts';
import { SeededRandom } from '../../chaos/seeded-random.ts';
import { logsOf, statesOf } from '../../support/messages.ts';
import { lastState, recordsOf, savedStates, Source } from '../setup.ts';
import { Consumers, sync } from './consumers.ts';

const CHANGE_LOG = { changes_from: 'Change log' };
const SYNC = '/api/v1/data/sync';

/** The RECORD lines without the time at which they were written. */
const recordLines = (lines: readonly string[]) =>
  lines.filter((line) => line.startsWith('{"type":"RECORD"')).map((line) => line.replace(/"emitted_at":\d+\}\}$/, ''));

test.each(['json', 'convex_encoded_json', 'export_json'] as const)(
  'random documents, their updates and deletions: the same bytes as from the change log, as %s',
  async (value_format) => {
    await using source = await Source.startWithDataSync({ limits: { dataSyncPage: 40 } });
    const { deployment } = source;
    deployment.mountComponent('comp');
    const random = new SeededRandom(20261125);
    const fields = (count: number) => Array.from({ length: count }, () => randomFields(random));
    const streams = ['t', { name: 't', namespace: 'comp' }];
    deployment.load('t', fields(20));
    deployment.load('t', fields(5), { component: 'comp' });
    const first = await source.readAll({ streams, config: { value_format } });
    const [...ids] = source.truth('t').keys();
    for (const id of ids.slice(0, 10)) deployment.transaction((tx) => tx.replace(id, randomFields(random)));
    for (const id of ids.slice(8, 14)) deployment.transaction((tx) => tx.delete(id));
    deployment.load('t', fields(150));
    deployment.load('t', fields(30), { component: 'comp' });
    const state = savedStates(first);
    const log = await source.readAll({ streams, state, config: { value_format, ...CHANGE_LOG } });
    const synced = await source.readAll({ streams, state, config: { value_format } });
    expect(recordsOf(synced)).toHaveLength(196);
    expect(recordLines(synced)).toEqual(recordLines(log));
  },
);

test('deselected columns are left out', async () => {
  await using source = await Source.startWithDataSync();
  source.deployment.load('t', [{ a: 1, b: 2 }]);
  const stream = {
    name: 't',
    namespace: undefined,
    json_schema: { properties: { _id: {}, a: {} }, 'x-convex-columns': ['_creationTime', 'a', 'b'] },
    supported_sync_modes: ['full_refresh', 'incremental'],
  };
  const streams = [{ name: 't', extra: { stream } }];
  const first = await source.readAll({ streams });
  source.deployment.load('t', [{ a: 3, b: 4 }]);
  const second = await source.readAll({ streams, state: savedStates(first) });
  expect(recordsOf(second)).toHaveLength(1);
  expect(recordsOf(second)[0]!.document).not.toContain('"b"');
  expect(recordsOf(second)[0]!.document).toContain('"a":3.0');
});

test('catching up with 100,000 rows of the log takes at most 20 requests', async () => {
  await using source = await Source.startWithDataSync();
  const { deployment, emulator } = source;
  deployment.load('t', [{ n: 0 }]);
  const first = await source.readAll({ streams: ['t'] });
  for (let batch = 0; batch < 50; batch++)
    deployment.load(
      't',
      Array.from({ length: 2000 }, (_, n) => ({ n })),
    );
  emulator.journal.clear();
  let records = 0;
  const run = source.startRead(
    { streams: ['t'], state: savedStates(first) },
    { onChunk: (chunk) => (records += chunk.toString('latin1').split('{"type":"RECORD"').length - 1) },
  );
  expect((await run.finished).code).toBe(0);
  expect(records).toBeGreaterThan(99_000);
  expect(emulator.journal.count()).toBeLessThanOrEqual(20);
  expect(emulator.journal.count(SYNC)).toBeLessThanOrEqual(8);
});

test('a state stands before the first record: it says as of when the destination may hold documents then', async () => {
  await using source = await Source.startWithDataSync();
  source.deployment.load('t', [{ n: 0 }]);
  const consumers = new Consumers();
  await sync(source, consumers, ['t']);
  source.deployment.load('t', [{ n: 1 }, { n: 2 }]);
  const { lines, records } = await sync(source, consumers, ['t']);
  const before = statesOf(
    lines.slice(
      0,
      lines.findIndex((line) => line.startsWith('{"type":"RECORD"')),
    ),
  );
  expect(before).toHaveLength(1);
  const { ts } = records.at(-1)!;
  expect(before[0]).toMatchObject({ stream: { stream_state: { data_sync: { held: [ts] } } } });
  expect(lastState(lines, 't')!['data_sync']).not.toHaveProperty('held');
});

test('a page that breaks off is asked for again, and what it shows then is written', async () => {
  await using source = await Source.startWithDataSync();
  source.deployment.load('t', [{ n: 0 }]);
  const consumers = new Consumers();
  await sync(source, consumers, ['t']);
  source.deployment.load(
    't',
    Array.from({ length: 50 }, (_, n) => ({ n, text: 'x'.repeat(100) })),
  );
  source.emulator.faults.add({ kind: 'truncate-body', path: SYNC, bytes: 5_000, times: 2 });
  const { lines } = await sync(source, consumers, ['t']);
  consumers.expectTruth(source, 't');
  expect(logsOf(lines).join('\n')).toContain('WARN 127.0.0.1: /api/v1/data/sync');
});

test('of many streams, some carry the cursor, and a kill loses nothing', async () => {
  const tables = Array.from({ length: 12 }, (_, n) => `table_${n}`);
  await using source = await Source.startWithDataSync();
  for (const table of tables) source.deployment.load(table, [{ n: 0 }]);
  const env = { CONVEX_CONNECTOR_CURSOR_BUDGET: '3000' };
  const consumers = new Consumers();
  const first = await source.readAll({ streams: tables, env });
  consumers.take(first);
  // Those that are written before the first record, too.
  const withCursor = new Set(statesOf(first).flatMap((state) => (hasCursor(state) ? [nameOf(state)] : [])));
  expect(withCursor.size).toBeLessThan(tables.length);
  const carrying = consumers.states.filter(hasCursor);
  expect(carrying.length).toBeGreaterThan(0);
  expect(carrying.length).toBeLessThan(tables.length);
  source.deployment.importTable('table_0', [{ n: 1 }]);
  source.deployment.load('table_5', [{ n: 1 }]);
  consumers.take(await source.readAll({ streams: tables, state: consumers.states, env }));
  consumers.expectTruth(source, ...tables);
  // The states with the cursor are reset: the others are compared.
  const left = consumers.states.filter((state) => !carrying.some((gone) => nameOf(gone) === nameOf(state)));
  source.deployment.importTable('table_0', [{ n: 2 }]);
  const lines = await source.readAll({ streams: tables, state: left, env });
  consumers.take(lines);
  consumers.expectTruth(source, ...tables);
});

const hasCursor = (state: unknown): boolean => JSON.stringify(state).includes('"cursor":"');
const nameOf = (state: unknown) =>
  (state as { stream: { stream_descriptor: { name: string } } }).stream.stream_descriptor.name;
