/** Why a record is refused, in words; of Convex's own message only as much as cannot hold content. */
import type { ConvexApiError } from '../shared/convex/errors.ts';
import { MAX_IMPORT_BODY } from '../shared/convex/streaming-import.ts';
import type { RecordProblem } from './record.ts';
import { causeOf } from './refusal-cause.ts';

/** Words for codes where the record's data do not show what is wrong, or the server's message may quote them. */
const WORDS: Record<string, string> = {
  ArrayTooLong: 'a list in it has too many elements',
  BadJsonBody: 'Convex cannot read its data as JSON',
  InvalidDocumentError: 'it is no valid document',
  SchemaEnforcementError: "it does not match the deployment's schema for this table",
  TooManyFieldsError: 'an object in it has too many fields',
  TooNestedError: 'it is nested too deeply',
  ValueTooLargeError: 'it is larger than a document may be (1 MiB as Convex counts)',
};

/** Codes whose message says more than the data do; `errors.ts` has taken out what could be content. */
const TELLING = new Set(['InvalidDocumentError', 'MissingPrimaryKeyValue', 'SchemaEnforcementError']);

/** Convex's refusal of a record with these data, its code at the end. `keyed`: the record is deduplicated. */
export function reasonOf({ code, status, detail }: ConvexApiError, data: Buffer, keyed: boolean): string {
  if (code === undefined) return `the server answered ${status ?? 'nothing'}.`;
  const words =
    causeOf(data, code) ??
    (TELLING.has(code) ? detail?.replace(/\.$/, '') : undefined) ??
    (code === 'InternalServerError' ? internalError(keyed) : WORDS[code]);
  return words === undefined ? `${code}.` : `${words} (${code}).`;
}

/** No rule that could be looked up is broken (C7, C143). */
function internalError(keyed: boolean): string {
  const known = keyed
    ? '. The known cause is that the table holds several documents with this primary key, from earlier appends'
    : '';
  return `Convex fails on it with an internal error every time, and its data break no known rule${known}`;
}

/** A refusal before anything was sent. */
export function problemText(problem: RecordProblem, data: Buffer): string {
  if (problem === 'not-json') return `${causeOf(data) ?? 'its data are not valid JSON'}.`;
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
