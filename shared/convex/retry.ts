/** Retry policy: when to try again, and how long to wait. Pure. p-retry has the loop. */
import type { Options } from 'p-retry';

export interface RetryLimits {
  /** Number of tries, the first included. */
  attempts: number;
  /** Milliseconds after the first failure in which a further try may begin. */
  maxTime: number;
  /** Milliseconds of the first wait, which doubles from try to try. */
  minDelay: number;
  /** Milliseconds of the longest wait. */
  maxDelay: number;
}

/** A sync outlasts a restart or an overload of the deployment, which takes minutes. */
export const SYNC_RETRIES: RetryLimits = { attempts: 10, maxTime: 15 * 60_000, minDelay: 500, maxDelay: 60_000 };

/** A user waits for the answer. */
export const CHECK_RETRIES: RetryLimits = { attempts: 3, maxTime: 20_000, minDelay: 500, maxDelay: 2_000 };

/** Airbyte ends a discovery after nine minutes. */
export const DISCOVER_RETRIES: RetryLimits = { attempts: 8, maxTime: 3 * 60_000, minDelay: 500, maxDelay: 30_000 };

/** The waits as options of p-retry. Half of each is random: not all connectors retry at one time. */
export function backoff({ attempts, minDelay, maxDelay }: RetryLimits): Options {
  // p-retry multiplies by a random number from 1 to 2.
  return { retries: attempts - 1, factor: 2, minTimeout: minDelay / 2, maxTimeout: maxDelay, randomize: true };
}

/**
 * Milliseconds until the next try: `wait`, or longer if the server asked for it. Undefined if the try would
 * begin after `maxTime`. `elapsed`: milliseconds since the first failure.
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

/** Milliseconds of a Retry-After header: seconds or an HTTP date. Undefined for anything else. */
export function parseRetryAfter(header: string | string[] | undefined, now = Date.now()): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/^[A-Z][a-z]{2}, \d{2} /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
