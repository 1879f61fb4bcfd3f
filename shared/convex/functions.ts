/**
 * The Functions API: an app's queries, mutations and actions over HTTP.
 *
 * A function that failed is a result, not an exception (C190). Exceptions (`ConvexApiError`) are failures
 * around it: the key, the network, an overloaded deployment.
 *
 * The published client (`ConvexHttpClient` of the package `convex`) is the reference in the tests. It is not
 * used here: it decodes every value, and has no retries or time limits.
 */
import { JsonError } from '../json/raw.ts';
import { ConvexApiError, refusal } from './errors.ts';
import { parseFunctionPath } from './function-path.ts';
import { readFunctionResult, type FunctionResult } from './function-result.ts';
import { notConvex, type ConvexClient, type HttpRequest } from './client.ts';
import type { ValueFormat } from './streaming-export.ts';

/** Bytes of a request body (C11). A larger one is 400 BadJsonBody. */
export const MAX_FUNCTION_BODY = (1 << 24) + 2000;

/** A further status for a function that failed, which the published client knows as well. */
const FUNCTION_FAILED = 560;
/** Their bodies may be results, says the OpenAPI document. Backends send `{code, message}`. */
const MAYBE_RESULT = new Set([400, 401, 404]);

export class Functions {
  readonly #http: ConvexClient;
  readonly #format: ValueFormat;

  /** `format`: the format of values in results. */
  constructor(http: ConvexClient, format: ValueFormat = 'json') {
    this.#http = http;
    this.#format = format;
  }

  /**
   * Calls a function, with retries, also if it may have been carried out: a mutation or an action must be
   * idempotent. `args`: an object, or its JSON text, which is sent unchanged. Throws `ConvexApiError` and
   * `FunctionPathError`.
   */
  async call(kind: 'query' | 'mutation' | 'action', path: string, args: object | string = {}): Promise<FunctionResult> {
    const name = parseFunctionPath(path);
    const text = typeof args === 'string' ? args : JSON.stringify(args);
    const body = Buffer.from(`{"path":${JSON.stringify(name)},"args":${text},"format":"${this.#format}"}`);
    if (body.length > MAX_FUNCTION_BODY) {
      const message = `the arguments of ${name} make a request of ${body.length} bytes; Convex takes arguments of up to 16 MiB (${MAX_FUNCTION_BODY} bytes with all that belongs to them)`;
      throw new ConvexApiError({ reason: 'refused', retry: false }, message);
    }
    const request: HttpRequest = { method: 'POST', path: `/api/${kind}`, body, accepts: isResult };
    return this.#http.retrying(request.path, () => this.#once(request));
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
