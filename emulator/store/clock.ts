import type { Random } from './random.ts';

/** The first commit's time unless the caller chooses: near 1.79e18 ns (September 2026), as issue reports show them. */
export const DEFAULT_NOW = 1_790_000_000_123_456_789n;

/**
 * The deployment's clock, in nanoseconds since 1970. It never reads the machine's time, so a run repeats exactly.
 *
 * Commit timestamps are unique and increasing, and never divisible by 256, the distance of two doubles of this size:
 * a client that lets one through a JavaScript number changes it, always.
 */
export class Clock {
  #now: bigint;
  readonly #random: Random;

  constructor(now: bigint, random: Random) {
    this.#now = odd(now);
    this.#random = random;
  }

  /** The latest timestamp that reads may use; grows with commits, with requests and with `advance`. */
  get now(): bigint {
    return this.#now;
  }

  /** Moves on by about `step` nanoseconds and returns the new time. */
  tick(step: number): bigint {
    this.#now = odd(this.#now + 1n + BigInt(this.#random.below(step)));
    return this.#now;
  }

  /** Lets `nanoseconds` pass without any commit. */
  advance(nanoseconds: bigint): bigint {
    if (nanoseconds < 0n) throw new Error('time does not run backwards');
    this.#now = odd(this.#now + nanoseconds);
    return this.#now;
  }
}

function odd(time: bigint): bigint {
  return time % 256n === 0n ? time + 1n : time;
}

/** Milliseconds with a fraction, as `_creationTime` holds them. */
export function toMilliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n) + Number(nanoseconds % 1_000_000n) * 1e-6;
}

const scratch = new DataView(new ArrayBuffer(8));

/** The next larger double: documents of one transaction have creation times one step apart. */
export function nextUp(value: number): number {
  scratch.setFloat64(0, value);
  scratch.setBigInt64(0, scratch.getBigInt64(0) + 1n);
  return scratch.getFloat64(0);
}
