/**
 * Reads one page of documents, also if its connection breaks off (DEC6).
 *
 * A page is deterministic (C51, C65). A page that breaks off is requested again, and documents that were
 * already yielded are skipped. The last of them is compared by its checksum; if it differs (a table was
 * dropped in between), the page is given up.
 */
import { crc32 } from 'node:zlib';
import type { ElementBatch } from '../json/element-batch.ts';
import { ElementScanner } from '../json/elements.ts';
import { JsonError } from '../json/raw.ts';
import { ConvexApiError } from './errors.ts';
import { notConvex, type ConvexClient, type HttpRequest } from './client.ts';

export interface RawPage {
  /** Raw JSON of the members besides `values`. */
  members: ReadonlyMap<string, string>;
  documents: number;
}

/** No page has more: 1,024 documents of a snapshot (C55), 128 and one transaction of the log (C67). */
const MAX_PAGE_DOCUMENTS = 500_000;

/**
 * Yields the documents of a page, each once, in batches that are valid until the next one is requested.
 * Returns the other members of the page. Each batch has its own retries, so a page that advances with each
 * try is completed. Throws `ConvexApiError`.
 */
export async function* readPage(http: ConvexClient, request: HttpRequest): AsyncGenerator<ElementBatch, RawPage> {
  const reader = new PageReader(http, request);
  try {
    for (;;) {
      const step = await http.retrying(request.path, () => reader.next());
      if ('members' in step) return step;
      yield step;
    }
  } finally {
    await reader.close();
  }
}

class PageReader {
  readonly #http: ConvexClient;
  readonly #request: HttpRequest;
  #body: AsyncGenerator<Buffer, void> | undefined;
  #scanner = new ElementScanner('values');
  /** Number of returned documents, and the checksum of the last one. */
  #delivered = 0;
  #checksum = 0;

  constructor(http: ConvexClient, request: HttpRequest) {
    this.#http = http;
    this.#request = request;
  }

  /** The next documents, or the page's other members. After a failure, requests the page again. */
  async next(): Promise<ElementBatch | RawPage> {
    try {
      if (this.#body === undefined) {
        this.#body = this.#http.body(this.#request);
        this.#scanner = new ElementScanner('values');
      }
      for (;;) {
        const step = await this.#body.next();
        if (step.done) return this.#finish();
        const batch = this.#undelivered(this.#scanner.push(step.value));
        if (batch.length > 0) return batch;
      }
    } catch (error) {
      await this.close();
      if (!(error instanceof JsonError)) throw error;
      throw notConvex(`${this.#request.path}: ${error.message}`, 200, { retry: true });
    }
  }

  /** Ends the request, if there is one. */
  async close(): Promise<void> {
    const body = this.#body;
    this.#body = undefined;
    await body?.return(undefined);
  }

  /** Removes documents that an earlier try returned. */
  #undelivered(batch: ElementBatch): ElementBatch {
    const { path } = this.#request;
    const before = this.#scanner.count - batch.length;
    const known = Math.min(batch.length, Math.max(0, this.#delivered - before));
    if (known > 0 && before + known === this.#delivered && checksumOf(batch, known - 1) !== this.#checksum)
      throw changed(path);
    if (known > 0) batch.drop(known);
    if (batch.length === 0) return batch;
    this.#delivered += batch.length;
    if (this.#delivered > MAX_PAGE_DOCUMENTS)
      throw notConvex(`the answer of ${path} has more than ${MAX_PAGE_DOCUMENTS} documents`, 200);
    // Only the last document of a batch: checksums of all would cost a tenth of the walk (measured).
    this.#checksum = checksumOf(batch, batch.length - 1);
    return batch;
  }

  #finish(): RawPage {
    const members = this.#scanner.finish();
    if (this.#scanner.count < this.#delivered) throw changed(this.#request.path);
    return { members, documents: this.#scanner.count };
  }
}

function checksumOf({ buffers, starts, ends }: ElementBatch, index: number): number {
  return crc32(buffers[index]!.subarray(starts[index], ends[index]));
}

function changed(path: string): ConvexApiError {
  return new ConvexApiError(
    { reason: 'transient', retry: false },
    `${path} gave another page than before its connection broke off`,
  );
}
