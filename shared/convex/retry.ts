/** When to try again, and how long to wait: pure policy. The loop and the waits are p-retry's. */
import type { Options } from 'p-retry';

export interface RetryLimits {
  /** Tries in all, the first included. */
  attempts: number;
  /** Milliseconds from the first failure after which no further try is begun. */
  maxTime: number;
  /** Milliseconds of the first wait; it doubles from try to try. */
  minDelay: number;
  /** Milliseconds at which the waits stop growing. */
  maxDelay: number;
}

/** A deployment that restarts or is overloaded is back within minutes; a sync should survive that. */
export const SYNC_RETRIES: RetryLimits = { attempts: 10, maxTime: 15 * 60_000, minDelay: 500, maxDelay: 60_000 };

/** Somebody sits before the screen and waits for the answer. */
export const CHECK_RETRIES: RetryLimits = { attempts: 3, maxTime: 20_000, minDelay: 500, maxDelay: 2_000 };

/** Somebody may still sit there, and Airbyte ends a discovery after nine minutes. */
export const DISCOVER_RETRIES: RetryLimits = { attempts: 8, maxTime: 3 * 60_000, minDelay: 500, maxDelay: 30_000 };

/**
 * The waits as p-retry's options: they double from try to try, and half of each is random, so that many
 * connectors that failed at once do not come back at once.
 */
export function backoff({ attempts, minDelay, maxDelay }: RetryLimits): Options {
  // p-retry multiplies by a random number between 1 and 2.
  return { retries: attempts - 1, factor: 2, minTimeout: minDelay / 2, maxTimeout: maxDelay, randomize: true };
}

/**
 * Milliseconds until the next try: `wait`, or as long as the server asked for. Undefined where the try would
 * begin later than `maxTime` after the first failure. `elapsed`: milliseconds since the first failure.
 */
export function delayWithin(
  { maxTime }: RetryLimits,
  elapsed: number,
  wait: number,
  retryAfter: number | undefined,
): number | undefined {
  const delay = Math.max(wait, retryAfter ?? 0);
  return elapsed + delay > maxTime ? undefined : delay;
}

/**
 * Milliseconds that a Retry-After header asks for: seconds or an HTTP date. Nonsense ("nan", "-1", "soon")
 * asks for nothing.
 */
export function parseRetryAfter(header: string | string[] | undefined, now = Date.now()): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/^[A-Z][a-z]{2}, \d{2} /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
