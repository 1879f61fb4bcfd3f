import type { Deployment } from './deployment.ts';
import { badRequest } from '../http/errors.ts';
import { PrimaryKeyIndex } from './indexes.ts';
import type { Tablet } from './tablets.ts';

/**
 * Dropping, clearing and importing over a table: a tablet goes, another takes its name, in one commit and without a
 * tombstone in the log. The system tables get rows of all this.
 */

/**
 * Empties tables in one commit; missing ones are created.
 * @throws HttpError 400 `InvalidImport` while an index of one of them is backfilling; then nothing has happened
 */
export function clear(deployment: Deployment, tables: [table: string, component: string][]): bigint {
  for (const [table, component] of tables) requireReplaceable(deployment, table, component);
  return swapTablets(
    deployment,
    tables.flatMap(([table, component]) => deployment.catalog.get(table, component) ?? []),
    tables.map(([table, component]) => hiddenTablet(deployment, table, component)),
  );
}

export function drop(deployment: Deployment, table: string, component: string): bigint {
  const tablet = deployment.catalog.get(table, component);
  if (tablet === undefined) throw new TypeError(`there is no table '${table}' in component '${component}'`);
  return swapTablets(deployment, [tablet], []);
}

/**
 * A hidden tablet that may take over a table's name. It has the table's number unless `number` is given, and the
 * enabled index of the table. An index that is added to the table later is not copied.
 * @throws HttpError 400 for a bad table name, or while an index of the table is backfilling
 */
export function hiddenTablet(deployment: Deployment, table: string, component: string, number?: number): Tablet {
  requireReplaceable(deployment, table, component);
  const index = deployment.catalog.get(table, component)?.index;
  deployment.mountComponent(component);
  const tablet = deployment.catalog.make(table, component, [], number);
  tablet.hiddenUntil = deployment.systemWrite(3) + deployment.limits.hiddenTableAge;
  deployment.catalog.add(tablet);
  if (index !== undefined) {
    tablet.index = new PrimaryKeyIndex(index.fields);
    tablet.index.state = 'enabled';
    deployment.systemWrite(2);
  }
  return tablet;
}

/** Retires tablets and activates hidden ones, in one commit; returns its timestamp. */
export function swapTablets(deployment: Deployment, old: readonly Tablet[], fresh: readonly Tablet[]): bigint {
  const ts = deployment.systemWrite(old.length + fresh.length + 1);
  for (const tablet of old) {
    deployment.catalog.retire(tablet, ts);
    deployment.backfills.drop(tablet);
  }
  for (const tablet of fresh) deployment.catalog.activate(tablet, ts);
  return ts;
}

/** @throws HttpError 400 `InvalidImport` while an index of the table is backfilling */
export function requireReplaceable(deployment: Deployment, table: string, component: string): void {
  if (deployment.catalog.get(table, component)?.index?.state !== 'backfilling') return;
  throw badRequest(
    'InvalidImport',
    `${table} is still backfilling indexes, so it cannot be replaced. Wait for indexes to complete backfilling`,
  );
}
