import { describe, expect, test } from 'vitest';
import type { Fault } from '../../emulator/index.ts';
import { until } from '../support/until.ts';
import { append, dedup, Destination, overwrite, record, state, statesIn, status, text, type Wanted } from './setup.ts';

/** Batches by records only, so that runs make the same requests. */
const ENV = { CONVEX_CONNECTOR_BATCH_RECORDS: '3', CONVEX_CONNECTOR_BATCH_AGE_MS: '60000' };
const STREAMS = [dedup('users'), append('events')];

/** The source's records: inserts, updates and deletions of few keys, so that their order matters. */
const EVENTS = Array.from({ length: 12 }, (_, n) => {
  const _id = `u${n % 4}`;
  if (n % 7 === 3) return { stream: 'users', data: { _id, _ab_cdc_deleted_at: 'x' } };
  if (n % 11 === 5) return { stream: 'users', data: { _id: `ghost${n}`, _ab_cdc_deleted_at: 'x' } };
  return n % 3 === 1 ? { stream: 'events', data: { n } } : { stream: 'users', data: { _id, n } };
});

/** The lines from a position on, a state of all streams after every third record. */
function linesFrom(position: number): string[] {
  return EVENTS.slice(position).flatMap(({ stream, data }, offset) => {
    const n = position + offset + 1;
    const global = `{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{"position":${n}},"stream_states":[]}}}`;
    return [record(stream, data), ...(n % 3 === 0 ? [global] : [])];
  });
}

/** What the tables must hold at the end. */
const USERS = (() => {
  const rows = new Map<string, object>();
  for (const { stream, data } of EVENTS) {
    if (stream !== 'users') continue;
    const { _id, n } = data as { _id: string; n?: number };
    if (n === undefined) rows.delete(_id);
    else rows.set(_id, { source_id: _id, n });
  }
  return [...rows.values()];
})();
const APPENDED = EVENTS.filter(({ stream }) => stream === 'events').map(({ data }) => (data as { n: number }).n);

const byKey = (rows: object[]) => rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();

/** The position of the last echoed STATE. */
function committed(lines: readonly string[]): number {
  return Number(/"position":(\d+)/.exec(statesIn(lines).at(-1) ?? '')?.[1] ?? 0);
}

test('the source of these tests means what it should', async () => {
  await using destination = await Destination.start();
  await destination.write({ streams: STREAMS, env: ENV }, linesFrom(0));
  expect(byKey(destination.rows('users'))).toEqual(byKey(USERS));
  expect(destination.rows('events').map(({ n }) => n)).toEqual(APPENDED);
});

/** Starts a run, kills it at its request number `at`, and lets another one follow. False if the run has no such request. */
async function killedAt(at: number, fault: Fault | undefined): Promise<boolean> {
  await using destination = await Destination.start();
  const { journal, faults } = destination.emulator;
  const remove = fault === undefined ? undefined : faults.add({ ...fault, after: at - 1 });
  const running = destination.start({ streams: STREAMS, env: ENV }, { input: text(linesFrom(0)) });
  let ended = false;
  void running.finished.then(() => (ended = true));
  await until(`request ${at}`, () => {
    const entry = journal.entries[at - 1];
    return ended || (entry !== undefined && (fault !== undefined || entry.endedAt !== undefined));
  });
  if (journal.entries.length < at) return false;
  running.kill();
  const { lines } = await running.finished;
  remove?.();
  const from = committed(lines);
  const again = await destination.write({ streams: STREAMS, env: ENV }, linesFrom(from));
  expect(again.code, `killed at request ${at}`).toBe(0);
  expect(Math.max(from, committed(again.lines))).toBe(EVENTS.length);
  expect(byKey(destination.rows('users')), `killed at request ${at}`).toEqual(byKey(USERS));
  // Appended: nothing lost; twice only what one request held.
  const rows = destination.rows('events').map(({ n }) => n as number);
  expect([...new Set(rows)].sort((a, b) => a - b)).toEqual(APPENDED);
  expect(rows.length - APPENDED.length, `killed at request ${at}`).toBeLessThanOrEqual(3);
  return true;
}

describe('killed, at any request: the next run from the last state loses nothing', () => {
  const HOW: [string, Fault | undefined][] = [
    ['before it is carried out', { kind: 'hang' }],
    ['before its answer arrives', { kind: 'latency', ms: 2_000 }],
    ['after its answer', undefined],
  ];

  test.each(HOW)('%s', { timeout: 120_000 }, async (_, fault) => {
    let at = 1;
    while (await killedAt(at, fault)) at++;
    expect(at).toBeGreaterThan(6);
  });
});

test('killed while it replaces tables, at any request: the next attempt starts anew and is exact', async () => {
  const streams: Wanted[] = [
    overwrite('users', { generation: 2, minimum: 2, sync: 5 }),
    dedup('events', ['n'], { generation: 2, minimum: 2, sync: 5 }),
  ];
  const lines = [
    ...[1, 2, 3, 4].flatMap((n) => [
      record('users', { n }),
      record('events', { n }),
      state('users', n),
      state('events', n),
    ]),
    status('users', 'COMPLETE'),
    status('events', 'COMPLETE'),
  ];
  for (let at = 1; at <= 7; at++) {
    await using destination = await Destination.start();
    destination.insert('users', { old: 1 });
    destination.insert('events', { n: 99 });
    const { journal, faults } = destination.emulator;
    const remove = faults.add({ kind: 'latency', ms: 2_000, after: at - 1 });
    // The streams are not complete, so their STATEs must not be echoed.
    const running = destination.start({ streams, env: ENV });
    running.child.stdin.write(text(lines.slice(0, -2)));
    await until(`request ${at}`, () => journal.entries.length >= at);
    running.kill();
    expect(statesIn((await running.finished).lines)).toEqual([]);
    remove();
    const again = await destination.write({ streams, env: ENV }, lines);
    expect(again.code).toBe(0);
    expect(statesIn(again.lines)).toHaveLength(8);
    for (const table of ['users', 'events']) expect(destination.rows(table).map(({ n }) => n)).toEqual([1, 2, 3, 4]);
  }
});
