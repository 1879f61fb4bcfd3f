/** Why a record is refused, in words; of Convex's own message only as much as cannot hold content. */
import type { ConvexApiError } from '../shared/convex/errors.ts';
import { MAX_IMPORT_BODY } from '../shared/convex/streaming-import.ts';
import type { RecordProblem } from './record.ts';

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

/** Convex's refusal, with its code. */
export function reasonOf({ code, status, detail }: ConvexApiError): string {
  if (code === undefined) return `the server answered ${status ?? 'nothing'}.`;
  const words = (TELLING.has(code) ? detail?.replace(/\.$/, '') : undefined) ?? WORDS[code];
  return words === undefined ? `${code}.` : `${words} (${code}).`;
}

/** A refusal before anything was sent. */
export function problemText(problem: RecordProblem): string {
  if (problem === 'not-json') return 'its data are not valid JSON.';
  const field = `"${problem.field}"`;
  switch (problem.kind) {
    case 'missing':
      return `it has no value for the primary key field ${field}.`;
    case 'ambiguous':
      return `its primary key field ${field} would not be stored under the name that it has in other records: Convex renames fields that begin with an underscore or have special characters, and here another field has, or is given, that name. Rename one of the fields in the source.`;
    case 'rounded':
      return `its primary key field ${field} holds a number that Convex does not keep exactly (it stores numbers as 64-bit floating point), so that it could replace the document of another key. Have the source send it as a string, or choose another primary key.`;
    case 'renamed':
      return `its primary key field ${field} is an object with a field whose name begins with _ or $ or is not ASCII. Convex stores it under another name, so that it could replace the document of another key. Rename that field in the source, or choose another primary key.`;
  }
}

/** A record that no request can hold. */
export function tooLarge(bytes: number): string {
  return `it has ${bytes} bytes of JSON, more than Convex takes in one request (${MAX_IMPORT_BODY}); documents may have 1 MiB.`;
}
