/** The source is killed in the middle of a query stream, and the next run goes on at a page's cursor. */
import { describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { lastState, savedStates, type Source, type Wanted } from '../setup.ts';
import { appOf, callsOf, CHANGED, dataOf, PAGE, startQueries, truthOf, type QueryStreamConfig } from './setup.ts';

const COUNT = 18;

async function notes(): Promise<Source> {
  const source = await appOf();
  source.deployment.load(
    'notes',
    Array.from({ length: COUNT }, (_, n) => ({ rev: n + 0.5, text: `note ${n} \u{1F600}`, int: BigInt(n) })),
  );
  return source;
}

/** Lets `pages` answers through and holds the next one back, then kills the source with SIGKILL. Gives back what it had said. */
async function killAfter(
  source: Source,
  pages: number,
  stream: QueryStreamConfig,
  state: unknown[],
  wanted?: Wanted[],
): Promise<string[]> {
  const { faults, journal } = source.emulator;
  journal.clear();
  faults.clear();
  faults.add({ kind: 'hang', after: pages, times: Infinity });
  const run = startQueries(source, [stream], {
    ...(state.length === 0 ? {} : { state }),
    ...(wanted === undefined ? {} : { wanted }),
  });
  await until(`request ${pages + 1}`, () => journal.count() > pages);
  // The page before the one that hangs is written while that is waited for; it ends with a state.
  if (pages > 0) await until('the state of the last page', () => run.lines.filter(isState).length >= pages);
  run.kill();
  const { lines, signal } = await run.finished;
  expect(signal).toBe('SIGKILL');
  faults.clear();
  return lines;
}

const isState = (line: string) => line.startsWith('{"type":"STATE"');

describe.each([
  ['a full refresh', PAGE, 'full_refresh'],
  ['the first sync of an incremental stream', CHANGED, 'incremental'],
] as const)('%s', (_what, stream, mode) => {
  test.each([0, 1, 2, 3, 4])('killed after %i pages', async (pages) => {
    await using source = await notes();
    // Both runs are attempts of one sync: a full refresh only goes on then.
    const wanted = [{ name: 'notes', mode, syncId: 7 }];
    const before = await killAfter(source, pages, stream, [], wanted);
    expect(dataOf(before)).toHaveLength(pages * 4);
    source.emulator.journal.clear();
    const state = savedStates(before);
    const { code, lines } = await startQueries(source, [stream], { wanted, ...(pages === 0 ? {} : { state }) })
      .finished;
    expect(code).toBe(0);
    const all = [...dataOf(before), ...dataOf(lines)];
    // Nothing is missing, nothing came twice, and every record is the deployment's own text.
    expect(all.sort()).toEqual(truthOf(source));
    expect(callsOf(source)).toHaveLength(5 - pages);
  });
});

test('killed after every single page, again and again', async () => {
  await using source = await notes();
  const seen: string[] = [];
  let states: unknown[] = [];
  for (let kills = 0; kills < 4; kills++) {
    const lines = await killAfter(source, 1, PAGE, states);
    seen.push(...dataOf(lines));
    states = savedStates(lines);
  }
  const { code, lines } = await startQueries(source, [PAGE], { state: states }).finished;
  expect(code).toBe(0);
  seen.push(...dataOf(lines));
  expect(seen.sort()).toEqual(truthOf(source));
});

test('killed in the middle of the changes: they go on from the same value, and end at the greatest', async () => {
  await using source = await notes();
  const stream = { ...CHANGED, query: 'notes:newestFirst' };
  const first = await startQueries(source, [stream]).finished;
  source.deployment.load(
    'notes',
    Array.from({ length: 9 }, (_, n) => ({ rev: 100 - n, text: `late ${n}` })),
  );
  const before = await killAfter(source, 1, stream, savedStates(first.lines));
  source.emulator.journal.clear();
  const { lines } = await startQueries(source, [stream], { state: savedStates(before) }).finished;
  expect(callsOf(source).map(({ args }) => args['since'])).toEqual([17.5, 17.5]);
  // Each change, and the last record of before, once.
  const both = [...dataOf(before), ...dataOf(lines)];
  expect([both.length, new Set(both).size]).toEqual([1 + 9, 1 + 9]);
  // The greatest value was seen on the page that only the killed run has read.
  expect(lastState(lines, 'notes')).toMatchObject({ cursor: '100.0', next_cursor: null, has_more: false });
});

describe('a cursor that the query does not know any more', () => {
  test('begins the walk again, once, and says so', async () => {
    await using source = await notes();
    const before = await killAfter(source, 2, PAGE, []);
    const [state] = savedStates(before) as [{ stream: { stream_state: { page_cursor: string } } }];
    state.stream.stream_state.page_cursor = 'AAAAAAAAAAA';
    source.emulator.journal.clear();
    const { code, lines } = await startQueries(source, [PAGE], { state: [state] }).finished;
    expect(code).toBe(0);
    expect(dataOf(lines).sort()).toEqual(truthOf(source));
    expect(lines.join('\n')).toContain('Reading begins again from where this walk began.');
    expect(callsOf(source)).toHaveLength(1 + 5);
  });
});
