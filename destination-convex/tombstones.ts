/**
 * Deletions of rows that may not exist, for tables whose schema refuses the usual form (DEC36). Convex
 * inserts a deletion whose row does not exist (C140). So a field is added to the deletion that is nested too
 * deeply for a document. If the row exists, Convex only looks at the key and deletes it. If it does not
 * exist, Convex refuses the document (C152), which means that there was nothing to delete.
 */
import type { ConvexApiError } from '../shared/convex/errors.ts';
import { CLOSE_BRACE, OPEN_BRACE, skipSpace } from '../shared/json/raw.ts';
import type { KeyPlan } from './keys.ts';

/** Documents may have 16 levels (C35), values 64: Convex can read this value but not store it. */
const DEPTH = 24;
const TOO_DEEP = '{"a":'.repeat(DEPTH) + 'null' + '}'.repeat(DEPTH);

/** A member that Convex refuses in a document. Its name is not one of the key's fields. */
export function uninsertable(key: KeyPlan): Buffer {
  let name = 'absent';
  while (key.fields.some(({ source, stored }) => source[0] === name || stored[0] === name)) name += '_';
  return Buffer.from(`"${name}":${TOO_DEEP}`);
}

/** The JSON object `data` with `member` at its end. Of repeated members the last one counts. */
export function withMember(data: Buffer, member: Buffer): Buffer {
  const empty = data[skipSpace(data, data.indexOf(OPEN_BRACE) + 1, data.length)] === CLOSE_BRACE;
  return Buffer.concat([data.subarray(0, data.length - 1), Buffer.from(empty ? '' : ','), member, Buffer.from('}')]);
}

/** Whether the refusal of such a deletion means that its row does not exist. */
export function saysAbsent(refusal: ConvexApiError): boolean {
  return refusal.code === 'InvalidDocumentError' || refusal.code === 'SchemaEnforcementError';
}
