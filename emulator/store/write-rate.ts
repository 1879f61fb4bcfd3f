import { HttpError } from '../http/errors.ts';
import { formatBytes } from '../values/format-bytes.ts';

const WINDOW = 1_000_000_000n;

/**
 * The bytes written in the last second. Only mutations of the app are refused for it, but what imports write counts too:
 * a fast import makes the app's own mutations fail (C149). (crates/database/src/snapshot_manager.rs)
 */
export class WriteRate {
  readonly #limit: () => number;
  #writes: { ts: bigint; bytes: number }[] = [];

  /** `limit` gives the bytes that may be written in a second. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  record(ts: bigint, bytes: number): void {
    this.#forget(ts);
    this.#writes.push({ ts, bytes });
  }

  /** @throws 429 `TooManyWrites` */
  check(now: bigint): void {
    this.#forget(now);
    const written = this.#writes.reduce((sum, { bytes }) => sum + bytes, 0);
    if (written <= this.#limit()) return;
    throw new HttpError(
      429,
      'TooManyWrites',
      `Too many writes per second. Your deployment is limited to ${formatBytes(this.#limit())} bytes written per 1 ` +
        'second. Reduce your write rate or upgrade to a larger deployment.',
    );
  }

  #forget(now: bigint): void {
    if ((this.#writes[0]?.ts ?? now) <= now - WINDOW) this.#writes = this.#writes.filter(({ ts }) => ts > now - WINDOW);
  }
}
