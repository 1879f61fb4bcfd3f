/**
 * Detects a snapshot walk that never ends. A deployment does not answer so, but something between it and the
 * connector may, for example a cache that answers one request with the answer to another.
 */
import { notConvex } from '../../shared/convex/client.ts';
import type { SnapshotPage } from '../../shared/convex/streaming-export.ts';

/** Empty pages in a row. Each table has at most one, and a deployment at most 10,000 tables (C153). */
const MAX_EMPTY_PAGES = 20_000;

export class LoopGuard {
  // Brent's algorithm finds a cycle while it remembers a single cursor: the remembered cursor is replaced
  // after 1, 2, 4, 8 … pages. Once the stretch is longer than the cycle, the remembered cursor comes again.
  #remembered: string | null = null;
  #pages = 0;
  #stretch = 1;
  #empty = 0;

  /** Call after each page. Throws `ConvexApiError` if the walk makes no progress. */
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
