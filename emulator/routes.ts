import { Arguments } from './arguments.ts';
import { type Identity, type Keys, type Operation, requireOperation } from './auth.ts';
import { clearTables } from './clear-tables.ts';
import { checkClientVersion } from './client-version.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import type { Deployment } from './deployment.ts';
import { type DeltasOptions, DocumentDeltas } from './document-deltas.ts';
import { badRequest, forbidden, HttpError } from './errors.ts';
import { importAirbyteRecords } from './import.ts';
import { addPrimaryKeyIndexes, primaryKeyIndexesReady } from './index-routes.ts';
import { JsonSyntaxError, parseJson } from './json-parse.ts';
import { columnNames, jsonSchemas } from './json-schemas.ts';
import { ListSnapshot, type SnapshotOptions } from './list-snapshot.ts';
import { schemaText } from './schema.ts';
import { type Answer, errorAnswer, type Request } from './server.ts';

const NO_ARGUMENTS = Arguments.fromQuery(new URLSearchParams());

interface Call {
  identity: Identity;
  args: Arguments;
  /** Aborts when the client or the server gives up. */
  signal: AbortSignal;
}

/** A route: where its arguments come from decides whether they are read before or after the key is checked. */
interface Route {
  arguments: 'query' | 'body' | 'none';
  /** Largest body in bytes. */
  limit?: number;
  /** Public routes do not look at keys at all. */
  open?: boolean;
  /** The text of the answer; an empty one has no content type. */
  handle: (call: Call) => string | Promise<string>;
  contentType?: string;
}

type ExportHandler = (args: Arguments, signal: AbortSignal) => string | Promise<string>;

export interface RouteOptions extends DeltasOptions, SnapshotOptions {
  instanceName: string;
  /** Whether the deployment's plan includes streaming export. Default true. */
  streamingExport?: boolean;
}

/** The HTTP face of a deployment: which paths there are, in which order a request is checked, what it is answered. */
export class Routes {
  readonly listSnapshot: ListSnapshot;
  readonly documentDeltas: DocumentDeltas;
  readonly #keys: Keys;
  readonly #deployment: Deployment;
  readonly #options: RouteOptions;
  readonly #routes: Map<string, Record<string, Route>>;

  constructor(deployment: Deployment, keys: Keys, options: RouteOptions) {
    this.#deployment = deployment;
    this.#keys = keys;
    this.#options = options;
    this.listSnapshot = new ListSnapshot(deployment, options);
    this.documentDeltas = new DocumentDeltas(deployment, options);
    this.#routes = new Map(Object.entries({ ...this.#openRoutes(), ...this.#exportRoutes(), ...this.#importRoutes() }));
  }

  async answer(request: Request): Promise<Answer> {
    const headers = { ...checkClientVersion(request.headers), ...corsHeaders(request.headers) };
    if (request.method === 'OPTIONS') {
      return { status: 200, headers: { ...headers, ...preflightHeaders(request.headers) }, body: '' };
    }
    try {
      const answer = await this.#route(request);
      return { ...answer, headers: { ...headers, ...answer.headers } };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const answer = errorAnswer(error);
      return { ...answer, headers: { ...headers, ...answer.headers } };
    }
  }

  async #route(request: Request): Promise<Answer> {
    const methods = this.#routes.get(request.path);
    if (methods === undefined) return { status: 404, headers: {}, body: '' };
    const route = methods[request.method === 'HEAD' ? 'GET' : request.method];
    if (route === undefined) {
      const allow = Object.keys(methods).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
      return { status: 405, headers: { allow: allow.join(',') }, body: '' };
    }
    const call = await this.#call(route, request);
    const body = await route.handle(call);
    const contentType = route.contentType ?? 'application/json';
    return { status: 200, headers: body === '' ? {} : { 'content-type': contentType }, body };
  }

  /** Query arguments are read before the key is checked, bodies after; permissions come last of all. */
  async #call(route: Route, request: Request): Promise<Call> {
    const { signal } = request;
    if (route.open === true) return { identity: { kind: 'unknown' }, args: NO_ARGUMENTS, signal };
    const queryArguments = route.arguments === 'query' ? Arguments.fromQuery(request.query) : NO_ARGUMENTS;
    const identity = this.#keys.authenticate(request.headers, request.query);
    if (route.arguments !== 'body') return { identity, args: queryArguments, signal };
    return { identity, args: await jsonBody(request, route.limit ?? this.#deployment.limits.body), signal };
  }

  #openRoutes(): Record<string, Record<string, Route>> {
    const text = (body: string): Record<string, Route> => ({
      GET: { arguments: 'none', open: true, handle: () => body, contentType: 'text/plain; charset=utf-8' },
    });
    return {
      '/': text('This Convex deployment is running. See https://docs.convex.dev/.'),
      '/instance_name': text(this.#options.instanceName),
      '/instance_version': text('unknown'),
      '/version': text('unknown'),
    };
  }

  #exportRoutes(): Record<string, Record<string, Route>> {
    const exporting = (handle: ExportHandler) => (call: Call) => {
      this.#checkPlan();
      requireOperation(call.identity, 'deployment:data:view');
      return handle(call.args, call.signal);
    };
    const both = (handle: ExportHandler): Record<string, Route> => ({
      GET: { arguments: 'query', handle: exporting(handle) },
      POST: { arguments: 'body', handle: exporting(handle) },
    });
    const get = (source: 'query' | 'none', handle: ExportHandler): Record<string, Route> => ({
      GET: { arguments: source, handle: exporting(handle) },
    });
    return {
      '/api/document_deltas': both((args) => this.documentDeltas.page(args)),
      '/api/list_snapshot': both((args, signal) => this.listSnapshot.page(args, signal)),
      '/api/json_schemas': get('query', (args) => jsonSchemas(this.#deployment, args)),
      '/api/get_table_column_names': get('none', () => columnNames(this.#deployment)),
      '/api/test_streaming_export_connection': get('none', () => 'null'),
    };
  }

  #importRoutes(): Record<string, Record<string, Route>> {
    const { limits } = this.#deployment;
    const importing = (handle: (args: Arguments) => string | void) => (call: Call) => {
      requireOperation(call.identity, IMPORT);
      return handle(call.args) ?? '';
    };
    const route = (method: string, handle: (args: Arguments) => string | void): Record<string, Route> => ({
      [method]: { arguments: 'body', handle: importing(handle) },
    });
    const prefix = '/api/streaming_import';
    return {
      [`${prefix}/import_airbyte_records`]: {
        POST: {
          arguments: 'body',
          limit: limits.importBody,
          handle: importing((args) => {
            importAirbyteRecords(this.#deployment, args);
          }),
        },
      },
      [`${prefix}/add_primary_key_indexes`]: route('PUT', (args) => {
        addPrimaryKeyIndexes(this.#deployment, args);
      }),
      [`${prefix}/primary_key_indexes_ready`]: route('GET', (args) => primaryKeyIndexesReady(this.#deployment, args)),
      [`${prefix}/clear_tables`]: route('PUT', (args) => {
        clearTables(this.#deployment, args);
      }),
      [`${prefix}/replace_tables`]: { POST: { arguments: 'body', handle: ({ args }) => replaceTables(args) } },
      [`${prefix}/get_schema`]: {
        GET: { arguments: 'none', handle: importing(() => schemaText(this.#deployment.schema())) },
      },
    };
  }

  /** The plan is looked at before the permission, so a free plan hides that the key is missing (trap 12). */
  #checkPlan(): void {
    if (this.#options.streamingExport !== false) return;
    throw forbidden(
      'StreamingExportNotEnabled',
      'Streaming export is not available on your current subscription. See https://www.convex.dev/plans to upgrade.',
    );
  }
}

const IMPORT: Operation = 'deployment:backups:import';

/** Always refused, and without a look at the key's permissions. */
function replaceTables(args: Arguments): string {
  args.required('tableNames');
  throw badRequest('OverwriteNotSupported', 'Overwrite sync mode is not supported. Please use a different sync mode.');
}

/** Wrong type, too long, no JSON, other JSON: all are 400 `BadJsonBody`, never 413, 415 or 422 (trap 13). */
async function jsonBody(request: Request, limit: number): Promise<Arguments> {
  const type = request.headers['content-type'] ?? '';
  if (!/^\s*application\/(json|[^\s;]+\+json)\s*(;|$)/i.test(type)) {
    throw badRequest('BadJsonBody', 'Expected request with `Content-Type: application/json`');
  }
  const bytes = await request.body(limit);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw badRequest('BadJsonBody', 'Failed to parse the request body as JSON: invalid unicode code point');
  }
  try {
    return Arguments.fromBody(parseJson(text));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest('BadJsonBody', `Failed to parse the request body as JSON: ${error.message}`);
  }
}
