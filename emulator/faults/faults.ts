import { INTERNAL_MESSAGE } from '../http/errors.ts';
import type { Random } from '../store/random.ts';

/**
 * What can go wrong between a client and a deployment:
 * - `status`: an answer of Convex's own, `{code, message}`, or an empty body where both are empty; nothing was done.
 * - `status-after-commit`: the same, but the request was carried out.
 * - `html`: a page of some proxy, with `status`; nothing was done.
 * - `reset-before`: the connection is reset before the request is carried out.
 * - `reset-after-commit`: the request is carried out, then the connection is reset without an answer.
 * - `truncate-body`: the answer breaks off after `bytes` bytes.
 * - `slow-body`: the answer comes `bytes` bytes at a time, every `ms` milliseconds.
 * - `hang`: no answer, until the client gives up or `ms` milliseconds are over; nothing was done.
 * - `latency`: the answer comes `ms` milliseconds later.
 */
export type FaultKind =
  | 'status'
  | 'status-after-commit'
  | 'html'
  | 'reset-before'
  | 'reset-after-commit'
  | 'truncate-body'
  | 'slow-body'
  | 'hang'
  | 'latency';

export const FAULT_KINDS: readonly FaultKind[] = [
  'status',
  'status-after-commit',
  'html',
  'reset-before',
  'reset-after-commit',
  'truncate-body',
  'slow-body',
  'hang',
  'latency',
];

export interface Fault {
  kind: FaultKind;
  /** Requests that it applies to: a path, exactly, or a pattern. Any, if not given. */
  path?: string | RegExp;
  method?: string;
  /** How many requests it is played on. Default 1. */
  times?: number;
  /** How many matching requests pass unharmed first. Default 0. */
  after?: number;
  /** The chance that a matching request is hit, drawn from the seeded generator. Default 1. */
  probability?: number;
  /** For `status`, `status-after-commit` (default 503) and `html` (default 502). */
  status?: number;
  code?: string;
  message?: string;
  /** The body of `html`; an empty text makes an empty body. */
  body?: string;
  headers?: Record<string, string>;
  bytes?: number;
  ms?: number;
}

interface Active {
  fault: Fault;
  seen: number;
  left: number;
}

/** The codes that the backend sends with a status, for faults that name none. */
const CODES: Record<number, [code: string, message: string]> = {
  408: ['', ''],
  425: ['TooEarly', 'The request arrived too early. Try again later.'],
  429: ['TooManyConcurrentRequests', 'Too many concurrent requests. Try again later.'],
  500: ['InternalServerError', INTERNAL_MESSAGE],
  503: ['InternalServerError', INTERNAL_MESSAGE],
};

/** Faults to be played on coming requests, first added first. At most one is played on each request. */
export class Faults {
  /** How many requests were hit. */
  fired = 0;
  readonly #active: Active[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Adds a fault; the returned function takes it away again. */
  add(fault: Fault): () => void {
    const active = { fault, seen: 0, left: fault.times ?? 1 };
    this.#active.push(active);
    return () => {
      const position = this.#active.indexOf(active);
      if (position >= 0) this.#active.splice(position, 1);
    };
  }

  clear(): void {
    this.#active.length = 0;
  }

  /** The fault for a request, if any; counts it. */
  next(method: string, path: string): Fault | undefined {
    for (const active of this.#active) {
      const { fault } = active;
      if (active.left <= 0 || !matches(fault, method, path)) continue;
      active.seen++;
      if (active.seen <= (fault.after ?? 0)) continue;
      if (fault.probability !== undefined && this.#random.number() >= fault.probability) continue;
      active.left--;
      this.fired++;
      return fault;
    }
    return undefined;
  }
}

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.method !== undefined && fault.method.toUpperCase() !== method) return false;
  if (fault.path === undefined) return true;
  return typeof fault.path === 'string' ? fault.path === path : fault.path.test(path);
}

/** Status, headers and body of an answer that a fault makes up. */
export function faultAnswer(fault: Fault): { status: number; headers: Record<string, string>; body: string } {
  if (fault.kind === 'html') {
    const status = fault.status ?? 502;
    const body =
      fault.body ??
      `<html>\r\n<head><title>${status}</title></head>\r\n<body><center><h1>${status}</h1></center></body>\r\n</html>\r\n`;
    return { status, headers: { 'content-type': 'text/html', ...fault.headers }, body };
  }
  const status = fault.status ?? 503;
  const [code, message] = CODES[status] ?? ['', ''];
  const error = {
    code: fault.code ?? code,
    message: fault.message ?? (fault.code === undefined ? message : fault.code),
  };
  const empty = error.code === '' && error.message === '';
  const headers: Record<string, string> = empty ? {} : { 'content-type': 'application/json' };
  return { status, headers: { ...headers, ...fault.headers }, body: empty ? '' : JSON.stringify(error) };
}
