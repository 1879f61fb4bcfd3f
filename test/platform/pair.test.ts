/** Our source and destination as the platform runs them. */
import { describe, expect, test } from 'vitest';
import { compare } from '../../pipeline/demo/compare.ts';
import type { Job, Kill, Progress } from './index.ts';
import { Pair } from './setup.ts';

/** What has to hold after every job, however often it was interrupted. */
function expectSound(job: Job): void {
  for (const { books, unparsed } of job.attempts) {
    expect(books.mismatches).toEqual([]);
    expect(unparsed).toEqual([]);
    expect(books.acknowledged).toEqual([...books.acknowledged].sort((a, b) => a - b));
  }
}

/** All states come back, and nothing failed. */
function expectComplete(job: Job): void {
  expectSound(job);
  const last = job.attempts.at(-1);
  expect(last?.failures).toEqual([]);
  expect(job.succeeded).toBe(true);
  expect(last?.books.acknowledged).toHaveLength(last?.books.states ?? NaN);
  expect(last?.books.committed).toBe(last?.books.forwarded);
}

const fill = (pair: Pair, users = 30): void => {
  const { deployment } = pair.from;
  deployment.load(
    'users',
    Array.from({ length: users }, (_, n) => ({ name: `User ${n}`, n: BigInt(n), half: n / 2, tags: [`t${n}`] })),
    { perTransaction: 6 },
  );
  deployment.createTable('empty');
  deployment.load('invoices', [{ total: 1.5 }, { total: -0 }], { component: 'billing' });
};

const ids = (pair: Pair): string[] => [...pair.from.deployment.documents('users')].map(({ _id }) => _id);

const change = (pair: Pair): void => {
  const [first = '', second = '', third = ''] = ids(pair);
  pair.from.deployment.transaction((tx) => {
    tx.delete(first);
    tx.patch(second, { name: 'changed' });
    tx.insert('users', { name: 'new' });
  });
  pair.from.deployment.systemWrite(20);
  pair.from.deployment.transaction((tx) => {
    tx.patch(third, { half: 2n ** 62n });
    tx.insert('invoices', { total: 7 }, 'billing');
  });
};

const differences = (pair: Pair): string[] => compare(pair.from.deployment, pair.to.deployment).differences;
const names = (pair: Pair): unknown[] => [...pair.to.deployment.documents('users')].map(({ name }) => name);

describe.each([{ supportsRefreshes: true }, { supportsRefreshes: false }])(
  'refreshes supported: $supportsRefreshes',
  (flags) => {
    test('incremental append + dedup: everything, then what changed, then nothing', async () => {
      await using pair = await Pair.start(flags);
      fill(pair);
      await pair.select('incremental_append_dedup');
      const first = await pair.connection.sync();
      expectComplete(first);
      expect(first.attempts[0]!.books.forwarded).toBe(32);
      expect(first.attempts[0]!.statuses).toEqual(
        expect.arrayContaining([
          'users STARTED',
          'users RUNNING',
          'users COMPLETE',
          'empty COMPLETE',
          'billing.invoices COMPLETE',
        ]),
      );
      expect(differences(pair)).toEqual([]);

      change(pair);
      const second = await pair.connection.sync();
      expectComplete(second);
      expect(second.attempts[0]!.books.forwarded).toBe(5);
      expect(differences(pair)).toEqual([]);

      const third = await pair.connection.sync();
      expectComplete(third);
      expect(third.attempts[0]!.books.forwarded).toBe(0);
      expect(differences(pair)).toEqual([]);
    });

    test('full refresh + overwrite: each sync replaces the last one', async () => {
      await using pair = await Pair.start(flags);
      fill(pair);
      await pair.select('full_refresh_overwrite');
      expectComplete(await pair.connection.sync());
      expect(differences(pair)).toEqual([]);
      expect(pair.connection.file('destination/catalog.json')).toMatchObject({
        streams: [{ destination_sync_mode: flags.supportsRefreshes ? 'append' : 'overwrite' }, {}, {}],
      });

      pair.from.deployment.importTable('users', [{ name: 'only' }]);
      expectComplete(await pair.connection.sync());
      expect(names(pair)).toEqual(['only']);
      expect(differences(pair)).toEqual([]);
    });

    test('full refresh + overwrite: a table that is empty now is empty then', async () => {
      await using pair = await Pair.start(flags);
      fill(pair);
      await pair.select('full_refresh_overwrite');
      expectComplete(await pair.connection.sync());
      pair.from.deployment.clearTable('users');
      expectComplete(await pair.connection.sync());
      expect(names(pair)).toEqual([]);
      expect(differences(pair)).toEqual([]);
    });

    test('full refresh + append: what was there stays', async () => {
      await using pair = await Pair.start(flags);
      fill(pair, 3);
      await pair.select('full_refresh_append');
      expectComplete(await pair.connection.sync());
      expectComplete(await pair.connection.sync());
      expect(names(pair)).toHaveLength(6);
    });

    test('incremental append: every revision', async () => {
      await using pair = await Pair.start(flags);
      fill(pair, 3);
      await pair.select('incremental_append');
      expectComplete(await pair.connection.sync());
      change(pair);
      expectComplete(await pair.connection.sync());
      expect(names(pair).filter((name) => name !== undefined)).toHaveLength(3 + 3);
    });

    test('a clear empties all tables and forgets the states', async () => {
      await using pair = await Pair.start(flags);
      fill(pair);
      await pair.select('incremental_append_dedup');
      expectComplete(await pair.connection.sync());
      expect(pair.connection.states.size).toBe(3);
      expectComplete(await pair.connection.clear());
      expect(pair.connection.states.size).toBe(0);
      expect(names(pair)).toEqual([]);
      expectComplete(await pair.connection.sync());
      expect(differences(pair)).toEqual([]);
    });

    test('an attempt of a full refresh that is killed is made good by the next one', async () => {
      await using pair = await Pair.start(flags);
      fill(pair);
      await pair.select('full_refresh_overwrite');
      expectComplete(await pair.connection.sync());
      change(pair);
      const job = await pair.connection.sync({ kills: [{ side: 'source', when: ({ forwarded }) => forwarded === 9 }] });
      expect(job.attempts).toHaveLength(2);
      expectComplete(job);
      expect(differences(pair)).toEqual([]);
    });

    test('a source that fails at once leaves the old data in place', async () => {
      await using pair = await Pair.start(flags);
      fill(pair);
      await pair.select('full_refresh_overwrite');
      expectComplete(await pair.connection.sync());
      const before = names(pair);
      pair.from.faults.add({ kind: 'status', status: 401, code: 'BadAdminKey', times: Infinity });
      const job = await pair.connection.sync({ attempts: 3 });
      expect(job.succeeded).toBe(false);
      expect(job.attempts).toHaveLength(1);
      expect(job.attempts[0]!.failures[0]).toMatchObject({ origin: 'source', type: 'config_error' });
      expect(names(pair)).toEqual(before);
    });
  },
);

/**
 * The source hangs in the middle of a snapshot until it is killed: it has written states, and the destination is still listening.
 * Gives back the kill, which also lets later requests through.
 */
const stalled = (pair: Pair, kill: Kill): Kill => {
  pair.from.faults.add({ kind: 'hang', path: '/api/list_snapshot', after: 6, times: Infinity });
  const when = (progress: Progress): boolean => {
    if (!kill.when(progress)) return false;
    pair.from.faults.clear();
    return true;
  };
  return { ...kill, when };
};

describe('killed at any point; the next attempt makes it whole', () => {
  const flags = { supportsRefreshes: true };
  const at: [string, (progress: Progress) => boolean][] = [
    ['at the first record', ({ forwarded }) => forwarded === 1],
    ['in the middle of a batch', ({ forwarded }) => forwarded === 8],
    ['at the first state', ({ states }) => states === 1],
    ['when the first state has come back', ({ acknowledged }) => acknowledged >= 1],
    ['when several have', ({ acknowledged }) => acknowledged >= 3],
  ];

  test.each<[string, Kill]>([
    ...at.flatMap(([when, condition]): [string, Kill][] => [
      [`the source, ${when}`, { side: 'source', when: condition }],
      [`the destination, ${when}`, { side: 'destination', when: condition }],
    ]),
    ['both, cancelled', { side: 'source', how: 'cancel', when: ({ forwarded }) => forwarded === 10 }],
  ])('%s', async (_name, kill) => {
    await using pair = await Pair.start(flags);
    fill(pair);
    await pair.select('incremental_append_dedup');
    const job = await pair.connection.sync({ kills: [stalled(pair, kill)] });
    expect(job.attempts.map(({ killed, succeeded }) => ({ killed, succeeded }))).toEqual([
      { killed: true, succeeded: false },
      { killed: false, succeeded: true },
    ]);
    expectComplete(job);
    expect(differences(pair)).toEqual([]);
  });

  test.each([true, false])(
    'again and again, in snapshots and in changes (refreshes supported: %s)',
    async (supported) => {
      await using pair = await Pair.start({ supportsRefreshes: supported });
      fill(pair);
      await pair.select('incremental_append_dedup');
      const sides = ['source', 'destination'] as const;
      const kills = [1, 2, 3].map((n): Kill => ({ side: sides[n % 2]!, when: ({ states }) => states >= n }));
      expectComplete(await pair.connection.sync({ kills }));
      expect(differences(pair)).toEqual([]);

      change(pair);
      expectComplete(
        await pair.connection.sync({
          kills: [
            { side: 'destination', when: ({ forwarded }) => forwarded === 2 },
            { side: 'source', when: ({ states }) => states === 1 },
          ],
        }),
      );
      expect(differences(pair)).toEqual([]);
    },
  );
});

test('refreshes: truncate removes what the source no longer has, merge keeps it', async () => {
  await using pair = await Pair.start({ supportsRefreshes: true });
  fill(pair);
  await pair.select('incremental_append_dedup');
  expectComplete(await pair.connection.sync());
  // An import leaves no trace in the change log: only a refresh can see it.
  pair.from.deployment.importTable('users', [{ name: 'imported' }]);
  expectComplete(await pair.connection.refresh('merge'));
  expect(names(pair)).toHaveLength(31);
  expectComplete(await pair.connection.refresh('truncate'));
  expect(names(pair)).toEqual(['imported']);
  expect(differences(pair)).toEqual([]);
  pair.from.deployment.transaction((tx) => {
    tx.patch(ids(pair)[0]!, { name: 'changed' });
  });
  expectComplete(await pair.connection.sync());
  expect(differences(pair)).toEqual([]);
});

describe('D1: a replacement that is killed at an acknowledgement; the next attempt makes it whole', () => {
  const imported = (pair: Pair, count: number) => {
    const documents = Array.from({ length: count }, (_, n) => ({ name: `again ${n}` }));
    pair.from.deployment.importTable('users', documents);
  };
  const sides = ['source', 'destination'] as const;

  /** Kills one job after the other, at the first acknowledgement, the second, and so on, until one has no more. */
  async function atEveryAcknowledgement(pair: Pair, start: (kill: Kill) => Promise<Job>): Promise<void> {
    let at = 1;
    for (;;) {
      imported(pair, 20 + at);
      const job = await start({ side: sides[at % 2]!, when: ({ acknowledged }) => acknowledged >= at });
      expectSound(job);
      expect(job.succeeded, `killed at acknowledgement ${at}`).toBe(true);
      expect(new Set(names(pair)).size, `killed at acknowledgement ${at}`).toBe(20 + at);
      expect(differences(pair), `killed at acknowledgement ${at}`).toEqual([]);
      if (!job.attempts[0]!.killed) break;
      at++;
    }
    expect(at).toBeGreaterThan(3);
  }

  test('truncate refresh', { timeout: 120_000 }, async () => {
    await using pair = await Pair.start({ supportsRefreshes: true });
    fill(pair);
    await pair.select('incremental_append_dedup');
    expectComplete(await pair.connection.sync());
    await atEveryAcknowledgement(pair, (kill) => pair.connection.refresh('truncate', { kills: [kill] }));
  });

  test.each([true, false])('full refresh + overwrite (refreshes supported: %s)', { timeout: 120_000 }, async (flag) => {
    await using pair = await Pair.start({ supportsRefreshes: flag });
    fill(pair);
    await pair.select('full_refresh_overwrite');
    expectComplete(await pair.connection.sync());
    await atEveryAcknowledgement(pair, (kill) => pair.connection.sync({ kills: [kill] }));
  });

  test('a long refresh is gone on with', async () => {
    await using pair = await Pair.start({ supportsRefreshes: true });
    fill(pair);
    await pair.select('incremental_append_dedup');
    expectComplete(await pair.connection.sync());
    imported(pair, 50);
    const job = await pair.connection.refresh('truncate', {
      kills: [stalled(pair, { side: 'source', when: ({ acknowledged }) => acknowledged >= 4 })],
    });
    expectComplete(job);
    expect(job.attempts[1]!.books.forwarded).toBeLessThan(53);
    expect(differences(pair)).toEqual([]);
  });
});

test('a source that falls silent misses its heartbeat, and the next attempt goes on', async () => {
  await using pair = await Pair.start({ supportsRefreshes: true });
  fill(pair);
  await pair.select('incremental_append_dedup');
  pair.from.faults.add({ kind: 'hang', path: '/api/list_snapshot', after: 6, times: 1 });
  const job = await pair.connection.sync({ attempts: 2, heartbeat: 4_000 });
  expect(job.attempts[0]!.failures[0]).toMatchObject({ origin: 'platform', type: 'transient_error' });
  expect(job.attempts[0]!.books.acknowledged.length).toBeGreaterThan(0);
  expectComplete(job);
  expect(differences(pair)).toEqual([]);
});

test('while a deployment takes its time, states are the heartbeat', async () => {
  await using pair = await Pair.start({ supportsRefreshes: true, env: { CONVEX_CONNECTOR_HEARTBEAT_MS: '50' } });
  fill(pair);
  await pair.select('incremental_append_dedup');
  expectComplete(await pair.connection.sync());
  pair.from.deployment.systemWrite();
  pair.from.faults.add({ kind: 'latency', path: '/api/v1/data/sync', ms: 2_000, times: 1 });
  const job = await pair.connection.sync();
  expectComplete(job);
  expect(job.attempts[0]?.books.forwarded).toBe(0);
  // Three come at the end anyway.
  expect(job.attempts[0]?.books.states).toBeGreaterThan(6);
});

test('spec, check and discover give one message each', async () => {
  await using pair = await Pair.start({ supportsRefreshes: true });
  fill(pair);
  expect(await pair.connection.ask('source', 'spec')).toHaveProperty('spec.connectionSpecification');
  expect(await pair.connection.ask('destination', 'spec')).toHaveProperty('spec.supported_destination_sync_modes');
  for (const side of ['source', 'destination'] as const)
    expect(await pair.connection.ask(side, 'check')).toMatchObject({ connectionStatus: { status: 'SUCCEEDED' } });
  expect(await pair.connection.ask('source', 'discover')).toHaveProperty('catalog.streams.length', 3);
});
