import { setTimeout as delay } from 'node:timers/promises';

interface Slot {
  key: string;
  /** When the iterator will have been set up, in milliseconds of `performance.now()`. */
  readyAt: number;
}

/**
 * The one iterator that the backend keeps for all readers of snapshots (crates/database/src/database.rs). Setting one up
 * means reading the whole log from the snapshot to now; it goes on when its request times out, and only a request for
 * exactly the same page finds it again (C57, C58). One request at a time waits for it, the others wait in line.
 */
export class SnapshotIterator {
  /** Pages that found the iterator where they needed it, pages for which one was set up, and log rows read for that. */
  readonly work = { resumed: 0, initialised: 0, logRows: 0 };
  readonly #initialiseMs: number;
  #slot: Slot | undefined;
  #line: Promise<void> = Promise.resolve();

  constructor(initialiseMs: number) {
    this.#initialiseMs = initialiseMs;
  }

  /** Waits until the iterator for a page is ready. Rejects when the request is given up. */
  async ready(key: string, countLogRows: () => number, signal: AbortSignal): Promise<void> {
    const before = this.#line;
    let leave = () => {};
    this.#line = new Promise((resolve) => (leave = resolve));
    try {
      await before;
      signal.throwIfAborted();
      if (this.#slot?.key === key) {
        this.work.resumed++;
      } else {
        this.work.initialised++;
        this.work.logRows += countLogRows();
        this.#slot = { key, readyAt: performance.now() + this.#initialiseMs };
      }
      const wait = this.#slot.readyAt - performance.now();
      if (wait > 0) await delay(wait, undefined, { signal });
      this.#slot = undefined;
    } finally {
      leave();
    }
  }

  /** Keeps the iterator for the page that comes next. */
  keep(key: string): void {
    this.#slot = { key, readyAt: 0 };
  }
}
