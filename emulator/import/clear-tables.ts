import { type Arguments, listOf, stringOf, type Struct } from '../http/arguments.ts';
import { ReadSet } from '../store/conflicts.ts';
import type { Deployment } from '../store/deployment.ts';
import { sanitiseTableName } from '../values/sanitise.ts';

const BODY: Struct = { name: 'ClearTableArgs', fields: ['tableNames'] };

/**
 * `PUT clear_tables` (crates/application/src/snapshot_import/mod.rs, `clear_tables`): an import of empty tables. All
 * tables are replaced in one commit and missing ones are created. The log gets no tombstones. It is refused while an
 * index of a table is backfilling.
 */
export function clearTables(deployment: Deployment, args: Arguments): () => Promise<void> {
  const names = listOf(args.as(BODY).required('tableNames'), 'tableNames', stringOf);
  return () => clear(deployment, names);
}

async function clear(deployment: Deployment, names: string[]): Promise<void> {
  const tables = [...new Set(names.map(sanitiseTableName))];
  if (tables.length === 0) return;
  const beginning = await deployment.commits.begin();
  const reads = new ReadSet();
  for (const table of tables) {
    const tablet = deployment.catalog.get(table);
    // Counting the documents that go depends on all of them.
    if (tablet !== undefined) reads.tablets.add(tablet);
  }
  deployment.commits.validate(beginning, reads);
  deployment.clearTables(tables.map((table) => [table, '']));
}
