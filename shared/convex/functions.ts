/**
 * The Functions API: an app's queries, mutations and actions over HTTP. Wire facts: the backend's
 * local_backend/src/public_api.rs.
 *
 * Both outcomes of a function have status 200 (C190): a function that threw is a result, not an exception.
 * Exceptions (`ConvexApiError`) are what happens around it: keys, the network, a deployment that is busy.
 *
 * The published client (`ConvexHttpClient` of the npm package `convex`) speaks the same API and is the
 * measure of this one in the tests. It is not used here, since it decodes every value (a page of documents
 * only passes through), and knows neither retries nor time limits nor `/api/run`.
 */
import { JsonError } from '../json/raw.ts';
import { ConvexApiError } from './errors.ts';
import { parseFunctionPath, runPath, type FunctionPath } from './function-path.ts';
import { readFunctionResult, type FunctionResult } from './function-result.ts';
import { notConvex, refusal, type ConvexClient, type HttpRequest } from './client.ts';
import type { ValueFormat } from './streaming-export.ts';

/**
 * Bytes of a request's body that the deployment reads (400 BadJsonBody beyond). Arguments have 16 MiB, as
 * Convex counts values.
 */
export const MAX_FUNCTION_BODY = (1 << 24) + 2000;

/** Named arguments: an object, or its JSON text, which is sent as it is. */
export type FunctionArgs = Readonly<Record<string, unknown>> | string;

export interface CallOptions {
  /**
   * True: the call may be repeated although it may have been carried out. For functions that bear it; queries
   * always do.
   */
  repeatable?: boolean;
}

/** The status by which a deployment may say that a function failed; the published client knows it, too. */
const FUNCTION_FAILED = 560;
/**
 * Statuses whose body is a function's result where it has that form: so the OpenAPI document has it. Backends
 * send `{code, message}`.
 */
const MAYBE_RESULT = new Set([400, 401, 404]);

/**
 * Codes of answers that say that nothing was carried out, whatever their status (ErrorMetadata of the
 * backend).
 */
const NOT_BEGUN = new Set([
  'TooManyConcurrentRequests',
  'TooManyWrites',
  'RejectedBeforeExecution',
  'TooEarly',
  'OptimisticConcurrencyControlFailure',
]);

export class Functions {
  readonly #http: ConvexClient;
  readonly #format: ValueFormat;

  /**
   * `format`: how values come back. The documents of the API know `json` alone, deployments the others, too.
   */
  constructor(http: ConvexClient, format: ValueFormat = 'json') {
    this.#http = http;
    this.#format = format;
  }

  /**
   * Runs a query. Retried as `errors.ts` says: it changes nothing. Throws `ConvexApiError` and
   * `FunctionPathError`.
   */
  async query(path: string, args: FunctionArgs = {}): Promise<FunctionResult> {
    return this.#call('/api/query', parseFunctionPath(path), args, { repeatable: true });
  }

  /**
   * Runs a mutation. Tried again only where it cannot have run, unless it is `repeatable`. Throws
   * `ConvexApiError` and `FunctionPathError`.
   */
  async mutation(path: string, args: FunctionArgs = {}, options: CallOptions = {}): Promise<FunctionResult> {
    return this.#call('/api/mutation', parseFunctionPath(path), args, options);
  }

  /** Runs an action. Tried again as a mutation is. */
  async action(path: string, args: FunctionArgs = {}, options: CallOptions = {}): Promise<FunctionResult> {
    return this.#call('/api/action', parseFunctionPath(path), args, options);
  }

  /**
   * Runs a function of whatever type (`POST /api/run/{functionIdentifier}`). Tried again as a mutation is: it
   * may be one.
   */
  async run(path: string, args: FunctionArgs = {}, options: CallOptions = {}): Promise<FunctionResult> {
    const parsed = parseFunctionPath(path);
    return this.#call(runPath(parsed), parsed, args, options);
  }

  async #call(route: string, path: FunctionPath, args: FunctionArgs, options: CallOptions): Promise<FunctionResult> {
    const text = typeof args === 'string' ? args : JSON.stringify(args);
    const named = route.startsWith('/api/run/') ? '' : `"path":${JSON.stringify(path.text)},`;
    const body = Buffer.from(`{${named}"args":${text},"format":"${this.#format}"}`);
    if (body.length > MAX_FUNCTION_BODY) throw tooLarge(path, body.length);
    const request: HttpRequest = { method: 'POST', path: route, body, accepts: isResult };
    return this.#http.retrying(route, async () => {
      try {
        return await this.#once(request);
      } catch (error) {
        if (options.repeatable === true || !(error instanceof ConvexApiError) || mayRepeat(error)) throw error;
        throw withoutRetry(error);
      }
    });
  }

  async #once(request: HttpRequest): Promise<FunctionResult> {
    const { status, body } = await this.#http.exchange(request);
    try {
      return readFunctionResult(body);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      if (MAYBE_RESULT.has(status)) throw refusal(request.path, status, body.toString('utf8'));
      throw notConvex(`${request.path}: ${error.message}`, status, { retry: true });
    }
  }
}

function isResult(status: number): boolean {
  return status === 200 || status === FUNCTION_FAILED || MAYBE_RESULT.has(status);
}

/**
 * Whether a call that changes something may be repeated after this failure: it never arrived, or was sent
 * back before it began.
 */
function mayRepeat({ reason, code }: ConvexApiError): boolean {
  return reason === 'unreachable' || (code !== undefined && NOT_BEGUN.has(code));
}

function withoutRetry(error: ConvexApiError): ConvexApiError {
  const { reason, message, status, code, detail, cause } = error;
  const facts = { code, detail, cause, maybeDone: error.retry };
  return new ConvexApiError({ reason, retry: false }, message, status === undefined ? facts : { ...facts, status });
}

function tooLarge(path: FunctionPath, bytes: number): ConvexApiError {
  const message = `the arguments of ${path.text} make a request of ${bytes} bytes; Convex takes arguments of up to 16 MiB (${MAX_FUNCTION_BODY} bytes with all that belongs to them)`;
  return new ConvexApiError({ reason: 'refused', retry: false }, message);
}
