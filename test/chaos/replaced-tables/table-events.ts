/**
 * What happens to a deployment: transactions, and all the ways in which a table is replaced without a tombstone. Imports take their time:
 * their rows are hidden for several syncs, and some imports fail or are cancelled.
 */
import type { Deployment, StoredDocument, TableImport, Transaction, ValueObject } from '../../../emulator/index.ts';
import { decodeId } from '../../../emulator/values/ids.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { randomFields } from '../values.ts';

export interface Table {
  table: string;
  component: string;
}

/** The name of the table's stream. */
export const streamOf = ({ table, component }: Table): string => (component === '' ? table : `${component}.${table}`);

export interface Counts {
  transactions: number;
  imports: number;
  swaps: number;
  failedImports: number;
  clears: number;
  drops: number;
  creations: number;
}

/** What happens besides transactions. */
export interface Happenings {
  /** Whether tables are replaced. */
  replaces: boolean;
  /** Whether they are also dropped and made anew. */
  drops: boolean;
}

/** An import under way: the rows that it has still to write, by table. */
interface Import {
  work: TableImport;
  left: { target: Table; rows: object[] }[];
  /** The deployment's time at which it began. */
  since: bigint;
}

/** Documents at which a table stops growing. */
const MANY = 40;
/** Deleted documents of a table that are remembered, for an import that brings them back. */
const REMEMBERED = 12;

export class TableEvents {
  readonly tables: readonly Table[] = [
    { table: 'alpha', component: '' },
    { table: 'beta', component: '' },
    { table: 'gamma', component: '' },
    { table: 'delta', component: 'comp' },
    { table: 'alpha', component: 'comp' },
  ];
  readonly counts: Counts = {
    transactions: 0,
    imports: 0,
    swaps: 0,
    failedImports: 0,
    clears: 0,
    drops: 0,
    creations: 0,
  };
  /** How often a table was replaced, dropped or made. */
  replacements = 0;
  readonly #other: Table = { table: 'unselected', component: '' };
  readonly #deployment: Deployment;
  readonly #random: SeededRandom;
  readonly #options: Happenings;
  readonly #deleted = new Map<Table, StoredDocument[]>();
  readonly #backups = new Map<Table, StoredDocument[]>();
  #import: Import | undefined;
  #revision = 0;

  /** True: no import begins, and no table is replaced. */
  onlyChanges = false;

  constructor(deployment: Deployment, random: SeededRandom, options: Happenings) {
    this.#deployment = deployment;
    this.#random = random;
    this.#options = options;
    for (const { table, component } of [...this.tables, this.#other]) deployment.createTable(table, component);
    for (let i = 0; i < 20; i++) this.#transaction();
  }

  /** Whether all tables are there. */
  get complete(): boolean {
    return this.tables.every((table) => this.#exists(table));
  }

  /** Makes those that are not. */
  completeTables(): void {
    for (const table of this.tables) if (!this.#exists(table)) this.#create(table);
  }

  /** Something happens. `quietly`: no table is replaced, but imports go on. */
  step(quietly: boolean): void {
    const random = this.#random;
    const draw = this.#options.replaces && !this.onlyChanges ? random.below(100) : 99;
    const missing = this.tables.find((table) => !this.#exists(table));
    // Only what is over is cleaned up in real deployments, so an import must not become so old.
    if (this.#import !== undefined && this.#age() > this.#deployment.limits.hiddenTableAge / 2n) this.#failImport();
    else if (draw < 14) this.#stepOfImport(quietly);
    else if (draw < 17 && !quietly) this.#clear(random.pick(this.tables));
    else if (draw < 20 && !quietly && this.#options.drops) this.#drop(random.pick(this.tables));
    else if (draw < 26 && !quietly && missing !== undefined) this.#create(missing);
    else if (draw < 30) this.#backUp(random.pick(this.tables));
    else this.#transaction();
  }

  #stepOfImport(quietly: boolean): void {
    const random = this.#random;
    const running = this.#import;
    if (running === undefined) return this.#beginImport();
    const part = running.left.find(({ rows }) => rows.length > 0);
    if (random.chance(0.06)) this.#failImport();
    else if (part !== undefined) {
      const { table, component } = part.target;
      running.work.write(table, part.rows.splice(0, random.between(1, 15)), { component });
    } else if (!quietly) {
      running.work.swap();
      this.counts.swaps += running.left.length;
      this.replacements++;
      this.#import = undefined;
    }
  }

  #failImport(): void {
    const { work } = this.#import!;
    if (this.#random.chance(0.5)) work.fail();
    else work.cancel();
    this.counts.failedImports++;
    this.#import = undefined;
  }

  #age(): bigint {
    return this.#deployment.now() - this.#import!.since;
  }

  #beginImport(): void {
    const random = this.#random;
    const chosen = new Set([random.pick(this.tables), ...(random.chance(0.3) ? [random.pick(this.tables)] : [])]);
    const left = [...chosen].map((target, at) => ({ target, ...this.#rowsFor(target, at) }));
    const targets = left.map(({ target, number }) => ({ ...target, ...(number === undefined ? {} : { number }) }));
    this.#import = { work: this.#deployment.beginImport(...targets), left, since: this.#deployment.now() };
    this.counts.imports++;
  }

  /** New rows with or without the ids of old ones, and the table number that their ids have. `at`: place among the import's tables. */
  #rowsFor(target: Table, at: number): { rows: object[]; number: number | undefined } {
    const random = this.#random;
    const fresh = Array.from({ length: random.below(20) }, () => this.#fields());
    if (random.chance(0.4)) {
      const { catalog } = this.#deployment;
      return { rows: fresh, number: random.chance(0.4) ? catalog.nextNumber(target.component) + at : undefined };
    }
    const current = [...this.#documents(target)];
    const backup = random.chance(0.5) ? (this.#backups.get(target) ?? current) : current;
    const number = backup[0] === undefined ? undefined : decodeId(backup[0]._id)?.tableNumber;
    const known = new Map(
      [...(this.#deleted.get(target) ?? []), ...backup].map((document) => [document._id, document]),
    );
    const kept = [...known.values()]
      .filter(({ _id }) => decodeId(_id)?.tableNumber === number && random.chance(0.7))
      .map(({ _id, _creationTime, ...fields }) => ({
        ...(random.chance(0.5) ? fields : this.#fields()),
        _id,
        _creationTime,
      }));
    return { rows: random.chance(0.5) ? [...kept, ...fresh] : kept, number };
  }

  #clear({ table, component }: Table): void {
    this.#deployment.clearTable(table, component);
    this.counts.clears++;
    this.replacements++;
  }

  #drop(target: Table): void {
    if (!this.#exists(target)) return;
    this.#deployment.dropTable(target.table, target.component);
    this.counts.drops++;
    this.replacements++;
  }

  #create({ table, component }: Table): void {
    this.#deployment.transaction((tx) => {
      tx.tablet(table, component);
      for (let rows = this.#random.below(6); rows > 0; rows--) tx.insert(table, this.#fields(), component);
    });
    this.counts.creations++;
    this.replacements++;
  }

  #backUp(target: Table): void {
    this.#backups.set(target, [...this.#documents(target)]);
  }

  #transaction(): void {
    const random = this.#random;
    const existing = this.tables.filter((table) => this.#exists(table));
    const operations = random.chance(0.03) ? 40 : random.between(1, 7);
    const staged = new Map<Table, string[]>();
    this.#deployment.transaction((tx) => {
      for (let i = 0; i < operations && existing.length > 0; i++) {
        const target = random.chance(0.15) ? this.#other : random.pick(existing);
        const ids = staged.get(target) ?? [...this.#documents(target)].map(({ _id }) => _id);
        staged.set(target, ids);
        this.#operate(tx, target, ids);
      }
      if (random.chance(0.2)) tx.systemWrite(random.between(1, 12));
    });
    this.counts.transactions++;
  }

  #operate(tx: Transaction, target: Table, ids: string[]): void {
    const random = this.#random;
    const { table, component } = target;
    const draw = ids.length < 3 ? 0 : random.below(ids.length > MANY ? 12 : 8);
    if (draw < 3) {
      ids.push(tx.insert(table, this.#fields(), component));
      return;
    }
    const at = random.below(ids.length);
    const id = ids[at]!;
    if (draw === 3) tx.replace(id, this.#fields());
    else if (draw < 6) tx.patch(id, this.#fields());
    else {
      const deleted = [...(this.#deleted.get(target) ?? []), tx.get(id) as StoredDocument];
      this.#deleted.set(target, deleted.slice(-REMEMBERED));
      tx.delete(id);
      ids.splice(at, 1);
    }
  }

  #fields(): ValueObject {
    return { ...randomFields(this.#random), rev: ++this.#revision };
  }

  #exists({ table, component }: Table): boolean {
    return this.#deployment.catalog.get(table, component) !== undefined;
  }

  #documents({ table, component }: Table): Generator<StoredDocument> {
    return this.#deployment.documents(table, component);
  }
}
