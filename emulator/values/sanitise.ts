import { ServerError } from '../http/errors.ts';
import { isFieldName, isIdentifier, isSystemName } from './identifiers.ts';
import { type Json, JsonObject } from './json-parse.ts';
import { transliterate } from './transliterate.ts';

const PREFIX = 'source_';
const COLLISION_ATTEMPTS = 3;
/** Documents have the same names over and over. */
const fieldNames = new Map<string, string>();
const KEPT_NAMES = 10_000;

/** Lower-case ASCII letters and digits, everything else one underscore between them (the slugify crate). */
function slug(text: string): string {
  return transliterate(text)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
}

function sanitise(text: string, isValid: (text: string) => boolean): string {
  if (isValid(text) && !isSystemName(text)) return text;
  const name = PREFIX + slug(text);
  // Untagged in the backend, so a name too long for its prefix is a 500, for ever (C7).
  if (!isValid(name)) throw new ServerError('Failed to create a valid identifier.');
  return name;
}

/** The table that an import into `name` goes to (crates/application/src/valid_identifier.rs). @throws ServerError */
export function sanitiseTableName(name: string): string {
  return sanitise(name, isIdentifier);
}

export function sanitiseFieldName(name: string): string {
  const known = fieldNames.get(name);
  if (known !== undefined) return known;
  const sanitised = sanitise(name, isFieldName);
  if (fieldNames.size >= KEPT_NAMES) fieldNames.clear();
  fieldNames.set(name, sanitised);
  return sanitised;
}

/**
 * Renames the keys of all objects inside a record, at every depth (crates/application/src/airbyte_import.rs). A new name
 * that another key of the same object had from the start gets the prefix again; two new names that are equal are not
 * noticed, and the later one wins (C38).
 */
export function sanitiseFields(value: Json): Json {
  if (Array.isArray(value)) return value.map(sanitiseFields);
  if (!(value instanceof JsonObject)) return value;
  const result = new JsonObject();
  for (const [field, element] of value) result.set(freeName(field, value), sanitiseFields(element));
  return result;
}

/** The new name of a field. `object` tells the names that its object had from the start. @throws ServerError */
export function freeName(field: string, object: { has: (name: string) => boolean }): string {
  let name = sanitiseFieldName(field);
  if (name === field) return name;
  for (let attempt = 0; attempt < COLLISION_ATTEMPTS; attempt++) {
    if (!object.has(name)) return name;
    name = PREFIX + name;
  }
  throw new ServerError('Too many duplicate field names found for modified field');
}
