import type { Deployment } from '../store/deployment.ts';
import { formatValue } from '../values/json-format.ts';
import type { Transaction } from '../store/transaction.ts';
import { sizeOf, toValue, type Value, type ValueObject, valueAt } from '../values/values.ts';
import { sortKey } from './order.ts';
import { pageOf, type PaginationOptions, type PaginationResult, type Row } from './paginate.ts';

/** `ctx.db` of a query: reads of the root component, counted against the limits of one transaction. */
export class DatabaseReader {
  protected readonly deployment: Deployment;
  #documents = 0;
  #bytes = 0;

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  async get(id: string): Promise<ValueObject | null> {
    const document = this.deployment.catalog.find(id)?.[1].current ?? null;
    if (document !== null) this.count(document);
    return document;
  }

  query(table: string): TableQuery {
    return new TableQuery(this, table);
  }

  /** The documents of a table as the running transaction sees them, in no particular order. */
  *documents(table: string): Generator<ValueObject> {
    for (const entry of this.tablet(table)?.documents ?? []) if (entry.current !== null) yield entry.current;
  }

  /** The fields of an index. */
  indexFields(table: string, index: string): readonly string[] {
    if (index === 'by_id') return ['_id'];
    if (index === 'by_creation_time') return [];
    const declared = this.deployment.schema()?.tables.find(({ tableName }) => tableName === table)?.indexes ?? [];
    const found = declared.find(({ indexDescriptor }) => indexDescriptor === index);
    if (found === undefined) throw new Error(`Index ${table}.${index} not found.`);
    return found.fields;
  }

  /** Counts a document that is read. @throws Error at the limits of a transaction */
  count(document: ValueObject): void {
    const { documentsRead, bytesRead } = this.deployment.limits;
    const advice = 'Consider using smaller limits in your queries, paginating your queries, or using indexed queries.';
    if (++this.#documents > documentsRead) {
      throw new Error(`Too many documents read in a single function execution (limit: ${documentsRead}). ${advice}`);
    }
    this.#bytes += sizeOf(document);
    if (this.#bytes > bytesRead) {
      throw new Error(`Too many bytes read in a single function execution (limit: ${bytesRead} bytes). ${advice}`);
    }
  }

  protected tablet(table: string) {
    return this.deployment.catalog.get(table);
  }
}

/** `ctx.db` of a mutation: also writes, all of them at once when the mutation ends. */
export class DatabaseWriter extends DatabaseReader {
  readonly #tx: Transaction;
  readonly #written = new Set<string>();

  constructor(deployment: Deployment, tx: Transaction) {
    super(deployment);
    this.#tx = tx;
  }

  override async get(id: string): Promise<ValueObject | null> {
    return this.#tx.get(id);
  }

  async insert(table: string, fields: object): Promise<string> {
    this.#written.add(table);
    return this.#tx.insert(table, fields);
  }

  async patch(id: string, fields: object): Promise<void> {
    this.#tx.patch(id, fields);
  }

  async replace(id: string, fields: object): Promise<void> {
    this.#tx.replace(id, fields);
  }

  async delete(id: string): Promise<void> {
    this.#tx.delete(id);
  }

  protected override tablet(table: string) {
    // A table that this mutation makes is nobody else's yet.
    return super.tablet(table) ?? (this.#written.has(table) ? this.#tx.tablet(table) : undefined);
  }
}

type Bound = [operator: 'eq' | 'gt' | 'gte' | 'lt' | 'lte', field: string, value: Value | undefined];

const HOLDS: Record<Bound[0], (order: number) => boolean> = {
  eq: (order) => order === 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
};

class RangeBuilder {
  readonly bounds: Bound[] = [];

  eq = (field: string, value: unknown): this => this.#add('eq', field, value);
  gt = (field: string, value: unknown): this => this.#add('gt', field, value);
  gte = (field: string, value: unknown): this => this.#add('gte', field, value);
  lt = (field: string, value: unknown): this => this.#add('lt', field, value);
  lte = (field: string, value: unknown): this => this.#add('lte', field, value);

  #add(operator: Bound[0], field: string, value: unknown): this {
    this.bounds.push([operator, field, value === undefined ? undefined : toValue(value)]);
    return this;
  }
}

/** `ctx.db.query(table)`: a range of an index, in its order. */
export class TableQuery {
  readonly #reader: DatabaseReader;
  readonly #table: string;
  #index = 'by_creation_time';
  #bounds: readonly Bound[] = [];
  #descending = false;

  constructor(reader: DatabaseReader, table: string) {
    this.#reader = reader;
    this.#table = table;
  }

  withIndex(index: string, range?: (builder: RangeBuilder) => unknown): this {
    const builder = new RangeBuilder();
    range?.(builder);
    this.#index = index;
    this.#bounds = builder.bounds;
    return this;
  }

  order(order: 'asc' | 'desc'): this {
    this.#descending = order === 'desc';
    return this;
  }

  async collect(): Promise<ValueObject[]> {
    return [...this.#read()];
  }

  async take(count: number): Promise<ValueObject[]> {
    const taken: ValueObject[] = [];
    if (count > 0) {
      for (const document of this.#read()) if (taken.push(document) >= count) break;
    }
    return taken;
  }

  async first(): Promise<ValueObject | null> {
    return (await this.take(1))[0] ?? null;
  }

  async unique(): Promise<ValueObject | null> {
    const [document = null, second] = await this.take(2);
    if (second !== undefined) throw new Error('unique() query returned more than one result');
    return document;
  }

  async paginate(options: PaginationOptions): Promise<PaginationResult> {
    const bounds = this.#bounds.map(([operator, field, value]) => [operator, field, shown(value)]);
    const query = [this.#table, this.#index, bounds, this.#descending];
    const result = pageOf(this.#rows(), query, options, this.#descending);
    for (const document of result.page) this.#reader.count(document);
    return result;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ValueObject> {
    yield* this.#read();
  }

  *#read(): Generator<ValueObject> {
    for (const { document } of this.#rows()) {
      this.#reader.count(document);
      yield document;
    }
  }

  #rows(): Row[] {
    const fields = this.#reader.indexFields(this.#table, this.#index);
    const paths = [...fields, '_creationTime', '_id'].map((field) => field.split('.'));
    const rows: Row[] = [];
    for (const document of this.#reader.documents(this.#table)) {
      if (!this.#holds(document)) continue;
      rows.push({ key: sortKey(paths.map((path) => valueAt(document, path))), document });
    }
    const sign = this.#descending ? -1 : 1;
    return rows.sort((a, b) => sign * Buffer.compare(a.key, b.key));
  }

  #holds(document: ValueObject): boolean {
    return this.#bounds.every(([operator, field, value]) => {
      const order = Buffer.compare(sortKey([valueAt(document, field.split('.'))]), sortKey([value]));
      return HOLDS[operator](order);
    });
  }
}

function shown(value: Value | undefined): string {
  return value === undefined ? 'undefined' : formatValue(value, 'convex_encoded_json');
}
