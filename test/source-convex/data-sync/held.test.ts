/** Timestamps that states name because the destination may hold documents as of them: many, and of several runs. */
import { expect, test } from 'vitest';
import { Source } from '../setup.ts';
import { Consumers, sync } from './consumers.ts';

const SYNC = '/api/v1/data/sync';

const rows = (count: number, name: string) => Array.from({ length: count }, (_, n) => ({ name: `${name} ${n}` }));

/** Documents that are made and deleted one after another, as those of a queue of jobs. */
function jobs(source: Source, count: number): void {
  const { deployment } = source;
  for (let n = 0; n < count; n++) {
    let id = '';
    deployment.transaction((tx) => (id = tx.insert('users', { name: `job ${n}` })));
    deployment.transaction((tx) => tx.delete(id));
  }
}

/** A run of which everything up to its last record arrives, and no state after it. */
async function killedAfterRecords(source: Source, consumers: Consumers): Promise<void> {
  const lines = await source.readAll({ streams: ['users'], state: consumers.states });
  consumers.take(lines.slice(0, lines.findLastIndex((line) => line.startsWith('{"type":"RECORD"')) + 1));
}

async function withoutDataSync(source: Source, consumers: Consumers): Promise<void> {
  source.emulator.faults.add({ kind: 'status', status: 404, path: SYNC, times: Infinity });
  await sync(source, consumers, ['users']);
  source.emulator.faults.clear();
}

async function firstSync(source: Source): Promise<Consumers> {
  source.deployment.load('users', rows(4, 'user'));
  const consumers = new Consumers();
  await sync(source, consumers, ['users']);
  return consumers;
}

/** More documents than timestamps are compared were made and deleted in the page in which a run was killed. */
async function killedAmongJobs(source: Source): Promise<Consumers> {
  const consumers = await firstSync(source);
  jobs(source, 60);
  await killedAfterRecords(source, consumers);
  return consumers;
}

test('a run that was killed in a page of many short-lived documents goes on', async () => {
  await using source = await Source.startWithDataSync();
  const consumers = await killedAmongJobs(source);
  source.deployment.load('users', rows(2, 'later'));
  await sync(source, consumers, ['users']);
  consumers.expectTruth(source, 'users');
});

test('a change log that is read after a killed run does not hide what the table held before', async () => {
  await using source = await Source.startWithDataSync();
  const consumers = await firstSync(source);
  const ids = [...source.truth('users').keys()];
  jobs(source, 1);
  source.deployment.transaction((tx) => tx.delete(ids[0]!));
  jobs(source, 12);
  const lines = await source.readAll({ streams: ['users'], state: consumers.states });
  // The state before the records arrives, and no record.
  consumers.take(
    lines.slice(
      0,
      lines.findIndex((line) => line.startsWith('{"type":"RECORD"')),
    ),
  );
  source.deployment.importTable('users', rows(2, 'imported'));
  await withoutDataSync(source, consumers);
  await sync(source, consumers, ['users']);
  consumers.expectTruth(source, 'users');
});

test('a table that is replaced after many runs through the change log', async () => {
  await using source = await Source.startWithDataSync();
  const consumers = await firstSync(source);
  for (let run = 0; run < 10; run++) {
    source.deployment.load('users', rows(1, `run ${run}`));
    await withoutDataSync(source, consumers);
  }
  source.deployment.importTable('users', rows(2, 'imported'));
  await withoutDataSync(source, consumers);
  await sync(source, consumers, ['users']);
  consumers.expectTruth(source, 'users');
  expect(JSON.stringify(consumers.states)).not.toContain('"held"');
});

test('a table that was replaced fails where more timestamps are named than are compared, and can be read anew', async () => {
  await using source = await Source.startWithDataSync();
  const consumers = await killedAmongJobs(source);
  source.deployment.importTable('users', rows(2, 'imported'));
  const { states } = consumers;
  const { code } = await source.read({ streams: ['users'], state: states });
  expect(code).toBe(1);
  await sync(source, consumers, ['users'], { expired_cursor_behavior: 'Re-sync data' });
  const ids = [...consumers.documents('users', 'last').keys()];
  expect(ids).toEqual(expect.arrayContaining([...source.truth('users').keys()]));
});
