import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CHECK_RETRIES,
  DISCOVER_RETRIES,
  RetryBudget,
  SYNC_RETRIES,
  parseRetryAfter,
  retryDelay,
} from '../../../shared/convex/retry.ts';

const LIMITS = { attempts: 5, maxTime: 10_000, minDelay: 100, maxDelay: 1000 };

describe('how long to wait', () => {
  test.each([
    [1, 50, 100],
    [2, 100, 200],
    [3, 200, 400],
    [4, 400, 800],
    [5, 500, 1000],
    [6, 500, 1000],
    [5000, 500, 1000],
  ])('after failure %s: from %s to %s ms, as chance has it', (failures, least, most) => {
    expect(retryDelay(failures, undefined, LIMITS, () => 0)).toBe(least);
    expect(retryDelay(failures, undefined, LIMITS, () => 1)).toBe(most);
  });

  test.each([
    [undefined, 75],
    [0, 75],
    [74, 75],
    [76, 76],
    [3_600_000, 3_600_000],
  ])('at least what the answer asks for: %s ms', (retryAfter, delay) => {
    expect(retryDelay(1, retryAfter, LIMITS, () => 0.5)).toBe(delay);
  });

  test('is a whole number of milliseconds, never below half the step, never above the longest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (failures, chance) => {
          const delay = retryDelay(failures, undefined, LIMITS, () => chance);
          expect(Number.isInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(50);
          expect(delay).toBeLessThanOrEqual(1000);
        },
      ),
    );
  });
});

describe('budget', () => {
  const patient = (limits = LIMITS) => new RetryBudget(limits, () => 1);

  test('lasts for a number of tries', () => {
    const budget = patient();
    expect([0, 200, 500, 1000, 2000].map((now) => budget.afterFailure(now, undefined))).toEqual([
      100,
      200,
      400,
      800,
      undefined,
    ]);
  });

  test('lasts for a time, which begins with the first failure', () => {
    const budget = patient();
    expect(budget.afterFailure(1_000_000, undefined)).toBe(100);
    expect(budget.afterFailure(1_009_800, undefined)).toBe(200);
    expect(budget.afterFailure(1_009_801, undefined)).toBeUndefined();
  });

  test('does not begin a wait that would outlast it', () => {
    expect(patient().afterFailure(0, 10_000)).toBe(10_000);
    expect(patient().afterFailure(0, 10_001)).toBeUndefined();
  });

  test('is renewed by progress', () => {
    const budget = patient();
    for (let now = 0; now < 1_000_000; now += 4000) {
      expect(budget.afterFailure(now, undefined)).toBe(100);
      expect(budget.afterFailure(now + 1000, undefined)).toBe(200);
      expect(budget.failures).toBe(2);
      budget.renew();
    }
  });

  test.each([
    ['a check ends while somebody waits for it', CHECK_RETRIES, 3, 20_000],
    ['a discovery ends before Airbyte ends it', DISCOVER_RETRIES, 8, 180_000],
    ['a sync lives through a restart', SYNC_RETRIES, 10, 900_000],
  ])('%s', (_what, limits, attempts, maxTime) => {
    expect(limits).toMatchObject({ attempts, maxTime });
    const budget = patient(limits);
    let now = 0;
    let tries = 1;
    for (
      let delay = budget.afterFailure(now, undefined);
      delay !== undefined;
      delay = budget.afterFailure(now, undefined)
    ) {
      now += delay;
      tries++;
    }
    expect(tries).toBe(attempts);
    expect(now).toBeLessThan(maxTime);
  });
});

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
