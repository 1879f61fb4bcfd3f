import { badRequest, ServerError } from '../http/errors.ts';
import { isIdentifier } from '../values/identifiers.ts';

const MAX_INDEX_FIELDS = 16;

/** Paths of fields, as an index has them. */
export type FieldPaths = readonly (readonly string[])[];

/**
 * Checks the paths of a primary key. Names are taken as they are, never sanitised: the caller must know what its fields
 * were renamed to (C144). A name that is no identifier is an untagged error, a 500 on import (C7).
 */
export function checkPrimaryKey(paths: FieldPaths): FieldPaths {
  for (const path of paths) {
    if (path.length === 0 || !path.every(isIdentifier)) throw new ServerError('invalid field path');
  }
  if (paths.length > MAX_INDEX_FIELDS) throw tooManyFields();
  const names = paths.map((path) => path.join('.'));
  if (names.includes('_id')) {
    throw badRequest(
      'IndexFieldsContainId',
      '`_id` is not a valid index field. To load documents by ID, use `db.get(id)`.',
    );
  }
  const duplicate = names.find((name, position) => names.indexOf(name) !== position);
  if (duplicate !== undefined) {
    throw badRequest(
      'FieldsNotUniqueWithinIndex',
      `Duplicate field "${duplicate}". Index fields must be unique within an index.`,
    );
  }
  return paths;
}

/** As `checkPrimaryKey`, for making the index: any of its errors has one code, and further rules apply. */
export function checkNewIndex(paths: FieldPaths): FieldPaths {
  try {
    checkPrimaryKey(paths);
  } catch {
    throw badRequest(
      'InvalidPrimaryKey',
      'Invalid primary key: Identifiers must start with a letter and can only contain letters, digits, and ' +
        `underscores. ${rustDebug(paths)}.`,
    );
  }
  return paths;
}

/** Rules of indexes that users define; `_creationTime` is appended, so sixteen fields are one too many. */
export function checkIndexFields(paths: FieldPaths): FieldPaths {
  if (paths.some((path) => path.join('.') === '_creationTime')) {
    throw badRequest(
      'IndexFieldsContainCreationTime',
      '`_creationTime` is automatically added to the end of each index. It should not be added explicitly in the index ' +
        'definition. See https://docs.convex.dev/using/indexes for more details.',
    );
  }
  if (paths.flat().some((name) => name.startsWith('_'))) {
    throw badRequest('IndexFieldNameReserved', 'Reserved fields (starting with `_`) are not allowed in indexes.');
  }
  if (paths.length + 1 > MAX_INDEX_FIELDS) throw tooManyFields();
  return paths;
}

function tooManyFields() {
  return badRequest('IndexTooManyFields', `Indexes may have up to ${MAX_INDEX_FIELDS} fields.`);
}

function rustDebug(paths: FieldPaths): string {
  return `[${paths.map((path) => `[${path.map((name) => JSON.stringify(name)).join(', ')}]`).join(', ')}]`;
}
