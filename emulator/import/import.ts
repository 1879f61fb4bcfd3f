import { type Arguments, bodyError, listOf, mapOf, stringOf, type Struct, structOf } from '../http/arguments.ts';
import type { Deployment } from '../store/deployment.ts';
import { badRequest, ServerError, TransactionLimit } from '../http/errors.ts';
import { type Beginning, ReadSet } from '../store/conflicts.ts';
import { PRIMARY_KEY_INDEX } from '../store/indexes.ts';
import type { Json } from '../values/json-parse.ts';
import { checkPrimaryKey, type FieldPaths } from '../store/primary-key.ts';
import { type AirbyteRecord, toRecord } from './records.ts';
import { sanitiseTableName } from '../values/sanitise.ts';
import type { Tablet } from '../store/tablets.ts';
import { Transaction } from '../store/transaction.ts';
import { TransactionBudget } from '../store/transaction-budget.ts';
import { emptyObject, type Value, valueAt } from '../values/values.ts';

const BODY: Struct = { name: 'AirbyteImportArgs', fields: ['tables', 'messages'] };
const STREAM: Struct = { name: 'AirbyteStream', fields: ['primaryKey', 'jsonSchema'] };
const MESSAGE: Struct = { name: 'AirbyteRecordMessage', fields: ['tableName', 'data'] };

/** Undefined: append. */
type Stream = FieldPaths | undefined;

/**
 * `POST import_airbyte_records`: one transaction. Where it reaches a limit of transactions, it is committed and the rest
 * goes into a new one. The answer is empty. (crates/application/src/{airbyte_import,lib}.rs)
 */
export function importAirbyteRecords(deployment: Deployment, args: Arguments): () => Promise<void> {
  const given = readArguments(args);
  return () => importRecords(deployment, given);
}

async function importRecords(
  deployment: Deployment,
  { messages, streams }: ReturnType<typeof readArguments>,
): Promise<void> {
  const records = messages.map(toRecord);
  const tables = new Map<string, Stream>();
  for (const [name, primaryKey] of streams) tables.set(sanitiseTableName(name), toStream(primaryKey));

  let imported = 0;
  while (imported < records.length) {
    const beginning = await deployment.commits.begin();
    imported = importOnce(deployment, beginning, records, tables, imported);
  }
}

/** What one transaction of an import works with. */
interface Work {
  deployment: Deployment;
  tx: Transaction;
  budget: TransactionBudget;
  reads: ReadSet;
}

/** Imports records from a position on, in one transaction. Returns the position of the first that did not fit. */
function importOnce(
  deployment: Deployment,
  beginning: Beginning,
  records: AirbyteRecord[],
  tables: ReadonlyMap<string, Stream>,
  from: number,
): number {
  const budget = new TransactionBudget(deployment.limits);
  const tx = new Transaction(deployment, budget);
  const work = { deployment, tx, budget, reads: new ReadSet() };
  let position = from;
  try {
    for (; position < records.length; position++) {
      const record = records[position] as AirbyteRecord;
      // Looked up record by record: an earlier transaction may be committed already.
      if (!tables.has(record.table)) throw badRequest('MissingStream', `Missing stream for table ${record.table}`);
      try {
        processRecord(work, record, tables.get(record.table));
      } catch (error) {
        if (!(error instanceof TransactionLimit) || position === from) throw error;
        break;
      }
    }
    // Also where nothing is left to write: at its beginning the request may have had something to write.
    deployment.commits.validate(beginning, work.reads);
  } catch (error) {
    tx.rollback();
    throw error;
  }
  tx.commit();
  return position;
}

function processRecord({ deployment, tx, budget, reads }: Work, record: AirbyteRecord, stream: Stream): void {
  const { table, fields } = record;
  if (stream === undefined) {
    // Append does not look at delete markers: the marker becomes a row (C142).
    tx.insertValue(table, fields);
    return;
  }
  const values = stream.map((path) => {
    const value = valueAt(fields, path);
    if (value !== undefined) return value;
    throw badRequest('MissingPrimaryKeyValue', `Missing value for primary key field: "${path.join('.')}".`);
  });
  const tablet = deployment.catalog.get(table);
  const index = requireIndex(tablet, table);
  const ordered = inIndexOrder(stream, values, index.fields, table);
  const range = index.rangeOf(ordered);
  const [entry, another] = index.find(ordered, range);
  if (tablet !== undefined) reads.key(tablet, index, ordered.length, range);
  for (const found of [entry, another]) if (found !== undefined) budget.read(found.current ?? emptyObject());
  budget.range(`${table} ${range}`);
  // Rows that were appended before may share a key. The error is untagged, a 500 (C143).
  if (another !== undefined) throw new ServerError('Received more than one value for query');
  if (entry === undefined || tablet === undefined) {
    // Also for a deletion: the marker of a row that does not exist becomes a row (C140).
    tx.insertValue(table, fields);
    return;
  }
  // The row is read once more by its id, which is a range of its own.
  budget.range(entry.id);
  budget.read(entry.current ?? emptyObject());
  if (record.deleted) tx.deleteEntry(tablet, entry);
  else tx.replaceEntry(tablet, entry, fields);
}

function requireIndex(tablet: Tablet | undefined, table: string) {
  const index = tablet?.index;
  if (index === undefined) throw badRequest('IndexNotFoundError', `Index ${table}.${PRIMARY_KEY_INDEX} not found.`);
  if (index.state === 'enabled') return index;
  throw badRequest(
    'IndexBackfillingError',
    `Index ${table}.${PRIMARY_KEY_INDEX} is currently backfilling and not available to query yet.`,
  );
}

/** The key's paths may come in any order, and may be fewer than the index's, but only its first ones. */
function inIndexOrder(paths: FieldPaths, values: Value[], indexed: FieldPaths, table: string): Value[] {
  if (paths.every((path, rank) => samePath(path, indexed[rank]))) return values;
  const ranked = paths.map((path, position) => {
    const rank = indexed.findIndex((field) => field.join('.') === path.join('.'));
    const name = `${table}.${PRIMARY_KEY_INDEX}`;
    if (rank < 0) {
      throw badRequest(
        'FieldNotInIndex',
        `The index range included a comparison with "${path.join('.')}", but ${name} with fields ` +
          `${describePaths([...indexed, ['_creationTime']])} doesn't index this field. For more information see ` +
          'https://docs.convex.dev/using/indexes.',
      );
    }
    return { rank, path, value: values[position] ?? null };
  });
  ranked.sort((a, b) => a.rank - b.rank);
  const wrong = ranked.find(({ rank }, position) => rank !== position);
  if (wrong !== undefined) {
    throw badRequest(
      'InvalidIndexRange',
      `Tried to query index ${table}.${PRIMARY_KEY_INDEX} but the query didn't use the index fields in order.\n` +
        `Index fields: ${describePaths([...indexed, ['_creationTime']])}\nQuery fields: ${describePaths(ranked.map(({ path }) => path))}\n` +
        `First incorrect field: "${wrong.path.join('.')}"\n` +
        'For more information see https://docs.convex.dev/using/indexes.',
    );
  }
  return ranked.map(({ value }) => value);
}

function samePath(path: readonly string[], other: readonly string[] = []): boolean {
  return path.length === other.length && path.every((step, at) => step === other[at]);
}

function describePaths(paths: FieldPaths): string {
  return `[${paths.map((path) => `"${path.join('.')}"`).join(', ')}]`;
}

function readArguments(args: Arguments) {
  const body = args.as(BODY);
  const streams = mapOf(body.required('tables'), 'tables', (given, path) => {
    const stream = structOf(given, path, STREAM);
    if (!stream.has('jsonSchema')) throw bodyError(path, 'missing field `jsonSchema`');
    const primaryKey = stream.get('primaryKey') ?? null;
    return primaryKey === null ? undefined : pathsOf(primaryKey, `${path}.primaryKey`);
  });
  const messages = listOf(body.required('messages'), 'messages', (given, path) => {
    const message = structOf(given, path, MESSAGE);
    for (const field of MESSAGE.fields) if (!message.has(field)) throw bodyError(path, `missing field \`${field}\``);
    return {
      table: stringOf(message.get('tableName') ?? null, `${path}.tableName`),
      data: message.get('data') ?? null,
    };
  });
  return { streams, messages };
}

export function pathsOf(value: Json, path: string): string[][] {
  return listOf(value, path, (element, at) => listOf(element, at, stringOf));
}

function toStream(primaryKey: string[][] | undefined): Stream {
  if (primaryKey === undefined) return undefined;
  if (primaryKey.length === 0) throw badRequest('EmptyPrimaryKey', 'Primary keys cannot be empty');
  return checkPrimaryKey(primaryKey);
}
