/**
 * HTTP to one Convex deployment: got with its own retry off, inside p-retry.
 *
 * A failed request becomes a `ConvexError` that says what it means; whatever of an answer gets into one is its code and the first line of
 * its message, never a body, never a header. Answers that are pages of documents are handed on chunk by chunk, as fast as they are taken.
 */
import http from 'node:http';
import https from 'node:https';
import got, { type Request } from 'got';
import pRetry from 'p-retry';
import { ConvexError, judge, judgeConnection, readErrorBody } from './errors.ts';
import { parseRetryAfter, retryDelay, type RetryLimits } from './retry.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT';
  /** e.g. `/api/list_snapshot` */
  path: string;
  query?: Record<string, string>;
  /** JSON text. GET with a body occurs (trap 17). */
  body?: string | Buffer;
}

/** What is told of a failure that will be tried again. */
export interface RetryNotice {
  path: string;
  error: ConvexError;
  failures: number;
  attempts: number;
  /** Milliseconds until the next try. */
  delay: number;
}

export interface HttpOptions {
  /** See deployment-url.ts. */
  origin: string;
  key: string;
  /** Value of the Convex-Client header: `airbyte-export-1.2.3`. Without a dash every route answers 400 (trap 35). */
  client: string;
  userAgent: string;
  retries: RetryLimits;
  onRetry: (notice: RetryNotice) => void;
}

/** Milliseconds. The server gives up on a request after 300 s and says so (408); giving up before it would waste its work (trap 9). */
const RESPONSE_TIMEOUT = 330_000;
const CONNECT_TIMEOUT = 15_000;
/** Milliseconds without a byte of an answer that has begun. Counted only while the next bytes are waited for: a slow reader is no stall. */
const IDLE_TIMEOUT = 120_000;
/** Bytes of an error's body that are looked at. */
const MAX_ERROR_BODY = 64 * 1024;
/** Bytes of a small answer (a schema of thousands of tables is a few megabytes). */
const MAX_SMALL_BODY = 256 * 1024 * 1024;

export class ConvexHttp {
  readonly #options: HttpOptions;
  readonly #agent: { http: http.Agent; https: https.Agent };

  constructor(options: HttpOptions) {
    this.#options = options;
    const agentOptions = { keepAlive: true, proxyEnv: process.env };
    this.#agent = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) };
  }

  /** Sends a request whose answer is small and returns its text. Retried as `errors.ts` says. Throws `ConvexError`. */
  async text(request: HttpRequest): Promise<string> {
    return this.retrying(request.path, () => this.once(request));
  }

  /** One try of a request whose answer is small. Throws `ConvexError`. */
  async once(request: HttpRequest): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.body(request)) {
      length += chunk.length;
      if (length > MAX_SMALL_BODY)
        throw notConvex(`${request.path} answered with more than ${MAX_SMALL_BODY} bytes`, 200);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** Runs `attempt` until it succeeds, its error is not worth another try, or the limits are reached. */
  async retrying<T>(path: string, attempt: () => Promise<T>): Promise<T> {
    const { retries: limits, onRetry } = this.#options;
    const started = performance.now();
    let tries = 0;
    const counted = async () => {
      tries++;
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof ConvexError) Object.assign(error, { tries, elapsed: performance.now() - started });
        throw error;
      }
    };
    return pRetry(counted, {
      retries: limits.attempts - 1,
      // The waiting is done below: p-retry knows neither Retry-After nor full jitter.
      minTimeout: 0,
      factor: 1,
      shouldRetry: ({ error }) =>
        error instanceof ConvexError && error.retry && performance.now() - started < limits.maxTime,
      onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
        if (!(error instanceof ConvexError) || !error.retry || retriesLeft === 0) return;
        const delay = retryDelay(attemptNumber, error.retryAfter, limits);
        if (performance.now() - started + delay >= limits.maxTime) return;
        onRetry({ path, error, failures: attemptNumber, attempts: limits.attempts, delay });
        await new Promise((resolve) => setTimeout(resolve, delay));
      },
    });
  }

  /** One try: the chunks of a successful answer's body. Throws `ConvexError` for any other answer, and where the body breaks off. */
  async *body(request: HttpRequest): AsyncGenerator<Buffer> {
    const stream = this.#send(request);
    try {
      const status = await this.#status(stream, request);
      if (status !== 200) throw await this.#refusal(stream, request, status);
      yield* withIdleTimeout(stream);
    } catch (error) {
      throw this.#connectionFailure(error, request);
    } finally {
      stream.destroy();
    }
  }

  #send({ method, path, query, body }: HttpRequest): Request {
    const { origin, key, client, userAgent } = this.#options;
    return got.stream(`${origin}${path}`, {
      method,
      ...(query === undefined ? {} : { searchParams: query }),
      ...(body === undefined ? {} : { body, allowGetBody: true }),
      headers: {
        authorization: `Convex ${key}`,
        'convex-client': client,
        'user-agent': userAgent,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      agent: this.#agent,
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      timeout: {
        lookup: CONNECT_TIMEOUT,
        connect: CONNECT_TIMEOUT,
        secureConnect: CONNECT_TIMEOUT,
        send: RESPONSE_TIMEOUT,
        response: RESPONSE_TIMEOUT,
      },
    });
  }

  async #status(stream: Request, request: HttpRequest): Promise<number> {
    const response = await new Promise<{ statusCode: number; headers: http.IncomingHttpHeaders }>((resolve, reject) => {
      stream.once('response', resolve);
      stream.once('error', reject);
    });
    const { statusCode } = response;
    if (statusCode >= 300 && statusCode < 400) {
      throw notConvex(`${request.path} was redirected${redirectTarget(response.headers.location)}`, statusCode);
    }
    return statusCode;
  }

  async #refusal(stream: Request, { path }: HttpRequest, status: number): Promise<ConvexError> {
    const { headers } = stream.response!;
    let body = '';
    try {
      for await (const chunk of withIdleTimeout(stream)) {
        if (body.length < MAX_ERROR_BODY) body += chunk.toString('utf8');
      }
    } catch {
      // The status alone says enough.
    }
    const { code, detail } = readErrorBody(body);
    const verdict = judge({ status, code });
    return new ConvexError(verdict, `${path} answered ${status}${code === undefined ? '' : ` ${code}`}`, {
      status,
      code,
      detail,
      retryAfter: parseRetryAfter(headers['retry-after']),
      // Trap 25: a request that ran into the server's time limit, or whose answer a proxy lost, may have been carried out.
      maybeDone: status === 408 || (status >= 500 && code === undefined),
    });
  }

  #connectionFailure(error: unknown, { path }: HttpRequest): ConvexError {
    if (error instanceof ConvexError) return error;
    const code = systemCode(error);
    const verdict = judgeConnection(code);
    const what = verdict.reason === 'unreachable' ? 'could not be reached' : 'broke off';
    return new ConvexError(verdict, `${path} ${what} (${code ?? 'unknown network error'})`, {
      code,
      cause: error,
      maybeDone: verdict.reason !== 'unreachable',
    });
  }
}

/** An answer that no Convex deployment gives. */
export function notConvex(message: string, status: number, { retry = false } = {}): ConvexError {
  return new ConvexError({ reason: 'not-convex', retry }, message, { status });
}

/** got puts the system's code beside its own, or behind it as the cause. */
function systemCode(error: unknown): string | undefined {
  for (
    let current: unknown = error, depth = 0;
    current instanceof Error && depth < 5;
    current = current.cause, depth++
  ) {
    const code = (current as NodeJS.ErrnoException).code;
    if (code !== undefined && !code.startsWith('ERR_GOT') && code !== 'ERR_READING_RESPONSE_STREAM') return code;
  }
  return (error as NodeJS.ErrnoException).code;
}

function redirectTarget(location: string | undefined): string {
  try {
    return location === undefined ? '' : ` to ${new URL(location).host}`;
  } catch {
    return '';
  }
}

async function* withIdleTimeout(stream: Request): AsyncGenerator<Buffer> {
  const timer = setTimeout(
    () => stream.destroy(Object.assign(new Error('no bytes for too long'), { code: 'ETIMEDOUT' })),
    IDLE_TIMEOUT,
  );
  try {
    for await (const chunk of stream) {
      clearTimeout(timer);
      yield chunk as Buffer;
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
  }
}
