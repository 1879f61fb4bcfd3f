import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { addIndexes, clearTables, dedupTable, deploy, importRecords, outcome, type Reply, rows } from '../client.ts';

/**
 * Requests that commit at the same time. The counts are those of a real backend (get-convex/convex-backend 94a42c3db):
 * so many of ten parallel requests were answered 503. Where not all ten overlapped there, `late` says how many begin
 * after the first commits here.
 */

const CONFLICT = '503 OptimisticConcurrencyControlFailure';
const append = (emulator: Emulator, table: string, n: number) =>
  importRecords(emulator, { [table]: {} }, [[table, { n }]]);
const upsert = (emulator: Emulator, id: number, n: number) =>
  importRecords(emulator, { users: { primaryKey: [['id']] } }, [['users', { id, n }]]);

type Send = (emulator: Emulator, n: number) => Promise<Reply>;

/** Ten requests, of which all but `late` are in progress at the same time. */
async function tenAtOnce(emulator: Emulator, send: Send, late = 0): Promise<string[]> {
  const { commits } = emulator.deployment;
  commits.hold();
  const replies: Promise<Reply>[] = [];
  for (let n = 0; n < 10 - late; n++) {
    replies.push(send(emulator, n));
    await expect.poll(() => commits.held).toBe(n + 1);
  }
  commits.release();
  await Promise.all(replies);
  for (let n = 10 - late; n < 10; n++) {
    replies.push(send(emulator, n));
    await replies.at(-1);
  }
  return (await Promise.all(replies)).map(outcome);
}

interface Case {
  what: string;
  conflicts: number;
  late?: number;
  send: Send;
  prepare?: (emulator: Emulator) => Promise<unknown>;
}

const CASES: Case[] = [
  { what: 'append to 10 new tables', conflicts: 9, send: (emulator, n) => append(emulator, `t${n}`, n) },
  { what: 'append to one new table', conflicts: 3, late: 6, send: (emulator, n) => append(emulator, 'users', n) },
  {
    what: 'add_primary_key_indexes for different tables',
    conflicts: 8,
    late: 1,
    send: (emulator, n) => addIndexes(emulator, { [`t${n}`]: [['id']] }),
  },
  {
    what: 'add_primary_key_indexes for different tables that are there',
    conflicts: 8,
    late: 1,
    prepare: async (emulator) => {
      for (let n = 0; n < 10; n++) await append(emulator, `t${n}`, n);
    },
    send: (emulator, n) => addIndexes(emulator, { [`t${n}`]: [['id']] }),
  },
  {
    what: 'clear_tables for different tables',
    conflicts: 9,
    prepare: async (emulator) => {
      for (let n = 0; n < 10; n++) await append(emulator, `t${n}`, n);
    },
    send: (emulator, n) => clearTables(emulator, [`t${n}`]),
  },
  {
    what: 'dedup of the same ids',
    conflicts: 9,
    prepare: (emulator) => dedupTable(emulator, 'users', [['id']]),
    send: (emulator, n) => upsert(emulator, 1, n),
  },
  {
    what: 'dedup of the same row',
    conflicts: 9,
    prepare: (emulator) => dedupTable(emulator, 'users', [['id']]),
    send: (emulator) => upsert(emulator, 1, 1),
  },
  {
    what: 'add_primary_key_indexes with the same fields for the same new table',
    conflicts: 9,
    send: (emulator) => addIndexes(emulator, { users: [['id']] }),
  },
  {
    what: 'dedup of different ids',
    conflicts: 0,
    prepare: (emulator) => dedupTable(emulator, 'users', [['id']]),
    send: (emulator, n) => upsert(emulator, n, n),
  },
  {
    what: 'append and clear_tables mixed on one table',
    conflicts: 5,
    prepare: (emulator) => append(emulator, 'users', 99),
    send: (emulator, n) => (n % 2 === 0 ? append(emulator, 'users', n) : clearTables(emulator, ['users'])),
  },
  {
    what: 'append to existing tables',
    conflicts: 0,
    prepare: async (emulator) => {
      for (let n = 0; n < 10; n++) await append(emulator, `t${n}`, n);
    },
    send: (emulator, n) => append(emulator, `t${n}`, n),
  },
  {
    what: 'append to one existing table',
    conflicts: 0,
    prepare: (emulator) => append(emulator, 'users', 99),
    send: (emulator, n) => append(emulator, 'users', n),
  },
  {
    what: 'add_primary_key_indexes with the same fields as before',
    conflicts: 0,
    prepare: (emulator) => dedupTable(emulator, 'users', [['id']]),
    send: (emulator) => addIndexes(emulator, { users: [['id']] }),
  },
];

test.each(CASES)('$what: $conflicts of 10 conflict', async ({ conflicts, late, send, prepare }) => {
  const emulator = await deploy();
  await prepare?.(emulator);
  const outcomes = await tenAtOnce(emulator, send, late);
  expect(outcomes.filter((each) => each === CONFLICT)).toHaveLength(conflicts);
  expect(outcomes.filter((each) => each === '200')).toHaveLength(10 - conflicts);
});

test.each(CASES)('$what: one at a time, none conflicts', async ({ send, prepare }) => {
  const emulator = await deploy({ backfillDelayMs: 0 });
  await prepare?.(emulator);
  for (let n = 0; n < 10; n++) {
    const reply = await send(emulator, n);
    expect(outcome(reply)).toBe('200');
    emulator.deployment.finishBackfills();
  }
});

describe('what a conflict leaves', () => {
  test('nothing of the refused request, all of the other one', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    const outcomes = await tenAtOnce(emulator, (_, n) => upsert(emulator, 1, n));
    expect(outcomes[0]).toBe('200');
    expect(rows(emulator, 'users')).toEqual([{ id: 1, n: 0 }]);
    // The same request again goes through.
    expect(outcome(await upsert(emulator, 1, 5))).toBe('200');
    expect(rows(emulator, 'users')).toEqual([{ id: 1, n: 5 }]);
  });

  test('one of many records is enough to refuse them all', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    const { commits } = emulator.deployment;
    commits.hold();
    const first = upsert(emulator, 7, 1);
    await expect.poll(() => commits.held).toBe(1);
    const many = importRecords(
      emulator,
      { users: { primaryKey: [['id']] } },
      Array.from({ length: 20 }, (_, id) => ['users', { id }]),
    );
    await expect.poll(() => commits.held).toBe(2);
    commits.release();
    expect([outcome(await first), outcome(await many)]).toEqual(['200', CONFLICT]);
    expect(rows(emulator, 'users')).toEqual([{ id: 7, n: 1 }]);
  });

  test('a write of the app between beginning and commit conflicts too', async () => {
    const emulator = await deploy();
    await dedupTable(emulator, 'users', [['id']]);
    emulator.deployment.commits.hold();
    const reply = upsert(emulator, 1, 1);
    await expect.poll(() => emulator.deployment.commits.held).toBe(1);
    emulator.deployment.transaction((tx) => tx.insert('users', { id: 1 }));
    emulator.deployment.commits.release();
    expect(outcome(await reply)).toBe(CONFLICT);
  });

  test('the message names the system or the table', async () => {
    const emulator = await deploy();
    const { commits } = emulator.deployment;
    await dedupTable(emulator, 'users', [['id']]);
    const messages: unknown[] = [];
    for (const send of [() => upsert(emulator, 1, 1), () => append(emulator, `t${commits.held}`, 1)]) {
      commits.hold();
      const first = send();
      await expect.poll(() => commits.held).toBe(1);
      const second = send();
      await expect.poll(() => commits.held).toBe(2);
      commits.release();
      await first;
      messages.push((await second).json()['message']);
    }
    expect(messages).toEqual([
      expect.stringMatching(
        /^Documents read from or written to the "users" table changed while this mutation was being run and on every subsequent retry\. /,
      ),
      'Data read or written in this mutation changed while it was being run. Consider reducing the amount of data ' +
        'read by using indexed queries with selective index range expressions ' +
        '(https://docs.convex.dev/database/indexes/).',
    ]);
  });
});
