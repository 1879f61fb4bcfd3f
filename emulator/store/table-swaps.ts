import type { Deployment } from './deployment.ts';
import { PrimaryKeyIndex } from './indexes.ts';
import type { Tablet } from './tablets.ts';
import { Transaction } from './transaction.ts';
import { toObject } from '../values/values.ts';

/**
 * Dropping, clearing and importing over a table: a tablet goes, another takes its name, in one commit and without a
 * tombstone in the log (trap 10). The system tables get rows of all this.
 */

/** Empties tables in one commit; missing ones are created. */
export function clear(deployment: Deployment, tables: [table: string, component: string][]): bigint {
  return swap(
    deployment,
    tables.flatMap(([table, component]) => deployment.catalog.get(table, component) ?? []),
    tables.map(([table, component]) => successor(deployment, table, component)),
  );
}

export function drop(deployment: Deployment, table: string, component: string): bigint {
  const tablet = deployment.catalog.get(table, component);
  if (tablet === undefined) throw new TypeError(`there is no table '${table}' in component '${component}'`);
  return swap(deployment, [tablet], []);
}

/** A table being imported: its rows are in the log already, but hidden until `finish`. */
export interface HiddenImport {
  /** The timestamp that its documents carry. */
  readonly ts: bigint;
  /** Makes the rows visible in place of the old ones; returns the timestamp of that. */
  finish(): bigint;
}

/** Writes the rows of an import, at the time `at` or now. */
export function startImport(
  deployment: Deployment,
  table: string,
  documents: Iterable<object>,
  options: { component?: string; at?: bigint } = {},
): HiddenImport {
  const { component = '', at } = options;
  const hidden = successor(deployment, table, component);
  const tx = new Transaction(deployment);
  for (const document of documents) tx.insertInto(hidden, toObject(document));
  // never a timestamp that a double can hold, and none that another commit has
  const ts = at === undefined ? tx.commit() : tx.commitAt(deployment.log.free(at));
  return {
    ts,
    finish: () => {
      const old = deployment.catalog.get(table, component);
      return swap(deployment, old === undefined ? [] : [old], [hidden]);
    },
  };
}

/** A hidden tablet that will take over a table's name and number, and its index where that is ready. */
function successor(deployment: Deployment, table: string, component: string): Tablet {
  deployment.mountComponent(component);
  const index = deployment.catalog.get(table, component)?.index;
  const tablet = deployment.catalog.make(table, component);
  deployment.catalog.add(tablet);
  deployment.systemWrite(3);
  if (index?.state === 'enabled') {
    tablet.index = new PrimaryKeyIndex(index.fields);
    tablet.index.state = 'enabled';
    deployment.systemWrite(2);
  }
  return tablet;
}

function swap(deployment: Deployment, old: Tablet[], fresh: Tablet[]): bigint {
  const ts = deployment.systemWrite(old.length + fresh.length + 1);
  for (const tablet of old) {
    deployment.catalog.retire(tablet, ts);
    deployment.backfills.drop(tablet);
  }
  for (const tablet of fresh) deployment.catalog.activate(tablet, ts);
  return ts;
}
