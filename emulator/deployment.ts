import { Clock, DEFAULT_NOW } from './clock.ts';
import { badRequest, ServerError } from './errors.ts';
import { isComponentPath, isIdentifier, isSystemName } from './identifiers.ts';
import { decodeId, newTabletId, type TabletId } from './ids.ts';
import { PrimaryKeyIndex } from './indexes.ts';
import type { Format } from './json-format.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Log, type LogRow } from './log.ts';
import { Random } from './random.ts';
import { type Entry, Tablet } from './tablets.ts';
import { Transaction } from './transaction.ts';
import { toObject, type ValueObject } from './values.ts';

/** User tables are numbered from here, which is why their ids have 32 characters. */
const FIRST_TABLE_NUMBER = 10_001;
/** A commit comes some milliseconds after the one before; a request moves the clock by less. */
const COMMIT_STEP = 5_000_000;
const IDLE_STEP = 900_000;

export interface DeploymentOptions {
  limits?: Partial<Limits>;
  seed?: number;
  /** Nanoseconds since 1970 of the first commit. */
  now?: bigint;
  /** Milliseconds that the backfill of an index takes. Infinity: until `finishBackfills` is called. */
  backfillDelayMs?: number;
}

/** A document as the programmatic interface hands it out. */
export type StoredDocument = ValueObject & { _id: string; _creationTime: number };

/** The data of a deployment: one commit log, tables in components, and a clock. Knows nothing of HTTP. */
export class Deployment {
  readonly limits: Limits;
  readonly random: Random;
  readonly clock: Clock;
  readonly log = new Log();
  /** All tablets that ever were, hidden ones included. */
  readonly tablets: Tablet[] = [];
  readonly #active = new Map<string, Tablet>();
  readonly #components = new Map<string, { from: bigint; until: bigint | undefined }>([
    ['', { from: 0n, until: undefined }],
  ]);
  readonly #systemTablet: TabletId;
  readonly #backfillDelayMs: number;
  readonly #backfills = new Map<PrimaryKeyIndex, NodeJS.Timeout | undefined>();
  #lastTableNumber = FIRST_TABLE_NUMBER - 1;
  #systemRowCount = 0;

  constructor(options: DeploymentOptions = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.random = new Random(options.seed ?? 1);
    this.clock = new Clock(options.now ?? DEFAULT_NOW, this.random);
    this.#systemTablet = newTabletId(this.random);
    this.#backfillDelayMs = options.backfillDelayMs ?? 0;
  }

  /** The latest timestamp, in nanoseconds: at least the last commit's. */
  now(): bigint {
    return this.clock.now;
  }

  /** Lets nanoseconds pass: snapshots get old, cursors leave the retention window. */
  advance(nanoseconds: bigint): bigint {
    return this.clock.advance(nanoseconds);
  }

  /** The time for reads of a request. It moves on even when nobody writes. */
  nowForReads(): bigint {
    return this.clock.tick(IDLE_STEP);
  }

  nextTimestamp(): bigint {
    return this.clock.tick(COMMIT_STEP);
  }

  /**
   * Runs `work` as one transaction: one commit, one timestamp, which is returned. Nothing is written where it throws.
   * Not bound by the limits of a transaction, so that tests can make commits of any size.
   */
  transaction(work: (tx: Transaction) => void): bigint {
    const tx = new Transaction(this);
    try {
      work(tx);
    } catch (error) {
      tx.rollback();
      throw error;
    }
    return tx.commit();
  }

  /**
   * Inserts many documents quickly, `perTransaction` (default 1000) at one timestamp each. Returns how many.
   */
  load(
    table: string,
    documents: Iterable<object>,
    options: { perTransaction?: number; component?: string } = {},
  ): number {
    const { perTransaction = 1000, component = '' } = options;
    let total = 0;
    let tx = new Transaction(this);
    for (const document of documents) {
      tx.insertInto(tx.tablet(table, component), toObject(document));
      total++;
      if (total % perTransaction === 0) {
        tx.commit();
        tx = new Transaction(this);
      }
    }
    tx.commit();
    return total;
  }

  /** One commit of `rows` rows in system tables. */
  systemWrite(rows = 1): bigint {
    return this.transaction((tx) => {
      tx.systemWrite(rows);
    });
  }

  /** The active tables, by component and name. */
  tables(): { component: string; table: string; documents: number }[] {
    return [...this.#active.values()]
      .map((tablet) => ({ component: tablet.component, table: tablet.name, documents: tablet.size }))
      .sort((a, b) => (a.component + '/' + a.table < b.component + '/' + b.table ? -1 : 1));
  }

  /** The documents of a table, now, in the order of their ids. */
  *documents(table: string, component = ''): Generator<StoredDocument> {
    for (const entry of this.tablet(table, component)?.documents ?? []) {
      const document = entry.current;
      if (document !== null) yield document as StoredDocument;
    }
  }

  /** Documents as canonical JSON texts by `_id`, for comparing deployments. */
  encoded(table: string, component = '', format: Format = 'convex_encoded_json'): Map<string, string> {
    const texts = new Map<string, string>();
    for (const entry of this.tablet(table, component)?.documents ?? []) {
      if (entry.head !== undefined && entry.head.value !== null) texts.set(entry.id, `{${entry.head.fields(format)}}`);
    }
    return texts;
  }

  createTable(table: string, component = ''): void {
    this.transaction((tx) => tx.tablet(table, component));
  }

  /** Drops a table. Its documents get no tombstones (trap 10). */
  dropTable(table: string, component = ''): bigint {
    const tablet = this.#require(table, component);
    return this.#swap([tablet], []);
  }

  /** Empties a table by putting a new tablet in its place: no tombstones (trap 10). */
  clearTable(table: string, component = ''): bigint {
    return this.swapForEmpty([[table, component]]);
  }

  /** Empties tables in one commit; missing ones are created. */
  swapForEmpty(tables: [table: string, component: string][]): bigint {
    const old: Tablet[] = [];
    const fresh = tables.map(([table, component], position) => {
      const current = this.tablet(table, component);
      if (current !== undefined) old.push(current);
      return this.#successor(table, component, position);
    });
    return this.#swap(old, fresh);
  }

  /**
   * Imports over a table as `npx convex import --replace` does. The rows are written while their tablet is hidden, so
   * they may carry a `_ts` that a reader's cursor has already passed: it never sees them (trap 10). `at` files them at an
   * older time; without it they are written now. The old tablet goes without tombstones.
   */
  importTable(table: string, documents: Iterable<object>, options: { component?: string; at?: bigint } = {}): bigint {
    const { component = '' } = options;
    const old = this.tablet(table, component);
    const hidden = this.#successor(table, component, 0);
    const tx = new Transaction(this);
    for (const document of documents) tx.insertInto(hidden, toObject(document));
    if (options.at === undefined) tx.commit();
    else tx.commitAt(options.at % 256n === 0n ? options.at + 1n : options.at);
    return this.#swap(old === undefined ? [] : [old], [hidden]);
  }

  /** Installs a component without tables. */
  mountComponent(component: string): void {
    if (!isComponentPath(component)) throw new TypeError(`'${component}' is no component path`);
    if (!this.#components.has(component)) {
      this.#components.set(component, { from: this.nextTimestamp(), until: undefined });
    }
  }

  /** Uninstalls a component: its tables stay, but the export no longer sees them. */
  unmountComponent(component: string): void {
    const mounted = this.#components.get(component);
    if (mounted === undefined || component === '') throw new TypeError(`no component '${component}'`);
    mounted.until = this.nextTimestamp();
  }

  /** The components mounted at a timestamp, the root first. */
  componentsAt(ts: bigint): string[] {
    return [...this.#components]
      .filter(([, { from, until }]) => from <= ts && (until === undefined || ts < until))
      .map(([component]) => component);
  }

  tablet(table: string, component = ''): Tablet | undefined {
    return this.#active.get(`${component}:${table}`);
  }

  activeTablets(): Tablet[] {
    return [...this.#active.values()];
  }

  /** The tablet and entry of a live document, by its id. */
  find(id: string, alsoIn: readonly Tablet[] = []): [Tablet, Entry] | undefined {
    const number = decodeId(id)?.tableNumber;
    for (const tablet of [...this.#active.values(), ...alsoIn]) {
      if (tablet.number !== number) continue;
      const entry = tablet.documents.get(id);
      if (entry !== undefined && entry.current !== null) return [tablet, entry];
    }
    return undefined;
  }

  /** A tablet that is not visible yet. `ahead` counts others not yet added in the same transaction. */
  newTablet(table: string, component: string, ahead = 0): Tablet {
    if (!isIdentifier(table)) throw new ServerError(`invalid table name`);
    if (isSystemName(table)) {
      throw badRequest('InvalidTableName', `Invalid table name ${table} starts with metadata prefix '_'`);
    }
    if (this.#active.size + ahead >= this.limits.tables) {
      throw badRequest('TooManyTables', `Number of tables cannot exceed ${this.limits.tables}.`);
    }
    this.mountComponent(component);
    const previous = this.tablet(table, component);
    const number = previous?.number ?? ++this.#lastTableNumber;
    return new Tablet(newTabletId(this.random), number, table, component);
  }

  addTablet(tablet: Tablet): void {
    if (!this.tablets.includes(tablet)) this.tablets.push(tablet);
    this.#active.set(`${tablet.component}:${tablet.name}`, tablet);
  }

  systemRow(ts: bigint): LogRow {
    const order = `${this.#systemTablet.order}${String(this.#systemRowCount++).padStart(12, '0')}`;
    return { ts, order, tablet: undefined, entry: undefined, revision: undefined };
  }

  /** Puts a new index in place of the one there is and starts its backfill, which takes a turn at least. */
  startBackfill(tablet: Tablet, fields: readonly (readonly string[])[]): void {
    const index = new PrimaryKeyIndex(fields);
    if (tablet.index !== undefined) this.#forget(tablet.index);
    tablet.index = index;
    for (const entry of tablet.documents) if (entry.current !== null) index.add(entry, entry.current);
    this.#backfills.set(index, undefined);
    if (this.#backfillDelayMs === Infinity) return;
    const timer = setTimeout(() => {
      this.#enable(index);
    }, this.#backfillDelayMs);
    timer.unref();
    this.#backfills.set(index, timer);
  }

  /** Ends all backfills now. */
  finishBackfills(): void {
    for (const index of [...this.#backfills.keys()]) this.#enable(index);
  }

  /** Stops its timers. */
  close(): void {
    for (const timer of this.#backfills.values()) clearTimeout(timer);
    this.#backfills.clear();
  }

  #enable(index: PrimaryKeyIndex): void {
    if (!this.#backfills.has(index)) return;
    this.#forget(index);
    index.state = 'enabled';
    this.systemWrite(1);
  }

  #forget(index: PrimaryKeyIndex): void {
    clearTimeout(this.#backfills.get(index));
    this.#backfills.delete(index);
  }

  /** A hidden tablet that will take over a table's name, number and enabled index. */
  #successor(table: string, component: string, ahead: number): Tablet {
    const current = this.tablet(table, component);
    const tablet = this.newTablet(table, component, ahead);
    this.tablets.push(tablet);
    if (current?.index?.state === 'enabled') {
      tablet.index = new PrimaryKeyIndex(current.index.fields);
      tablet.index.state = 'enabled';
    }
    return tablet;
  }

  #swap(old: Tablet[], fresh: Tablet[]): bigint {
    const ts = this.transaction((tx) => {
      tx.systemWrite(old.length + 3 * fresh.length);
    });
    for (const tablet of old) {
      tablet.activeUntil = ts;
      this.#active.delete(`${tablet.component}:${tablet.name}`);
      if (tablet.index !== undefined) this.#forget(tablet.index);
    }
    for (const tablet of fresh) {
      tablet.activeFrom = ts;
      this.#active.set(`${tablet.component}:${tablet.name}`, tablet);
    }
    return ts;
  }

  #require(table: string, component: string): Tablet {
    const tablet = this.tablet(table, component);
    if (tablet === undefined) throw new TypeError(`no table '${table}' in component '${component}'`);
    return tablet;
  }
}
