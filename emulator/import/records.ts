import { badRequest, ServerError } from '../http/errors.ts';
import { type Json, JsonNumber, JsonObject } from '../values/json-parse.ts';
import { sanitiseFields, sanitiseTableName } from '../values/sanitise.ts';
import { checkedArray, isObject, objectWith, type Value, type ValueObject, VALUE_LIMITS } from '../values/values.ts';

/** Fields of the protocol that are not imported begin so. */
export const CDC_PREFIX = 'source_ab_cdc';
/** With a value other than null, the record says that the document is deleted. */
export const CDC_DELETED = 'source_ab_cdc_deleted_at';

export interface AirbyteRecord {
  table: string;
  deleted: boolean;
  fields: ValueObject;
}

/** The data of a record that is read already, with the names of a document. As JSON it is any object. */
export class QuickRecord extends JsonObject {
  readonly deleted: boolean;
  readonly fields: ValueObject;

  constructor(deleted: boolean, fields: ValueObject) {
    super();
    this.deleted = deleted;
    this.fields = fields;
  }
}

/** @throws HttpError where the data is no document */
export function toRecord({ table, data }: { table: string; data: Json }): AirbyteRecord {
  const name = sanitiseTableName(table);
  if (data instanceof QuickRecord) return { table: name, deleted: data.deleted, fields: data.fields };
  const value = decode(sanitiseFields(data));
  if (!isObject(value)) throw new ServerError('a record is an object');
  const deleted = (value[CDC_DELETED] ?? null) !== null;
  const kept = Object.keys(value).filter((field) => !field.startsWith(CDC_PREFIX));
  const fields = objectWith(kept, (field) => value[field] ?? null);
  return { table: name, deleted, fields };
}

/** Every number becomes a float64, whatever it was (C40). `depth` is the number of containers around the value. */
function decode(value: Json, depth = 0): Value {
  if (depth >= VALUE_LIMITS.nesting && (Array.isArray(value) || value instanceof JsonObject)) {
    throw badRequest(
      'TooNestedError',
      `Value is too nested (nested ${depth + 1} levels deep > maximum nesting ${VALUE_LIMITS.nesting})`,
    );
  }
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return checkedArray(value.map((element) => decode(element, depth + 1)));
  if (value instanceof JsonObject)
    return objectWith([...value.keys()], (name) => decode(value.get(name) ?? null, depth + 1));
  return value;
}
