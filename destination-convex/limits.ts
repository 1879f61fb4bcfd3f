/** How much a request may hold. */
import { testOverride } from '../shared/connector/test-override.ts';
import { MAX_IMPORT_BODY } from '../shared/convex/streaming-import.ts';

export interface RequestLimits {
  /** Bytes of a request's body; a single record may exceed them. */
  bytes: number;
  /** Messages in a request. */
  messages: number;
}

export interface BatchLimits {
  dedup: RequestLimits;
  append: RequestLimits;
}

/** A transaction looks up 4,096 keys at most; within it, a request is all or nothing. */
const MAX_LOOKUPS = 4_000;
/**
 * A transaction writes 16 MiB and 16,000 documents at most, as Convex counts. `[1,1,…]` is where that differs most from JSON: 9 bytes a
 * number instead of 2. 3 MiB of JSON stay below it.
 */
const MAX_APPEND_BYTES = 3 * 1024 * 1024;

const STANDARD_LIMITS: BatchLimits = {
  // Every 4 MiB a checkpoint is possible; larger requests would not be faster, and would hold the deployment's other writers up longer.
  dedup: { bytes: 4 * 1024 * 1024, messages: MAX_LOOKUPS },
  append: { bytes: 1024 * 1024, messages: 1_000 },
};

export function batchLimits(): BatchLimits {
  const { dedup, append } = STANDARD_LIMITS;
  return {
    dedup: {
      bytes: Math.min(testOverride('BATCH_BYTES', dedup.bytes), MAX_IMPORT_BODY),
      // A deletion is two messages.
      messages: Math.max(2, Math.min(testOverride('BATCH_RECORDS', dedup.messages), MAX_LOOKUPS)),
    },
    append: {
      bytes: Math.min(testOverride('BATCH_BYTES', append.bytes), MAX_APPEND_BYTES),
      messages: Math.min(testOverride('BATCH_RECORDS', append.messages), MAX_LOOKUPS),
    },
  };
}
