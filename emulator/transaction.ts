import { nextUp, toMilliseconds } from './clock.ts';
import type { Deployment } from './deployment.ts';
import { badRequest, ServerError, TransactionLimit } from './errors.ts';
import { formatBytes } from './format-bytes.ts';
import { newId } from './ids.ts';
import { formatValue } from './json-format.ts';
import type { LogRow } from './log.ts';
import { type Entry, Entry as NewEntry, Revision, type Tablet } from './tablets.ts';
import { emptyObject, nestingOf, sizeOf, toObject, type Value, VALUE_LIMITS, type ValueObject } from './values.ts';

const DAY = 86_400_000_000_000n;

/**
 * One transaction: what it writes becomes visible at once, at one timestamp, or not at all. Programs get one from
 * `Deployment.transaction`; imports make their own and let the limits of a transaction apply to it.
 */
export class Transaction {
  readonly #deployment: Deployment;
  readonly #limited: boolean;
  readonly #touched = new Map<Entry, Tablet>();
  readonly #newTablets: Tablet[] = [];
  #creationTime: number;
  #systemRows = 0;
  #documentsWritten = 0;
  #bytesWritten = 0;
  #documentsRead = 0;
  #bytesRead = 0;
  #ranges = 0;

  constructor(deployment: Deployment, limited = false) {
    this.#deployment = deployment;
    this.#limited = limited;
    this.#creationTime = toMilliseconds(deployment.clock.now);
  }

  /** Creates a document, and its table where there is none. Returns the `_id`. */
  insert(table: string, fields: object, component = ''): string {
    return this.insertInto(this.tablet(table, component), toObject(fields));
  }

  /** Replaces a document as a whole: fields that are not given are gone. The same value again writes no revision. */
  replace(id: string, fields: object): void {
    const [tablet, entry] = this.#find(id);
    this.#write(tablet, entry, this.#complete(entry, toObject(fields)));
  }

  /** Merges fields into a document; a field that is `undefined` is removed. */
  patch(id: string, fields: object): void {
    const [tablet, entry] = this.#find(id);
    const merged: Record<string, unknown> = Object.assign(emptyObject(), entry.current);
    for (const [name, value] of Object.entries(fields) as [string, unknown][]) merged[name] = value;
    this.#write(tablet, entry, this.#complete(entry, toObject(merged)));
  }

  delete(id: string): void {
    const [tablet, entry] = this.#find(id);
    this.#write(tablet, entry, null);
  }

  /** The document as this transaction sees it, or null. */
  get(id: string): ValueObject | null {
    return this.#deployment.find(id)?.[1].current ?? null;
  }

  /** Rows of system tables: nobody is shown them, but readers of the log spend their budget on them. */
  systemWrite(rows = 1): void {
    this.#systemRows += rows;
  }

  /** The active tablet of a table, made where there is none. */
  tablet(table: string, component = ''): Tablet {
    const existing =
      this.#deployment.tablet(table, component) ??
      this.#newTablets.find((tablet) => tablet.name === table && tablet.component === component);
    if (existing !== undefined) return existing;
    const tablet = this.#deployment.newTablet(table, component, this.#newTablets.length);
    this.#newTablets.push(tablet);
    // its rows in _tables and _index (by_id, by_creation_time)
    this.systemWrite(3);
    return tablet;
  }

  insertInto(tablet: Tablet, fields: ValueObject): string {
    const day = Number(this.#deployment.clock.now / DAY);
    const entry = new NewEntry(newId(tablet.number, this.#deployment.random, day));
    const creationTime = this.#creationTime;
    this.#creationTime = nextUp(creationTime);
    const document = withSystemFields(fields, entry.id, creationTime);
    this.#check(document);
    this.#count(document);
    tablet.documents.add(entry);
    this.#stage(tablet, entry, document);
    return entry.id;
  }

  replaceEntry(tablet: Tablet, entry: Entry, fields: ValueObject): void {
    this.#write(tablet, entry, this.#complete(entry, fields));
  }

  deleteEntry(tablet: Tablet, entry: Entry): void {
    this.#write(tablet, entry, null);
  }

  /** Counts one index range against the transaction. @throws TransactionLimit */
  countRange(): void {
    this.#ranges++;
    const { indexRanges } = this.#deployment.limits;
    if (this.#limited && this.#ranges > indexRanges) {
      throw new TransactionLimit('TooManyReads', tooMany('reads', String(indexRanges)));
    }
  }

  /** Counts one document as read. @throws TransactionLimit */
  countRead(document: ValueObject): void {
    this.#documentsRead++;
    this.#bytesRead += sizeOf(document);
    if (!this.#limited) return;
    const { documentsRead, bytesRead } = this.#deployment.limits;
    if (this.#documentsRead > documentsRead) {
      throw new TransactionLimit('TooManyDocumentsRead', tooMany('documents read', String(documentsRead)));
    }
    if (this.#bytesRead > bytesRead) {
      throw new TransactionLimit('TooManyBytesRead', tooMany('bytes read', `${bytesRead} bytes`));
    }
  }

  /** Makes all writes visible at one new timestamp and returns it; without writes, the current time. */
  commit(): bigint {
    if (this.#touched.size === 0 && this.#systemRows === 0) return this.#deployment.clock.now;
    return this.commitAt(this.#deployment.nextTimestamp());
  }

  commitAt(ts: bigint): bigint {
    const rows: LogRow[] = [];
    for (const tablet of this.#newTablets) {
      tablet.activeFrom = ts;
      this.#deployment.addTablet(tablet);
    }
    for (const [entry, tablet] of this.#touched) {
      const before = entry.head?.value ?? null;
      const after = entry.staged?.value ?? null;
      entry.staged = undefined;
      const revision = new Revision(ts, after, entry.head);
      entry.head = revision;
      tablet.size += (after === null ? 0 : 1) - (before === null ? 0 : 1);
      tablet.version++;
      rows.push({ ts, order: `${tablet.id.order}${entry.id}`, tablet, entry, revision });
    }
    for (let row = 0; row < this.#systemRows; row++) rows.push(this.#deployment.systemRow(ts));
    this.#deployment.log.add(rows);
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
    const found = this.#deployment.find(id, this.#newTablets);
    if (found === undefined) throw badRequest('NonexistentDocument', `Update on nonexistent document ID ${id}`);
    return found;
  }

  #complete(entry: Entry, fields: ValueObject): ValueObject {
    const creationTime = entry.current?.['_creationTime'];
    const document = withSystemFields(fields, entry.id, typeof creationTime === 'number' ? creationTime : 0);
    this.#check(document);
    return document;
  }

  #write(tablet: Tablet, entry: Entry, document: ValueObject | null): void {
    if (document !== null && same(entry.current, document)) return;
    this.#count(document);
    this.#stage(tablet, entry, document);
  }

  #stage(tablet: Tablet, entry: Entry, document: ValueObject | null): void {
    const before = entry.current;
    if (before !== null) tablet.index?.delete(entry, before);
    if (document !== null) tablet.index?.add(entry, document);
    entry.staged = { value: document };
    this.#touched.set(entry, tablet);
  }

  #check(document: ValueObject): void {
    const size = sizeOf(document);
    const { documentBytes } = this.#deployment.limits;
    if (size > documentBytes) {
      throw badRequest(
        'ValueTooLargeError',
        `Value is too large (${formatBytes(size)} > maximum size ${formatBytes(documentBytes)})`,
      );
    }
    if (nestingOf(document) > VALUE_LIMITS.documentNesting) {
      throw badRequest(
        'InvalidDocumentError',
        `The document isn't a valid document: Document is too nested (${nestingOf(document)} > maximum ${VALUE_LIMITS.documentNesting})`,
      );
    }
  }

  /** The counters grow even when they refuse, and the write is then not part of the transaction (writes.rs). */
  #count(document: ValueObject | null): void {
    this.#documentsWritten++;
    this.#bytesWritten += document === null ? 0 : sizeOf(document);
    if (!this.#limited) return;
    const { documentsWritten, bytesWritten } = this.#deployment.limits;
    if (this.#documentsWritten > documentsWritten) {
      throw new TransactionLimit('TooManyWrites', tooMany('writes', String(documentsWritten)));
    }
    if (this.#bytesWritten > bytesWritten) {
      throw new TransactionLimit('TooManyBytesWritten', tooMany('bytes written', formatBytes(bytesWritten)));
    }
  }
}

function tooMany(what: string, limit: string): string {
  return `Too many ${what} in a single function execution (limit: ${limit})`;
}

function withSystemFields(fields: ValueObject, id: string, creationTime: number): ValueObject {
  const document = emptyObject();
  document['_id'] = id;
  document['_creationTime'] = creationTime;
  for (const name of Object.keys(fields)) {
    if (name.startsWith('_') && name !== '_id' && name !== '_creationTime') {
      throw badRequest(
        'InvalidDocumentError',
        `Field '${name}' starts with an underscore, which is only allowed for system fields like '_id'`,
      );
    }
    if (name in document && !same(document[name] ?? null, fields[name] ?? null)) {
      throw new ServerError(`the given ${name} is not the document's`);
    }
    document[name] = fields[name] as Value;
  }
  return document;
}

/** Equal as Convex sees it: types apart, -0 apart from 0. */
function same(a: Value, b: Value): boolean {
  return formatValue(a, 'convex_encoded_json') === formatValue(b, 'convex_encoded_json');
}
