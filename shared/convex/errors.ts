/** Classifies answers of a deployment by status and code (C2 to C9). Pure. Has no messages for users. */

import { parsedJson } from '../core/json.ts';

export type Reason =
  /** No answer: the name, address, port or certificate is wrong, or the network is down. */
  | 'unreachable'
  /** An answer that is not Convex's: a web page, a redirect, an unknown path. */
  | 'not-convex'
  | 'bad-key'
  | 'not-permitted'
  | 'no-streaming-export'
  /** The deployment is paused, disabled or suspended. */
  | 'stopped'
  /** The deployment does not exist, or not any more. */
  | 'no-deployment'
  /** The position is older than what the deployment keeps. */
  | 'expired'
  /** The position is not one of this deployment, or not any more. */
  | 'bad-position'
  /** The deployment is older than this route. */
  | 'no-route'
  /** A later try may succeed. */
  | 'transient'
  /** The deployment refuses the request. */
  | 'refused';

/** What kept a connection from being made. */
export type Obstacle =
  /** Name, address, route or firewall. */
  | 'network'
  | 'proxy'
  | 'certificate'
  /** The URL is http, and the port speaks TLS. */
  | 'wants-https'
  /** The URL is http, and the server closed the connection without an answer: it may speak TLS. */
  | 'may-want-https'
  /** The URL is https, and the port does not speak TLS. */
  | 'wants-http';

export interface Verdict {
  reason: Reason;
  retry: boolean;
}

export class ConvexApiError extends Error {
  override readonly name = 'ConvexApiError';
  readonly reason: Reason;
  readonly retry: boolean;
  /** HTTP status; undefined without an answer. */
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** First line of the server's message, no document content (see `detailOf`). May name fields, tables. */
  readonly detail: string | undefined;
  /** A 404 with an empty body: the answer of deployments for an unknown route (C6). */
  readonly emptyNotFound: boolean;
  /** What kept a connection from being made. */
  readonly obstacle: Obstacle | undefined;
  /** Milliseconds that the answer asks to wait. */
  readonly retryAfter: number | undefined;
  /** The request may have been carried out (C147). */
  readonly maybeDone: boolean;
  /** Number of tries, and milliseconds over all of them, before this error was final. */
  tries = 1;
  elapsed = 0;

  constructor(
    verdict: Verdict,
    message: string,
    facts: {
      status?: number | undefined;
      code?: string | undefined;
      detail?: string | undefined;
      emptyNotFound?: boolean;
      obstacle?: Obstacle | undefined;
      retryAfter?: number | undefined;
      maybeDone?: boolean;
      cause?: unknown;
    } = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.reason = verdict.reason;
    this.retry = verdict.retry;
    this.status = facts.status;
    this.code = facts.code;
    this.detail = facts.detail;
    this.emptyNotFound = facts.emptyNotFound ?? false;
    this.obstacle = facts.obstacle;
    this.retryAfter = facts.retryAfter;
    this.maybeDone = facts.maybeDone ?? false;
  }
}

/** What codes mean, whatever the status: statuses changed between versions of the backend. */
const REASONS = new Map<string, Reason>([
  ['InvalidWindowToReadDocuments', 'expired'],
  ['SnapshotTooOld', 'expired'],
  ['DataSyncCursorExpired', 'expired'],
  ['InvalidListSnapshotCursor', 'bad-position'],
  ['SnapshotTooNew', 'bad-position'],
  ['DocumentDeltasCursorRequired', 'bad-position'],
  ['InvalidDataSyncCursor', 'bad-position'],
  ['StreamingExportNotEnabled', 'no-streaming-export'],
  ['OperationNotPermitted', 'not-permitted'],
  ['BadAdminKey', 'bad-key'],
  ['BadDeployKey', 'bad-key'],
  ['InvalidAdminKey', 'bad-key'],
  ['InvalidHeaderFailure', 'bad-key'],
  ['HeaderParseFailure', 'bad-key'],
  ['InvalidAuthHeader', 'bad-key'],
  ['NoAuthProvider', 'bad-key'],
  ['BackendIsNotRunning', 'stopped'],
  // Answered by the edge of the cloud (C201).
  ['DeploymentNotFound', 'no-deployment'],
  ['InstanceNotFound', 'no-deployment'],
  // "Wait and try again" (C8, C85, C9).
  ['IndexBackfillingError', 'transient'],
  ['TableSummariesUnavailable', 'transient'],
  ['TooManyConcurrentRequests', 'transient'],
  ['TooManyWrites', 'transient'],
]);

/** Classifies an answer that is not a success. `code`: that of its JSON body, if any. */
export function classify({ status, code }: { status: number; code: string | undefined }): Verdict {
  const known = code === undefined ? undefined : REASONS.get(code);
  if (known !== undefined) return { reason: known, retry: known === 'transient' };
  if (status === 401) return { reason: 'bad-key', retry: false };
  // The change log's answer after an import or a restored backup. It does not pass.
  if (status === 409) return { reason: 'bad-position', retry: false };
  if (status === 408 || status === 421 || status === 425 || status === 429 || status >= 500)
    return { reason: 'transient', retry: true };
  // Refusals of a deployment have a code; those of a proxy or a firewall have none. A restarting ingress
  // answers 403 and 404 for a moment.
  if (code === undefined) return { reason: 'not-convex', retry: status === 403 || status === 404 };
  return { reason: 'refused', retry: false };
}

const DETAIL_LENGTH = 300;

/** Codes whose messages quote documents, and the parts of such messages that are safe to repeat (INV11). */
const QUOTING: Record<string, RegExp | undefined> = {
  SchemaEnforcementError:
    /^Failed to insert or update a document in table "[^"]*" because it does not match the schema(?:: Object is missing the required field `[^`]*`|: Object contains extra field `[^`]*` that is not in the validator|: Value does not match validator)?/,
  InvalidDocumentError: /Document is too nested \(nested \d+ levels deep > maximum nesting \d+\)/,
  // Messages of a snapshot import (C176).
  ImportFailed:
    /Import canceled|Import took too long|Could not complete import because schema changed|still backfilling indexes|because it does not match the schema|Row \d+ wasn't valid JSON/,
  InvalidIdError: undefined,
  InvalidCreationTimeError: undefined,
};

/** Code and safe message of an error body. Both undefined if it is not JSON with a code (C5, C6). */
export function readErrorBody(body: string): { code: string | undefined; detail: string | undefined } {
  const parsed = parsedJson(body) as { code?: unknown; message?: unknown } | null | undefined;
  if (typeof parsed?.code !== 'string' || parsed.code === '') return { code: undefined, detail: undefined };
  const code = parsed.code.slice(0, 100);
  return { code, detail: typeof parsed.message === 'string' ? detailOf(code, parsed.message) : undefined };
}

/** The first line of an error's message, without document content. */
export function detailOf(code: string, message: string): string | undefined {
  const detail = Object.hasOwn(QUOTING, code) ? QUOTING[code]?.exec(message)?.[0] : message.split(/\r?\n/, 1)[0];
  return detail?.slice(0, DETAIL_LENGTH);
}

/** The answer of nginx and of Go servers to plain HTTP at a TLS port. */
const WANTS_TLS = /plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server/;

/** The error for an answer that is not a success, from its status and the text of its body. */
export function refusal(
  path: string,
  status: number,
  body: string,
  { brokeOff = false, retryAfter }: { brokeOff?: boolean; retryAfter?: number | undefined } = {},
): ConvexApiError {
  const { code, detail } = readErrorBody(body);
  const verdict = classify({ status, code });
  // The code of a deployment may have been in what is missing.
  if (brokeOff && verdict.reason === 'not-convex') verdict.retry = true;
  return new ConvexApiError(verdict, `${path} answered ${status}${code === undefined ? '' : ` ${code}`}`, {
    status,
    code,
    detail,
    retryAfter,
    emptyNotFound: status === 404 && body === '',
    obstacle: status === 400 && code === undefined && WANTS_TLS.test(body) ? 'wants-https' : undefined,
    // After a timeout of the server or of a proxy the request may have been carried out (C147).
    maybeDone: status === 408 || (status >= 500 && code === undefined),
  });
}
