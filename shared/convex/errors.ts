/**
 * What a Convex deployment's answers mean. A pure table: status and code in, reason out; the words for the
 * user are elsewhere, since they differ between reading and writing.
 *
 * Sources: C2 and C3 (401 or 403), C5 and C6 (bodies that are empty or no JSON), C7 (some 500s are
 * permanent), C8 (some 400s are transient), C9 (what may pass by itself).
 */

export type Reason =
  /**
   * No answer at all: the name, the address, the port or the certificate is wrong, or the network is down.
   */
  | 'unreachable'
  /** An answer, but not one of Convex: a web page, a redirect, an unknown path. */
  | 'not-convex'
  | 'bad-key'
  | 'not-permitted'
  | 'no-streaming-export'
  /** The deployment is paused, disabled or suspended. */
  | 'stopped'
  /** There is no such deployment, or not any more. */
  | 'no-deployment'
  /** The position is older than what the deployment keeps. */
  | 'expired'
  /** The position is not one of this deployment, or not one any more. */
  | 'bad-position'
  /** The deployment is older than this route. */
  | 'no-route'
  /** Later may help. */
  | 'transient'
  /** The deployment understood and refused. */
  | 'refused';

/** What has to be looked at where no connection came about. */
export type Obstacle =
  /** Name, address, route, firewall. */
  | 'network'
  | 'proxy'
  | 'certificate'
  /** The URL says http, and the port speaks TLS. */
  | 'wants-https'
  /** The URL says http, and the server hung up without an answer: it may speak TLS. */
  | 'may-want-https'
  /** The URL says https, and the port does not speak TLS. */
  | 'wants-http';

export interface Answer {
  status: number;
  /** `code` of the JSON body, where there is one. */
  code: string | undefined;
}

export interface Verdict {
  reason: Reason;
  retry: boolean;
}

export class ConvexApiError extends Error {
  override readonly name = 'ConvexApiError';
  readonly reason: Reason;
  readonly retry: boolean;
  /** HTTP status; undefined where no answer came. */
  readonly status: number | undefined;
  readonly code: string | undefined;
  /**
   * The first line of the server's message, as far as it cannot hold parts of a document (`detailOf`). May
   * name fields and tables.
   */
  readonly detail: string | undefined;
  /** True for a 404 with an empty body, which deployments answer for routes that they do not have. */
  readonly emptyNotFound: boolean;
  /** What to look at where no connection came about. */
  readonly obstacle: Obstacle | undefined;
  /** Milliseconds that the answer asked to wait. */
  readonly retryAfter: number | undefined;
  /** True where the request may have been carried out although no answer says so. */
  readonly maybeDone: boolean;
  /** How often the request was tried, and over how many milliseconds, before this error was final. */
  tries = 1;
  elapsed = 0;

  constructor(
    verdict: Verdict,
    message: string,
    facts: {
      status?: number;
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

const EXPIRED = new Set(['InvalidWindowToReadDocuments', 'SnapshotTooOld', 'DataSyncCursorExpired']);
const BAD_POSITION = new Set([
  'InvalidListSnapshotCursor',
  'SnapshotTooNew',
  'DocumentDeltasCursorRequired',
  'InvalidDataSyncCursor',
]);
const BAD_KEY = new Set([
  'BadAdminKey',
  'BadDeployKey',
  'InvalidAdminKey',
  'InvalidHeaderFailure',
  'HeaderParseFailure',
  'InvalidAuthHeader',
  'NoAuthProvider',
]);
/** Said by Convex's edge, which knows all deployments of the cloud (C201). */
const NO_DEPLOYMENT = new Set(['DeploymentNotFound', 'InstanceNotFound']);
/** Codes that mean "wait and try again" whatever the status says (C8, C85, C9). */
const TRANSIENT_CODES = new Set([
  'IndexBackfillingError',
  'TableSummariesUnavailable',
  'TooManyConcurrentRequests',
  'TooManyWrites',
]);

/** Classifies an answer that is not a success. */
export function classify({ status, code }: Answer): Verdict {
  if (code !== undefined) {
    // By code first: the meaning of a code is fixed, its status has changed between versions of the backend.
    if (EXPIRED.has(code)) return { reason: 'expired', retry: false };
    if (BAD_POSITION.has(code)) return { reason: 'bad-position', retry: false };
    if (code === 'StreamingExportNotEnabled') return { reason: 'no-streaming-export', retry: false };
    if (code === 'OperationNotPermitted') return { reason: 'not-permitted', retry: false };
    if (BAD_KEY.has(code)) return { reason: 'bad-key', retry: false };
    if (code === 'BackendIsNotRunning') return { reason: 'stopped', retry: false };
    if (NO_DEPLOYMENT.has(code)) return { reason: 'no-deployment', retry: false };
    if (TRANSIENT_CODES.has(code)) return { reason: 'transient', retry: true };
  }
  if (status === 401) return { reason: 'bad-key', retry: false };
  // After an import or a restored backup the change log answers so, and will go on to.
  if (status === 409) return { reason: 'bad-position', retry: false };
  if (status === 408 || status === 421 || status === 425 || status === 429 || status >= 500)
    return { reason: 'transient', retry: true };
  // A deployment gives its refusals a code; what a proxy or a firewall forbids has none. An ingress whose
  // backend restarts answers so for a moment, also with 403 and 404.
  if (code === undefined) return { reason: 'not-convex', retry: status === 403 || status === 404 };
  return { reason: 'refused', retry: false };
}

const DETAIL_LENGTH = 300;

/**
 * Codes whose messages quote the document or a value of it, also in their first line: what of such a message
 * may be kept. The forms are those of the backend's SchemaEnforcementError, ValidationError and
 * DocumentValidationError; whatever else there is, is dropped.
 */
const QUOTING: Record<string, RegExp | undefined> = {
  SchemaEnforcementError:
    /^Failed to insert or update a document in table "[^"]*" because it does not match the schema(?:: Object is missing the required field `[^`]*`|: Object contains extra field `[^`]*` that is not in the validator|: Value does not match validator)?/,
  InvalidDocumentError: /Document is too nested \(nested \d+ levels deep > maximum nesting \d+\)/,
  // What a snapshot import says (C176).
  ImportFailed:
    /Import canceled|Import took too long|Could not complete import because schema changed|still backfilling indexes|because it does not match the schema|Row \d+ wasn't valid JSON/,
  InvalidIdError: undefined,
  InvalidCreationTimeError: undefined,
};

/**
 * `{code, message}` of an error body; neither where it is not one (empty bodies of 404, 405 and 408, a
 * proxy's web page).
 */
export function readErrorBody(body: string): { code: string | undefined; detail: string | undefined } {
  try {
    const parsed = JSON.parse(body) as { code?: unknown; message?: unknown } | null;
    if (typeof parsed?.code !== 'string' || parsed.code === '') return { code: undefined, detail: undefined };
    const code = parsed.code.slice(0, 100);
    return { code, detail: typeof parsed.message === 'string' ? detailOf(code, parsed.message) : undefined };
  } catch {
    return { code: undefined, detail: undefined };
  }
}

/** The first line of an error's message, without anything of a document. */
export function detailOf(code: string, message: string): string | undefined {
  const detail = Object.hasOwn(QUOTING, code) ? QUOTING[code]?.exec(message)?.[0] : message.split(/\r?\n/, 1)[0];
  return detail?.slice(0, DETAIL_LENGTH);
}
