import { badRequest, ServerError } from '../http/errors.ts';
import { isIdentifier, isSystemName } from '../values/identifiers.ts';
import { tableNumberOf, newTabletId } from '../values/ids.ts';
import type { Random } from './random.ts';
import { type Entry, Tablet } from './tablets.ts';

/** User tables are numbered from here, which is why their ids have 32 characters. */
const FIRST_TABLE_NUMBER = 10_001;

/** All tablets that ever were, and which of them are tables now. */
export class Tables {
  /** Hidden and retired ones included. */
  readonly all: Tablet[] = [];
  /** How often the rows of `_tables` have changed. */
  version = 0;
  readonly #active = new Map<string, Tablet>();
  readonly #random: Random;
  readonly #limit: number;

  constructor(random: Random, limit: number) {
    this.#random = random;
    this.#limit = limit;
  }

  get(table: string, component = ''): Tablet | undefined {
    return this.#active.get(`${component}:${table}`);
  }

  active(component?: string): Tablet[] {
    const tablets = [...this.#active.values()];
    return component === undefined ? tablets : tablets.filter((tablet) => tablet.component === component);
  }

  /** The tablet and entry of a live document, by its id. */
  find(id: string, alsoIn: readonly Tablet[] = []): [Tablet, Entry] | undefined {
    const number = tableNumberOf(id);
    for (const tablet of [...this.#active.values(), ...alsoIn]) {
      if (tablet.number !== number) continue;
      const entry = tablet.documents.get(id);
      if (entry !== undefined && entry.current !== null) return [tablet, entry];
    }
    return undefined;
  }

  /**
   * A tablet that is not visible yet. Without `number`, it has the number of the table of this name, or the next free
   * one. `ahead` are others of the same transaction that are not yet added.
   * @throws HttpError for a bad name or too many tables
   */
  make(table: string, component: string, ahead: readonly Tablet[] = [], number?: number): Tablet {
    if (!isIdentifier(table)) throw new ServerError(`invalid table name`);
    if (isSystemName(table)) {
      throw badRequest('InvalidTableName', `Invalid table name ${table} starts with metadata prefix '_'`);
    }
    const existing = this.get(table, component);
    if (existing === undefined && this.#active.size + ahead.length >= this.#limit) {
      throw badRequest('TooManyTables', `Number of tables cannot exceed ${this.#limit}.`);
    }
    const tableNumber = number ?? existing?.number ?? this.nextNumber(component, ahead);
    return new Tablet(newTabletId(this.#random), tableNumber, table, component);
  }

  /** Registers a tablet while it is hidden. */
  add(tablet: Tablet): void {
    this.all.push(tablet);
    this.version++;
  }

  activate(tablet: Tablet, ts: bigint): void {
    this.version++;
    tablet.activeFrom = ts;
    this.#active.set(`${tablet.component}:${tablet.name}`, tablet);
  }

  retire(tablet: Tablet, ts: bigint): void {
    this.version++;
    tablet.activeUntil = ts;
    this.#active.delete(`${tablet.component}:${tablet.name}`);
  }

  /** A number that no table has had. Numbers count per component, so the ids of two components look alike. */
  nextNumber(component: string, ahead: readonly Tablet[] = []): number {
    let number = FIRST_TABLE_NUMBER;
    for (const tablet of [...this.all, ...ahead]) {
      if (tablet.component === component && tablet.number >= number) number = tablet.number + 1;
    }
    return number;
  }
}
