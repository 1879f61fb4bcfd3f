/**
 * The ids that a table had at a timestamp, in order, each with the timestamp of its revision (C62).
 *
 * Many are read at a time: the server remembers one walk only, and reads its log again where two walks take
 * turns (C57).
 */
import { consume } from '../../shared/core/generators.ts';
import { notConvex } from '../../shared/convex/client.ts';
import type { Documents } from '../../shared/convex/documents.ts';
import { selectIds, type TableRef } from '../../shared/convex/selection.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import { GrowingBuffer } from '../../shared/json/growing-buffer.ts';
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
  readonly #revisions = new Revisions();
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
    if (this.#revisions.isEmpty && !this.#ended) await this.#read();
    return this.#revisions.first;
  }

  /** Takes the first revision. */
  take(): void {
    this.#revisions.take();
  }

  async #read(): Promise<void> {
    const { snapshot, stretch } = this.#options;
    this.#revisions.clear();
    const selection = selectIds(this.#options);
    while (this.#revisions.count < stretch && !this.#ended) {
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
    this.#revisions.add(id, head.ts);
  }
}

/**
 * A queue of revisions, one behind the other in one buffer: about 60 bytes each. As objects they took four
 * times as much, and as garbage that had grown old.
 */
class Revisions {
  readonly #texts = new GrowingBuffer();
  // Where the id and the timestamp of each end.
  readonly #idEnds: number[] = [];
  readonly #ends: number[] = [];
  #count = 0;
  #index = 0;
  #first: Revision | undefined;

  get count(): number {
    return this.#count;
  }

  get isEmpty(): boolean {
    return this.#index === this.#count;
  }

  get first(): Revision | undefined {
    if (this.isEmpty) return undefined;
    return (this.#first ??= this.#at(this.#index));
  }

  take(): void {
    this.#index++;
    this.#first = undefined;
  }

  clear(): void {
    this.#texts.clear();
    this.#count = this.#index = 0;
    this.#first = undefined;
  }

  add(id: string, ts: string): void {
    const texts = this.#texts;
    texts.write(id);
    this.#idEnds[this.#count] = texts.length;
    texts.write(ts);
    this.#ends[this.#count++] = texts.length;
  }

  #at(index: number): Revision {
    const start = index === 0 ? 0 : this.#ends[index - 1]!;
    const idEnd = this.#idEnds[index]!;
    const { buffer } = this.#texts;
    return {
      id: buffer.toString('utf8', start, idEnd),
      ts: buffer.toString('latin1', idEnd, this.#ends[index]),
    };
  }
}
