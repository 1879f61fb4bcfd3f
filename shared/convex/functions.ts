/**
 * The Functions API: an app's queries, mutations and actions over HTTP.
 *
 * A function that failed is a result, not an exception (C190). Exceptions (`ConvexApiError`) are failures
 * around it: the key, the network, an overloaded deployment.
 *
 * The published client (`ConvexHttpClient` of the package `convex`) is the reference in the tests. It is not
 * used here: it decodes every value, and has no retries, time limits or `/api/run`.
 */
import { JsonError } from '../json/raw.ts';
import { ConvexApiError } from './errors.ts';
import { parseFunctionPath, runPath, type FunctionPath } from './function-path.ts';
import { readFunctionResult, type FunctionResult } from './function-result.ts';
import { notConvex, refusal, type ConvexClient, type HttpRequest } from './client.ts';
import type { ValueFormat } from './streaming-export.ts';

/** Bytes of a request body (C11). A larger one is 400 BadJsonBody. */
export const MAX_FUNCTION_BODY = (1 << 24) + 2000;

/** Named arguments: an object, or its JSON text, which is sent unchanged. */
export type FunctionArgs = Readonly<Record<string, unknown>> | string;

export interface CallOptions {
  /** True: retry the call even if it may have been carried out. Only for idempotent functions. */
  repeatable?: boolean;
}

/** A further status for a function that failed, which the published client knows as well. */
const FUNCTION_FAILED = 560;
/**
 * Statuses whose body may be a function's result, as the OpenAPI document says. Backends send `{code,
 * message}`.
 */
const MAYBE_RESULT = new Set([400, 401, 404]);

/** Codes that mean that nothing was carried out, whatever the status. */
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

  /** `format`: the format of values in results. */
  constructor(http: ConvexClient, format: ValueFormat = 'json') {
    this.#http = http;
    this.#format = format;
  }

  /** Runs a query, with retries. Throws `ConvexApiError` and `FunctionPathError`. */
  async query(path: string, args: FunctionArgs = {}): Promise<FunctionResult> {
    return this.#call('/api/query', parseFunctionPath(path), args, { repeatable: true });
  }

  /**
   * Runs a mutation. Retried only if it cannot have run, or is `repeatable`. Throws `ConvexApiError` and
   * `FunctionPathError`.
   */
  async mutation(path: string, args: FunctionArgs = {}, options: CallOptions = {}): Promise<FunctionResult> {
    return this.#call('/api/mutation', parseFunctionPath(path), args, options);
  }

  /** Runs an action. Retried as a mutation is. */
  async action(path: string, args: FunctionArgs = {}, options: CallOptions = {}): Promise<FunctionResult> {
    return this.#call('/api/action', parseFunctionPath(path), args, options);
  }

  /** Runs a function of any type (`POST /api/run/…`, C192). Retried as a mutation is. */
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
