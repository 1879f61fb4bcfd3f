import { type Arguments, listOf, mapOf, stringOf } from '../http/arguments.ts';
import type { Deployment } from '../store/deployment.ts';
import { badRequest } from '../http/errors.ts';
import { pathsOf } from './import.ts';
import { PRIMARY_KEY_INDEX } from '../store/indexes.ts';
import { checkIndexFields, checkNewIndex, type FieldPaths } from '../store/primary-key.ts';
import { sanitiseTableName } from '../values/sanitise.ts';

/** `PUT add_primary_key_indexes`: makes tables and starts backfills; the same fields again change nothing. */
export function addPrimaryKeyIndexes(deployment: Deployment, args: Arguments): () => void {
  const given = mapOf(args.required('indexes'), 'indexes', pathsOf);
  return () => {
    addIndexes(deployment, given);
  };
}

function addIndexes(deployment: Deployment, given: Map<string, FieldPaths>): void {
  const indexes = new Map<string, FieldPaths>();
  for (const [name, paths] of given) {
    indexes.set(sanitiseTableName(name), checkNewIndex(paths));
  }
  for (const paths of indexes.values()) checkIndexFields(paths);
  deployment.transaction((tx) => {
    for (const [table, paths] of indexes) {
      if (deployment.catalog.get(table)?.index?.sameFields(paths) === true) continue;
      tx.tablet(table);
      tx.systemWrite(1);
    }
  });
  for (const [table, paths] of indexes) {
    const tablet = deployment.catalog.get(table);
    if (tablet !== undefined && tablet.index?.sameFields(paths) !== true) deployment.backfills.start(tablet, paths);
  }
}

/** `GET primary_key_indexes_ready`, with a body. */
export function primaryKeyIndexesReady(deployment: Deployment, args: Arguments): () => string {
  const names = listOf(args.required('tables'), 'tables', stringOf);
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
