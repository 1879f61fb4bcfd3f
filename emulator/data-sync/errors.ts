import { badRequest, HttpError } from '../http/errors.ts';

/** The log that a page would need is not kept any more. */
export function expired(): HttpError {
  return badRequest(
    'DataSyncCursorExpired',
    "The cursor is outside the deployment's data retention window and can no longer be resumed. Restart the sync from " +
      'scratch by calling /data/sync without a cursor.',
  );
}

export function unreadableCursor(): HttpError {
  return badRequest('InvalidDataSyncCursor', 'Could not parse the data sync cursor');
}

export function noSuchSync(syncId: string): HttpError {
  return new HttpError(
    404,
    'DataSyncNotFound',
    `No active data sync with id ${syncId}. A data sync is active for 3 days after its most recent page.`,
  );
}
