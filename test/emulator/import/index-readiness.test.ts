import { expect, test } from 'vitest';
import { addIndexes, deploy, indexesReady } from '../client.ts';

/**
 * A real backend made an index ready in 0.2 s for 0 and for 1,000 rows, and in 10 s for 10,000 (a debug build of
 * get-convex/convex-backend 94a42c3db). The times are the machine's, their growth is the backend's.
 */
async function readyAfterMs(count: number): Promise<number> {
  const emulator = await deploy({ backfillDelayMs: 20, backfillMsPerRow: 0.1 });
  if (count > 0) {
    const rows = Array.from({ length: count }, (_, id) => ({ id }));
    emulator.deployment.load('users', rows);
  }
  const start = performance.now();
  await addIndexes(emulator, { users: [['id']] });
  const ready = async () => (await indexesReady(emulator, ['users'])).text;
  await expect.poll(ready, { interval: 5, timeout: 20_000 }).toBe('{"indexesReady":true}');
  return performance.now() - start;
}

test('an index takes longer to be ready when the table has more rows', async () => {
  expect(await readyAfterMs(10_000)).toBeGreaterThanOrEqual(1000);
});

test('an index of an empty table takes a moment', async () => {
  expect(await readyAfterMs(0)).toBeGreaterThanOrEqual(20);
});
