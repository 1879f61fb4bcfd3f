/** S4: the change log of backends before 2026-08-11 leaves components out. Their changes must not be lost in silence. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf, statesOf, statusesOf } from '../support/messages.ts';
import { change, expectTruth, people, recordsOf, savedStates, Source, stateOf } from './setup.ts';

const ORDERS = { name: 'orders', namespace: 'shop' };
const PROBE = '/api/v1/data/list_active_syncs';
const REFUSAL =
  'The backend of 127.0.0.1 is older than 2026-08-13. Before 2026-08-11 the change log of Convex left the tables of components out, so changes of stream "shop.orders" would be lost. Update the backend, or sync this stream with full refresh, which is complete there. If it was synced incrementally from a backend that old, refresh it after the update: changes were lost.';
const UNKNOWN =
  'WARN 127.0.0.1 does not tell whether its backend is older than 2026-08-11 (/api/v1/data/list_active_syncs answered 403). The change log of such a backend leaves the tables of components out, so changes of shop.orders would be lost. Make sure that the backend is newer, or sync these streams with full refresh.';

async function deploy(options: Parameters<typeof Source.start>[0] = {}): Promise<Source> {
  const source = await Source.start(options);
  source.deployment.load('users', people(3));
  source.deployment.load('orders', people(3), { component: 'shop' });
  return source;
}

describe('S4: a backend whose change log leaves components out', () => {
  test.each([
    ['at first', false],
    ['with a saved state', true],
  ])('%s: the incremental stream of a component is refused, the others are read', async (_what, saved) => {
    await using source = await deploy({ deltasOfRootOnly: true });
    const position = {
      snapshot_cursor: null,
      snapshot_has_more: false,
      delta_cursor: String(source.deployment.now()),
    };
    change(source, 'orders', 'shop');
    const state = saved ? [stateOf('orders', position, 'shop')] : undefined;
    const { code, lines } = await source.read({ streams: [ORDERS, 'users'], state });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([{ failure_type: 'config_error', stream_descriptor: ORDERS, message: REFUSAL }]);
    expectTruth(source, 'users', [lines]);
    expect(statusesOf(lines)).toContain('users COMPLETE');
    // The position of the refused stream does not move.
    expect(statesOf(lines).some((message) => JSON.stringify(message).includes('"orders"'))).toBe(false);
  });

  test('a full refresh of a component is complete there, and the backend is not asked', async () => {
    await using source = await deploy({ deltasOfRootOnly: true });
    const lines = await source.readAll({ streams: [{ ...ORDERS, mode: 'full_refresh' }, 'users'] });
    expectTruth(source, 'orders', [lines], 'shop');
    expect(source.emulator.journal.count(PROBE)).toBe(0);
  });
});

describe('S4: a backend that cannot be told', () => {
  test('is warned of in each run, and read', async () => {
    await using source = await deploy();
    source.emulator.faults.add({ kind: 'html', status: 403, path: PROBE, times: Infinity });
    const first = await source.readAll({ streams: [ORDERS] });
    change(source, 'orders', 'shop');
    const second = await source.readAll({ streams: [ORDERS], state: savedStates(first) });
    for (const lines of [first, second]) expect(logsOf(lines)).toContain(UNKNOWN);
    expectTruth(source, 'orders', [first, second], 'shop');
  });

  test('a 404 that has a body is not that of a backend', async () => {
    await using source = await deploy();
    source.emulator.faults.add({ kind: 'html', status: 404, body: '<h1>Not found</h1>', path: PROBE, times: Infinity });
    const lines = await source.readAll({ streams: [ORDERS] });
    expect(recordsOf(lines)).toHaveLength(3);
    expect(logsOf(lines)).toContain(UNKNOWN.replace('403', '404'));
  });
});

test('S4: a current backend that restarts, and is not there for a moment, is not taken for an old one', async () => {
  await using source = await deploy();
  source.emulator.faults.add({ kind: 'html', status: 404, body: '', path: PROBE });
  expect(recordsOf(await source.readAll({ streams: [ORDERS] }))).toHaveLength(3);
});

test('S4: a current backend is asked once a run, and only for incremental streams of components', async () => {
  await using source = await deploy();
  const first = await source.readAll({ streams: [ORDERS, 'users'] });
  expect(source.emulator.journal.count(PROBE)).toBe(1);
  change(source, 'orders', 'shop');
  const second = await source.readAll({ streams: [ORDERS, 'users'], state: savedStates(first) });
  expectTruth(source, 'orders', [first, second], 'shop');
  source.emulator.journal.clear();
  await source.readAll({ streams: ['users'] });
  expect(source.emulator.journal.count(PROBE)).toBe(0);
});
