/**
 * Saved positions that the deployment does not keep any more: how they are recognised, and what the user is
 * told.
 */
import { configError, type ConnectorFailure } from '../../shared/core/failure.ts';
import type { ConvexApiError } from '../../shared/convex/errors.ts';
import { date, names } from '../../shared/core/text.ts';

interface Named {
  name: string;
}

/**
 * Whether an answer means that the position is too old. A 503 of this code says that its documents are no
 * longer kept (C56).
 */
export function isExpired({ reason, status, code }: ConvexApiError): boolean {
  return reason === 'expired' || (status === 503 && code === 'InternalServerError');
}

/** `position`: digits, nanoseconds. */
export function expiredFailure(host: string, streams: readonly Named[], position: string): ConnectorFailure {
  return configError(
    `${host} does not keep its documents' history back to ${date(position)} any more, where ${names(streams)} stopped. What was deleted since cannot be found out, so reading on would leave deleted documents in the destination. Refresh these streams (or clear and sync them) to read them anew. Sync more often than the deployment's retention to avoid this, or set "When the saved position has expired" to "Re-sync data".`,
  );
}

/**
 * A full refresh needs no history, so it begins again whatever the configuration says about expired
 * positions.
 */
export function refreshAnewWarning(host: string, streams: readonly Named[], snapshot: string): string {
  return `The snapshot of ${date(snapshot)} that the full refresh of ${names(streams)} was reading is not kept by ${host} any more. The full refresh begins anew. Documents of its first part that were deleted since then stay in the destination until the next full refresh.`;
}

export function resyncWarning(host: string, streams: readonly Named[], position: string): string {
  return `${host} does not keep its documents' history back to ${date(position)} any more. As configured, ${names(streams)} will be read anew; documents that were deleted since then remain in the destination until the streams are refreshed.`;
}
