/**
 * Has the deployment check records without storing them, with the refusals of streaming import. A record for
 * a table that is not listed is added to each request. It is refused after the others were inserted, and the
 * transaction is undone (C155).
 */
import { notConvex } from '../shared/convex/client.ts';
import { ConvexApiError } from '../shared/convex/errors.ts';
import { IMPORT_PATH, type StreamingImport } from '../shared/convex/streaming-import.ts';

/** The end of a request's messages. The table names that follow have no quotes. */
const MESSAGES_END = Buffer.from('],"tables":{');

/**
 * Returns a function that resolves if streaming import would store all records of a request body, and throws
 * its refusal otherwise. `tables`: all tables of the sync. A body must not exceed one transaction (C146).
 */
export function dryRunOf(api: StreamingImport, tables: readonly string[]): (body: Buffer) => Promise<void> {
  let unlisted = 'airbyte_not_listed';
  while (tables.includes(unlisted)) unlisted += '_';
  const last = Buffer.from(`,{"tableName":"${unlisted}","data":{}}`);
  return async (body) => {
    const at = body.lastIndexOf(MESSAGES_END);
    try {
      await api.importOnce(Buffer.concat([body.subarray(0, at), last, body.subarray(at)]));
    } catch (error) {
      if (error instanceof ConvexApiError && error.code === 'MissingStream') return;
      throw error;
    }
    throw notConvex(`${IMPORT_PATH} accepted a record for a table that was not listed`, 200);
  };
}
