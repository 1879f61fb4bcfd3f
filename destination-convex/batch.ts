/**
 * Records on their way: a batch is filled while the one before it is being sent.
 *
 * A batch is two requests: one of records that are deduplicated, and one of records that are appended.
 * Deduplicated records can be sent twice. Appended ones cannot: when an answer is lost, sending the request
 * again may store its records twice (C147). So their requests are small, and never exceed one transaction of
 * Convex: a refusal means that nothing was stored, and the halves of the request can be sent.
 */
import { RequestBody, type StreamBytes } from './request-body.ts';
import type { BatchLimits } from './limits.ts';
import type { StreamPlan } from './streams.ts';

export class Batch {
  readonly dedup: RequestBody;
  readonly append: RequestBody;
  /** Number of the last record that is in it or was refused while it was filled. */
  lastRecord = 0;

  constructor(limits: BatchLimits, bytes: readonly StreamBytes[]) {
    this.dedup = new RequestBody(false, limits.dedup, bytes);
    this.append = new RequestBody(true, limits.append, bytes);
  }

  /** The request that the records of this stream go into. */
  bodyFor(stream: StreamPlan): RequestBody {
    return stream.key === undefined ? this.append : this.dedup;
  }

  /** The requests that have records, in any order: a stream belongs to one request, a table to one stream. */
  get requests(): RequestBody[] {
    return [this.dedup, this.append].filter(({ count }) => count > 0);
  }

  get empty(): boolean {
    return this.dedup.count === 0 && this.append.count === 0;
  }

  get full(): boolean {
    return this.dedup.full || this.append.full;
  }

  clear(): void {
    this.dedup.clear();
    this.append.clear();
  }
}
