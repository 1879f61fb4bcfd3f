import { Backfills } from './backfills.ts';
import { Clock, DEFAULT_NOW } from './clock.ts';
import { Commits } from './conflicts.ts';
import { Components } from './components.ts';
import { newTabletId, type TabletId } from '../values/ids.ts';
import type { Format } from '../values/json-format.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Log, type LogRow } from './log.ts';
import { Random } from './random.ts';
import type { SchemaJson } from './schema.ts';
import { enforceSchema, type TableNames } from './schema-check.ts';
import { type ImportTarget, TableImport } from './table-import.ts';
import { clear, drop } from './table-swaps.ts';
import { Tables } from './tables.ts';
import type { Tablet } from './tablets.ts';
import { Transaction } from './transaction.ts';
import { toObject, type ValueObject } from '../values/values.ts';
import { WriteRate } from './write-rate.ts';

/** A commit comes some milliseconds after the one before; a request moves the clock by less. */
const COMMIT_STEP = 5_000_000;
const IDLE_STEP = 900_000;
/** Even an index of an empty table takes a while, and every row that is there takes its share. */
const DEFAULT_BACKFILL_MS = 25;
const DEFAULT_BACKFILL_MS_PER_ROW = 0.02;
const DEFAULT_COMMIT_MS = 2;

export interface DeploymentOptions {
  limits?: Partial<Limits>;
  /** Another seed gives other ids; the same one repeats them. */
  seed?: number;
  /** Nanoseconds since 1970, just before the first commit. */
  now?: bigint;
  /**
   * Whether time stands still while nobody writes: two snapshots in a row then have the same timestamp, as on an idle
   * backend. Default false: every request that reads moves it on a little.
   */
  idleClockStands?: boolean;
  /** The schema of the root component. */
  schema?: SchemaJson;
  /** Milliseconds that the backfill of an empty table's index takes. Infinity: until `finishBackfills` is called. */
  backfillDelayMs?: number;
  /** Milliseconds more for each row that the table has. Default 0.02. */
  backfillMsPerRow?: number;
  /** Milliseconds between the beginning of an import request's transaction and its commit. Default 2. */
  commitMs?: number;
}

/** An event of the audit log. */
export type AuditEvent =
  | { readonly action: 'create_data_sync'; readonly syncId: string }
  | {
      readonly action: 'snapshot_import';
      readonly mode: string;
      readonly format: string;
      /** Tables by component, at most 20 in all, and how many there are. */
      readonly tables: ReadonlyMap<string, string[]>;
      readonly tableCount: number;
      /** The same of tables that replaceAll dropped. */
      readonly tablesDeleted: ReadonlyMap<string, string[]>;
      readonly tableCountDeleted: number;
    };

/** A document as the programmatic interface hands it out. */
export type StoredDocument = ValueObject & { _id: string; _creationTime: number };

/** The data of a deployment: one commit log, tables in components, and a clock. Knows nothing of HTTP. */
export class Deployment {
  readonly limits: Limits;
  readonly random: Random;
  readonly clock: Clock;
  /** The time at which it was started. */
  readonly startedAt: bigint;
  readonly log = new Log();
  readonly catalog: Tables;
  readonly components = new Components();
  readonly backfills: Backfills;
  /** What the deployment's audit log has of what the emulator does, oldest first. */
  readonly auditLog: AuditEvent[] = [];
  /** Import requests that run at the same time, and their conflicts. */
  readonly commits: Commits;
  readonly writeRate = new WriteRate(() => this.limits.writeRate);
  readonly #schemas = new Map<string, SchemaJson>();
  readonly #systemTablet: TabletId;
  readonly #idleClockStands: boolean;
  #systemRowCount = 0;

  constructor(options: DeploymentOptions = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.random = new Random(options.seed ?? 1);
    this.clock = new Clock(options.now ?? DEFAULT_NOW, this.random);
    this.startedAt = this.clock.now;
    this.catalog = new Tables(this.random, this.limits.tables);
    this.#idleClockStands = options.idleClockStands ?? false;
    this.#systemTablet = newTabletId(this.random);
    const { backfillDelayMs = DEFAULT_BACKFILL_MS, backfillMsPerRow = DEFAULT_BACKFILL_MS_PER_ROW } = options;
    this.backfills = new Backfills(backfillDelayMs, backfillMsPerRow, () => this.systemWrite(1));
    this.commits = new Commits(options.commitMs ?? DEFAULT_COMMIT_MS, this.log, () => ({
      ts: this.clock.now,
      tables: this.catalog.version,
      indexes: this.backfills.version,
    }));
    if (options.schema !== undefined) this.#schemas.set('', options.schema);
  }

  /** The latest timestamp, in nanoseconds: at least the last commit's. */
  now(): bigint {
    return this.clock.now;
  }

  /** Lets nanoseconds pass: snapshots get old, cursors leave the retention window. */
  advance(nanoseconds: bigint): bigint {
    return this.clock.advance(nanoseconds);
  }

  /** The time for the reads of a request. It moves on even when nobody writes, unless `idleClockStands`. */
  nowForReads(): bigint {
    return this.#idleClockStands ? this.clock.now : this.clock.tick(IDLE_STEP);
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
   * As `transaction`, the way a mutation of the user's own app writes.
   * @throws 429 `TooManyWrites` where more has been written in the last second than the deployment allows
   */
  mutation(work: (tx: Transaction) => void): bigint {
    this.writeRate.check(this.clock.now);
    return this.transaction(work);
  }

  /** Inserts many documents quickly, `perTransaction` (default 1000) at one timestamp each. Returns how many. */
  load(
    table: string,
    documents: Iterable<object>,
    options: { perTransaction?: number; component?: string } = {},
  ): number {
    const { perTransaction = 1000, component = '' } = options;
    let total = 0;
    let tx = new Transaction(this);
    for (const document of documents) {
      tx.insertValue(table, toObject(document), component);
      total++;
      if (total % perTransaction === 0) {
        tx.commit();
        tx = new Transaction(this);
      }
    }
    tx.commit();
    return total;
  }

  /** One commit of `rows` rows in system tables, which nobody sees but which count for readers of the log. */
  systemWrite(rows = 1): bigint {
    return this.transaction((tx) => {
      tx.systemWrite(rows);
    });
  }

  /** The tables that there are, by component and name. */
  tables(): { component: string; table: string; documents: number }[] {
    return this.catalog
      .active()
      .map((tablet) => ({ component: tablet.component, table: tablet.name, documents: tablet.size }))
      .sort((a, b) => (`${a.component}/${a.table}` < `${b.component}/${b.table}` ? -1 : 1));
  }

  /** The documents of a table, now, in the order of their ids. */
  *documents(table: string, component = ''): Generator<StoredDocument> {
    for (const entry of this.catalog.get(table, component)?.documents ?? []) {
      const document = entry.current;
      if (document !== null) yield document as StoredDocument;
    }
  }

  /** Documents as canonical JSON texts by `_id`, for comparing deployments. */
  encoded(table: string, component = '', format: Format = 'convex_encoded_json'): Map<string, string> {
    const texts = new Map<string, string>();
    for (const { id, head } of this.catalog.get(table, component)?.documents ?? []) {
      if (head !== undefined && head.value !== null) texts.set(id, `{${head.fields(format)}}`);
    }
    return texts;
  }

  createTable(table: string, component = ''): void {
    this.transaction((tx) => tx.tablet(table, component));
  }

  /** Drops a table. Its documents get no tombstones. */
  dropTable(table: string, component = ''): bigint {
    return drop(this, table, component);
  }

  /** Empties a table by putting a new tablet in its place: no tombstones. */
  clearTable(table: string, component = ''): bigint {
    return clear(this, [[table, component]]);
  }

  /** Empties tables in one commit; missing ones are created. */
  clearTables(tables: [table: string, component: string][]): bigint {
    return clear(this, tables);
  }

  /**
   * Begins an import that replaces tables, as `npx convex import --replace` does: a hidden tablet for each, which is
   * written in batches and then swapped in, or never. See `TableImport`.
   */
  beginImport(...targets: (string | ImportTarget)[]): TableImport {
    return new TableImport(this, targets);
  }

  /**
   * Such an import from begin to swap, in one batch. The documents carry the `_ts` of the batch, which readers' cursors
   * may have passed by the time of the swap. `at` files the batch at an older time. Returns the timestamp of the swap.
   */
  importTable(table: string, documents: Iterable<object>, options: { component?: string; at?: bigint } = {}): bigint {
    const { component = '' } = options;
    const tableImport = this.beginImport({ table, component });
    tableImport.write(table, documents, options);
    return tableImport.swap();
  }

  /** Installs a component, at first without tables. */
  mountComponent(component: string): void {
    if (!this.components.has(component)) this.components.mount(component, this.systemWrite(1));
  }

  /** Uninstalls a component: its tables stay, but the export no longer sees them. */
  unmountComponent(component: string): void {
    this.components.unmount(component, this.systemWrite(1));
  }

  /** The active schema of a component. */
  schema(component = ''): SchemaJson | undefined {
    return this.#schemas.get(component);
  }

  /** Pushes a schema; documents that are there already are not checked. */
  setSchema(schema: SchemaJson | undefined, component = ''): void {
    if (schema === undefined) this.#schemas.delete(component);
    else this.#schemas.set(component, schema);
    this.systemWrite(1);
  }

  /** The active schemas by component. */
  schemas(): ReadonlyMap<string, SchemaJson> {
    return this.#schemas;
  }

  /**
   * Checks a document that is about to be written. `tableNames` gives the tables of its component by number; without it
   * they are the present ones. @throws 400 `SchemaEnforcementError`
   */
  enforceSchema(tablet: Tablet, document: ValueObject, tableNames?: TableNames): void {
    const schema = this.#schemas.get(tablet.component);
    if (schema === undefined) return;
    enforceSchema(schema, tablet.name, document, tableNames ?? this.#tableNames(tablet));
  }

  #tableNames(tablet: Tablet): TableNames {
    const names = new Map([...this.catalog.active(tablet.component), tablet].map(({ number, name }) => [number, name]));
    return (number) => names.get(number);
  }

  /** Makes all indexes ready now. */
  finishBackfills(): void {
    this.backfills.finish();
  }

  /** A row of a system table. */
  systemRow(ts: bigint): LogRow {
    const id = String(this.#systemRowCount++).padStart(12, '0');
    return { ts, tabletOrder: this.#systemTablet.order, id, tablet: undefined, entry: undefined, revision: undefined };
  }

  /** Stops its timers. */
  close(): void {
    this.backfills.close();
    this.commits.close();
  }
}
