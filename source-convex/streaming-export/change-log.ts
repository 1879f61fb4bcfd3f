/**
 * The document_deltas walk: one, from the oldest position of all streams up to a pinned timestamp.
 *
 * The server reads its whole log for any selection and stops after 128 rows read, so a walk for each stream
 * would cost N times the requests (C66, C68). A page without documents but with more to come is normal: the
 * next position is the page's cursor, never a document's timestamp. A transaction is never split over pages
 * (C67), so every page ends at a commit.
 */
import { mapYields, walkPages } from '../../shared/core/generators.ts';
import type { DocumentHead } from '../../shared/convex/documents.ts';
import { notConvex } from '../../shared/convex/client.ts';
import { selectTables } from '../../shared/convex/selection.ts';
import type { DeltaPage, StreamingExport } from '../../shared/convex/streaming-export.ts';
import { compareDigits, maxDigits } from '../../shared/json/integers.ts';
import type { ReadEvent, StreamPosition } from '../output/events.ts';
import { inLog } from './state.ts';
import { RoutedDocuments } from './stream-router.ts';
import type { TableStream } from './table-stream.ts';

export interface ChangeLogWalk {
  streams: readonly TableStream[];
  /** Digits, nanoseconds: the oldest position of the streams. */
  cursor: string;
  /**
   * Digits, nanoseconds: the walk ends with the first page that reaches it, so it also ends on a deployment
   * that is written without pause.
   */
  head: string;
}

/**
 * Yields the documents that are newer than their stream's position, and after each page the new positions.
 * Throws `ConvexApiError`.
 */
export function walkChangeLog(api: StreamingExport, walk: ChangeLogWalk): AsyncGenerator<ReadEvent, void> {
  const selection = selectTables(walk.streams.map((stream) => stream.planned));
  const log = new LogOrder(walk.streams);
  return walkPages<ReadEvent, string>(walk.cursor, async function* (cursor) {
    log.beginPage(cursor);
    const page = yield* mapYields(api.documentDeltas({ cursor, selection }), (documents) => log.event(documents));
    const positions = log.endPage(page, cursor);
    const atEnd = !page.hasMore || compareDigits(page.cursor, walk.head) >= 0;
    return { next: atEnd ? undefined : page.cursor, events: [{ kind: 'positions', positions, endsPage: true }] };
  });
}

class LogOrder extends RoutedDocuments {
  readonly #streams: readonly TableStream[];
  #newest = '0';

  constructor(streams: readonly TableStream[]) {
    super(streams);
    this.#streams = streams;
  }

  beginPage(cursor: string): void {
    this.#newest = cursor;
  }

  protected accept({ ts }: DocumentHead, stream: TableStream | undefined): TableStream | undefined {
    if (compareDigits(ts, this.#newest) < 0) throw notConvex('a page of the change log goes back in time', 200);
    this.#newest = ts;
    return stream === undefined || compareDigits(ts, stream.cursor) <= 0 ? undefined : stream;
  }

  endPage(page: DeltaPage, cursor: string): StreamPosition[] {
    if (compareDigits(page.cursor, this.#newest) < 0 && page.documents > 0)
      throw notConvex('a page of the change log ends before its own documents', 200);
    if (page.hasMore && compareDigits(page.cursor, cursor) <= 0)
      throw notConvex('a page of the change log says that there is more, but makes no progress', 200);
    // A position ahead of the log is answered with an older one (C70). A position never moves backwards.
    return this.#streams.flatMap((stream) => stream.advanceTo(inLog(maxDigits(stream.cursor, page.cursor))));
  }
}
