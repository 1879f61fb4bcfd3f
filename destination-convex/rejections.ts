/**
 * Counts refused records and names them by stream, primary key and reason. Messages never have a record's
 * content, and only those parts of Convex's messages that cannot contain any (INV11).
 */
import { ConnectorFailure } from '../shared/core/failure.ts';
import type { Log } from '../shared/core/log.ts';
import type { ConvexApiError } from '../shared/convex/errors.ts';
import { MAX_IMPORT_BODY } from '../shared/convex/streaming-import.ts';
import { valueAt, type RecordProblem } from './record.ts';
import { causeOf } from './refusal-cause.ts';
import type { StreamPlan } from './streams.ts';

/** Records named in the log. The others are only counted. */
const MAX_NAMED = 100;
/** Records named in the message that fails the sync. */
const MAX_IN_FAILURE = 5;
/** With `Fail sync`: refused records after which the sync fails at once, to spare the deployment. */
export const GIVE_UP_AFTER = 100;

export class Rejections {
  readonly failing: boolean;
  count = 0;
  readonly #log: Log;
  readonly #first: string[] = [];
  readonly #byStream = new Map<StreamPlan, number>();
  readonly #aftermath: () => string | undefined;

  /** `failing`: whether refused records fail the sync. `aftermath`: see `aftermathOf`. */
  constructor(failing: boolean, log: Log, aftermath: () => string | undefined) {
    this.failing = failing;
    this.#log = log;
    this.#aftermath = aftermath;
  }

  add(stream: StreamPlan, data: Buffer, reason: string): void {
    this.count++;
    this.#byStream.set(stream, (this.#byStream.get(stream) ?? 0) + 1);
    const text = `A record of stream "${stream.text}"${keyOf(stream, data)} was refused: ${reason}`;
    if (this.#first.length < MAX_IN_FAILURE) this.#first.push(text);
    if (this.count <= MAX_NAMED) this.#log.warn(text);
    if (this.count === MAX_NAMED) this.#log.warn('Further refused records are counted, but not named any more.');
  }

  of(stream: StreamPlan): number {
    return this.#byStream.get(stream) ?? 0;
  }

  /** The failure of a sync with `Fail sync` in which records were refused. */
  failure(): ConnectorFailure {
    const more = this.count - this.#first.length;
    return new ConnectorFailure(
      'config_error',
      `Convex refused ${this.count === 1 ? 'a record' : `${this.count} records`}. ${this.#first.join(' ')}${more > 0 ? ` And ${more} more.` : ''} ${this.#aftermath() ?? 'The records around them were written.'} Fix or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.`,
    );
  }

  summary(): string | undefined {
    if (this.count === 0) return undefined;
    const streams = [...this.#byStream].map(([{ text }, count]) => `${text}: ${count}`);
    return `Records that Convex refused: ${streams.join(', ')}.`;
  }
}

/** Characters of a key value in a message. */
const MAX_KEY_TEXT = 100;

function keyOf({ label }: StreamPlan, data: Buffer): string {
  try {
    const parts = label.map((path) => `${path.join('.')} = ${keyText(valueAt(data, path))}`);
    return parts.length === 0 ? ' (it has no primary key to name it by)' : ` with ${parts.join(', ')}`;
  } catch {
    // The data are not valid JSON.
    return '';
  }
}

function keyText(raw: string | undefined): string {
  if (raw === undefined) return '(missing)';
  if (raw.startsWith('{')) return '(an object)';
  if (raw.startsWith('[')) return '(a list)';
  return raw.length > MAX_KEY_TEXT ? `${raw.slice(0, MAX_KEY_TEXT)}…` : raw;
}

/** Texts by code, if the data do not show the cause and the server's message may quote the data. */
const TEXTS: Record<string, string> = {
  ArrayTooLong: 'a list in it has too many elements',
  BadJsonBody: 'Convex cannot read its data as JSON',
  InvalidDocumentError: 'it is not a valid document',
  SchemaEnforcementError: "it does not match the deployment's schema for this table",
  TooManyFieldsError: 'an object in it has too many fields',
  TooNestedError: 'it is nested too deeply',
  ValueTooLargeError: 'it is larger than a document may be (1 MiB as Convex counts)',
};

/** Codes whose message is shown. `shared/convex/errors.ts` has removed what could be content. */
const SHOWN = new Set(['InvalidDocumentError', 'MissingPrimaryKeyValue', 'SchemaEnforcementError']);

/** Why Convex refused the record, as a sentence with the code. `keyed`: the record is deduplicated. */
export function reasonOf({ code, status, detail }: ConvexApiError, data: Buffer, keyed: boolean): string {
  if (code === undefined) return `the server answered ${status ?? 'nothing'}.`;
  const text =
    causeOf(data, code) ??
    (SHOWN.has(code) ? detail?.replace(/\.$/, '') : undefined) ??
    (code === 'InternalServerError' ? internalError(keyed) : TEXTS[code]);
  return text === undefined ? `${code}.` : `${text} (${code}).`;
}

/** For a record that breaks no known rule (C7, C143). */
function internalError(keyed: boolean): string {
  const known = keyed
    ? '. The known cause is that the table holds several documents with this primary key, from earlier appends'
    : '';
  return `Convex fails on it with an internal error every time, and its data break no known rule${known}`;
}

/** Why a record was refused before it was sent, as a sentence. */
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

/** For a record that is larger than a request. `bytes`: the size of its data. */
export function tooLarge(bytes: number): string {
  return `it has ${bytes} bytes of JSON, more than Convex takes in one request (${MAX_IMPORT_BODY}); documents may have 1 MiB.`;
}
