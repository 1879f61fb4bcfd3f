/**
 * Reading one page of documents, whatever happens to the connection meanwhile.
 *
 * A page is deterministic: the same arguments give the same bytes (a snapshot is pinned, the log does not change). So when a page breaks
 * off half-way it is asked for again, and the documents that were handed on already are skipped. That the bytes really are the same is
 * checked with a checksum of what had arrived; if they are not (a table was dropped in between), the page is given up rather than
 * guessed at.
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

export async function readPage(http: ConvexHttp, request: HttpRequest, consumer: PageConsumer): Promise<RawPage> {
  let delivered = 0;
  // The part of the body that `delivered` counts: its length in bytes and its checksum.
  let known = 0;
  let knownChecksum = 0;
  return http.retrying(request.path, async () => {
    const skip = delivered;
    const repeated = known;
    let seen = 0;
    let checksum = 0;
    const scanner = new ElementScanner('values', (buffer, start, end) => {
      if (scanner.count <= skip) return;
      delivered++;
      consumer.onDocument(buffer, start, end);
    });
    try {
      for await (const chunk of http.body(request)) {
        const again = Math.min(chunk.length, repeated - seen);
        if (again > 0) {
          checksum = crc32(chunk.subarray(0, again), checksum);
          if (seen + again === repeated && checksum !== knownChecksum) throw changed(request.path);
        }
        seen += chunk.length;
        if (seen > known) {
          knownChecksum = crc32(again > 0 ? chunk.subarray(again) : chunk, knownChecksum);
          known = seen;
        }
        scanner.push(chunk);
        await consumer.afterChunk();
      }
      if (seen < repeated) throw changed(request.path);
      return { members: scanner.finish(), documents: scanner.count };
    } catch (error) {
      // Nothing was handed on yet: whatever this was (a proxy's web page), the next answer need not begin like it.
      if (delivered === 0) known = knownChecksum = 0;
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
