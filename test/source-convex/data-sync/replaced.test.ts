import { describe, expect, test } from 'vitest';
import { Wiretap } from '../../chaos/killer.ts';
import { until } from '../../support/until.ts';
import { lastState, Source } from '../setup.ts';
import { Consumers, sync } from './consumers.ts';

/** Tables that are replaced behind the change log: exact after the next sync, for both kinds of destinations. */

const DAY = 86_400n * 1_000_000_000n;
const rows = (count: number, name: string) => Array.from({ length: count }, (_, n) => ({ name: `${name} ${n}`, n }));

async function synced() {
  const source = await Source.startWithDataSync({ now: 1_790_000_000_123_456_789n });
  source.deployment.load('users', rows(30, 'user'));
  source.deployment.load('orders', rows(20, 'order'));
  const consumers = new Consumers();
  await sync(source, consumers, STREAMS);
  consumers.expectTruth(source, ...STREAMS);
  return { source, consumers, deployment: source.deployment };
}

const STREAMS = ['users', 'orders'];

/** The `_id`s of a table. */
const ids = (source: Source, table: string) => [...source.truth(table).keys()];

function commits(lines: readonly string[]): unknown[] {
  return STREAMS.map((stream) => lastState(lines, stream)!['delta_cursor']);
}

describe('a table is replaced between two syncs', () => {
  test('nothing happened: no record', async () => {
    const { source, consumers } = await synced();
    await using _ = source;
    expect((await sync(source, consumers, STREAMS)).records).toEqual([]);
  });

  test('ordinary changes', async () => {
    const { source, consumers, deployment } = await synced();
    await using _ = source;
    const [first, second] = ids(source, 'users');
    deployment.transaction((tx) => {
      tx.replace(first!, { name: 'other' });
      tx.delete(second!);
    });
    deployment.load('users', rows(3, 'new'));
    const { records } = await sync(source, consumers, STREAMS);
    expect(records).toHaveLength(5);
    consumers.expectTruth(source, ...STREAMS);
  });

  test('by an import with new ids', async () => {
    const { source, consumers, deployment } = await synced();
    await using _ = source;
    const tableImport = deployment.beginImport('users');
    tableImport.write('users', rows(7, 'imported'));
    tableImport.swap();
    deployment.load('orders', rows(2, 'later'));
    const { records, lines } = await sync(source, consumers, STREAMS);
    expect(records.filter(({ stream, deleted }) => stream === 'users' && deleted)).toHaveLength(30);
    expect(records).toHaveLength(39);
    consumers.expectTruth(source, ...STREAMS);
    const [users, orders] = commits(lines);
    expect(users).toBe(orders);
    expect((await sync(source, consumers, STREAMS)).records).toEqual([]);
  });

  test('by an import that keeps ids: only what differs is written', async () => {
    const { source, consumers, deployment } = await synced();
    await using _ = source;
    const kept = [...source.truth('users').values()].slice(0, 10).map((text) => JSON.parse(text) as object);
    const tableImport = deployment.beginImport('users');
    tableImport.write('users', kept);
    tableImport.swap();
    const { records } = await sync(source, consumers, STREAMS);
    expect(records.filter(({ deleted }) => deleted)).toHaveLength(20);
    consumers.expectTruth(source, ...STREAMS);
  });

  test('by clearing it', async () => {
    const { source, consumers, deployment } = await synced();
    await using _ = source;
    deployment.clearTable('users');
    deployment.load('users', rows(2, 'after'));
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
  });

  test('by dropping it and making it anew', async () => {
    const { source, consumers, deployment } = await synced();
    await using _ = source;
    deployment.dropTable('users');
    deployment.load('users', rows(4, 'anew'));
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
  });
});

test('a table is replaced while the cursor of a first sync is made', async () => {
  await using source = await Source.startWithDataSync();
  const { deployment, emulator } = source;
  deployment.load('users', rows(5, 'user'));
  const path = '/api/data_sync_cursor_from_deltas';
  emulator.faults.add({ kind: 'latency', path, ms: 1_000, times: 1 });
  const run = source.startRead({ streams: ['users'] });
  await until('the conversion', () => emulator.journal.count(path) > 0);
  deployment.importTable('users', rows(3, 'imported'));
  const consumers = new Consumers();
  consumers.take((await run.finished).lines);
  await sync(source, consumers, ['users']);
  consumers.expectTruth(source, 'users');
});

test('a table is dropped during a sync, and made anew after it', async () => {
  const { source, consumers, deployment } = await synced();
  await using _ = source;
  const { faults, journal } = source.emulator;
  deployment.load('orders', rows(3, 'later'));
  faults.add({ kind: 'hang', path: '/api/v1/data/sync', times: 1 });
  journal.clear();
  const env = { CONVEX_CONNECTOR_RESPONSE_MS: '3000' };
  const run = source.startRead({ streams: STREAMS, state: consumers.states, env });
  await until('the first page', () => journal.count('/api/v1/data/sync') > 0);
  deployment.dropTable('users');
  const { code, lines } = await run.finished;
  expect(code).toBe(1);
  expect(lines.join()).toContain('The deployment has no table \\"users\\". It was synced before');
  consumers.take(lines);
  consumers.expectTruth(source, 'orders');
  deployment.load('users', rows(4, 'anew'));
  await sync(source, consumers, STREAMS);
  consumers.expectTruth(source, ...STREAMS);
});

test('a table is dropped while tables cannot be listed, and made anew after it', async () => {
  const { source, consumers, deployment } = await synced();
  await using _ = source;
  deployment.dropTable('users');
  deployment.load('orders', rows(1, 'more'));
  const path = '/api/get_table_column_names';
  source.emulator.faults.add({ kind: 'status', status: 503, code: 'TableSummariesUnavailable', path, times: Infinity });
  const { code, lines } = await source.read({ streams: STREAMS, state: consumers.states });
  expect(code).toBe(1);
  expect(lines.join()).toContain('a table may have been dropped');
  consumers.take(lines);
  source.emulator.faults.clear();
  deployment.load('users', rows(2, 'anew'));
  await sync(source, consumers, STREAMS);
  consumers.expectTruth(source, ...STREAMS);
});

describe('an import is under way', () => {
  test('its table is read anew where the position has expired, as configured', async () => {
    const { source, consumers, deployment } = await synced();
    await using _ = source;
    deployment.beginImport('users').write('users', rows(2, 'hidden'));
    await sync(source, consumers, STREAMS);
    deployment.advance(10n * DAY);
    deployment.load('users', rows(1, 'later'));
    await sync(source, consumers, STREAMS, { expired_cursor_behavior: 'Re-sync data' });
    consumers.expectTruth(source, ...STREAMS);
  });

  test('none of its rows is written before its swap, and all after it', async () => {
    const { source, consumers, deployment } = await synced();
    await using _ = source;
    const tableImport = deployment.beginImport('users');
    for (let batch = 0; batch < 3; batch++) {
      tableImport.write('users', rows(10, `batch ${batch}`));
      deployment.load('users', rows(1, `app ${batch}`));
      const { lines } = await sync(source, consumers, STREAMS);
      consumers.expectTruth(source, ...STREAMS);
      const [users, orders] = commits(lines);
      expect(users).toBe(orders);
    }
    tableImport.swap();
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
    expect((await sync(source, consumers, STREAMS)).records).toEqual([]);
  });

  test.each(['fail', 'cancel'] as const)('it comes to nothing: %s', async (end) => {
    const { source, consumers, deployment } = await synced();
    await using _ = source;
    const tableImport = deployment.beginImport('users');
    tableImport.write('users', rows(10, 'phantom'));
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
    tableImport[end]();
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
  });

  test('when a first sync begins', async () => {
    await using source = await Source.startWithDataSync();
    const { deployment } = source;
    deployment.load('users', rows(30, 'user'));
    deployment.load('orders', rows(20, 'order'));
    const tableImport = deployment.beginImport('users');
    tableImport.write('users', rows(10, 'hidden'));
    const consumers = new Consumers();
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
    tableImport.write('users', rows(10, 'more'));
    tableImport.swap();
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
  });

  test('when a first sync begins, while another table is dropped and made anew: as many tables as before', async () => {
    await using source = await Source.startWithDataSync();
    const { deployment, emulator } = source;
    for (const table of STREAMS) deployment.load(table, rows(5, table));
    const tableImport = deployment.beginImport('users');
    tableImport.write('users', rows(3, 'hidden'));
    // The first conversion begins the chain. The second one is part of the check that each table is one.
    let conversions = 0;
    let isAnew = false;
    const wiretap = new Wiretap({ source: emulator });
    wiretap.listener = (_side, phase, path) => {
      const arrives = (route: string) => phase === 'arrives' && path.endsWith(route);
      if (arrives('/data_sync_cursor_from_deltas') && ++conversions === 2) deployment.dropTable('orders');
      if (arrives('/get_table_column_names') && conversions === 2) {
        deployment.load('orders', rows(5, 'anew'));
        isAnew = true;
      }
      if (arrives('/data/sync') && isAnew) {
        wiretap.listener = undefined;
        deployment.dropTable('orders');
      }
    };
    const run = source.startRead({ streams: STREAMS });
    const consumers = new Consumers();
    consumers.take((await run.finished).lines);
    deployment.load('orders', rows(5, 'once more'));
    tableImport.write('users', rows(3, 'hidden, too'));
    await sync(source, consumers, STREAMS);
    tableImport.fail();
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
  });
});
