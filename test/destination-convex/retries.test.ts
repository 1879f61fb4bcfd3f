import { describe, expect, test } from 'vitest';
import type { Fault } from '../../emulator/index.ts';
import { errorsOf, logsOf } from '../support/messages.ts';
import { append, countsOf, dedup, Destination, IMPORT, record, state, statesIn, withoutStats } from './setup.ts';

const FAULTS: [string, Fault][] = [
  ['a reset connection', { kind: 'reset-before', path: IMPORT }],
  ['an empty 408', { kind: 'status', path: IMPORT, status: 408 }],
  ['425', { kind: 'status', path: IMPORT, status: 425 }],
  ['429', { kind: 'status', path: IMPORT, status: 429 }],
  ['a lost race (503)', { kind: 'status', path: IMPORT, status: 503, code: 'OptimisticConcurrencyControlFailure' }],
  ['a full committer (503)', { kind: 'status', path: IMPORT, status: 503, code: 'CommitterFullError' }],
  ['an internal error', { kind: 'status', path: IMPORT, status: 500 }],
  ["a proxy's page (502)", { kind: 'html', path: IMPORT, status: 502 }],
  ["a proxy's empty 504", { kind: 'html', path: IMPORT, status: 504, body: '' }],
  ['an index that is being built (400)', { kind: 'status', path: IMPORT, status: 400, code: 'IndexBackfillingError' }],
];

describe('an import is tried again after', () => {
  test.each(FAULTS)('%s', async (_, fault) => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({ ...fault, times: 2 });
    const finished = await destination.write({ streams: [append('t')] }, [record('t', { n: 1 }), state('t', 1)]);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(destination.rows('t')).toEqual([{ n: 1 }]);
    expect(countsOf(finished.lines)).toEqual(['1']);
    expect(logsOf(finished.lines).filter((line) => line.includes('trying again'))).toHaveLength(2);
  });
});

describe('a lost answer', () => {
  const LOST: [string, Fault][] = [
    ['by a reset', { kind: 'reset-after-commit', path: IMPORT }],
    ['by a time limit', { kind: 'status-after-commit', path: IMPORT, status: 408 }],
    ['by a proxy', { kind: 'status-after-commit', path: IMPORT, status: 504, code: '', message: '' }],
  ];

  test.each(LOST)('%s does no harm to deduplicated records', async (_, fault) => {
    await using destination = await Destination.start();
    destination.emulator.faults.add(fault);
    const finished = await destination.write({ streams: [dedup('t', ['id'])] }, [
      record('t', { id: 1, n: 1 }),
      record('t', { id: 1, n: 2 }),
      record('t', { id: 2, _ab_cdc_deleted_at: 'x' }),
      state('t', 1),
    ]);
    expect(finished.code).toBe(0);
    expect(destination.rows('t')).toEqual([{ id: 1, n: 2 }]);
    expect(logsOf(finished.lines).join('\n')).not.toContain('twice');
  });

  test.each(LOST)(
    '%s may double appended records: at most one request of them, and the log says so',
    async (_, fault) => {
      await using destination = await Destination.start();
      destination.emulator.faults.add(fault);
      const env = { CONVEX_CONNECTOR_BATCH_RECORDS: '3' };
      const finished = await destination.write(
        { streams: [append('t')], env },
        Array.from({ length: 9 }, (_, n) => record('t', { n })),
      );
      expect(finished.code).toBe(0);
      expect(destination.rows('t').map(({ n }) => n)).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(logsOf(finished.lines).join('\n')).toContain('up to 3 documents of t may be stored twice');
    },
  );

  test('is not warned of if the request cannot have arrived', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({ kind: 'status', path: IMPORT, status: 503, code: 'CommitterFullError' });
    const finished = await destination.write({ streams: [append('t')] }, [record('t', { n: 1 })]);
    expect(finished.code).toBe(0);
    expect(logsOf(finished.lines).join('\n')).not.toContain('twice');
  });
});

test('when the tries are used up, the run ends with a transient_error', async () => {
  await using destination = await Destination.start();
  destination.emulator.faults.add({ kind: 'status', path: IMPORT, status: 503, times: 99 });
  const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '3' };
  const finished = await destination.write({ streams: [append('t')], env }, [record('t', { n: 1 }), state('t', 1)]);
  expect(finished.code).toBe(1);
  expect(destination.emulator.journal.count(IMPORT)).toBe(3);
  const [error] = errorsOf(finished.lines);
  expect(error).toMatchObject({ failure_type: 'transient_error' });
  expect(error!.message).toContain('tried 3 times');
  expect(statesIn(finished.lines)).toEqual([]);
});

test('a key that is revoked during the sync ends the run at once', async () => {
  await using destination = await Destination.start();
  destination.emulator.faults.add({
    kind: 'status',
    path: IMPORT,
    status: 401,
    code: 'BadAdminKey',
    after: 1,
    times: 99,
  });
  const env = { CONVEX_CONNECTOR_BATCH_RECORDS: '1' };
  const finished = await destination.write({ streams: [append('t')], env }, [
    record('t', { n: 1 }),
    state('t', 1),
    record('t', { n: 2 }),
    state('t', 2),
  ]);
  expect(finished.code).toBe(1);
  expect(errorsOf(finished.lines)).toMatchObject([{ failure_type: 'config_error' }]);
  expect(statesIn(finished.lines).map(withoutStats)).toEqual([state('t', 1)]);
  expect(destination.emulator.journal.count(IMPORT)).toBe(2);
});
