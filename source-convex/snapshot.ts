/**
 * The list_snapshot walk: one, over all the tables that are wanted, at one pinned timestamp.
 *
 * The server walks the tables one after the other and remembers a single walk: a walk for each table would make it read its log again
 * for each, and two walks at once would throw each other out (C57). A page holds documents of at most one table, may be empty, and
 * the walk ends where the cursor is null (C50).
 */
import { notConvex } from '../shared/convex/http.ts';
import type { Documents } from '../shared/convex/documents.ts';
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
    const page = writePage(
      api.listSnapshot({ snapshot, cursor, selection }),
      (documents) => {
        tables.write(documents);
      },
      output,
    );
    // Prevents an unhandled rejection; the `await` below still throws.
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

/** Writes the documents of a page as they arrive. Returns what the page says of itself. */
export async function writePage<Page>(
  batches: AsyncGenerator<Documents, Page>,
  write: (documents: Documents) => void,
  output: Output,
): Promise<Page> {
  for (;;) {
    const step = await batches.next();
    if (step.done) return step.value;
    write(step.value);
    await output.room();
  }
}

/** Which table the walk is in: the one before it is finished, those after it have not begun. */
class TableOrder {
  readonly #walk: SnapshotWalk<SourceStream>;
  readonly #routes: Routes;
  readonly #snapshot: Buffer;
  readonly #finished = new Set<SourceStream>();
  #current: SourceStream | undefined;

  constructor(walk: SnapshotWalk<SourceStream>) {
    this.#walk = walk;
    this.#snapshot = Buffer.from(walk.snapshot);
    this.#routes = new Routes(walk.streams);
    // A walk that goes on in the middle of a table is a walk of that table alone.
    this.#current = walk.cursor === null ? undefined : walk.streams[0];
  }

  write(documents: Documents): void {
    const { head } = documents;
    const emittedAt = Date.now();
    while (documents.next()) {
      if (head.isNewerThan(this.#snapshot))
        throw notConvex('a page of the snapshot holds a document that is newer than the snapshot', 200);
      const stream = this.#routes.find(head.component, head.table);
      if (stream === undefined) continue;
      if (stream !== this.#current) this.#enter(stream);
      stream.writeSnapshot(documents.buffer, documents.start, documents.end, head, emittedAt);
    }
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
