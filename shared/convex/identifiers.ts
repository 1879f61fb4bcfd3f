/**
 * What an import makes of names: the backend's rules for tables, fields and index fields, as pure functions.
 *
 * Source: sync_types/src/identifier.rs and application/src/valid_identifier.rs. A name that is valid and not
 * reserved stays as it is; any other becomes `source_` and its slug. The slug of a name beyond ASCII depends
 * on the backend's transliteration tables, which are not repeated here: `Renamed.ask` says that only the
 * deployment knows (`StreamingImport.nameOf` asks it).
 */

const MAX_IDENTIFIER_BYTES = 64;
const MAX_FIELD_BYTES = 1024;
const PREFIX = 'source_';
/** Fields whose renamed form begins with this are dropped from every imported document (top level only). */
const CDC_PREFIX = 'source_ab_cdc';
/** The renamed form of the field that marks a deletion. */
export const CDC_DELETED = 'source_ab_cdc_deleted_at';

/**
 * Table names and the parts of an index field's path: a letter or `_`, then letters, digits and `_`, 64
 * bytes, not only `_`.
 */
export function isIdentifier(name: string): boolean {
  return name.length <= MAX_IDENTIFIER_BYTES && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && /[A-Za-z0-9]/.test(name);
}

/**
 * Fields of documents: printable ASCII of up to 1024 bytes, blanks and dots included, even empty, but not
 * with a leading `$`.
 */
export function isFieldName(name: string): boolean {
  return name.length <= MAX_FIELD_BYTES && /^(?!\$)[\x20-\x7e]*$/.test(name);
}

export type Renamed =
  /**
   * The name that the deployment uses. It is valid, so sending it instead of the original changes nothing.
   */
  | { kind: 'name'; name: string }
  /** Beyond ASCII: what it becomes is known to the deployment only. */
  | { kind: 'ask' }
  /** The renamed name has more than `limit` bytes. The deployment would answer 500 (C7). */
  | { kind: 'too-long'; renamed: string; limit: number };

/** The table that records for `name` are written to. */
export function tableNameOf(name: string): Renamed {
  return rename(name, isIdentifier, MAX_IDENTIFIER_BYTES);
}

/**
 * The field that `name` becomes, where no other field of the same object interferes (see `freeFieldName`).
 */
export function fieldNameOf(name: string): Renamed {
  return rename(name, isFieldName, MAX_FIELD_BYTES);
}

/**
 * The same for a name that is not valid as it is, and was spelled in ASCII. Undefined where the result is too
 * long.
 */
export function asciiFieldNameOf(spelled: string): string | undefined {
  const renamed = PREFIX + slug(spelled);
  return isFieldName(renamed) ? renamed : undefined;
}

/**
 * Where the new name is also the original name of another field of the same object, the prefix is put before
 * it once more.
 */
export function collidingName(renamed: string): string {
  return PREFIX + renamed;
}

/** So many names are tried for a renamed field (C38). */
const MAX_TRIES = 3;

/**
 * The name of a renamed field among `others`, the original names of its object: where one of them is the
 * same, the prefix is put before it again. Undefined where that does not help: the deployment refuses such a
 * record.
 */
export function freeFieldName(renamed: string, others: { has(name: string): boolean }): string | undefined {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    if (!others.has(renamed)) return renamed;
    renamed = collidingName(renamed);
  }
  return undefined;
}

/**
 * `name` without the prefixes that renamed fields get: only renamed fields that have this in common can get
 * the same name.
 */
export function withoutPrefixes(renamed: string): string {
  return renamed.replace(/^(?:source_)+/, '');
}

/** Whether a top-level field with this (renamed) name is left out of the stored document. */
export function isDropped(renamed: string): boolean {
  return renamed.startsWith(CDC_PREFIX);
}

function rename(name: string, isValid: (name: string) => boolean, limit: number): Renamed {
  if (isValid(name) && !name.startsWith('_')) return { kind: 'name', name };
  if (!isAscii(name)) return { kind: 'ask' };
  const renamed = PREFIX + slug(name);
  return isValid(renamed) ? { kind: 'name', name: renamed } : { kind: 'too-long', renamed, limit };
}

/**
 * The slugify crate on ASCII: everything in lower case, each run of anything else than letters and digits one
 * `_`, none at the ends.
 */
function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
}

function isAscii(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) > 0x7f) return false;
  return true;
}
