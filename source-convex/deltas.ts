/**
 * The document_deltas walk: one, from the oldest position of all streams, up to the head that was pinned last.
 *
 * The server reads its whole log for any selection and stops after 128 rows read, so a walk for each stream would cost N times the
 * requests (C68), and a page without documents but with more to come is normal (C66): the position to go on from is the page's
 * cursor, never a document's timestamp. A transaction is never split over pages (C67), so every page ends on a consistent cut.
 */
import { compareDigits, maxDigits } from '../shared/json/integers.ts';
import { notConvex } from '../shared/convex/http.ts';
import type { Documents } from '../shared/convex/documents.ts';
import { selectTables } from '../shared/convex/selection.ts';
import type { DeltaPage, StreamingExport } from '../shared/convex/streaming-export.ts';
import { Routes } from './routes.ts';
import { writePage, type Output } from './snapshot.ts';
import { inLog } from './state.ts';
import type { SourceStream } from './stream.ts';

export interface DeltaWalk {
  streams: SourceStream[];
  /** Digits, nanoseconds: the oldest position of the streams. */
  cursor: string;
  /** Digits, nanoseconds: the walk ends with the first page that reaches it, so that a busy deployment cannot keep it going for ever. */
  head: string;
}

/** Reads the log and writes the records that are newer than their stream's position; yields after each page, as `walkSnapshot` does. */
export async function* walkDeltas(api: StreamingExport, walk: DeltaWalk, output: Output): AsyncGenerator<DeltaPage> {
  const selection = selectTables(walk.streams.map((stream) => stream.planned));
  const log = new LogOrder(walk.streams);
  const request = (cursor: string): Promise<DeltaPage> => {
    log.beginPage(cursor);
    const page = writePage(
      api.documentDeltas({ cursor, selection }),
      (documents) => {
        log.write(documents);
      },
      output,
    );
    // Prevents an unhandled rejection; the `await` below still throws.
    page.catch(() => {});
    return page;
  };
  let cursor = walk.cursor;
  let next = request(cursor);
  for (;;) {
    const page = await next;
    log.endPage(page, cursor);
    if (!page.hasMore || compareDigits(page.cursor, walk.head) >= 0) {
      yield page;
      return;
    }
    cursor = page.cursor;
    next = request(cursor);
    yield page;
  }
}

class LogOrder {
  readonly #streams: SourceStream[];
  readonly #routes: Routes;
  #newest = '0';

  constructor(streams: SourceStream[]) {
    this.#streams = streams;
    this.#routes = new Routes(streams);
  }

  beginPage(cursor: string): void {
    this.#newest = cursor;
  }

  write(documents: Documents): void {
    const { head } = documents;
    const emittedAt = Date.now();
    while (documents.next()) {
      const { ts } = head;
      if (compareDigits(ts, this.#newest) < 0) throw notConvex('a page of the change log goes back in time', 200);
      this.#newest = ts;
      const stream = this.#routes.find(head.component, head.table);
      if (stream === undefined || compareDigits(ts, stream.cursor) <= 0) continue;
      stream.writeDelta(documents.buffer, documents.start, documents.end, head, emittedAt);
    }
  }

  endPage(page: DeltaPage, cursor: string): void {
    if (compareDigits(page.cursor, this.#newest) < 0 && page.documents > 0) {
      throw notConvex('a page of the change log ends before its own documents', 200);
    }
    if (page.hasMore && compareDigits(page.cursor, cursor) <= 0) {
      throw notConvex('a page of the change log says that there is more, but makes no progress', 200);
    }
    for (const stream of this.#streams) {
      // A position ahead of the log is answered with an older one (C70). A position never moves backwards.
      stream.moveTo(inLog(maxDigits(stream.cursor, page.cursor)));
    }
  }
}
