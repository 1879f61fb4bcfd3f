import { PrimaryKeyIndex } from './indexes.ts';
import type { FieldPaths } from './primary-key.ts';
import type { Tablet } from './tablets.ts';

/** Indexes that are being built. Even that of an empty table takes a turn; a test may stretch it, or end it. */
export class Backfills {
  readonly #delayMs: number;
  readonly #onEnabled: () => void;
  readonly #running = new Map<PrimaryKeyIndex, NodeJS.Timeout | undefined>();

  constructor(delayMs: number, onEnabled: () => void) {
    this.#delayMs = delayMs;
    this.#onEnabled = onEnabled;
  }

  /** Puts a new index in place of the one that a tablet has; imports into it are refused until it is ready. */
  start(tablet: Tablet, fields: FieldPaths): void {
    this.drop(tablet);
    const index = new PrimaryKeyIndex(fields);
    tablet.index = index;
    for (const entry of tablet.documents) if (entry.current !== null) index.add(entry, entry.current);
    this.#running.set(index, undefined);
    if (this.#delayMs === Infinity) return;
    const timer = setTimeout(() => {
      this.#enable(index);
    }, this.#delayMs);
    timer.unref();
    this.#running.set(index, timer);
  }

  drop(tablet: Tablet): void {
    if (tablet.index !== undefined) this.#forget(tablet.index);
    tablet.index = undefined;
  }

  /** Ends all of them now. */
  finish(): void {
    for (const index of [...this.#running.keys()]) this.#enable(index);
  }

  close(): void {
    for (const timer of this.#running.values()) clearTimeout(timer);
    this.#running.clear();
  }

  #enable(index: PrimaryKeyIndex): void {
    if (!this.#running.has(index)) return;
    this.#forget(index);
    index.state = 'enabled';
    this.#onEnabled();
  }

  #forget(index: PrimaryKeyIndex): void {
    clearTimeout(this.#running.get(index));
    this.#running.delete(index);
  }
}
