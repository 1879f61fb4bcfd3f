import { ConvexClient } from '../../shared/convex/client.ts';
import { SYNC_RETRIES } from '../../shared/convex/retry.ts';

/** The connectors' own client, for the limits that they are compared with. */
export function benchClient(origin: string): ConvexClient {
  return new ConvexClient({
    origin,
    key: 'bench',
    client: 'bench-0.0.0',
    userAgent: 'bench',
    retries: SYNC_RETRIES,
    onRetry: () => {},
  });
}
