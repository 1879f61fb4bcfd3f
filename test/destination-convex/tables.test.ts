import { describe, expect, test } from 'vitest';
import { errorsOf } from '../support/messages.ts';
import { until } from '../support/until.ts';
import { CLEAR, dedup, Destination, IMPORT, INDEX, overwrite, READY, record, state, statesIn, text } from './setup.ts';

describe('an index', () => {
  test('is waited for, at growing intervals, before the first record is sent', async () => {
    await using destination = await Destination.start({ backfillDelayMs: 400 });
    const finished = await destination.write({ streams: [dedup('t', ['id'])] }, [record('t', { id: 1 })]);
    expect(finished.code).toBe(0);
    expect(destination.rows('t')).toEqual([{ id: 1 }]);
    const asked = destination.emulator.journal.of(READY);
    expect(asked.length).toBeGreaterThan(3);
    // Not at equal intervals: 400 ms would be 200 times 2 ms.
    expect(asked.length).toBeLessThan(40);
    expect(destination.emulator.journal.of(IMPORT).map((request) => request.status)).toEqual([200]);
  });

  test('is given to all tables at once, and waited for only where there are records', async () => {
    await using destination = await Destination.start();
    const streams = [dedup('a', ['id']), dedup('b', ['id']), dedup('never', ['id'])];
    await destination.write({ streams }, [record('a', { id: 1 }), record('b', { id: 1 })]);
    expect(destination.emulator.journal.count(INDEX)).toBe(1);
    for (const { body } of destination.emulator.journal.of(READY)) expect(body).not.toContain('never');
  });

  test('that is not built in time ends the run, and the message names its table', async () => {
    await using destination = await Destination.start({ backfillDelayMs: Infinity });
    const running = destination.start({
      streams: [dedup('t', ['id'])],
      env: { CONVEX_CONNECTOR_POLL_DEADLINE_MS: '50' },
    });
    running.child.stdin.write(text([record('t', { id: 1 }), state('t', 1)]));
    // stdin stays open; the batch goes out by its age, and the run ends nevertheless.
    const { code, lines } = await running.finished;
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(errorsOf(lines)[0]!.message).toMatch(/still building the index of table t; .* for \d+ s by now/);
    expect(statesIn(lines)).toEqual([]);
  });

  test('is requested again if the deployment was busy', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({
      kind: 'status',
      path: INDEX,
      status: 503,
      code: 'OptimisticConcurrencyControlFailure',
    });
    destination.emulator.faults.add({ kind: 'status', path: READY, status: 500 });
    const finished = await destination.write({ streams: [dedup('t', ['id'])] }, [record('t', { id: 1 })]);
    expect(finished.code).toBe(0);
    expect(destination.rows('t')).toEqual([{ id: 1 }]);
  });

  test('that is removed during the sync ends it, and no record is refused', async () => {
    await using destination = await Destination.start();
    const env = { CONVEX_CONNECTOR_BATCH_AGE_MS: '1' };
    const running = destination.start({ streams: [dedup('t', ['id'])], env });
    running.child.stdin.write(text([record('t', { id: 1 }), state('t', 1)]));
    await running.line('the first state', (line) => line.startsWith('{"type":"STATE"'));
    destination.emulator.deployment.dropTable('t');
    running.child.stdin.write(text([record('t', { id: 2 }), record('t', { id: 3 }), state('t', 2)]));
    const { code, lines } = await running.finished;
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(errorsOf(lines)[0]!.message).toContain(
      'The index by which records are deduplicated was removed during the sync',
    );
    expect(statesIn(lines)).toHaveLength(1);
  });
});

describe('emptying', () => {
  test('waits for an index that is being built', async () => {
    await using destination = await Destination.start({ backfillDelayMs: Infinity });
    const { deployment } = destination.emulator;
    destination.insert('t', { source_id: 'old' });
    // An index of a run before this one, which was killed.
    await destination.write({ streams: [dedup('t')], env: { CONVEX_CONNECTOR_POLL_DEADLINE_MS: '0' } }, [
      record('t', { _id: 'x' }),
    ]);
    const running = destination.start({ streams: [overwrite('t')] }, { input: text([record('t', { n: 1 })]) });
    await until('a refusal', () => destination.emulator.journal.of(CLEAR).some((request) => request.status === 400));
    deployment.finishBackfills();
    expect((await running.finished).code).toBe(0);
    expect(destination.rows('t')).toEqual([{ n: 1 }]);
  });

  test('is retried after a failure, and done only once', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    destination.emulator.faults.add({ kind: 'status', path: CLEAR, status: 503 });
    destination.emulator.faults.add({ kind: 'reset-after-commit', path: CLEAR });
    const finished = await destination.write(
      { streams: [overwrite('t')], env: { CONVEX_CONNECTOR_BATCH_RECORDS: '1' } },
      [record('t', { n: 1 }), record('t', { n: 2 })],
    );
    expect(finished.code).toBe(0);
    expect(destination.rows('t')).toEqual([{ n: 1 }, { n: 2 }]);
    expect(destination.emulator.journal.count(CLEAR)).toBe(3);
  });

  test('that is refused ends the run with the reason', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({
      kind: 'status',
      path: CLEAR,
      status: 400,
      code: 'InvalidImport',
      message: 'Not today.',
    });
    const finished = await destination.write({ streams: [overwrite('t')] }, [record('t', { n: 1 })]);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)[0]!.message).toContain('clear_tables answered 400 InvalidImport: Not today.');
    expect(destination.emulator.journal.count(IMPORT)).toBe(0);
  });
});
