/**
 * The marker of a replaced table: which generation the table holds, stored in the deployment (DEC40). Each
 * such table has an empty bookkeeping table whose primary key index is on a field that is named after the
 * generation. An import with another key field is refused, and the refusal names the field of the index
 * (C136). Pure; the requests are in tables.ts.
 */
import { createHash } from 'node:crypto';
import type { ConvexApiError } from '../shared/convex/errors.ts';
import type { Generation } from './generations.ts';

/** What the deployment answers about a table. */
export type Marker =
  /** The table was never emptied for a generation. */
  | { kind: 'none' }
  /** The index is being built: ask again later. */
  | { kind: 'building' }
  | { kind: 'generation'; generation: Generation }
  /** The bookkeeping table is used by something else. */
  | { kind: 'foreign' };

const PREFIX = 'airbyte_generation_';
/** Characters of a table name (C30). */
const MAX_NAME = 64;
const HASH_DIGITS = 12;

/** The bookkeeping table of a table. A name that is too long is cut and gets a hash of the table's name. */
export function markerTable(table: string): string {
  const name = PREFIX + table;
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(table).digest('hex').slice(0, HASH_DIGITS);
  return `${name.slice(0, MAX_NAME - HASH_DIGITS - 1)}_${hash}`;
}

/** The field of the index. */
export function markerField({ id, sync }: Generation): string {
  return `generation_${id}${sync === undefined ? '' : `_sync_${sync}`}`;
}

/** The request that asks for the marker: a record whose key field is not one of a marker's index. */
export function markerQuestion(table: string): Buffer {
  const name = markerTable(table);
  return Buffer.from(
    JSON.stringify({
      tables: { [name]: { primaryKey: [['question']], jsonSchema: {} } },
      messages: [{ tableName: name, data: { question: true } }],
    }),
  );
}

/** The marker that the refusal of `markerQuestion` tells. Undefined for any other error. */
export function markerOf({ code, detail }: Pick<ConvexApiError, 'code' | 'detail'>): Marker | undefined {
  switch (code) {
    case 'IndexNotFoundError':
    case 'MissingIndex':
      return { kind: 'none' };
    case 'IndexBackfillingError':
      return { kind: 'building' };
    case 'FieldNotInIndex': {
      // Some versions of the backend also list `_creationTime`, the last field of every index.
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
 * - `empty`: the table has to be emptied.
 * - `keep`: an earlier attempt of this sync emptied the table, and STATEs may have been echoed since.
 * - `keep-of-other-sync`: another sync emptied it for a generation of the same number.
 */
export type Verdict = 'empty' | 'keep' | 'keep-of-other-sync';

/**
 * Whether the table has to be emptied for `wanted`. A marker of a lower generation is of an earlier
 * replacement. One of a higher generation is of another connection, because a new connection counts from 1.
 *
 * A marker of the same generation and another sync may be of another connection, too. It certainly is if the
 * stream gets a new generation in each sync (`everySync`: it is always read in full). Otherwise this sync may
 * continue from a STATE of the other one, so the table is kept (INV9).
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
