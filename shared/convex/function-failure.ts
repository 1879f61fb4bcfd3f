/**
 * Which part of a function's error may be logged or shown (INV11). The message is the app's text and may
 * quote anything (C191). Only known forms that the deployment itself writes are kept. Other errors are named
 * by their class and request id, by which they are found in the deployment's log.
 */
import { parsedJson } from '../core/json.ts';
import type { FunctionFailure } from './function-result.ts';

export type FailureKind =
  /** No such function, or not for this caller. */
  | 'not-found'
  /** Called as another type of function than it is. */
  | 'wrong-type'
  /** The arguments do not fit the function's validator, or are too large. */
  | 'arguments'
  /** It read or returned more than one call may (C194). */
  | 'too-much'
  /** The cursor is not one of this query, or not any more. */
  | 'bad-cursor'
  /** The deployment is paused or disabled (C197). */
  | 'stopped'
  /** The app's own code threw, or the deployment hides its error messages. */
  | 'own';

export interface SafeFailure {
  kind: FailureKind;
  /** What happened, without the app's data. For the function's own error: continues "the function …". */
  text: string;
}

const HEAD = /^\[Request ID: ([0-9A-Za-z-]{1,64})\] Server Error\n?/;

const FORMS: readonly [kind: FailureKind, form: RegExp][] = [
  ['not-found', /^Could not find (?:public )?function for '[\w/.:]+'/],
  ['wrong-type', /^Trying to execute [\w/.:]+ as \w+, but it is defined as \w+/],
  [
    'arguments',
    /^ArgumentValidationError: (?:Object is missing the required field `\w+`|Object contains extra field `\w+` that is not in the validator|Value does not match validator)/,
  ],
  ['arguments', /^Arguments for [\w/.:]+ are too large \(actual: [\w. ]+, limit: [\w. ]+\)/],
  ['too-much', /^Function \S+ return value is too large \(actual: [\w. ]+, limit: [\w. ]+\)/],
  ['too-much', /^Function \S+ return value invalid: Array length is too long \([\w> ]+\)/],
  ['too-much', /^(?:Uncaught Error: )?Too many \w+(?: \w+)? in a single function execution \(limit: [\w ]+\)/],
  ['stopped', /^Cannot run functions while this deployment is (?:paused|suspended)/],
  ['stopped', /^You have exceeded (?:the free plan|your spending) limits, so your deployments have been disabled/],
  ['stopped', /^This deployment has been disabled because it exceeded a configured usage limit/],
];

export function safeFailure({ errorMessage, errorData }: FunctionFailure): SafeFailure {
  if (isInvalidCursor(errorData)) return { kind: 'bad-cursor', text: 'the cursor of a page is from a different query' };
  const head = HEAD.exec(errorMessage);
  const said = errorMessage.slice(head?.[0].length ?? 0);
  for (const [kind, form] of FORMS) {
    const found = form.exec(said)?.[0].replace(/^Uncaught Error: /, '');
    if (found !== undefined) return { kind, text: `${found}${placeOf(found, said)}` };
  }
  // What is thrown need not be an error: the first word of a text that is thrown may be of a document.
  const thrown = /^Uncaught (\w{0,64}Error)(?=:|\n|$)/.exec(said)?.[1];
  const what = thrown === undefined ? 'an error' : `an error of its own (${thrown})`;
  const where = head === null ? '' : `; the log of the deployment shows it under the request id ${head[1]}`;
  return { kind: 'own', text: `${what}${where}` };
}

/** Where the arguments do not fit: names of fields, no values. */
function placeOf(found: string, said: string): string {
  if (!found.startsWith('ArgumentValidationError')) return '';
  const path = /^Path: (\.[\w.[\]]{1,200})$/m.exec(said)?.[1];
  return path === undefined ? '' : ` (at ${path})`;
}

/** The error of `paginate` for a cursor that it did not make. Sent also where messages are hidden. */
function isInvalidCursor(errorData: string | undefined): boolean {
  if (errorData === undefined || !errorData.startsWith('{')) return false;
  const { isConvexSystemError, paginationError } = (parsedJson(errorData) ?? {}) as Record<string, unknown>;
  return isConvexSystemError === true && paginationError === 'InvalidCursor';
}
