import type { Deployment } from './deployment.ts';
import { hiddenTablet, requireReplaceable, swapTablets } from './table-swaps.ts';
import type { Tablet } from './tablets.ts';
import { Transaction } from './transaction.ts';
import { toObject } from '../values/values.ts';

/** A table that an import replaces. */
export interface ImportTarget {
  table: string;
  /** Default: the root, ''. */
  component?: string;
  /** The table number of the new tablet. Default: that of the table of this name, or else a new one. */
  number?: number;
}

/**
 * An import that replaces tables, as a snapshot import or a restore does it. Each table gets a hidden tablet at once.
 * `write` fills them, one commit a call; `swap` then puts all of them in place in one commit. Readers of the log
 * (document_deltas and data/sync) see the hidden rows before the swap, and after a failure until the hidden tablet is
 * cleaned up (`limits.hiddenTableAge`); list_snapshot and functions see the old table until the swap.
 */
export class TableImport {
  readonly #deployment: Deployment;
  readonly #tablets = new Map<string, Tablet>();
  #state: 'writing' | 'swapped' | 'failed' | 'cancelled' = 'writing';

  /** @throws HttpError 400 for a bad table name, or where an index of a replaced table is still backfilling */
  constructor(deployment: Deployment, targets: readonly (string | ImportTarget)[]) {
    this.#deployment = deployment;
    const all = targets.map((target) => (typeof target === 'string' ? { table: target } : target));
    for (const { table, component = '' } of all) requireReplaceable(deployment, table, component);
    for (const target of all) this.#begin(target);
  }

  get state(): 'writing' | 'swapped' | 'failed' | 'cancelled' {
    return this.#state;
  }

  /** The hidden tablet of a table. */
  tablet(table: string, component = ''): Tablet {
    const tablet = this.#tablets.get(`${component}:${table}`);
    if (tablet === undefined) throw new TypeError(`table '${table}' of component '${component}' is not being imported`);
    return tablet;
  }

  /** Adds a table to an import that has begun; returns its hidden tablet. */
  add(target: ImportTarget): Tablet {
    this.#requireWriting();
    return this.#begin(target);
  }

  /**
   * Writes a batch of documents to a hidden tablet, as one commit with a timestamp of its own, which is returned:
   * the documents keep it as their `_ts` after the swap. A document may bring its `_id` and `_creationTime`.
   * `at` files the commit at an older time. Nothing is written where it throws.
   * @throws HttpError 400 `DocumentExists`, `DocumentDeleted`, a document's own errors, `SchemaEnforcementError`
   */
  write(table: string, documents: Iterable<object>, options: { component?: string; at?: bigint } = {}): bigint {
    this.#requireWriting();
    const tablet = this.tablet(table, options.component);
    const tx = new Transaction(this.#deployment);
    try {
      for (const document of documents) tx.importInto(tablet, toObject(document));
    } catch (error) {
      tx.rollback();
      throw error;
    }
    if (options.at === undefined) return tx.commit();
    // Never a timestamp that a double can hold, and none that another commit has.
    return tx.commitAt(this.#deployment.log.free(options.at));
  }

  /**
   * Makes all hidden tablets the tables of their names, in one commit. `alsoDrop` are further tablets that go with it.
   * The old tablets leave no tombstones. Returns the timestamp of the swap.
   */
  swap(alsoDrop: readonly Tablet[] = []): bigint {
    this.#requireWriting();
    this.#state = 'swapped';
    const fresh = [...this.#tablets.values()];
    const replaced = fresh.flatMap(({ name, component }) => this.#deployment.catalog.get(name, component) ?? []);
    return swapTablets(this.#deployment, [...new Set([...replaced, ...alsoDrop])], fresh);
  }

  /** Ends the import without a swap. Its rows stay in the log. */
  fail(): void {
    this.#end('failed');
  }

  /** The same, by the user's request. */
  cancel(): void {
    this.#end('cancelled');
  }

  #begin({ table, component = '', number }: ImportTarget): Tablet {
    const tablet = hiddenTablet(this.#deployment, table, component, number);
    this.#tablets.set(`${component}:${table}`, tablet);
    return tablet;
  }

  #end(state: 'failed' | 'cancelled'): void {
    this.#requireWriting();
    this.#state = state;
  }

  #requireWriting(): void {
    if (this.#state !== 'writing') throw new TypeError(`this import is over: ${this.#state}`);
  }
}
