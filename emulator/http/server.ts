import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { HttpError, ServerError } from './errors.ts';
import { type Fault, faultAnswer, type Faults } from '../faults/faults.ts';
import { Gate } from './gate.ts';
import type { Journal, JournalEntry } from './journal.ts';
import type { Limits } from '../store/limits.ts';

/** An answer; the body of a success may be empty. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A request as the routes see it. */
export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** Aborts when the client or the server gives up. */
  signal: AbortSignal;
  /** The whole body. @throws HttpError where it is longer than `limit` bytes. */
  body: (limit: number) => Promise<Buffer>;
}

export type Handler = (request: Request) => Promise<Answer>;

/** Serves requests, plays faults on them and keeps the journal. Knows nothing of what an answer means. */
export class HttpServer {
  readonly #server: Server;
  readonly #handler: Handler;
  readonly #faults: Faults;
  readonly #journal: Journal;
  readonly #limits: Limits;
  readonly #gate: Gate;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(handler: Handler, faults: Faults, journal: Journal, limits: Limits) {
    this.#handler = handler;
    this.#faults = faults;
    this.#journal = journal;
    this.#limits = limits;
    this.#gate = new Gate(limits.concurrency);
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://localhost');
    const query: Record<string, string> = {};
    for (const [name, value] of url.searchParams) if (name !== 'adminKey') query[name] = value;
    const method = incoming.method ?? 'GET';
    const path = url.pathname;
    const entry = this.#journal.begin({
      method,
      path,
      query,
      client: incoming.headers['convex-client']?.toString(),
      userAgent: incoming.headers['user-agent'],
    });
    const controller = new AbortController();
    response.on('close', () => {
      this.#journal.end(entry);
      controller.abort();
    });
    incoming.on('error', () => undefined);
    response.on('error', () => undefined);
    const fault = this.#faults.next(method, path);
    entry.fault = fault?.kind;
    const request: Request = {
      method,
      path,
      query: url.searchParams,
      headers: incoming.headers,
      signal: controller.signal,
      body: (limit) => this.#body(incoming, entry, limit),
    };
    try {
      await this.#answer(request, controller, incoming, response, entry, fault);
    } catch (error) {
      // A bug of the emulator must not look like a kind of 500 that the backend has.
      process.emitWarning(error instanceof Error ? error : String(error));
      incoming.destroy();
    }
  }

  async #answer(
    request: Request,
    controller: AbortController,
    incoming: IncomingMessage,
    response: ServerResponse,
    entry: JournalEntry,
    fault: Fault | undefined,
  ): Promise<void> {
    if (
      fault?.kind === 'status' ||
      fault?.kind === 'html' ||
      fault?.kind === 'reset-before' ||
      fault?.kind === 'hang'
    ) {
      // Read what the client sends, as a proxy would, so that it gets to read its answer.
      await request.body(Infinity).catch(() => undefined);
      if (fault.kind === 'reset-before') return void incoming.socket.resetAndDestroy();
      if (fault.kind === 'hang') await this.#hang(incoming, fault.ms);
      return this.#send(response, entry, faultAnswer(fault.kind === 'hang' ? { kind: 'status', status: 408 } : fault));
    }
    if (fault?.kind === 'latency') await this.#sleep(fault.ms ?? 0);
    const answer = await this.#gate.run(() => this.#inTime(request, controller));
    if (fault?.kind === 'reset-after-commit') return void incoming.socket.resetAndDestroy();
    if (fault?.kind === 'truncate-body') return this.#truncate(incoming, response, entry, answer, fault);
    if (fault?.kind === 'slow-body') return this.#trickle(response, entry, answer, fault);
    this.#send(response, entry, fault?.kind === 'status-after-commit' ? faultAnswer(fault) : answer);
    incoming.resume();
  }

  /** What takes longer than the server's patience is answered with an empty 408; what it committed stays. */
  async #inTime(request: Request, controller: AbortController): Promise<Answer> {
    const timer = setTimeout(() => {
      controller.abort();
    }, this.#limits.requestTimeout);
    const timeout = new Promise<Answer>((resolve) => {
      controller.signal.addEventListener('abort', () => {
        resolve({ status: 408, headers: {}, body: '' });
      });
    });
    try {
      return await Promise.race([this.#handle(request), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #handle(request: Request): Promise<Answer> {
    try {
      return await this.#handler(request);
    } catch (error) {
      if (error instanceof HttpError) return errorAnswer(error);
      if (request.signal.aborted) return { status: 408, headers: {}, body: '' };
      // Untagged errors of the backend are 500s; an unexpected one of the emulator says so on stderr.
      process.emitWarning(error instanceof Error ? error : String(error));
      return errorAnswer(new ServerError('unexpected'));
    }
  }

  #send(response: ServerResponse, entry: JournalEntry, answer: Answer): void {
    entry.status = answer.status;
    if (response.destroyed) return;
    const body = Buffer.from(answer.body);
    response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length });
    response.end(body);
  }

  #truncate(
    incoming: IncomingMessage,
    response: ServerResponse,
    entry: JournalEntry,
    answer: Answer,
    fault: Fault,
  ): void {
    entry.status = answer.status;
    const body = Buffer.from(answer.body);
    const bytes = Math.min(fault.bytes ?? Math.floor(body.length / 2), Math.max(body.length - 1, 0));
    response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length });
    response.flushHeaders();
    response.write(body.subarray(0, bytes), () => incoming.socket.destroy());
  }

  async #trickle(response: ServerResponse, entry: JournalEntry, answer: Answer, fault: Fault): Promise<void> {
    entry.status = answer.status;
    const body = Buffer.from(answer.body);
    const step = Math.max(fault.bytes ?? 1024, 1);
    response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length });
    for (let offset = 0; offset < body.length && !response.destroyed; offset += step) {
      response.write(body.subarray(offset, offset + step));
      await this.#sleep(fault.ms ?? 10);
    }
    response.end();
  }

  async #body(incoming: IncomingMessage, entry: JournalEntry, limit: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      length += chunk.length;
      // What is too long is read to its end, so that the client gets to read the answer.
      if (length <= limit) chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    this.#journal.body(entry, body);
    entry.bodyBytes = length;
    if (length > limit)
      throw new HttpError(400, 'BadJsonBody', 'Failed to buffer the request body: length limit exceeded');
    return body;
  }

  async #hang(incoming: IncomingMessage, ms: number | undefined): Promise<void> {
    await Promise.race([
      new Promise((resolve) => incoming.socket.once('close', resolve)),
      this.#sleep(ms ?? this.#limits.requestTimeout),
    ]);
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }
}

export function errorAnswer(error: HttpError): Answer {
  const body = error.body();
  return {
    status: error.status,
    headers: { ...error.headers, ...(body === '' ? {} : { 'content-type': 'application/json' }) },
    body,
  };
}
