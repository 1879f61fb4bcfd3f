/** The documents of a page as records of the run's streams. */
import type { DocumentHead } from '../../shared/convex/document.ts';
import type { Documents } from '../../shared/convex/documents.ts';
import type { ReadEvent, RecordCursor } from '../output/events.ts';
import type { TableStream } from './table-stream.ts';

export abstract class RoutedDocuments implements RecordCursor {
  stream = -1;
  #documents: Documents | undefined;

  /**
   * The stream that a document is written to; undefined: it is left out. Throws `ConvexApiError` where it
   * must not be on the page.
   */
  protected abstract accept(head: DocumentHead): TableStream | undefined;

  /** The event that writes these documents. */
  event(documents: Documents): ReadEvent {
    this.#documents = documents;
    return { kind: 'records', records: this };
  }

  next(): boolean {
    const documents = this.#documents!;
    while (documents.next()) {
      const stream = this.accept(documents.head);
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
