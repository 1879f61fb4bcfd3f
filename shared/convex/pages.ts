/**
 * Reading one page of documents, whatever happens to the connection meanwhile.
 *
 * A page is deterministic: the same arguments give the same documents in the same order (a snapshot is pinned, the log does not change).
 * So when a page breaks off half-way it is asked for again, and the documents that were handed on already are skipped. That the page
 * really is the same is checked on the last of them, by its checksum: if it is another document (a table was dropped in between), the
 * page is given up rather than guessed at.
 */
import { crc32 } from 'node:zlib';
import { ElementScanner, type OnElement } from '../json/elements.ts';
import { JsonError } from '../json/raw.ts';
import { ConvexError } from './errors.ts';
import { notConvex, type ConvexHttp, type HttpRequest } from './http.ts';

/** Receives each document's bytes, once; see `OnElement` for how long they are valid. */
export type OnDocument = OnElement;

export interface RawPage {
  /** Raw JSON text of the members beside `values`. */
  members: ReadonlyMap<string, string>;
  documents: number;
}

export interface PageConsumer {
  onDocument: OnDocument;
  /** Called after each chunk: the place to wait for a slow reader. */
  afterChunk: () => Promise<void>;
}

/** Larger than any page: 1024 documents of a snapshot (C55), or 128 and one transaction of the log (C67). */
const MAX_PAGE_DOCUMENTS = 500_000;

export async function readPage(http: ConvexHttp, request: HttpRequest, consumer: PageConsumer): Promise<RawPage> {
  // How many documents were handed on, and the checksum of the last one.
  let delivered = 0;
  let checksum = 0;
  return http.retrying(request.path, async (progress) => {
    const skip = delivered;
    // Where the last document of the chunk in hand is. Only the last one of a chunk costs a checksum: all of them would cost a tenth of
    // the walk (measured).
    let last: Buffer | undefined;
    let lastStart = 0;
    let lastEnd = 0;
    const note = () => {
      if (last !== undefined) checksum = crc32(last.subarray(lastStart, lastEnd));
      last = undefined;
    };
    let chunk: Buffer | undefined;
    const scanner = new ElementScanner('values', (buffer, start, end) => {
      if (scanner.count <= skip) {
        if (scanner.count === skip && crc32(buffer.subarray(start, end)) !== checksum) throw changed(request.path);
        return;
      }
      if (delivered === MAX_PAGE_DOCUMENTS)
        throw notConvex(`the answer of ${request.path} has more than ${MAX_PAGE_DOCUMENTS} documents`, 200);
      consumer.onDocument(buffer, start, end);
      delivered++;
      last = buffer;
      lastStart = start;
      lastEnd = end;
      // Bytes that are not the chunk's own are only valid during this call.
      if (buffer !== chunk) note();
    });
    try {
      for await (chunk of http.body(request)) {
        try {
          scanner.push(chunk);
        } finally {
          note();
        }
        await consumer.afterChunk();
      }
      const members = scanner.finish();
      if (scanner.count < skip) throw changed(request.path);
      return { members, documents: scanner.count };
    } catch (error) {
      // A page that comes a little further with every try will be complete in the end.
      if (delivered > skip) progress();
      throw error instanceof JsonError ? notConvex(`${request.path}: ${error.message}`, 200, { retry: true }) : error;
    }
  });
}

function changed(path: string): ConvexError {
  return new ConvexError(
    { reason: 'transient', retry: false },
    `${path} gave another page than before its connection broke off`,
  );
}
