/**
 * The list_snapshot walk: one, over all the tables that are wanted, at one pinned timestamp.
 *
 * The server walks the tables one after the other and remembers a single walk: a walk for each table would make it read its log again
 * for each, and two walks at once would throw each other out (trap 8). A page holds documents of at most one table, may be empty, and
 * the walk ends where the cursor is null (trap 4).
 */
import { DocumentHead } from '../shared/convex/document.ts';
import { notConvex } from '../shared/convex/http.ts';
import type { PageConsumer } from '../shared/convex/pages.ts';
import { selectTables } from '../shared/convex/selection.ts';
import type { SnapshotPage, StreamingExport } from '../shared/convex/streaming-export.ts';
import type { SnapshotWalk } from './plan.ts';
import { Headway } from './headway.ts';
import { Routes } from './routes.ts';
import { inLog, inSnapshot } from './state.ts';
import type { SourceStream } from './stream.ts';

export interface Output {
  /** Waits for a slow reader of the output. */
  room: () => Promise<void>;
}

/**
 * Reads the walk's snapshots and writes their records; yields after each page, when the streams' states stand after it. The next page is
 * requested before the yield: while the caller deals with this one, the server is at work.
 */
export async function* walkSnapshot(
  api: StreamingExport,
  walk: SnapshotWalk<SourceStream>,
  output: Output,
): AsyncGenerator<SnapshotPage> {
  const { snapshot } = walk;
  const selection = selectTables(walk.streams.map((stream) => stream.planned));
  const tables = new TableOrder(walk);
  const request = (cursor: string | null): Promise<SnapshotPage> => {
    const page = api.listSnapshot({ snapshot, cursor, selection }, tables.consumer(output));
    // It may fail while nobody waits for it yet; whoever comes to wait for it will see.
    page.catch(() => {});
    return page;
  };
  const headway = new Headway();
  let next = request(walk.cursor);
  for (;;) {
    const page = await next;
    headway.after(page);
    tables.endPage(page.cursor);
    if (page.cursor === null) {
      yield page;
      return;
    }
    next = request(page.cursor);
    yield page;
  }
}

/** Which table the walk is in: the one before it is finished, those after it have not begun. */
class TableOrder {
  readonly #walk: SnapshotWalk<SourceStream>;
  readonly #routes: Routes;
  readonly #head = new DocumentHead({ wantDeleted: false });
  readonly #finished = new Set<SourceStream>();
  #current: SourceStream | undefined;

  constructor(walk: SnapshotWalk<SourceStream>) {
    this.#walk = walk;
    this.#routes = new Routes(walk.streams);
    // A walk that goes on in the middle of a table is a walk of that table alone.
    this.#current = walk.cursor === null ? undefined : walk.streams[0];
  }

  consumer(output: Output): PageConsumer {
    const head = this.#head;
    const snapshot = Buffer.from(this.#walk.snapshot);
    let emittedAt = Date.now();
    return {
      onDocument: (buffer, start, end) => {
        head.read(buffer, start, end);
        if (head.isNewerThan(snapshot))
          throw notConvex('a page of the snapshot holds a document that is newer than the snapshot', 200);
        const stream = this.#routes.find(head.component, head.table);
        if (stream === undefined) return;
        if (stream !== this.#current) this.#enter(stream);
        stream.writeSnapshot(buffer, start, end, head, emittedAt);
      },
      afterChunk: () => {
        emittedAt = Date.now();
        return output.room();
      },
    };
  }

  endPage(cursor: string | null): void {
    const { snapshot, streams } = this.#walk;
    if (cursor === null) for (const stream of streams) stream.moveTo(inLog(snapshot));
    else this.#current?.moveTo(inSnapshot(snapshot, cursor));
  }

  #enter(stream: SourceStream): void {
    // Its state may have said already that it is complete.
    if (this.#finished.has(stream)) throw notConvex('the snapshot goes back to a table that it had finished', 200);
    const before = this.#current;
    this.#current = stream;
    if (before === undefined) return;
    this.#finished.add(before);
    before.moveTo(inLog(this.#walk.snapshot));
  }
}
