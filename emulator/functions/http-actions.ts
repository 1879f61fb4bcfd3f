import type { Identity, Keys } from '../http/auth.ts';
import type { Limits } from '../store/limits.ts';
import type { Random } from '../store/random.ts';
import type { Answer, Request as ServerRequest } from '../http/server.ts';
import { formatValue } from '../values/json-format.ts';
import type { ActionContext } from './contexts.ts';
import { describeThrown } from './errors.ts';
import { requestId } from './routes.ts';
import type { FunctionRunner } from './runner.ts';

export type HttpActionHandler = (ctx: ActionContext, request: Request) => Response | Promise<Response>;

/**
 * By method and path, `'POST /arrived'`; a path that ends in `/*` is a prefix. Or the router of an app, which the npm package's
 * `httpRouter()` makes.
 */
export type HttpActions = Record<string, HttpActionHandler> | HttpRouter;

interface HttpRouter {
  isRouter: true;
  lookup: (path: string, method: never) => readonly [unknown, ...unknown[]] | null;
}

export interface SiteOptions {
  httpActions: HttpActions | undefined;
  runner: FunctionRunner;
  keys: Keys;
  limits: Limits;
  random: Random;
  redact: boolean;
}

/** The other face of a deployment, `https://<name>.convex.site`: HTTP actions and nothing else. */
export class Site {
  readonly #options: SiteOptions;

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  async answer(request: ServerRequest): Promise<Answer> {
    const { httpActions, runner, redact } = this.#options;
    if (httpActions === undefined) return plain(404, 'This Convex deployment does not have HTTP actions enabled.');
    const handler = find(httpActions, request.method, request.path);
    if (handler === undefined) return plain(404, 'No matching routes found');
    const ctx = runner.actionContext(this.#identityOf(request), []);
    try {
      return await answerOf(await handler(ctx, await this.#toFetch(request)));
    } catch (thrown) {
      const { message, data } = describeThrown(thrown);
      const text = `[Request ID: ${requestId(this.#options.random)}] Server Error${redact ? '' : `: ${message}`}`;
      const trace = redact ? '' : `,"trace":${JSON.stringify(`${message}\n`)}`;
      const extra = data === undefined ? '' : `,"data":${formatValue(data, 'convex_encoded_json')}`;
      return { status: 500, headers: JSON_TYPE, body: `{"code":${JSON.stringify(text)}${trace}${extra}}` };
    }
  }

  /** A header that means nothing to Convex may mean something to the app: whoever sent it is just not known. */
  #identityOf({ headers, query }: ServerRequest): Identity {
    try {
      return this.#options.keys.authenticate(headers, query);
    } catch {
      return { kind: 'unknown' };
    }
  }

  async #toFetch(request: ServerRequest): Promise<Request> {
    const { method, path, query, headers } = request;
    const search = query.size === 0 ? '' : `?${query.toString()}`;
    const init: RequestInit = {
      method,
      headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
    };
    if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') {
      init.body = new Uint8Array(await request.body(this.#options.limits.httpActionBody));
    }
    return new Request(`http://${headers.host ?? 'localhost'}${path}${search}`, init);
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };

function plain(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

function find(actions: HttpActions, method: string, path: string): HttpActionHandler | undefined {
  if (isRouter(actions)) {
    const action = actions.lookup(path, method as never)?.[0] as { _handler: HttpActionHandler } | undefined;
    return action?._handler;
  }
  const exact = actions[`${method} ${path}`];
  if (exact !== undefined) return exact;
  const prefixes = Object.keys(actions).filter(
    (key) => key.endsWith('/*') && `${method} ${path}`.startsWith(key.slice(0, -1)),
  );
  const longest = prefixes.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : actions[longest];
}

function isRouter(actions: HttpActions): actions is HttpRouter {
  return 'isRouter' in actions && actions.isRouter === true;
}
