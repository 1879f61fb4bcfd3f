/**
 * The ids that a table had at a timestamp, in order, each with the timestamp of its revision (C62).
 *
 * Many are read at a time: the server remembers one walk only, and reads its log again where two walks take turns (C57).
 */
import { consume } from '../../shared/core/generators.ts';
import { notConvex } from '../../shared/convex/client.ts';
import type { Documents } from '../../shared/convex/documents.ts';
import { selectIds, type TableRef } from '../../shared/convex/selection.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import { LoopGuard } from '../streaming-export/loop-guard.ts';
import { DocumentId } from './document-id.ts';

export interface Revision {
  id: string;
  /** Digits, nanoseconds. */
  ts: string;
}

export interface IdListingOptions extends TableRef {
  /** Digits, nanoseconds. */
  snapshot: string;
  /** How many revisions are read at a time; at least a page more than that may be held. */
  stretch: number;
}

export class IdListing {
  readonly #api: StreamingExport;
  readonly #options: IdListingOptions;
  readonly #id = new DocumentId();
  readonly #guard = new LoopGuard();
  #revisions: Revision[] = [];
  #index = 0;
  #cursor: string | null = null;
  #ended = false;
  #last = '';

  constructor(api: StreamingExport, options: IdListingOptions) {
    this.#api = api;
    this.#options = options;
  }

  /** Digits, nanoseconds. */
  get at(): string {
    return this.#options.snapshot;
  }

  /** The first revision that was not taken; undefined at the end. Throws `ConvexApiError`. */
  async first(): Promise<Revision | undefined> {
    if (this.#index === this.#revisions.length && !this.#ended) await this.#read();
    return this.#revisions[this.#index];
  }

  /** Takes the first revision. */
  take(): void {
    this.#index++;
  }

  async #read(): Promise<void> {
    const { snapshot, stretch } = this.#options;
    this.#revisions = [];
    this.#index = 0;
    const selection = selectIds(this.#options);
    while (this.#revisions.length < stretch && !this.#ended) {
      const page = this.#api.listSnapshot({ snapshot, cursor: this.#cursor, selection });
      const read = await consume(page, (documents) => {
        while (documents.next()) this.#add(documents);
      });
      this.#guard.after(read);
      const { cursor } = read;
      this.#cursor = cursor;
      this.#ended = cursor === null;
    }
  }

  #add({ buffer, start, end, head }: Documents): void {
    // The server's own selection is not relied upon (C52, C53).
    if (head.table !== this.#options.table || head.component !== this.#options.component) return;
    const id = this.#id.read(buffer, start, end);
    if (id <= this.#last) throw notConvex('a listing of documents is not in the order of their ids', 200);
    this.#last = id;
    this.#revisions.push({ id, ts: head.ts });
  }
}
