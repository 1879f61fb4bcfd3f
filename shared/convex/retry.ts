/** When to try again, and how long to wait: pure policy. The loop itself is p-retry's. */

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

/** A deployment that is being restarted or is overloaded is back within minutes; a sync that runs at night should live through that. */
export const SYNC_RETRIES: RetryLimits = { attempts: 10, maxTime: 15 * 60_000, minDelay: 500, maxDelay: 60_000 };

/** Somebody sits before the screen and waits for the answer. */
export const CHECK_RETRIES: RetryLimits = { attempts: 3, maxTime: 20_000, minDelay: 500, maxDelay: 2_000 };

/** Somebody may still sit there, and Airbyte ends a discovery after nine minutes. */
export const DISCOVER_RETRIES: RetryLimits = { attempts: 8, maxTime: 3 * 60_000, minDelay: 500, maxDelay: 30_000 };

/**
 * Milliseconds to wait after failure number `failures` (from 1): exponential, half of it left to chance, so that many connectors that
 * failed at once do not come back at once; never shorter than the server asked for.
 */
export function retryDelay(
  failures: number,
  retryAfter: number | undefined,
  limits: RetryLimits,
  random = Math.random,
): number {
  const ceiling = Math.min(limits.maxDelay, limits.minDelay * 2 ** Math.min(failures - 1, 30));
  const jittered = Math.round(ceiling / 2 + (random() * ceiling) / 2);
  return Math.max(jittered, retryAfter ?? 0);
}

/** What is left of the budget with one request. Times are milliseconds of any clock that only goes forward. */
export class RetryBudget {
  /** Failures since the last progress. */
  failures = 0;
  readonly #limits: RetryLimits;
  readonly #random: () => number;
  #firstFailure = 0;

  constructor(limits: RetryLimits, random = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Milliseconds to wait before the next try, after a failure at `now`; undefined where there should be none. */
  afterFailure(now: number, retryAfter: number | undefined): number | undefined {
    if (++this.failures === 1) this.#firstFailure = now;
    if (this.failures >= this.#limits.attempts) return undefined;
    const delay = retryDelay(this.failures, retryAfter, this.#limits, this.#random);
    return now + delay - this.#firstFailure > this.#limits.maxTime ? undefined : delay;
  }

  /** Something has come through that will not be asked for again: what failed before it does not count any more. */
  renew(): void {
    this.failures = 0;
  }
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
