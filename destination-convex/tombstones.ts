/**
 * Deletions that cannot leave anything behind.
 *
 * Convex inserts a deletion whose row does not exist (C140). Normally the row is made first (see batch.ts). Where the deployment's
 * schema refuses that, the deletion is sent alone, in a form that no table accepts as a document: a field is added that is nested deeper
 * than documents may be. An existing row is deleted, for of such a record only the key is looked at; a missing one is not inserted, for
 * the document is refused, and that refusal says that there was nothing to delete. It holds whatever the schema is.
 */
import type { ConvexApiError } from '../shared/convex/errors.ts';
import { CLOSE_BRACE, OPEN_BRACE, skipSpace } from '../shared/json/raw.ts';
import type { KeyPlan } from './keys.ts';

/** Documents may be nested 16 levels deep, values 64: so this one is understood, and refused as a document. */
const DEPTH = 24;
const TOO_DEEP = '{"a":'.repeat(DEPTH) + 'null' + '}'.repeat(DEPTH);

/** The member that makes `data` no document; to be put before its closing brace. Not part of the key, so it does not change it. */
export function uninsertable(key: KeyPlan): Buffer {
  let name = 'absent';
  while (key.fields.some(({ source, stored }) => source[0] === name || stored[0] === name)) name += '_';
  return Buffer.from(`"${name}":${TOO_DEEP}`);
}

/** A record's data with that member. Where a document has a field of this name the later one counts, as with any JSON parser. */
export function withMember(data: Buffer, member: Buffer): Buffer {
  const empty = data[skipSpace(data, data.indexOf(OPEN_BRACE) + 1, data.length)] === CLOSE_BRACE;
  return Buffer.concat([data.subarray(0, data.length - 1), Buffer.from(empty ? '' : ','), member, Buffer.from('}')]);
}

/** Whether this refusal of such a deletion means that its row does not exist. */
export function saysAbsent(refusal: ConvexApiError): boolean {
  return refusal.code === 'InvalidDocumentError' || refusal.code === 'SchemaEnforcementError';
}
