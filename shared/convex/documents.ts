/** The exported documents of one batch, one after another, each with its head. */
import { JsonError } from '../json/raw.ts';
import { DocumentHead } from './document.ts';
import { notConvex } from './client.ts';
import type { DocumentBatch } from './pages.ts';

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * `while (documents.next())`: the members describe the document that `next` found, and are valid until it is
 * called again.
 */
export class Documents {
  /** The document is `buffer` from `start` to before `end`, braces included. */
  buffer = NOTHING;
  start = 0;
  end = 0;
  readonly head: DocumentHead;
  readonly #path: string;
  #batch: DocumentBatch | undefined;
  #index = 0;

  /**
   * `path`: the route that the documents come from, for messages. `changes`: whether it is the change log,
   * where each has `_deleted`.
   */
  constructor(path: string, { changes }: { changes: boolean }) {
    this.#path = path;
    this.head = new DocumentHead({ wantDeleted: changes });
  }

  /** Starts at the first document of a batch. */
  open(batch: DocumentBatch): this {
    this.#batch = batch;
    this.#index = 0;
    return this;
  }

  /** Goes back to before the first document of the batch. */
  rewind(): void {
    this.#index = 0;
  }

  /**
   * Moves to the next document; false at the end of the batch. Throws `ConvexApiError` where a document has
   * no proper head.
   */
  next(): boolean {
    const batch = this.#batch!;
    const index = this.#index++;
    if (index >= batch.length) return false;
    const buffer = (this.buffer = batch.buffers[index]!);
    const start = (this.start = batch.starts[index]!);
    const end = (this.end = batch.ends[index]!);
    try {
      this.head.read(buffer, start, end);
    } catch (error) {
      throw error instanceof JsonError ? notConvex(`${this.#path}: ${error.message}`, 200) : error;
    }
    return true;
  }
}
