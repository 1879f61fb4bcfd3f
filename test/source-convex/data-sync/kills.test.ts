/** The source is killed while it reads through Data Sync, tables are replaced, and the next run goes on from the last states. */
import { describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { Source } from '../setup.ts';
import { Consumers, sync } from './consumers.ts';

const STREAMS = ['users', 'orders'];
/** Milliseconds: a process for each request of a run, and two more for each. */
const LONG = 240_000;

const rows = (count: number, name: string) => Array.from({ length: count }, (_, n) => ({ name: `${name} ${n}` }));

async function deployment(): Promise<Source> {
  const source = await Source.startWithDataSync({ limits: { snapshotPage: 3, dataSyncPage: 4 } });
  source.deployment.load('users', rows(8, 'user'));
  source.deployment.load('orders', rows(5, 'order'));
  return source;
}

/** Lets `requests` answers through, and kills the source at the next request. False where the run ended before. */
async function killAfter(source: Source, consumers: Consumers, requests: number): Promise<boolean> {
  const { faults, journal } = source.emulator;
  journal.clear();
  faults.add({ kind: 'hang', after: requests, times: Infinity });
  const { states } = consumers;
  const run = source.startRead({ streams: STREAMS, ...(states.length === 0 ? {} : { state: states }) });
  let gone = false;
  void run.finished.then(() => (gone = true));
  await until(`request ${requests + 1}, or the end`, () => gone || journal.entries.length > requests);
  // What was said before the request that hangs has left the process, but may not have arrived here yet.
  if (!gone) await new Promise((resolve) => setTimeout(resolve, 50));
  run.kill();
  const { lines, signal } = await run.finished;
  faults.clear();
  consumers.take(lines);
  return signal === 'SIGKILL';
}

/** What happens to the deployment before the run that is killed, and after it. */
const EVENTS: Record<string, [before: (source: Source) => void, after: (source: Source) => void]> = {
  'a table is replaced before': [
    ({ deployment }) => deployment.importTable('users', rows(6, 'imported')),
    ({ deployment }) => deployment.load('users', rows(1, 'after')),
  ],
  'a table is replaced after': [
    ({ deployment }) => deployment.load('users', rows(6, 'more')),
    ({ deployment }) => deployment.importTable('users', rows(2, 'imported')),
  ],
  'a table is replaced before and after': [
    ({ deployment }) => deployment.importTable('users', rows(6, 'imported')),
    ({ deployment }) => deployment.importTable('users', rows(7, 'imported again')),
  ],
};

describe.each(Object.entries(EVENTS))('%s', (_name, [before, after]) => {
  test(
    'SIGKILL at every request',
    async () => {
      await using source = await deployment();
      const consumers = new Consumers();
      await sync(source, consumers, STREAMS);
      for (let requests = 0; ; requests++) {
        before(source);
        source.deployment.load('orders', rows(3, 'more'));
        const killed = await killAfter(source, consumers, requests);
        after(source);
        await sync(source, consumers, STREAMS);
        consumers.expectTruth(source, ...STREAMS);
        if (!killed) break;
        expect(requests).toBeLessThan(100);
      }
    },
    LONG,
  );
});

test(
  'wherever the output ends: documents that lived within one page do not stay after their table was replaced',
  async () => {
    await using source = await Source.startWithDataSync();
    const { deployment } = source;
    deployment.load('users', rows(4, 'user'));
    deployment.load('orders', rows(3, 'order'));
    const base = await source.readAll({ streams: STREAMS });
    for (let n = 0; n < 4; n++) {
      deployment.load('users', rows(2, `brief ${n}`));
      const ids = [...source.truth('users').keys()];
      deployment.transaction((tx) => {
        tx.delete(ids[0]!);
        tx.delete(ids.at(-1)!);
        tx.insert('users', { name: `with a deletion ${n}` });
      });
    }
    const lines = await source.readAll({ streams: STREAMS, state: consumersOf([base]).states });
    deployment.importTable('users', rows(3, 'imported'));
    for (let end = 0; end <= lines.length; end++) {
      if (end < lines.length && !isMessage(lines[end]!)) continue;
      const consumers = consumersOf([base, lines.slice(0, end)]);
      await sync(source, consumers, STREAMS);
      consumers.expectTruth(source, ...STREAMS);
    }
  },
  LONG,
);

test(
  'SIGKILL at every request of a first sync, and a table is replaced then',
  async () => {
    for (let requests = 0; ; requests++) {
      await using source = await deployment();
      const consumers = new Consumers();
      const killed = await killAfter(source, consumers, requests);
      source.deployment.importTable('users', rows(2, 'imported'));
      await sync(source, consumers, STREAMS);
      consumers.expectTruth(source, ...STREAMS);
      if (!killed) break;
    }
  },
  LONG,
);

test('SIGKILL in a comparison: the next run writes no row again, and the rest', async () => {
  await using source = await Source.startWithDataSync({ limits: { snapshotPage: 100 } });
  const { deployment, emulator } = source;
  deployment.load('users', rows(500, 'user'));
  const consumers = new Consumers();
  await sync(source, consumers, ['users']);
  deployment.importTable('users', rows(2_000, 'imported'));
  // The five pages of the old listing come first.
  emulator.faults.add({ kind: 'hang', path: '/api/list_snapshot', after: 20, times: Infinity });
  const run = source.startRead({ streams: ['users'], state: consumers.states });
  const state = await run.line(
    'a state after a thousand rows',
    (line) => /"compared":\{"rows":\[\{"at":"\d+","upTo":/.test(line) && run.lines.length > 1_000,
  );
  expect(state).toContain('"chain":null');
  run.kill();
  emulator.faults.clear();
  const written = consumers.take((await run.finished).lines).length;
  deployment.load('users', rows(1, 'later'));
  const { records } = await sync(source, consumers, ['users']);
  consumers.expectTruth(source, 'users');
  // A page may have been written that no state covers.
  expect(written + records.length).toBeGreaterThan(2_500);
  expect(written + records.length).toBeLessThanOrEqual(2_501 + 100);
});

test(
  'killed twice, the second time anywhere: a page that ends before what the first run wrote does not make the source forget it',
  async () => {
    await using source = await Source.startWithDataSync();
    const { deployment } = source;
    deployment.load('users', rows(1, 'user'));
    const base = await source.readAll({ streams: ['users'] });
    for (const row of rows(6, 'more')) deployment.load('users', [row]);
    const runs: string[][] = [base];
    // All changes in one page. No state after them arrives.
    const first = await source.readAll({ streams: ['users'], state: consumersOf(runs).states });
    runs.push(first.slice(0, first.findLastIndex((line) => line.startsWith('{"type":"RECORD"')) + 1));
    // Two changes in a page.
    deployment.limits.dataSyncPage = 2;
    const second = await source.readAll({ streams: ['users'], state: consumersOf(runs).states });
    deployment.importTable('users', rows(2, 'imported'));
    for (let end = 0; end <= second.length; end++) {
      if (end < second.length && !isMessage(second[end]!)) continue;
      const consumers = consumersOf([...runs, second.slice(0, end)]);
      await sync(source, consumers, ['users']);
      consumers.expectTruth(source, 'users');
    }
  },
  LONG,
);

function consumersOf(runs: readonly (readonly string[])[]): Consumers {
  const consumers = new Consumers();
  for (const lines of runs) consumers.take(lines);
  return consumers;
}

const isMessage = (line: string) => /^\{"type":"(RECORD|STATE)"/.test(line);
