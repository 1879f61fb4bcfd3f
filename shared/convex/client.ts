/**
 * HTTP to one Convex deployment: got for single requests with its retries off, p-retry for the loop.
 *
 * A failed request becomes a `ConvexApiError`. It holds the code and the first line of the message, never a
 * body or a header.
 */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Request } from 'got';
import pRetry from 'p-retry';
import { parsedJson } from '../core/json.ts';
import { connectionFailure } from './connection-failure.ts';
import { ConvexApiError, refusal, type Verdict } from './errors.ts';
import { proxySetting } from './proxy-env.ts';
import { backoff, delayWithin, parseRetryAfter, type RetryLimits } from './retry.ts';
import { limitConnecting, withIdleTimeout } from './time-limits.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT';
  /** e.g. `/api/list_snapshot` */
  path: string;
  query?: Record<string, string>;
  /** JSON text. One route is a GET with a body (C133). */
  body?: string | Buffer;
  /** Which statuses are successes; 200 alone if not given. */
  accepts?: (status: number) => boolean;
}

/** A failure that will be followed by another try. */
export interface RetryNotice {
  path: string;
  error: ConvexApiError;
  failures: number;
  attempts: number;
  /** Milliseconds until the next try. */
  delay: number;
}

export interface HttpOptions {
  /** See `deploymentOrigin`. */
  origin: string;
  /** Authorization header after the scheme. Undefined: no such header. */
  key: string | undefined;
  /** `Convex` for deploy keys (the default), `Bearer` for users' tokens. */
  scheme?: 'Convex' | 'Bearer';
  /** Convex-Client header, such as `airbyte-export-1.2.3` (C13). */
  client: string;
  userAgent: string;
  retries: RetryLimits;
  timeouts?: Timeouts;
  onRetry: (notice: RetryNotice) => void;
}

/** Milliseconds. */
export interface Timeouts {
  /** Until the request can be sent: DNS, TCP, the tunnel of a proxy and TLS together. */
  connect: number;
  /** For the request to be sent, and then for the answer to begin. */
  response: number;
  /** Between two chunks of a body. Only the time that the next chunk is waited for counts. */
  idle: number;
}

/** `response` exceeds the server's own limit of 300 s (C6). A shorter timeout would waste its work (C58). */
export const TIMEOUTS: Timeouts = { connect: 15_000, response: 330_000, idle: 120_000 };

/** Bytes of an error's body that are read. */
const MAX_ERROR_BODY = 64 * 1024;
/** Empty 404s in a row after which a route is missing. A restarting ingress answers so for a moment. */
const MISSING_TRIES = 3;
/** Bytes of a small answer. A schema of thousands of tables has a few megabytes. */
const MAX_SMALL_BODY = 64 * 1024 * 1024;

export class ConvexClient {
  readonly #options: HttpOptions;
  readonly #timeouts: Timeouts;
  readonly #agent: { http: http.Agent; https: https.Agent };
  /** Paths that have answered with success: these routes exist. */
  readonly #known = new Set<string>();

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#timeouts = options.timeouts ?? TIMEOUTS;
    const agentOptions = { keepAlive: true, proxyEnv: process.env };
    this.#agent = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) };
  }

  /** Sends a request with a small answer and returns its text, with retries. Throws `ConvexApiError`. */
  async text(request: HttpRequest): Promise<string> {
    return this.retrying(request.path, () => this.once(request));
  }

  /** One try of a request with a small answer. Throws `ConvexApiError`. */
  async once(request: HttpRequest): Promise<string> {
    return (await this.exchange(request)).body.toString('utf8');
  }

  /** As `once`, but returns the status and the bytes of the body. */
  async exchange(request: HttpRequest): Promise<{ status: number; body: Buffer }> {
    const chunks: Buffer[] = [];
    let length = 0;
    let status = 0;
    const accepts = (answered: number): boolean => {
      status = answered;
      return accepted(request, answered);
    };
    for await (const chunk of this.body({ ...request, accepts })) {
      length += chunk.length;
      if (length > MAX_SMALL_BODY)
        throw notConvex(`${request.path} answered with more than ${MAX_SMALL_BODY} bytes`, 200);
      chunks.push(chunk);
    }
    return { status, body: Buffer.concat(chunks) };
  }

  /** Runs `attempt` until it succeeds, fails with an error that is not retried, or reaches the limits. */
  async retrying<T>(path: string, attempt: () => Promise<T>): Promise<T> {
    const { retries: limits, onRetry } = this.#options;
    const started = performance.now();
    let firstFailure: number | undefined;
    return pRetry(attempt, {
      ...backoff(limits),
      onFailedAttempt: ({ error, attemptNumber }) => {
        const now = performance.now();
        firstFailure ??= now;
        if (error instanceof ConvexApiError) Object.assign(error, { tries: attemptNumber, elapsed: now - started });
      },
      shouldRetry: async ({ error, attemptNumber, retryDelay }) => {
        if (!(error instanceof ConvexApiError) || !error.retry) return false;
        if (error.emptyNotFound && !this.#known.has(path) && attemptNumber >= MISSING_TRIES) return false;
        const delay = delayWithin(limits, performance.now() - firstFailure!, retryDelay, error.retryAfter);
        if (delay === undefined) return false;
        onRetry({ path, error, failures: attemptNumber, attempts: limits.attempts, delay });
        // p-retry waits for `retryDelay`; the server may have asked for more.
        if (delay > retryDelay) await sleep(delay - retryDelay);
        return true;
      },
    });
  }

  /** One try: yields the chunks of a successful answer. Throws `ConvexApiError` for any other answer. */
  async *body(request: HttpRequest): AsyncGenerator<Buffer> {
    const stream = this.#send(request);
    let answered = false;
    try {
      const status = await this.#status(stream, request);
      answered = true;
      if (!accepted(request, status)) throw await this.#refusal(stream, request, status);
      // An accepted 404 does not show that the route exists.
      if (status !== 404) this.#known.add(request.path);
      yield* withIdleTimeout(stream, this.#timeouts.idle);
    } catch (error) {
      throw this.#connectionFailure(error, request, answered);
    } finally {
      stream.destroy();
    }
  }

  #send({ method, path, query, body }: HttpRequest): Request {
    const { origin, key, scheme = 'Convex', client, userAgent } = this.#options;
    const { connect, response } = this.#timeouts;
    const stream = got.stream(`${origin}${path}`, {
      method,
      searchParams: query,
      allowGetBody: body !== undefined,
      headers: {
        authorization: key === undefined ? undefined : `${scheme} ${key}`,
        'convex-client': client,
        'user-agent': userAgent,
        accept: 'application/json',
        'content-type': body === undefined ? undefined : 'application/json',
        'content-length': body === undefined ? undefined : String(Buffer.byteLength(body)),
      },
      agent: this.#agent,
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      timeout: { send: response, response },
    });
    stream.once('request', (sent: http.ClientRequest) => {
      limitConnecting(sent, connect, (error) => stream.destroy(error));
    });
    // Not as an option: got would clone it for redirects, an eighth of the time of an import (measured).
    if (method !== 'GET' || body !== undefined) stream.end(body);
    return stream;
  }

  async #status(stream: Request, request: HttpRequest): Promise<number> {
    const { statusCode, headers } = await new Promise<{ statusCode: number; headers: http.IncomingHttpHeaders }>(
      (resolve, reject) => {
        stream.once('response', resolve);
        stream.once('error', reject);
        // Such an answer has no end, and got's time limits end with it.
        stream.once('upgrade', ({ statusCode }: http.IncomingMessage, socket: Socket) => {
          socket.destroy();
          reject(notConvex(`${request.path} answered ${statusCode}`, statusCode!));
        });
      },
    );
    if (statusCode >= 300 && statusCode < 400) {
      throw redirected(request.path, statusCode, this.#options.origin, headers.location);
    }
    return statusCode;
  }

  async #refusal(stream: Request, { path }: HttpRequest, status: number): Promise<ConvexApiError> {
    const { headers } = stream.response!;
    const deadline = performance.now() + this.#timeouts.idle;
    let body = '';
    let brokeOff = false;
    try {
      for await (const chunk of withIdleTimeout(stream, this.#timeouts.idle)) {
        body += chunk.toString('utf8');
        // Bounds the size and the time of a body that does not end.
        if (body.length >= MAX_ERROR_BODY || performance.now() > deadline) break;
      }
    } catch {
      brokeOff = true;
    }
    return refusal(path, status, body, { brokeOff, retryAfter: parseRetryAfter(headers['retry-after']) });
  }

  #connectionFailure(error: unknown, { path }: HttpRequest, answered: boolean): unknown {
    if (error instanceof ConvexApiError) return error;
    const { protocol } = new URL(this.#options.origin);
    const proxy = proxySetting(protocol, process.env);
    const address = proxy?.heeded === true ? proxy.address : undefined;
    const failure = connectionFailure(error, { proxy: address, http: protocol === 'http:', answered });
    // An error without a code is a defect, not a failed connection.
    if (failure === undefined) return error;
    const { reason, code, obstacle, phrase } = failure;
    const what = reason === 'unreachable' ? 'could not be reached' : 'broke off';
    const message = `${path} ${what} (${code}${phrase === undefined ? '' : `: ${phrase}`})`;
    return new ConvexApiError({ reason, retry: true }, message, {
      code,
      obstacle,
      detail: phrase,
      cause: error,
      maybeDone: reason !== 'unreachable',
    });
  }
}

function accepted({ accepts }: HttpRequest, status: number): boolean {
  return accepts === undefined ? status === 200 : accepts(status);
}

/** An answer that does not come from a Convex deployment. */
export function notConvex(message: string, status: number, { retry = false } = {}): ConvexApiError {
  return new ConvexApiError({ reason: 'not-convex', retry }, message, { status });
}

/** A 200 whose content breaks the endpoint's contract. Not retried: the answer would be the same. */
export function protocolViolation(path: string, what: string): ConvexApiError {
  return notConvex(`the answer of ${path} ${what}`, 200);
}

/** The members of an answer that is a JSON object. Rounds integers beyond 2^53. */
export function jsonObject(text: string, path: string): Record<string, unknown> {
  const parsed = parsedJson(text);
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw protocolViolation(path, 'is not the JSON object that a Convex deployment sends');
}

/** A 200 with a body of another form than the endpoint's. */
export function unexpectedAnswer(path: string, options?: { retry: boolean }): ConvexApiError {
  return notConvex(`${path} answered with something else than a Convex deployment does`, 200, options);
}

/** Redirects are not followed: the key would go along. One to https of this host has its own remedy. */
function redirected(path: string, status: number, origin: string, location: string | undefined): ConvexApiError {
  const target = location !== undefined && URL.canParse(location) ? new URL(location) : undefined;
  const from = new URL(origin);
  const toTls = from.protocol === 'http:' && target?.protocol === 'https:' && target.hostname === from.hostname;
  const message = `${path} was redirected${target === undefined ? '' : ` to ${target.host}`}`;
  const verdict: Verdict = { reason: 'not-convex', retry: false };
  return new ConvexApiError(verdict, message, { status, obstacle: toTls ? 'wants-https' : undefined });
}
