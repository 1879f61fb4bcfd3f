/**
 * The truth: a deployment that changes in transactions all the time, and a history of every revision of every document, kept beside the
 * deployment by the one who makes the changes. What a state promises, and what a finished sync has to leave, is judged by it alone.
 */
import type { Deployment, Transaction, ValueObject } from '../../emulator/index.ts';
import type { SeededRandom } from './seeded-random.ts';
import { randomFields } from './values.ts';

export interface Revision {
  /** Commit timestamp, nanoseconds. */
  ts: bigint;
  /** The document as it then was, system fields included; null: deleted. Its field `rev` is a number that no other revision has. */
  document: ValueObject | null;
}

export class ModelTable {
  readonly component: string;
  readonly table: string;
  /** By `_id`: all revisions in their order. */
  readonly history = new Map<string, Revision[]>();
  /** The `_id`s of the documents that there are. */
  readonly live: string[] = [];

  constructor(table: string, component = '') {
    this.table = table;
    this.component = component;
  }

  /** The name of the stream, and of the table in the destination. */
  get copy(): string {
    return this.component === '' ? this.table : `${this.component}_${this.table}`;
  }

  get key(): string {
    return `${this.component}/${this.table}`;
  }

  /** The times at which it changed, in no order. */
  *commits(): Generator<bigint> {
    for (const revisions of this.history.values()) for (const { ts } of revisions) yield ts;
  }

  /** The documents at a time, by `_id`. */
  at(ts: bigint): Map<string, ValueObject> {
    const documents = new Map<string, ValueObject>();
    for (const [id, revisions] of this.history) {
      const document = revisions[lastAt(revisions, ts)]?.document ?? null;
      if (document !== null) documents.set(id, document);
    }
    return documents;
  }
}

/** The position of the last revision that is not newer than `ts`; -1 where there is none. */
export function lastAt(revisions: readonly Revision[], ts: bigint): number {
  let at = revisions.length - 1;
  while (at >= 0 && revisions[at]!.ts > ts) at--;
  return at;
}

/** Documents of a table at which it stops growing. */
const MANY = 40;

interface Staged {
  table: ModelTable;
  document: ValueObject | null;
}

export class World {
  /** The tables that are synced. */
  readonly tables = [
    new ModelTable('alpha'),
    new ModelTable('beta'),
    new ModelTable('gamma'),
    new ModelTable('late'),
    new ModelTable('delta', 'comp'),
    new ModelTable('alpha', 'comp'),
  ];
  /** A table that is not. */
  readonly other = new ModelTable('unselected');
  /** Transactions so far. */
  transactions = 0;
  /** Revisions so far. */
  revisions = 0;
  readonly #deployment: Deployment;
  readonly #random: SeededRandom;
  #timer: NodeJS.Timeout | undefined;

  constructor(deployment: Deployment, random: SeededRandom) {
    this.#deployment = deployment;
    this.#random = random;
    for (const { table, component } of [...this.tables, this.other]) deployment.createTable(table, component);
    // One table stays empty at first.
    for (let i = 0; i < 25; i++) this.change(this.tables.filter(({ table }) => table !== 'late'));
  }

  /** Begins to change, every `pace` milliseconds or so, `most` times: on a slow machine a sync would not catch up for ever. */
  start(pace: number, most: number): void {
    this.stop();
    let left = most;
    const next = (): void => {
      if (left-- === 0) return;
      this.#timer = setTimeout(
        () => {
          this.change(this.tables);
          next();
        },
        this.#random.below(2 * pace),
      );
    };
    next();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** One transaction: inserts, updates and deletions in several tables, all visible at one timestamp or not at all. */
  change(tables: readonly ModelTable[]): void {
    const random = this.#random;
    const staged = new Map<string, Staged>();
    const number = ++this.transactions;
    // Now and then one that is larger than a page of the log.
    const operations = random.chance(0.03) ? 40 : random.between(1, 7);
    const ts = this.#deployment.transaction((tx) => {
      for (let i = 0; i < operations; i++) {
        const table = random.chance(0.15) ? this.other : random.pick(tables);
        this.#operate(tx, table, staged, number);
      }
      if (random.chance(0.2)) tx.systemWrite(random.between(1, 12));
    });
    for (const [id, { table, document }] of staged) {
      const revisions = table.history.get(id) ?? [];
      revisions.push({ ts, document });
      table.history.set(id, revisions);
    }
    if (random.chance(0.1)) this.#deployment.systemWrite(random.between(1, 15));
  }

  #operate(tx: Transaction, table: ModelTable, staged: Map<string, Staged>, number: number): void {
    const random = this.#random;
    const { live, component } = table;
    const fields = { ...randomFields(random), rev: ++this.revisions, tx: number };
    const stage = (id: string): void => {
      const document = tx.get(id);
      staged.set(id, { table, document: document === null ? null : { ...document } });
    };
    const draw = live.length < 3 ? 0 : random.below(live.length > MANY ? 12 : 8);
    if (draw < 3) {
      const id = tx.insert(table.table, fields, component);
      live.push(id);
      stage(id);
    } else {
      const at = random.below(live.length);
      const id = live[at]!;
      if (draw === 3) tx.replace(id, fields);
      else if (draw < 6) tx.patch(id, fields);
      else tx.delete(id);
      if (draw >= 6) live.splice(at, 1);
      stage(id);
    }
  }
}
