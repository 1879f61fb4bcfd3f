/**
 * Detects a snapshot walk that never ends. A deployment does not answer so, but something between it and the
 * connector may, for example a cache that answers one request with the answer to another.
 */
import { Circle } from '../../shared/core/circle.ts';
import { notConvex } from '../../shared/convex/client.ts';
import type { SnapshotPage } from '../../shared/convex/streaming-export.ts';

/** Empty pages in a row. Each table has at most one, and a deployment at most 10,000 tables (C153). */
const MAX_EMPTY_PAGES = 20_000;

export class LoopGuard {
  readonly #circle = new Circle();
  #empty = 0;

  /** Call after each page. Throws `ConvexApiError` if the walk makes no progress. */
  after({ cursor, documents }: Pick<SnapshotPage, 'cursor' | 'documents'>): void {
    if (cursor === null) return;
    if (this.#circle.closesAt(cursor)) throw notConvex('the pages of the snapshot go round in a circle', 200);
    this.#empty = documents === 0 ? this.#empty + 1 : 0;
    if (this.#empty > MAX_EMPTY_PAGES)
      throw notConvex(
        `the snapshot has ${this.#empty} pages without documents in a row, and says that there are more`,
        200,
      );
  }
}
