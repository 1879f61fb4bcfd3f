/** Timestamps after the deployment's present. A state with one would skip all changes until then. */
import { date } from '../../shared/core/text.ts';
import { notConvex } from '../../shared/convex/client.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';

/** Nanoseconds by which a timestamp may be ahead: the clocks of replicas differ. */
const CLOCK_TOLERANCE = 5n * 60n * 1_000_000_000n;

/** `ts`, `present`: digits, nanoseconds. */
export function isAhead(ts: string, present: string): boolean {
  return BigInt(ts) > BigInt(present) + CLOCK_TOLERANCE;
}

/**
 * Checks the timestamp up to which a page was read. `head`: the present when it was last asked for; it is
 * asked for again only where the page is later. Both digits, nanoseconds. Throws `ConvexApiError`.
 */
export async function expectPast(api: StreamingExport, ts: string, head: string): Promise<void> {
  if (!isAhead(ts, head) || !isAhead(ts, await api.pin())) return;
  throw notConvex(`a page of changes is of a time (${date(ts)}) that lies ahead of the deployment's present`, 200);
}
