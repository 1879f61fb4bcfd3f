/**
 * Records on their way: a batch is filled while the one before it is being sent.
 *
 * A batch is two requests: one of records that are deduplicated, and one of records that are appended.
 * Deduplicated records can be sent again without harm. Appended ones cannot: when an answer is lost, the request that is sent again may
 * store its records twice (C147). Their request is kept small, so that few records are stored twice, and never exceeds what
 * Convex writes in one transaction: then a refusal means that nothing of it was stored, and its halves can be sent.
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

  /** The requests that have records. A table belongs to one stream, and a stream to one request, so their order does not matter. */
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
