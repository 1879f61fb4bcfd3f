import pRetry from 'p-retry';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  CHECK_RETRIES,
  DISCOVER_RETRIES,
  SYNC_RETRIES,
  backoff,
  delayWithin,
  parseRetryAfter,
  type RetryLimits,
} from '../../../shared/convex/retry.ts';

const LIMITS = { attempts: 8, maxTime: 10_000, minDelay: 100, maxDelay: 1000 };

/** Milliseconds of each wait of a loop that never succeeds. `chance`: what the random numbers are. */
async function waits(limits: RetryLimits, chance: number): Promise<number[]> {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(chance);
  const delays: number[] = [];
  const fail = () => Promise.reject(new Error('down'));
  const loop = pRetry(fail, {
    ...backoff(limits),
    shouldRetry: ({ retryDelay }) => {
      delays.push(retryDelay);
      return true;
    },
  });
  await Promise.all([expect(loop).rejects.toThrow('down'), vi.runAllTimersAsync()]);
  return delays;
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('waits', () => {
  test('double up to the longest, and half of each is left to chance', async () => {
    expect(await waits(LIMITS, 0)).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
    expect(await waits(LIMITS, 0.5)).toEqual([75, 150, 300, 600, 1000, 1000, 1000]);
    expect(await waits(LIMITS, 1)).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
  });

  test.each([
    ['a check ends while somebody waits for it', CHECK_RETRIES, 3, 20_000],
    ['a discovery ends before Airbyte ends it', DISCOVER_RETRIES, 8, 180_000],
    ['a sync lives through a restart', SYNC_RETRIES, 10, 900_000],
  ])('%s', async (_what, limits, attempts, maxTime) => {
    expect(limits).toMatchObject({ attempts, maxTime });
    const delays = await waits(limits, 1);
    expect(delays).toHaveLength(attempts - 1);
    expect(delays.reduce((sum, delay) => sum + delay, 0)).toBeLessThan(maxTime);
  });
});

test.each<[number, number, number | undefined, number | undefined]>([
  [0, 75, undefined, 75],
  [0, 75, 0, 75],
  [0, 75, 74, 75],
  [0, 75, 76, 76],
  [0, 75, 10_000, 10_000],
  [0, 75, 10_001, undefined],
  [9925, 75, undefined, 75],
  [9926, 75, undefined, undefined],
  [9000, 75, 1000, 1000],
  [9000, 75, 1001, undefined],
])(
  '%s ms after the first failure, a wait of %s ms, where %s ms are asked for: %s ms',
  (elapsed, wait, asked, delay) => {
    expect(delayWithin(LIMITS, elapsed, wait, asked)).toBe(delay);
  },
);

describe('Retry-After', () => {
  const NOW = Date.parse('2026-11-22T03:14:15Z');
  test.each<[string | string[] | undefined, number | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['7', 7000],
    [' 7 ', 7000],
    ['1.5', 1500],
    ['3600', 3_600_000],
    [['7', '9'], 7000],
    ['Sun, 22 Nov 2026 03:14:25 GMT', 10_000],
    ['Sun, 22 Nov 2026 03:14:05 GMT', 0],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['Wed, 99 Oct 2015 07:28:00 GMT', undefined],
    ['nan', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['inf', undefined],
    ['-1', undefined],
    ['1e9', undefined],
    ['9999999999', undefined],
    ['soon', undefined],
    ['2026-11-22', undefined],
    ['7 seconds', undefined],
    ['0x10', undefined],
  ])('%j asks for %s ms', (header, delay) => {
    expect(parseRetryAfter(header, NOW)).toBe(delay);
  });
});
