import type { Deployment, Transaction } from '../../emulator/index.ts';
import { cellOf } from './world.ts';

/** Cities between which one transaction makes its changes. */
const PER_TRANSACTION = 1000;

export interface Changes {
  inserted: number;
  updated: number;
  deleted: number;
  transactions: number;
}

/** Lets some time pass in the world: in each thousand of cities some are moved, renamed, removed and founded, and rarer things happen. */
export function change(deployment: Deployment): Changes {
  const changes: Changes = { inserted: 0, updated: 0, deleted: 0, transactions: 0 };
  const ids = [...deployment.documents('cities')].map(({ _id }) => _id);
  for (let start = 0; start < ids.length; start += PER_TRANSACTION) {
    transact(deployment, changes, (tx) => {
      for (const [place, id] of ids.slice(start, start + PER_TRANSACTION).entries()) {
        if (place % 50 === 0) {
          const lat = ((start + place) % 180) - 90 + 1 / 3;
          tx.patch(id, { location: { lat, lng: -0 }, cell: cellOf(lat, 0) });
        } else if (place % 100 === 1) {
          // A replacement without the optional fields: they have to disappear from the copy.
          tx.replace(id, { name: `New ${place}`, country: null });
        } else if (place % 100 === 2) {
          tx.delete(id);
        } else if (place % 100 === 3) {
          tx.insert('cities', { name: `Founded ${place}`, country: null, cell: -BigInt(start + place) - 2n ** 62n });
        }
      }
    });
  }
  rareCases(deployment, changes, ids.slice(10, 14));
  return changes;
}

export interface Replacement {
  table: string;
  /** Documents that are new or differ. */
  written: number;
  /** Documents that are gone. */
  deleted: number;
}

/** Imports over a table, as `npx convex import --replace` does: a third of its documents is as before, a third is changed, a third has new ids. */
export function replace(deployment: Deployment): Replacement {
  const table = 'countries';
  const documents = [...deployment.documents(table)];
  let kept = 0;
  const imported = documents.map((document, n) => {
    const { _id, _creationTime, ...fields } = document;
    if (n % 3 === 0) return fields;
    kept++;
    return n % 3 === 1 ? document : { ...document, imported: true };
  });
  deployment.importTable(table, imported);
  return { table, written: imported.length, deleted: documents.length - kept };
}

/** What makes incremental copies go wrong, one each, to four cities that nothing has happened to before. */
function rareCases(
  deployment: Deployment,
  changes: Changes,
  [twice = '', gone = '', same = '', both = '']: string[],
): void {
  let fleeting = '';
  transact(deployment, changes, (tx) => {
    // never seen by any reader, yet there is a tombstone of it in the log
    tx.delete(tx.insert('cities', { name: 'Atlantis' }));
    fleeting = tx.insert('cities', { name: 'Black Rock City' });
    tx.patch(twice, { name: 'Renamed once' });
    tx.patch(gone, { name: 'Doomed' });
  });
  transact(deployment, changes, (tx) => {
    tx.delete(fleeting);
    tx.patch(twice, { name: 'Renamed twice' });
    tx.delete(gone);
    // the same city again, under another _id
    const { _id, _creationTime, ...fields } = tx.get(same) ?? {};
    tx.delete(same);
    tx.insert('cities', fields);
  });
  transact(deployment, changes, (tx) => {
    const [currency, another] = [...deployment.documents('currencies', 'reference')];
    // one transaction over the root and a component
    tx.patch(both, { name: 'Euro City' });
    if (currency) tx.patch(currency._id, { name: 'Euro' });
    if (another) tx.delete(another._id);
    // a table that was not there before: the next sync finds it
    tx.insert('journeys', { from: both, to: twice, at: 1_700_000_000_123_456_789n });
  });
}

/** Runs a transaction, and counts what it writes. */
function transact(
  deployment: Deployment,
  changes: Changes,
  work: (tx: Pick<Transaction, 'insert' | 'patch' | 'replace' | 'delete' | 'get'>) => void,
): void {
  deployment.transaction((tx) => {
    work({
      insert: (table, fields, component) => (changes.inserted++, tx.insert(table, fields, component)),
      patch: (id, fields) => (changes.updated++, tx.patch(id, fields)),
      replace: (id, fields) => (changes.updated++, tx.replace(id, fields)),
      delete: (id) => (changes.deleted++, tx.delete(id)),
      get: (id) => tx.get(id),
    });
  });
  changes.transactions++;
}
