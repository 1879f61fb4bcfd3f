/**
 * The list_snapshot walk: one over all wanted tables, at one pinned timestamp (DEC2, DEC3).
 *
 * A page holds documents of at most one table and may be empty; the walk ends where the cursor is null (C50).
 */
import { mapYields, walkPages } from '../../shared/core/generators.ts';
import type { DocumentHead } from '../../shared/convex/documents.ts';
import { notConvex } from '../../shared/convex/client.ts';
import { selectTables } from '../../shared/convex/selection.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import type { ReadEvent, StreamPosition } from '../output/events.ts';
import { LoopGuard } from './loop-guard.ts';
import type { SnapshotWalk } from './plan.ts';
import { inLog, inSnapshot } from './state.ts';
import { RoutedDocuments } from './stream-router.ts';
import type { TableStream } from './table-stream.ts';

/** Yields the documents of the walk, and after each page the new positions. Throws `ConvexApiError`. */
export function walkSnapshot(api: StreamingExport, walk: SnapshotWalk<TableStream>): AsyncGenerator<ReadEvent, void> {
  const { snapshot } = walk;
  const selection = selectTables(walk.streams.map((stream) => stream.planned));
  const tables = new TableOrder(walk);
  const guard = new LoopGuard();
  return walkPages<ReadEvent, string | null>(walk.cursor, async function* (cursor) {
    const page = yield* mapYields(api.listSnapshot({ snapshot, cursor, selection }), (documents) =>
      tables.event(documents),
    );
    guard.after(page);
    const positions = tables.endPage(page.cursor);
    return { next: page.cursor ?? undefined, events: [{ kind: 'positions', positions, endsPage: true }] };
  });
}

/** Records of snapshot pages. When a table begins, the one before it is finished. */
class TableOrder extends RoutedDocuments {
  readonly #walk: SnapshotWalk<TableStream>;
  readonly #snapshot: Buffer;
  readonly #finished = new Set<TableStream>();
  /** Positions of tables that ended on this page. */
  #ended: StreamPosition[] = [];
  #current: TableStream | undefined;

  constructor(walk: SnapshotWalk<TableStream>) {
    super(walk.streams);
    this.#walk = walk;
    this.#snapshot = Buffer.from(walk.snapshot);
    // A walk that resumes in the middle of a table has only that table.
    this.#current = walk.cursor === null ? undefined : walk.streams[0];
  }

  protected accept(head: DocumentHead, stream: TableStream | undefined): TableStream | undefined {
    if (head.isNewerThan(this.#snapshot))
      throw notConvex('a page of the snapshot holds a document that is newer than the snapshot', 200);
    if (stream !== undefined && stream !== this.#current) this.#enter(stream);
    return stream;
  }

  /** `cursor`: where the next page begins; null at the end of the walk. */
  endPage(cursor: string | null): StreamPosition[] {
    const { snapshot, streams } = this.#walk;
    const ended = this.#ended;
    this.#ended = [];
    if (cursor === null) return [...ended, ...streams.flatMap((stream) => stream.advanceTo(inLog(snapshot)))];
    return [...ended, ...(this.#current?.advanceTo(inSnapshot(snapshot, cursor)) ?? [])];
  }

  #enter(stream: TableStream): void {
    // A state may already say that the table is complete.
    if (this.#finished.has(stream)) throw notConvex('the snapshot goes back to a table that it had finished', 200);
    const before = this.#current;
    this.#current = stream;
    if (before === undefined) return;
    this.#finished.add(before);
    this.#ended.push(...before.advanceTo(inLog(this.#walk.snapshot)));
  }
}
