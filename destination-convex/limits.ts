/** The size of batches. */
import { testOverride } from '../shared/connector/test-override.ts';
import { MAX_IMPORT_BODY } from '../shared/convex/streaming-import.ts';

export interface RequestLimits {
  /** Bytes of a request body. A single record may exceed them. */
  bytes: number;
  /** Messages in a request. A deletion may be two messages. */
  messages: number;
}

export interface BatchLimits {
  dedup: RequestLimits;
  append: RequestLimits;
}

/** A transaction looks up at most 4,096 keys (C146). Within one transaction a request is all or nothing. */
const MAX_LOOKUPS = 4_000;
/**
 * A transaction writes at most 16 MiB as Convex counts (C146). In the worst case, `[1,1,…]`, Convex counts 9
 * bytes for each 2 bytes of JSON, so 3 MiB of JSON stay below the limit.
 */
const MAX_APPEND_BYTES = 3 * 1024 * 1024;

export function batchLimits(): BatchLimits {
  return {
    // Larger requests are not faster, delay checkpoints, and block other writers for longer.
    dedup: {
      bytes: Math.min(testOverride('BATCH_BYTES', 4 * 1024 * 1024), MAX_IMPORT_BODY),
      messages: Math.max(2, Math.min(testOverride('BATCH_RECORDS', MAX_LOOKUPS), MAX_LOOKUPS)),
    },
    append: {
      bytes: Math.min(testOverride('BATCH_BYTES', 1024 * 1024), MAX_APPEND_BYTES),
      messages: Math.min(testOverride('BATCH_RECORDS', 1_000), MAX_LOOKUPS),
    },
  };
}
