/** When to try again, and how long to wait: pure policy. The loop itself is p-retry's. */

export interface RetryLimits {
  /** Tries in all, the first included. */
  attempts: number;
  /** Milliseconds from the first failure after which no further try is begun. */
  maxTime: number;
  /** Milliseconds of the first wait; it doubles from try to try. */
  minDelay: number;
  /** Milliseconds that no wait exceeds, whatever was asked for. */
  maxDelay: number;
}

/** A deployment that is being restarted or is overloaded is back within minutes; a sync that runs at night should live through that. */
export const SYNC_RETRIES: RetryLimits = { attempts: 10, maxTime: 15 * 60_000, minDelay: 500, maxDelay: 60_000 };

/** Somebody sits before the screen and waits for the answer. */
export const CHECK_RETRIES: RetryLimits = { attempts: 3, maxTime: 20_000, minDelay: 500, maxDelay: 2_000 };

/**
 * Milliseconds to wait after failure number `failures` (from 1). Exponential with full jitter, so that many connectors that failed at
 * once do not come back at once; never shorter than the server asked for, within the limit.
 */
export function retryDelay(
  failures: number,
  retryAfter: number | undefined,
  limits: RetryLimits,
  random = Math.random,
): number {
  const ceiling = Math.min(limits.maxDelay, limits.minDelay * 2 ** Math.min(failures - 1, 30));
  const jittered = Math.round(ceiling / 2 + (random() * ceiling) / 2);
  return Math.min(limits.maxDelay, Math.max(jittered, retryAfter ?? 0));
}

/** Milliseconds that a Retry-After header asks for: seconds or an HTTP date. Nonsense ("nan", "-1", "soon") asks for nothing. */
export function parseRetryAfter(header: string | string[] | undefined, now = Date.now()): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/^[A-Z][a-z]{2}, \d{2} /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
