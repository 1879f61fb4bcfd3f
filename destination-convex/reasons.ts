/** Why Convex refused a record, in words; with its code, and only as much of its message as cannot hold content. */
import type { ConvexError } from '../shared/convex/errors.ts';

/** Words for codes whose messages say too little, or may quote the document. */
const WORDS: Record<string, string> = {
  InternalServerError:
    'Convex fails on it with an internal error every time. Known causes: the table holds several documents with this primary key (from earlier appends), or several fields of the record become the same name',
  InvalidDocumentError: 'it is no valid document',
  SchemaEnforcementError: "it does not match the deployment's schema for this table",
};

/** Codes whose message names limits, fields and positions; `errors.ts` has taken out what could be more than that. */
const TELLING = new Set([
  'ArrayTooLong',
  'BadJsonBody',
  'InvalidDocumentError',
  'MissingPrimaryKeyValue',
  'SchemaEnforcementError',
  'TooManyFieldsError',
  'TooNestedError',
  'ValueTooLargeError',
]);

export function reasonOf({ code, status, detail }: ConvexError): string {
  if (code === undefined) return `the server answered ${status ?? 'nothing'}.`;
  const words = (TELLING.has(code) ? detail?.replace(/\.$/, '') : undefined) ?? WORDS[code];
  return words === undefined ? `${code}.` : `${words} (${code}).`;
}
