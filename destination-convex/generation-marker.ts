/**
 * The marker of a replaced table: which generation the table holds, kept in the deployment itself.
 *
 * The import API reads back one thing only: the fields of a table's primary key index (C136). So each replaced table has an empty bookkeeping table
 * whose primary key index is on a field that is named after the generation. An import of a record with another key field is refused, and the
 * refusal names the fields of the index. Nothing is written by asking. Pure; the requests are in tables.ts.
 */
import { createHash } from 'node:crypto';
import type { ConvexApiError } from '../shared/convex/errors.ts';
import type { Generation } from './generations.ts';

/** What the deployment remembers of a table. */
export type Marker =
  /** No generation of the table was ever finished being emptied. */
  | { kind: 'none' }
  /** The index is being built: ask again once it is ready. */
  | { kind: 'building' }
  | { kind: 'generation'; generation: Generation }
  /** Somebody else uses the bookkeeping table. */
  | { kind: 'foreign' };

const PREFIX = 'airbyte_generation_';
/** Characters that a table's name may have in Convex. */
const MAX_NAME = 64;
const HASH_DIGITS = 12;

/** The bookkeeping table of a table. A name that would be too long is cut, and told apart by a hash of the whole name. */
export function markerTable(table: string): string {
  const name = PREFIX + table;
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(table).digest('hex').slice(0, HASH_DIGITS);
  return `${name.slice(0, MAX_NAME - HASH_DIGITS - 1)}_${hash}`;
}

/** The name of the index's field. */
export function markerField({ id, sync }: Generation): string {
  return `generation_${id}${sync === undefined ? '' : `_sync_${sync}`}`;
}

/** The body of the request that asks: one record whose key field is in no marker's index. */
export function markerQuestion(table: string): Buffer {
  const name = markerTable(table);
  return Buffer.from(
    JSON.stringify({
      tables: { [name]: { primaryKey: [['question']], jsonSchema: {} } },
      messages: [{ tableName: name, data: { question: true } }],
    }),
  );
}

/** What the deployment's refusal of `markerQuestion` says. Undefined for an error that is no answer to it. */
export function markerOf({ code, detail }: Pick<ConvexApiError, 'code' | 'detail'>): Marker | undefined {
  switch (code) {
    case 'IndexNotFoundError':
    case 'MissingIndex':
      return { kind: 'none' };
    case 'IndexBackfillingError':
      return { kind: 'building' };
    case 'FieldNotInIndex': {
      // Versions of the backend differ in whether `_creationTime`, which ends every index, is listed.
      const fields = fieldsOf(detail ?? '')?.filter((field) => field !== '_creationTime');
      const [, id, sync] = (fields?.length === 1 && /^generation_(\d+)(?:_sync_(\d+))?$/.exec(fields[0]!)) || [];
      if (id === undefined) return { kind: 'foreign' };
      return {
        kind: 'generation',
        generation: { id: Number(id), sync: sync === undefined ? undefined : Number(sync) },
      };
    }
    case undefined:
    default:
      return undefined;
  }
}

/**
 * - `empty`: the table holds nothing of this generation that a state may speak for.
 * - `keep`: this sync, in an earlier attempt, has emptied the table, and states may have been given back since.
 * - `keep-of-other-sync`: another sync has emptied it for a generation of the same number.
 */
export type Verdict = 'empty' | 'keep' | 'keep-of-other-sync';

/**
 * Whether the table has to be emptied for `wanted`. A marker of a lower generation is an earlier replacement, one of a higher generation is of
 * another connection: a connection that is made anew counts from 1.
 *
 * Of two syncs with the same generation, the later one may belong to another connection, too. A stream that is always read in full
 * (`everySync`) gets a new generation in each sync, so then it does. Otherwise it may go on from a state of the first one, and what cannot
 * be told apart is kept.
 */
export function verdictOn(
  marker: Extract<Marker, { kind: 'none' | 'generation' }>,
  wanted: Generation,
  everySync: boolean,
): Verdict {
  if (marker.kind === 'none' || marker.generation.id !== wanted.id) return 'empty';
  const { sync } = marker.generation;
  if (sync === undefined || wanted.sync === undefined || sync === wanted.sync) return 'keep';
  return everySync ? 'empty' : 'keep-of-other-sync';
}

function fieldsOf(detail: string): string[] | undefined {
  const list = /with fields (\[[^\]]*\])/.exec(detail)?.[1];
  if (list === undefined) return undefined;
  try {
    return JSON.parse(list) as string[];
  } catch {
    return undefined;
  }
}
