/** Finds the stream of each document. The server's selection is not relied upon (INV7). */
import type { DocumentHead, Documents } from '../../shared/convex/documents.ts';
import { tableKey } from '../../shared/convex/selection.ts';
import type { ReadEvent, RecordCursor } from '../output/events.ts';
import type { TableStream } from './table-stream.ts';

export class StreamRouter {
  readonly #streams = new Map<string, TableStream>();
  // The last result. Consecutive documents are mostly of one table.
  #component = '';
  #table = '';
  #found: TableStream | undefined;

  constructor(streams: Iterable<TableStream>) {
    for (const stream of streams) this.#streams.set(tableKey(stream.planned.component, stream.planned.table), stream);
  }

  /** The stream of a table; undefined where the run does not read this table. */
  find(component: string, table: string): TableStream | undefined {
    if (table !== this.#table || component !== this.#component) {
      this.#component = component;
      this.#table = table;
      this.#found = this.#streams.get(tableKey(component, table));
    }
    return this.#found;
  }
}

/** The documents of a page as records of the run's streams. */
export abstract class RoutedDocuments implements RecordCursor {
  stream = -1;
  readonly #router: StreamRouter;
  #documents: Documents | undefined;

  constructor(streams: Iterable<TableStream>) {
    this.#router = new StreamRouter(streams);
  }

  /**
   * The stream that a document is written to; undefined leaves it out. `stream`: the stream of its table, if
   * the run reads it. Throws `ConvexApiError` where the document cannot be on this page.
   */
  protected abstract accept(head: DocumentHead, stream: TableStream | undefined): TableStream | undefined;

  /** The event that writes these documents. */
  event(documents: Documents): ReadEvent {
    this.#documents = documents;
    return { kind: 'records', records: this };
  }

  next(): boolean {
    const documents = this.#documents!;
    const { head } = documents;
    while (documents.next()) {
      const stream = this.accept(head, this.#router.find(head.component, head.table));
      if (stream === undefined) continue;
      this.stream = stream.index;
      return true;
    }
    return false;
  }

  get record(): Documents {
    return this.#documents!;
  }
}
