/**
 * Notices a walk over a snapshot that gets nowhere, and would go on for ever: a deployment cannot be like
 * that, but what stands between it and here can, such as a cache that answers one request with the answer of
 * another.
 */
import { notConvex } from '../../shared/convex/client.ts';
import type { SnapshotPage } from '../../shared/convex/streaming-export.ts';

/**
 * Each table gives one page without documents at most, or one after its last document; a deployment has up to
 * 10,000 tables.
 */
const MAX_EMPTY_PAGES = 20_000;

export class LoopGuard {
  // Brent's way to find a circle without remembering the positions of a walk of any length: one of them is
  // remembered, and after twice as many pages the next one. Once the circle is shorter than that stretch, the
  // remembered position comes by again.
  #remembered: string | null = null;
  #pages = 0;
  #stretch = 1;
  #empty = 0;

  /** Throws `ConvexApiError` where this page shows that there is no headway. */
  after({ cursor, documents }: Pick<SnapshotPage, 'cursor' | 'documents'>): void {
    if (cursor === null) return;
    if (cursor === this.#remembered) throw notConvex('the pages of the snapshot go round in a circle', 200);
    if (++this.#pages === this.#stretch) {
      this.#remembered = cursor;
      this.#pages = 0;
      this.#stretch *= 2;
    }
    this.#empty = documents === 0 ? this.#empty + 1 : 0;
    if (this.#empty > MAX_EMPTY_PAGES)
      throw notConvex(
        `the snapshot has ${this.#empty} pages without documents in a row, and says that there are more`,
        200,
      );
  }
}
