import { type Arguments, listOf, mapOf, stringOf, type Struct } from '../http/arguments.ts';
import { ReadSet } from '../store/conflicts.ts';
import type { Deployment } from '../store/deployment.ts';
import { badRequest } from '../http/errors.ts';
import { pathsOf } from './import.ts';
import { PRIMARY_KEY_INDEX } from '../store/indexes.ts';
import { checkIndexFields, checkNewIndex, type FieldPaths } from '../store/primary-key.ts';
import { sanitiseTableName } from '../values/sanitise.ts';

const ADD: Struct = { name: 'AddIndexesArgs', fields: ['indexes'] };
const READY: Struct = { name: 'IndexesReadyArgs', fields: ['tables'] };

/** `PUT add_primary_key_indexes`: makes tables and starts backfills; the same fields again change nothing. */
export function addPrimaryKeyIndexes(deployment: Deployment, args: Arguments): () => Promise<void> {
  const given = mapOf(args.as(ADD).required('indexes'), 'indexes', pathsOf);
  return () => addIndexes(deployment, given);
}

async function addIndexes(deployment: Deployment, given: Map<string, FieldPaths>): Promise<void> {
  const indexes = new Map<string, FieldPaths>();
  for (const [name, paths] of given) {
    indexes.set(sanitiseTableName(name), checkNewIndex(paths));
  }
  for (const paths of indexes.values()) checkIndexFields(paths);
  const changed = () => [...indexes].filter(([table, paths]) => !hasIndex(deployment, table, paths));
  const writes = changed().length > 0;
  const beginning = await deployment.commits.begin();
  if (!writes) return;
  // Looking up an index that is not there depends on all indexes.
  const reads = new ReadSet();
  reads.indexes = true;
  deployment.commits.validate(beginning, reads);
  deployment.transaction((tx) => {
    for (const [table] of changed()) {
      tx.tablet(table);
      tx.systemWrite(1);
    }
  });
  for (const [table, paths] of changed()) {
    const tablet = deployment.catalog.get(table);
    if (tablet !== undefined) deployment.backfills.start(tablet, paths);
  }
}

function hasIndex(deployment: Deployment, table: string, paths: FieldPaths): boolean {
  return deployment.catalog.get(table)?.index?.sameFields(paths) === true;
}

/** `GET primary_key_indexes_ready`, with a body. */
export function primaryKeyIndexesReady(deployment: Deployment, args: Arguments): () => string {
  const names = listOf(args.as(READY).required('tables'), 'tables', stringOf);
  return () => indexesReady(deployment, names);
}

function indexesReady(deployment: Deployment, names: string[]): string {
  const indexes = [...new Set(names.map(sanitiseTableName))].sort().map((table) => {
    const index = deployment.catalog.get(table)?.index;
    if (index === undefined) throw badRequest('MissingIndex', `Missing index: ${table}.${PRIMARY_KEY_INDEX}`);
    return index;
  });
  return `{"indexesReady":${indexes.every((index) => index.state === 'enabled')}}`;
}
