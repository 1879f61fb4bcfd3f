import { nextUp, toMilliseconds } from './clock.ts';
import type { Deployment } from './deployment.ts';
import { checkDocumentNesting, checkDocumentSize, withSystemFields } from '../values/documents.ts';
import { badRequest, type HttpError } from '../http/errors.ts';
import { newId } from '../values/ids.ts';
import { formatValue } from '../values/json-format.ts';
import { byPlace, type LogRow } from './log.ts';
import type { TableNames } from './schema-check.ts';
import { Entry, Revision, type Tablet } from './tablets.ts';
import type { TransactionBudget } from './transaction-budget.ts';
import { emptyObject, toObject, type Value, type ValueObject } from '../values/values.ts';

const DAY = 86_400_000_000_000n;

/**
 * One transaction: what it writes becomes visible at once, at one timestamp, or not at all. Programs get one from
 * `Deployment.transaction`; imports make their own, with a budget.
 */
export class Transaction {
  readonly #deployment: Deployment;
  readonly #budget: TransactionBudget | undefined;
  readonly #touched = new Map<Entry, Tablet>();
  readonly #newTablets: Tablet[] = [];
  #creationTime: number;
  #systemRows = 0;
  #bytes = 0;

  constructor(deployment: Deployment, budget?: TransactionBudget) {
    this.#deployment = deployment;
    this.#budget = budget;
    this.#creationTime = toMilliseconds(deployment.clock.now);
  }

  /** Creates a document, and its table where there is none. Returns the `_id`. */
  insert(table: string, fields: object, component = ''): string {
    return this.insertValue(table, toObject(fields), component);
  }

  /**
   * As `insert`, for checked fields. The document takes its creation time before its table is made, as in the backend
   * (crates/database/src/bootstrap_model/user_facing.rs): a new table's rows lie between it and the next document.
   */
  insertValue(table: string, fields: ValueObject, component = ''): string {
    const creationTime = this.#nextCreationTime();
    const tablet = this.tablet(table, component);
    return this.#create(tablet, new Entry(this.#newId(tablet)), fields, creationTime);
  }

  /** Replaces a document as a whole: fields that are not given are gone. The same value again writes no revision. */
  replace(id: string, fields: object): void {
    const [tablet, entry] = this.#find(id);
    this.replaceEntry(tablet, entry, toObject(fields));
  }

  /** Merges fields into a document; a field that is `undefined` is removed. */
  patch(id: string, fields: object): void {
    const merged: Record<string, unknown> = Object.assign(emptyObject(), this.#find(id)[1].current);
    for (const [name, value] of Object.entries(fields) as [string, unknown][]) merged[name] = value;
    this.replace(id, merged);
  }

  delete(id: string): void {
    const [tablet, entry] = this.#find(id);
    this.deleteEntry(tablet, entry);
  }

  /** The document as this transaction sees it, or null. */
  get(id: string): ValueObject | null {
    return this.#deployment.catalog.find(id, this.#newTablets)?.[1].current ?? null;
  }

  /** Rows of system tables: nobody is shown them, but readers of the log spend their budget on them. */
  systemWrite(rows = 1): void {
    this.#systemRows += rows;
  }

  /** The active tablet of a table, made where there is none. */
  tablet(table: string, component = ''): Tablet {
    const existing =
      this.#deployment.catalog.get(table, component) ??
      this.#newTablets.find((tablet) => tablet.name === table && tablet.component === component);
    if (existing !== undefined) return existing;
    this.#deployment.mountComponent(component);
    const tablet = this.#deployment.catalog.make(table, component, this.#newTablets);
    this.#newTablets.push(tablet);
    // Its rows in _tables and _index (by_id, by_creation_time), each of which takes a creation time.
    this.systemWrite(3);
    for (let row = 0; row < 3; row++) this.#nextCreationTime();
    return tablet;
  }

  /** Creates a document with a new `_id`; returns it. */
  insertInto(tablet: Tablet, fields: ValueObject): string {
    return this.#create(tablet, new Entry(this.#newId(tablet)), fields, this.#nextCreationTime());
  }

  /**
   * As `insertInto`, but a document keeps the `_id` and `_creationTime` that it brings, or either. That they fit the
   * table is the caller's business. `tableNames` gives the tables that ids in it are checked against, by number.
   * @throws 400 `DocumentExists` or `DocumentDeleted` where the table knows the `_id`
   */
  importInto(tablet: Tablet, fields: ValueObject, tableNames?: TableNames): string {
    const { _id: id, _creationTime: creationTime } = fields;
    const known = typeof id === 'string' ? tablet.documents.get(id) : undefined;
    if (known !== undefined) throw idInUse(known.id, known.current !== null);
    const time = typeof creationTime === 'number' ? creationTime : this.#nextCreationTime();
    const entry = new Entry(typeof id === 'string' ? id : this.#newId(tablet));
    return this.#create(tablet, entry, fields, time, tableNames);
  }

  #newId(tablet: Tablet): string {
    const { clock, random } = this.#deployment;
    return newId(tablet.number, random, Number(clock.now / DAY));
  }

  #nextCreationTime(): number {
    const creationTime = this.#creationTime;
    this.#creationTime = nextUp(creationTime);
    return creationTime;
  }

  #create(tablet: Tablet, entry: Entry, fields: ValueObject, creationTime: number, tableNames?: TableNames): string {
    const document = withSystemFields(fields, entry.id, creationTime);
    checkDocumentNesting(document);
    this.#checkAndCount(tablet, document, tableNames);
    tablet.documents.add(entry);
    this.#stage(tablet, entry, document);
    return entry.id;
  }

  replaceEntry(tablet: Tablet, entry: Entry, fields: ValueObject): void {
    const before = entry.current ?? emptyObject();
    const document = withSystemFields(fields, entry.id, before['_creationTime'] as number);
    checkDocumentNesting(document);
    if (same(before, document)) return;
    this.#checkAndCount(tablet, document);
    this.#stage(tablet, entry, document);
  }

  deleteEntry(tablet: Tablet, entry: Entry): void {
    this.#budget?.write(0);
    this.#stage(tablet, entry, null);
  }

  /** Makes all writes visible at one new timestamp and returns it; without writes, the current time. */
  commit(): bigint {
    if (this.#touched.size === 0 && this.#systemRows === 0) return this.#deployment.clock.now;
    return this.commitAt(this.#deployment.nextTimestamp());
  }

  commitAt(ts: bigint): bigint {
    const rows: LogRow[] = [];
    const rowsOfTablets = new Map<Tablet, LogRow[]>();
    for (const tablet of this.#newTablets) {
      this.#deployment.catalog.add(tablet);
      this.#deployment.catalog.activate(tablet, ts);
    }
    // The shapes of tables are updated in this order, whatever the order of the writes was
    // (crates/database/src/committer.rs, table_dependency_sort_key).
    const touched = [...this.#touched]
      .map(([entry, tablet]) => ({ entry, tablet, tabletOrder: tablet.id.order, id: entry.id }))
      .sort(byPlace);
    for (const { entry, tablet, tabletOrder, id } of touched) {
      const revision = new Revision(ts, entry.staged?.value ?? null, entry.head);
      entry.staged = undefined;
      entry.head = revision;
      tablet.commit(revision);
      const row = { ts, tabletOrder, id, tablet, entry, revision };
      rows.push(row);
      const ofTablet = rowsOfTablets.get(tablet);
      if (ofTablet === undefined) rowsOfTablets.set(tablet, [row]);
      else ofTablet.push(row);
    }
    for (const [tablet, ofTablet] of rowsOfTablets) tablet.log.add(ofTablet);
    for (let row = 0; row < this.#systemRows; row++) rows.push(this.#deployment.systemRow(ts));
    this.#deployment.log.add(rows);
    this.#deployment.writeRate.record(ts, this.#bytes);
    return ts;
  }

  /** Undoes everything. */
  rollback(): void {
    for (const [entry, tablet] of this.#touched) {
      const staged = entry.staged?.value ?? null;
      const committed = entry.head?.value ?? null;
      if (staged !== null) tablet.index?.delete(entry, staged);
      if (committed !== null) tablet.index?.add(entry, committed);
      entry.staged = undefined;
      if (entry.head === undefined) tablet.documents.delete(entry.id);
    }
    this.#touched.clear();
  }

  #find(id: string): [Tablet, Entry] {
    const found = this.#deployment.catalog.find(id, this.#newTablets);
    if (found === undefined) throw badRequest('NonexistentDocument', `Update on nonexistent document ID ${id}`);
    return found;
  }

  #checkAndCount(tablet: Tablet, document: ValueObject, tableNames?: TableNames): void {
    this.#deployment.enforceSchema(tablet, document, tableNames);
    const bytes = checkDocumentSize(document, this.#deployment.limits.documentBytes);
    this.#bytes += bytes;
    this.#budget?.write(bytes);
  }

  #stage(tablet: Tablet, entry: Entry, document: ValueObject | null): void {
    const before = entry.current;
    if (before !== null) tablet.index?.delete(entry, before);
    if (document !== null) tablet.index?.add(entry, document);
    entry.staged = { value: document };
    this.#touched.set(entry, tablet);
  }
}

/** Equal as Convex sees it: types apart, -0 apart from 0. */
function same(a: Value, b: Value): boolean {
  return formatValue(a, 'convex_encoded_json') === formatValue(b, 'convex_encoded_json');
}

function idInUse(id: string, live: boolean): HttpError {
  if (live) {
    return badRequest(
      'DocumentExists',
      `Cannot create document with _id ${id} that already exists. Try to update it with \`db.patch\` or \`db.replace\`.`,
    );
  }
  return badRequest(
    'DocumentDeleted',
    `Cannot recreate document with _id ${id} that was deleted. Try to insert it without an _id or insert into another ` +
      'table.',
  );
}
