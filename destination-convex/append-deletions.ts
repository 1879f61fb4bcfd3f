/**
 * Deletions in a stream whose records are appended. Convex drops the `_ab_cdc_…` fields (C39), so a deletion
 * is stored as an ordinary row (C142). The user is warned once for each stream.
 */
import type { ConfiguredAirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import { propertiesOf } from './keys.ts';
import { valueAt } from './record.ts';

const MARKER = '_ab_cdc_deleted_at';
const MARKER_BYTES = Buffer.from(MARKER);
/** What follows the marker's name in a record that is not a deletion, as sources write it. */
const NULL_VALUE = Buffer.from('":null');

/** Whether records of the stream may mark a deletion: its schema has the marker, or no properties. */
export function mayMarkDeletions({ stream: { json_schema: schema } }: ConfiguredAirbyteStream): boolean {
  const properties = propertiesOf(schema) ?? {};
  return Object.keys(properties).length === 0 || Object.hasOwn(properties, MARKER);
}

/** Whether the data of a record, a JSON object, mark a deletion. */
export function marksDeletion(data: Buffer): boolean {
  for (let at = data.indexOf(MARKER_BYTES); at !== -1; at = data.indexOf(MARKER_BYTES, at)) {
    at += MARKER_BYTES.length;
    if (data.subarray(at, at + NULL_VALUE.length).equals(NULL_VALUE)) continue;
    const value = valueAt(data, [MARKER]);
    return value !== undefined && value !== 'null';
  }
  return false;
}

/** `stream`: its name in messages. */
export function deletionWarning(stream: string): string {
  return `Stream "${stream}" sends deletions, and its records are appended: each deletion is stored as a row, and Convex drops the field ${MARKER} that marks it. Use the sync mode append + dedup to have deletions applied, or have the source mark them in a field of another name.`;
}
