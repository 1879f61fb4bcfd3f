/**
 * How an import renames tables and fields (C36 to C39). Pure.
 *
 * A name that is valid and not reserved stays; any other becomes `source_` and its slug. Names beyond ASCII
 * are transliterated by tables of the backend (C37). Each character is replaced on its own, so the deployment
 * is asked for each part that is not ASCII once (DEC43, `StreamingImport.spellingOf`).
 */

const MAX_IDENTIFIER_BYTES = 64;
const MAX_FIELD_BYTES = 1024;
const PREFIX = 'source_';
/** Top-level fields whose new name begins with this are dropped (C39). */
const CDC_PREFIX = 'source_ab_cdc';
/** The new name of the field that marks a deletion (C140). */
export const CDC_DELETED = 'source_ab_cdc_deleted_at';

/** Whether a name is valid for a table or a part of an index field's path (C30). */
export function isIdentifier(name: string): boolean {
  return name.length <= MAX_IDENTIFIER_BYTES && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && /[A-Za-z0-9]/.test(name);
}

/** Whether a name is valid for a field of a document (C31). */
export function isFieldName(name: string): boolean {
  return name.length <= MAX_FIELD_BYTES && /^(?!\$)[\x20-\x7e]*$/.test(name);
}

export type Renamed =
  /** The name that the deployment uses. It is valid, so it can be sent instead of the original. */
  | { kind: 'name'; name: string }
  /** Beyond ASCII: only the deployment knows the new name. */
  | { kind: 'ask' }
  /** The new name exceeds `limit` bytes, which is a 500 (C7). */
  | { kind: 'too-long'; renamed: string; limit: number };

/** The table that records for `name` are written to. */
export function tableNameOf(name: string): Renamed {
  return rename(name, isIdentifier, MAX_IDENTIFIER_BYTES);
}

/** The field that `name` becomes, unless another field interferes (see `freeFieldName`). */
export function fieldNameOf(name: string): Renamed {
  return rename(name, isFieldName, MAX_FIELD_BYTES);
}

/** Spelling of each part: ASCII letters, digits and `_`; undefined if the deployment did not give one. */
export type Spelling = ReadonlyMap<string, string | undefined>;

/** Characters in one question: their spelling has to fit into a table name. */
const BEYOND_ASCII = /[^\0-\x7f]{1,6}/gu;

/** The parts of a name to ask for. None if the text is not valid Unicode, which the deployment refuses. */
export function partsToSpell(name: string): string[] {
  return name.isWellFormed() ? (name.match(BEYOND_ASCII) ?? []) : [];
}

/** The field that `name` becomes by itself. Undefined: a part is unknown, or the name too long. */
export function spelledFieldName(name: string, spelling: Spelling): string | undefined {
  if (isFieldName(name) && !name.startsWith('_')) return name;
  let unknown = false;
  const ascii = name.replace(BEYOND_ASCII, (part) => {
    const spelled = spelling.get(part);
    unknown ||= spelled === undefined;
    return spelled ?? '';
  });
  const renamed = PREFIX + slug(ascii);
  return !unknown && isFieldName(renamed) ? renamed : undefined;
}

/** The name after one more prefix: used where another field has the new name as its original name (C38). */
export function collidingName(renamed: string): string {
  return PREFIX + renamed;
}

/** Names that are tried for a renamed field (C38). */
const MAX_TRIES = 3;

/** The new name among `others`, the names of its object (C38). Undefined: the record is refused. */
export function freeFieldName(renamed: string, others: { has(name: string): boolean }): string | undefined {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    if (!others.has(renamed)) return renamed;
    renamed = collidingName(renamed);
  }
  return undefined;
}

/** The name without its prefixes. Renamed fields can only collide if this part is the same. */
export function withoutPrefixes(renamed: string): string {
  return renamed.replace(/^(?:source_)+/, '');
}

/** Whether a top-level field with this new name is dropped (C39). */
export function isDropped(renamed: string): boolean {
  return renamed.startsWith(CDC_PREFIX);
}

function rename(name: string, isValid: (name: string) => boolean, limit: number): Renamed {
  if (isValid(name) && !name.startsWith('_')) return { kind: 'name', name };
  if (!isAscii(name)) return { kind: 'ask' };
  const renamed = PREFIX + slug(name);
  return isValid(renamed) ? { kind: 'name', name: renamed } : { kind: 'too-long', renamed, limit };
}

/** As the crate slugify for ASCII: lower case, runs of other characters one `_`, none at the ends. */
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
