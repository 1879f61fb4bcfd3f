/**
 * Records on their way: a batch is filled while the one before it is being sent.
 *
 * A batch has two lanes, one for records that are deduplicated and one for records that are appended, and each lane is one request.
 * Deduplicated records can be sent again without harm. Appended ones cannot: when an answer is lost, the request that is sent again may
 * store its records twice (C147). Their lane is kept so small that this is bearable, and, more important, that a request never exceeds
 * what Convex writes in one transaction: then a refusal means that nothing of it was stored, and its halves can be sent without fear.
 */
import { Lane, type StreamBytes } from './request-body.ts';
import type { BatchLimits } from './limits.ts';
import type { StreamPlan } from './streams.ts';

export class Batch {
  readonly dedup: Lane;
  readonly append: Lane;
  /** Number of the last record that is in it or was refused while it was filled. */
  lastRecord = 0;

  constructor(limits: BatchLimits, bytes: readonly StreamBytes[]) {
    this.dedup = new Lane(false, limits.dedup, bytes);
    this.append = new Lane(true, limits.append, bytes);
  }

  lane(stream: StreamPlan): Lane {
    return stream.key === undefined ? this.append : this.dedup;
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
