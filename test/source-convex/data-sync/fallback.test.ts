import { describe, expect, test } from 'vitest';
import { savedStates, Source } from '../setup.ts';
import { logsOf } from '../../support/messages.ts';
import { Consumers, sync } from './consumers.ts';

/** Which way changes are read, and why. */

const rows = (count: number, name: string) => Array.from({ length: count }, (_, n) => ({ name: `${name} ${n}` }));
const STREAMS = ['users', 'orders'];
const SYNC = '/api/v1/data/sync';
const DELTAS = '/api/document_deltas';

/** A deployment of two tables that are read, changed and read again. */
async function readTwice(source: Source, config: object = {}) {
  const { deployment, emulator } = source;
  deployment.load('users', rows(5, 'user'));
  deployment.load('orders', rows(3, 'order'));
  const consumers = new Consumers();
  await sync(source, consumers, STREAMS, config);
  deployment.load('users', rows(4, 'later'));
  emulator.journal.clear();
  const { records, lines } = await sync(source, consumers, STREAMS, config);
  expect(records).toHaveLength(4);
  consumers.expectTruth(source, ...STREAMS);
  const { journal } = emulator;
  return { consumers, lines, changes: journal.count(DELTAS), syncs: journal.count(SYNC) };
}

describe('changes are read through Data Sync', () => {
  test('where the deployment has it', async () => {
    await using source = await Source.startWithDataSync();
    const { changes, syncs } = await readTwice(source);
    expect({ changes, syncs }).toEqual({ changes: 0, syncs: 1 });
  });
});

describe('changes are read from the change log', () => {
  test('where the configuration says so', async () => {
    await using source = await Source.startWithDataSync();
    const { changes, syncs, consumers } = await readTwice(source, { changes_from: 'Change log' });
    expect(syncs).toBe(0);
    expect(changes).toBeGreaterThan(0);
    expect(JSON.stringify(consumers.states)).not.toContain('data_sync');
  });

  test.each(['withoutDataSync', 'withoutCursorFromDeltas', 'withoutListActiveSyncs'] as const)(
    'on a backend %s',
    async (missing) => {
      await using source = await Source.startWithDataSync({ [missing]: true });
      const { changes, consumers, lines } = await readTwice(source);
      expect(changes).toBeGreaterThan(0);
      expect(JSON.stringify(consumers.states)).not.toContain('data_sync');
      expect(logsOf(lines).join('\n')).toContain('The change log does not show tables that were imported over');
    },
  );

  test('where tables of a component are called as the word of the selection for all others', async () => {
    await using source = await Source.startWithDataSync();
    source.deployment.mountComponent('_other');
    source.deployment.load('users', rows(2, 'user'), { component: '_other' });
    await source.readAll({ streams: [{ name: 'users', namespace: '_other' }] });
    expect(source.emulator.journal.count(SYNC)).toBe(0);
  });
});

describe('a connection goes on', () => {
  test('when its backend gets Data Sync, and when it loses it', async () => {
    await using source = await Source.startWithDataSync();
    const old = { changes_from: 'Change log' };
    const { consumers } = await readTwice(source, old);
    source.deployment.load('orders', rows(2, 'new'));
    expect((await sync(source, consumers, STREAMS)).records).toHaveLength(2);
    expect(JSON.stringify(consumers.states)).toContain('data_sync');
    source.deployment.importTable('users', rows(2, 'imported'));
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
    source.deployment.load('orders', rows(2, 'newer'));
    expect((await sync(source, consumers, STREAMS, old)).records).toHaveLength(2);
    consumers.expectTruth(source, ...STREAMS);
  });

  test('from a state of version 0.1.0 in the middle of a snapshot', async () => {
    await using source = await Source.startWithDataSync({ limits: { snapshotPage: 4 } });
    source.deployment.load('users', rows(11, 'user'));
    const { faults, journal } = source.emulator;
    faults.add({ kind: 'status', status: 400, path: '/api/list_snapshot', after: 3, times: Infinity });
    const consumers = new Consumers();
    const broken = await source.read({ streams: ['users'], config: { changes_from: 'Change log' } });
    consumers.take(broken.lines);
    expect(JSON.stringify(savedStates(broken.lines))).toContain('"snapshot_has_more":true');
    faults.clear();
    const before = source.deployment.tables().length;
    expect(before).toBe(1);
    source.deployment.load('users', rows(3, 'later'));
    journal.clear();
    await sync(source, consumers, ['users']);
    consumers.expectTruth(source, 'users');
    expect(journal.count(DELTAS)).toBe(0);
  });
});

describe('a stream joins a connection', () => {
  test('its documents are read, and a table that was replaced meanwhile is exact', async () => {
    await using source = await Source.startWithDataSync();
    const { deployment } = source;
    deployment.load('users', rows(5, 'user'));
    deployment.load('orders', rows(6, 'order'));
    const consumers = new Consumers();
    await sync(source, consumers, ['users']);
    deployment.importTable('users', rows(2, 'imported'));
    deployment.load('orders', rows(1, 'later'));
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
    deployment.importTable('orders', rows(2, 'imported'));
    deployment.load('users', rows(1, 'later'));
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
  });
});

test('a gateway that answers 404 for one sync does not hide that a table was replaced then', async () => {
  await using source = await Source.startWithDataSync();
  const { consumers } = await readTwice(source);
  source.deployment.importTable('users', rows(2, 'imported'));
  source.deployment.load('orders', rows(2, 'new'));
  source.emulator.faults.add({ kind: 'status', status: 404, path: SYNC, times: Infinity });
  await sync(source, consumers, STREAMS);
  expect(JSON.stringify(consumers.states)).toContain('"held":["');
  source.emulator.faults.clear();
  source.deployment.load('orders', rows(1, 'newer'));
  await sync(source, consumers, STREAMS);
  consumers.expectTruth(source, ...STREAMS);
});

test('a run without Data Sync is killed, and a table that it has read is replaced: none of its records stays', async () => {
  await using source = await Source.startWithDataSync();
  const { deployment, emulator } = source;
  for (const table of STREAMS) deployment.load(table, rows(4, table));
  const base = await source.readAll({ streams: STREAMS });
  deployment.load('users', rows(3, 'later'));
  emulator.faults.add({ kind: 'status', status: 404, path: SYNC, times: Infinity });
  const fallback = await source.readAll({ streams: STREAMS, state: savedStates(base) });
  emulator.faults.clear();
  deployment.importTable('users', rows(2, 'imported'));
  for (const [end, line] of fallback.entries()) {
    if (!line.startsWith('{"type":"RECORD"')) continue;
    const consumers = new Consumers();
    consumers.take(base);
    consumers.take(fallback.slice(0, end + 1));
    await sync(source, consumers, STREAMS);
    consumers.expectTruth(source, ...STREAMS);
  }
});
