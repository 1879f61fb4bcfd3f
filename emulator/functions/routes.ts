import { Arguments, type Struct } from '../http/arguments.ts';
import type { Identity, Keys } from '../http/auth.ts';
import { badRequest, forbidden } from '../http/errors.ts';
import { readJsonBody } from '../http/json-body.ts';
import { type Format, formatValue, parseFormat } from '../values/json-format.ts';
import type { Limits } from '../store/limits.ts';
import type { Random } from '../store/random.ts';
import type { Answer, Request } from '../http/server.ts';
import type { FunctionType } from './definitions.ts';
import type { FunctionRunner, Outcome } from './runner.ts';

const TYPES: Record<string, FunctionType | undefined> = {
  '/api/query': 'query',
  '/api/mutation': 'mutation',
  '/api/action': 'action',
};
const RUN = '/api/run/';
/** The bodies of these routes. */
const CALL: Struct = { name: 'UdfPostRequest', fields: ['path', 'args', 'format'] };
const CALL_ANY: Struct = {
  name: 'UdfPostRequestWithComponent',
  fields: ['componentPath', 'path', 'args', 'format'],
};
const CALL_BY_URL: Struct = { name: 'UdfPostRequestArgsOnly', fields: ['args', 'format'] };

export interface FunctionRoutesOptions {
  runner: FunctionRunner;
  keys: Keys;
  limits: Limits;
  random: Random;
  /** Whether clients are kept from reading messages and lines of logs, as production deployments in the cloud do. */
  redact: boolean;
}

/** The Functions API (crates/local_backend/src/public_api.rs): both outcomes of a function have status 200 (C190). */
export class FunctionRoutes {
  readonly #options: FunctionRoutesOptions;

  constructor(options: FunctionRoutesOptions) {
    this.#options = options;
  }

  /** The methods of a path; undefined where it is none of these. */
  methods(path: string): string[] | undefined {
    if (path === '/api/query') return ['GET', 'POST'];
    const known =
      TYPES[path] !== undefined || path === '/api/function' || (path.startsWith(RUN) && path.length > RUN.length);
    return known ? ['POST'] : undefined;
  }

  /** Answers a request with one of the methods of its path. */
  async answer(request: Request): Promise<Answer> {
    const { method, path } = request;
    if (method !== 'POST') {
      // Arguments are raw JSON there, which a query string is not: this endpoint refuses whatever it is given.
      throw Arguments.fromQuery(request.query).error('args', 'invalid type: string, expected any valid JSON value');
    }
    const { identity, args } = await this.#read(request);
    const json = args.required('args');
    const format = args.optionalString('format');
    const outcome = await this.#options.runner.call({
      path: path.startsWith(RUN) ? pathInUrl(path) : this.#pathIn(args, path, identity),
      expected: TYPES[path],
      args: json,
      identity,
    });
    // Looked at when all is done, a mutation committed.
    return this.#answerOf(outcome, parseFormat(format));
  }

  async #read(request: Request): Promise<{ identity: Identity; args: Arguments }> {
    const { keys, limits } = this.#options;
    const token = keys.tokenOf(request.headers, request.query);
    const args = await readJsonBody(request, limits.functionBody);
    return { identity: keys.identify(token), args: args.as(structOfRoute(request.path)) };
  }

  #pathIn(args: Arguments, route: string, identity: Identity): string {
    const path = args.required('path');
    if (typeof path !== 'string') throw args.error('path', 'invalid type, expected a string');
    if (route === '/api/function' && identity.kind !== 'admin') {
      throw forbidden('BadDeployKey', 'The provided deploy key was invalid for this deployment.');
    }
    return path;
  }

  #answerOf(outcome: Outcome, format: Format): Answer {
    const { redact } = this.#options;
    const lines = redact ? [] : outcome.logLines;
    const logLines = lines.length === 0 ? '' : `,"logLines":${JSON.stringify(lines)}`;
    const body =
      'value' in outcome
        ? `{"status":"success","value":${formatValue(outcome.value, format)}${logLines}}`
        : `{"status":"error","errorMessage":${JSON.stringify(this.#message(outcome))}${
            outcome.data === undefined ? '' : `,"errorData":${formatValue(outcome.data, format)}`
          }${logLines}}`;
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }

  #message({ message, frame }: Extract<Outcome, { message: string }>): string {
    const head = `[Request ID: ${requestId(this.#options.random)}] Server Error`;
    if (this.#options.redact) return head;
    return `${head}\n${message}\n${frame === undefined ? '' : `${frame}\n`}`;
  }
}

function structOfRoute(path: string): Struct {
  if (path.startsWith(RUN)) return CALL_BY_URL;
  return path === '/api/function' ? CALL_ANY : CALL;
}

/** `/api/run/folder/module/name` is `folder/module:name`. */
function pathInUrl(path: string): string {
  const parts = path.slice(RUN.length).split('/').map(decoded);
  const name = parts.pop() ?? '';
  if (parts.length === 0) {
    throw badRequest('MissingIdentifier', 'Path or function name not provided in path, e.g. /api/run/messages/list');
  }
  return `${parts.join('/')}:${name}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest('MissingIdentifier', 'Path or function name not provided in path, e.g. /api/run/messages/list');
  }
}

export function requestId(random: Random): string {
  return Buffer.from(random.fill(new Uint8Array(8))).toString('hex');
}
