/**
 * The document_deltas walk: one for all streams, from their oldest position to a pinned timestamp (DEC2).
 *
 * An empty page with `hasMore` is normal (C66). Positions are the cursors of pages, never a document's `_ts`
 * (DEC7). Each page ends at a commit (C67).
 */
import { mapYields, walkPages } from '../../shared/core/generators.ts';
import type { DocumentHead } from '../../shared/convex/documents.ts';
import { notConvex } from '../../shared/convex/client.ts';
import { selectTables } from '../../shared/convex/selection.ts';
import type { DeltaPage, StreamingExport } from '../../shared/convex/streaming-export.ts';
import { compareDigits, maxDigits } from '../../shared/json/integers.ts';
import type { ReadEvent, StreamPosition } from '../output/events.ts';
import { expectPast } from './present.ts';
import { inLog } from './state.ts';
import { RoutedDocuments } from './stream-router.ts';
import type { TableStream } from './table-stream.ts';

export interface ChangeLogWalk {
  streams: readonly TableStream[];
  /** The oldest position of the streams (digits, nanoseconds). */
  cursor: string;
  /** The walk ends with the page that reaches this (digits, ns), however much is written meanwhile. */
  head: string;
}

/** Yields documents newer than their stream's position, then new positions. Throws `ConvexApiError`. */
export function walkChangeLog(api: StreamingExport, walk: ChangeLogWalk): AsyncGenerator<ReadEvent, void> {
  const selection = selectTables(walk.streams.map((stream) => stream.planned));
  const log = new LogOrder(walk.streams);
  return walkPages<ReadEvent, string>(walk.cursor, async function* (cursor) {
    log.beginPage(cursor);
    const page = yield* mapYields(api.documentDeltas({ cursor, selection }), (documents) => log.event(documents));
    await expectPast(api, page.cursor, walk.head);
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
    // The answer to a position ahead of the log is an older one (C70). Positions never move backwards (INV6).
    return this.#streams.flatMap((stream) => stream.advanceTo(inLog(maxDigits(stream.cursor, page.cursor))));
  }
}
