/** The source is killed in the middle, and the next run goes on from the last states that came out. */
import { describe, expect, test } from 'vitest';
import type { Running } from '../support/process.ts';
import { until } from '../support/until.ts';
import { recordsOf, replay, savedStates, Source, stateOf, type RecordLine, type Wanted } from './setup.ts';

const TABLES = ['alpha', 'beta', 'gamma', 'empty'];
const STREAMS: Wanted[] = [...TABLES, { name: 'delta', namespace: 'comp' }];

/** Milliseconds: a process or two for each of a dozen boundaries. */
const LONG = 240_000;

/** Small pages, so that every table takes several. */
async function deployment(): Promise<Source> {
  const source = await Source.start({ limits: { snapshotPage: 4, deltaRows: 6 } });
  const documents = (n: number) => Array.from({ length: n }, (_, i) => ({ n: i, text: `document ${i}` }));
  source.deployment.load('alpha', documents(11));
  source.deployment.load('beta', documents(8));
  source.deployment.load('gamma', documents(5));
  source.deployment.createTable('empty');
  source.deployment.load('delta', documents(9), { component: 'comp' });
  source.deployment.load('unselected', documents(7));
  return source;
}

/** Lets `pages` answers through and holds the next one back, then kills the source as nothing can be foreseen: with SIGKILL. */
async function killAfter(
  source: Source,
  path: string,
  pages: number,
  running: () => Running,
): Promise<readonly string[] | 'ended'> {
  const { faults, journal } = source.emulator;
  journal.clear();
  faults.clear();
  faults.add({ kind: 'hang', path, after: pages, times: Infinity });
  const run = running();
  let gone = false;
  void run.finished.then(() => (gone = true));
  const held = await until(`request ${pages + 1} to ${path}, or the end`, () =>
    journal.count(path) > pages ? 'held' : gone && 'ended',
  );
  // What was said before the request that hangs has left the process, but may not have arrived here yet.
  if (held === 'held') {
    await new Promise((resolve) => setTimeout(resolve, 50));
    run.kill();
  }
  const { lines, signal } = await run.finished;
  expect(signal).toBe(held === 'held' ? 'SIGKILL' : null);
  return held === 'held' ? lines : held;
}

/** Which records came twice. */
function repeated(first: readonly RecordLine[], second: readonly RecordLine[]): RecordLine[] {
  const seen = new Set(first.map(keyOf));
  return second.filter((record) => seen.has(keyOf(record)));
}

const keyOf = ({ stream, id, ts }: RecordLine): string => `${stream} ${id} ${ts}`;

/** The records of these lines that stand after the last state of their stream: those that may come again. */
function uncovered(lines: readonly string[]): Set<string> {
  const open = new Map<string, string[]>();
  for (const line of lines) {
    if (line.startsWith('{"type":"RECORD"')) {
      const [record] = recordsOf([line]);
      open.set(record!.stream, [...(open.get(record!.stream) ?? []), keyOf(record!)]);
    } else if (line.startsWith('{"type":"STATE"')) {
      const state = JSON.parse(line) as {
        state: { stream: { stream_descriptor: { name: string; namespace?: string } } };
      };
      const { name, namespace } = state.state.stream.stream_descriptor;
      open.delete(namespace === undefined ? name : `${namespace}.${name}`);
    }
  }
  return new Set([...open.values()].flat());
}

/** The documents as they are now, as if they had been read by an earlier run. */
function held(source: Source): RecordLine[] {
  const tables = [...TABLES.map((table) => [table, '', table] as const), ['delta', 'comp', 'comp.delta'] as const];
  return tables.flatMap(([table, component, stream]) =>
    [...source.truth(table, component)].map(([id, document]) => ({ stream, id, ts: '0', deleted: false, document })),
  );
}

function expectTruth(source: Source, records: readonly RecordLine[]): void {
  for (const table of TABLES) expect(replay(records, table)).toEqual(source.truth(table));
  expect(replay(records, 'comp.delta')).toEqual(source.truth('delta', 'comp'));
  expect(replay(records, 'unselected').size).toBe(0);
}

describe('SIGKILL at a page boundary', () => {
  test(
    'of a snapshot of several tables: every boundary',
    async () => {
      const boundaries: number[] = [];
      for (let pages = 0; ; pages++) {
        await using source = await deployment();
        const first = await killAfter(source, '/api/list_snapshot', pages, () =>
          source.startRead({ streams: STREAMS }),
        );
        if (first === 'ended') break;
        boundaries.push(pages);
        source.emulator.faults.clear();
        // Life goes on: what was read before is changed and deleted, and what was not yet read, too.
        source.deployment.transaction((tx) => {
          for (const table of ['alpha', 'beta', 'gamma']) {
            const [a, b] = [...source.deployment.documents(table)];
            tx.delete(a!._id);
            tx.patch(b!._id, { text: 'changed' });
            tx.insert(table, { n: 99 });
          }
        });
        const { code, lines } = await source.read({ streams: STREAMS, state: savedStates(first) });
        expect(code).toBe(0);
        const [before, after] = [recordsOf(first), recordsOf(lines)];
        expectTruth(source, [...before, ...after]);
        const allowed = uncovered(first);
        expect(repeated(before, after).filter((record) => !allowed.has(keyOf(record)))).toEqual([]);
        // A boundary is a checkpoint: everything before it is out (the pin and the empty table have no records), and promised.
        if (pages > 2) expect(before.length).toBeGreaterThan(0);
        expect(allowed.size).toBe(0);
      }
      // pin + alpha 3 + beta 3 (8 = 2·4 takes an empty one) + gamma 2 + empty 1 + delta 3 + pin
      expect(boundaries).toHaveLength(1 + 3 + 3 + 2 + 1 + 3 + 1);
    },
    LONG,
  );

  test(
    'of a walk through the change log: every boundary',
    async () => {
      const boundaries: number[] = [];
      for (let pages = 0; ; pages++) {
        await using source = await deployment();
        const before = held(source);
        const position = {
          snapshot_cursor: null,
          snapshot_has_more: false,
          delta_cursor: String(source.deployment.now()),
        };
        const state = [...TABLES.map((table) => stateOf(table, position)), stateOf('delta', position, 'comp')];
        changes(source);
        const start = () => source.startRead({ streams: STREAMS, state });
        const first = await killAfter(source, '/api/document_deltas', pages, start);
        if (first === 'ended') break;
        boundaries.push(pages);
        source.emulator.faults.clear();
        const { code, lines } = await source.read({ streams: STREAMS, state: [...state, ...savedStates(first)] });
        expect(code).toBe(0);
        const [one, two] = [recordsOf(first), recordsOf(lines)];
        expectTruth(source, [...before, ...one, ...two]);
        expect(repeated(one, two)).toEqual([]);
        if (pages > 1) expect(one.length).toBeGreaterThan(0);
      }
      expect(boundaries.length).toBeGreaterThan(6);
    },
    LONG,
  );

  function changes(source: Source): void {
    for (let round = 0; round < 8; round++) {
      source.deployment.transaction((tx) => {
        for (const table of ['alpha', 'beta']) {
          const documents = [...source.deployment.documents(table)];
          tx.patch(documents[round % documents.length]!._id, { text: `round ${round}` });
          if (round % 3 === 0) tx.delete(documents.at(-1)?._id ?? '');
          if (round % 4 === 0) tx.insert(table, { n: 1000 + round });
        }
        tx.insert('delta', { round }, 'comp');
        tx.insert('unselected', { round });
      });
      source.deployment.systemWrite(3);
    }
  }
});

test('SIGKILL before anything was promised: what is deleted meanwhile does not stay for ever', async () => {
  await using source = await deployment();
  // The first page is cut off in the middle and never comes again: some records are out.
  source.emulator.faults.add({ kind: 'truncate-body', path: '/api/list_snapshot', after: 1, times: 1 });
  source.emulator.faults.add({ kind: 'hang', path: '/api/list_snapshot', after: 1, times: Infinity });
  const run = source.startRead({ streams: STREAMS });
  await run.line('a retry', (line) => line.includes('trying again'));
  await until('the second try', () => source.emulator.journal.count('/api/list_snapshot') === 3);
  run.kill();
  const { lines: first } = await run.finished;
  const before = recordsOf(first);
  expect(before.length).toBeGreaterThan(0);
  source.emulator.faults.clear();
  source.deployment.transaction((tx) => {
    for (const { id } of before) tx.delete(id);
  });
  const { lines } = await source.read({ streams: STREAMS, state: savedStates(first) });
  expectTruth(source, [...before, ...recordsOf(lines)]);
});
