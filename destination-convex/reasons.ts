/** Why Convex refused a record, in words; with its code, and only as much of its message as cannot hold content. */
import type { ConvexError } from '../shared/convex/errors.ts';

/** Words for codes whose meaning is known. Messages of the others may quote the document, so of those only the code is told. */
const WORDS: Record<string, string> = {
  InternalServerError:
    'Convex fails on it with an internal error every time. Known causes: the table holds several documents with this primary key (from earlier appends), or several fields of the record become the same name',
  InvalidDocumentError: 'it is not a valid document (nested more than 16 levels deep, or with reserved fields)',
  SchemaEnforcementError: "it does not match the deployment's schema for this table",
};

/** Codes whose message names limits, fields and positions, but never values. */
const TELLING = new Set([
  'ArrayTooLong',
  'BadJsonBody',
  'MissingPrimaryKeyValue',
  'TooManyFieldsError',
  'TooNestedError',
  'ValueTooLargeError',
]);

export function reasonOf({ code, status, detail }: ConvexError): string {
  if (code === undefined) return `the server answered ${status ?? 'nothing'}.`;
  const words = WORDS[code] ?? (TELLING.has(code) ? detail?.replace(/\.$/, '') : undefined);
  return words === undefined ? `${code}.` : `${words} (${code}).`;
}
