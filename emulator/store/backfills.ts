import { PrimaryKeyIndex } from './indexes.ts';
import type { FieldPaths } from './primary-key.ts';
import type { Tablet } from './tablets.ts';

/**
 * Indexes that are being built. It takes time even for an empty table, and more with every row that is there
 * (crates/database/src/index_workers). A test may stretch it, or end it.
 */
export class Backfills {
  /** How often the rows of `_index` have changed. */
  version = 0;
  readonly #delayMs: number;
  readonly #msPerRow: number;
  readonly #onEnabled: () => void;
  readonly #running = new Map<PrimaryKeyIndex, NodeJS.Timeout | undefined>();

  constructor(delayMs: number, msPerRow: number, onEnabled: () => void) {
    this.#delayMs = delayMs;
    this.#msPerRow = msPerRow;
    this.#onEnabled = onEnabled;
  }

  /** Puts a new index in place of the one that a tablet has; imports into it are refused until it is ready. */
  start(tablet: Tablet, fields: FieldPaths): void {
    this.drop(tablet);
    this.version++;
    const index = new PrimaryKeyIndex(fields);
    tablet.index = index;
    for (const entry of tablet.documents) if (entry.current !== null) index.add(entry, entry.current);
    this.#running.set(index, undefined);
    if (this.#delayMs === Infinity) return;
    const timer = setTimeout(
      () => {
        this.#enable(index);
      },
      this.#delayMs + this.#msPerRow * tablet.size,
    );
    timer.unref();
    this.#running.set(index, timer);
  }

  drop(tablet: Tablet): void {
    if (tablet.index === undefined) return;
    this.version++;
    this.#forget(tablet.index);
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
    this.version++;
    index.state = 'enabled';
    this.#onEnabled();
  }

  #forget(index: PrimaryKeyIndex): void {
    clearTimeout(this.#running.get(index));
    this.#running.delete(index);
  }
}
