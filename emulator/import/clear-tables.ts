import { type Arguments, listOf, stringOf } from '../http/arguments.ts';
import type { Deployment } from '../store/deployment.ts';
import { sanitiseTableName } from '../values/sanitise.ts';

/**
 * `PUT clear_tables`: an import of empty tables, so all are swapped in one commit, missing ones are made, and readers of
 * the log see no tombstone (trap 10). Refused while an index backfills, so clear first, then index (traps 15, 18).
 */
export function clearTables(deployment: Deployment, args: Arguments): () => void {
  const names = listOf(args.required('tableNames'), 'tableNames', stringOf);
  return () => {
    clear(deployment, names);
  };
}

function clear(deployment: Deployment, names: string[]): void {
  const tables = [...new Set(names.map(sanitiseTableName))];
  if (tables.length > 0) deployment.clearTables(tables.map((table) => [table, '']));
}
