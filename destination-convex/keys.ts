/**
 * Primary keys with the paths of the stored documents. Convex renames fields of documents but not of key
 * paths (C144), so paths are renamed here: `_id` becomes `source_id`. Pure.
 */
import { descriptorOf, descriptorText } from '../shared/core/stream-descriptor.ts';
import { configError } from '../shared/core/failure.ts';
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import { fieldNameOf, freeFieldName, isDropped, isIdentifier } from '../shared/convex/identifiers.ts';

/** The deployment's new forms of non-ASCII names (C37). Undefined if it has no valid form of a name. */
export type KnownNames = ReadonlyMap<string, string | undefined>;

interface KeyField {
  /** The path in the source. */
  source: string[];
  /** The path in the stored document. */
  stored: string[];
}

export interface KeyPlan {
  fields: KeyField[];
}

/** Convex adds `_creationTime` as the sixteenth (C145). */
const MAX_KEY_FIELDS = 15;

/** The names in a primary key whose new form only the deployment knows (C37). */
export function keyNames(primaryKey: readonly (readonly string[])[]): string[] {
  return primaryKey.flat().filter((name) => fieldNameOf(name).kind === 'ask');
}

/** Throws a config_error if Convex cannot index the primary key. */
export function planKey(configured: ConfiguredAirbyteStream, known: KnownNames): KeyPlan {
  const { stream, primary_key: primaryKey } = configured;
  const descriptor = descriptorOf(stream.name, stream.namespace);
  const refuse = (why: string) => configError(`Stream "${descriptorText(descriptor)}" ${why}`, descriptor);
  if (!primaryKey?.length || primaryKey.some((path) => path.length === 0)) {
    throw refuse(
      'is to be deduplicated but has no primary key. Choose a primary key for it, or the sync mode append or overwrite.',
    );
  }
  if (primaryKey.length > MAX_KEY_FIELDS) {
    throw refuse(
      `has a primary key of ${primaryKey.length} fields; a Convex index can hold ${MAX_KEY_FIELDS}. Choose fewer fields, or the sync mode append or overwrite.`,
    );
  }
  const fields = primaryKey.map((source) => ({
    source,
    stored: storedPath(source, stream.json_schema, known, refuse),
  }));
  const names = fields.map(({ stored }) => stored.join('.'));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refuse(`has the field "${twice}" twice in its primary key. Choose each field once.`);
  return { fields };
}

function storedPath(
  source: readonly string[],
  schema: unknown,
  known: KnownNames,
  refuse: (why: string) => Error,
): string[] {
  let properties = propertiesOf(schema);
  return source.map((name, depth) => {
    const stored = storedName(name, properties, known);
    const path = source.join('.');
    if (stored === undefined || !isIdentifier(stored)) {
      throw refuse(
        `has the primary key "${path}", which Convex cannot index: "${name}" does not consist of letters, digits and underscores only (64 at most, the first a letter). Rename the field in the source, choose another primary key, or the sync mode append or overwrite.`,
      );
    }
    if (depth === 0 && isDropped(stored)) {
      throw refuse(
        `has the primary key "${path}", which is not stored: Convex leaves out all fields that begin with _ab_cdc. Choose another primary key.`,
      );
    }
    properties = propertiesOf(properties?.[name]);
    return stored;
  });
}

/** Undefined if there is no valid name. Collisions (C38) are only noticed between fields of the schema. */
function storedName(
  name: string,
  properties: Record<string, unknown> | undefined,
  known: KnownNames,
): string | undefined {
  const renamed = fieldNameOf(name);
  const stored = renamed.kind === 'name' ? renamed.name : renamed.kind === 'ask' ? known.get(name) : undefined;
  if (stored === undefined || stored === name) return stored;
  return freeFieldName(stored, { has: (other) => properties !== undefined && Object.hasOwn(properties, other) });
}

/** The fields that a JSON schema describes. Undefined if it does not say. */
export function propertiesOf(schema: unknown): Record<string, unknown> | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const properties = (schema as { properties?: unknown }).properties;
  return typeof properties === 'object' && properties !== null ? (properties as Record<string, unknown>) : undefined;
}

/** `stream`: its name in messages. `count`: records with a null key (C143). */
export function nullKeyWarning(stream: string, { fields }: KeyPlan, count: number): string {
  const names = fields.map(({ source }) => source.join('.')).join(', ');
  const records = count === 1 ? '1 record' : `${count} records`;
  return `Stream "${stream}": ${records} with null as primary key (${names}). Convex takes null for a value, so they replaced one another and share one row. Choose a primary key that is never null, or the sync mode append.`;
}
