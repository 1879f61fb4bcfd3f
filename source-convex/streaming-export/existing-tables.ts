/** Which tables a deployment has. */
import type { Log } from '../../shared/core/log.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import { tableKey, type TableRef } from '../../shared/convex/selection.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';

/**
 * The `tableKey`s of the deployment's tables. Undefined where it cannot list them, because its backend is old
 * or has just started (C85); a missing table then looks empty. Throws `ConvexApiError`.
 */
export async function existingTables(api: StreamingExport, log?: Log): Promise<Set<string> | undefined> {
  try {
    const tables = await api.tableColumns();
    return new Set([...tables].flatMap(([component, list]) => list.map((table) => tableKey(component, table.name))));
  } catch (error) {
    if (!(error instanceof ConvexApiError)) throw error;
    if (error.status !== 404 && error.code !== 'TableSummariesUnavailable') throw error;
    log?.warn('This deployment cannot list its tables, so streams whose table is missing will look empty.');
    return undefined;
  }
}

/** Whether a table is in the result of `existingTables`; true where that is unknown. */
export function mayExist(tables: ReadonlySet<string> | undefined, { component, table }: TableRef): boolean {
  return tables === undefined || tables.has(tableKey(component, table));
}
