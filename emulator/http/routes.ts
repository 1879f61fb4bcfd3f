import { Arguments, mapOf, stringOf, type Struct } from './arguments.ts';
import { type Identity, type Keys, requireOperation } from './auth.ts';
import { clearTables } from '../import/clear-tables.ts';
import { checkClientVersion, clientName } from './client-version.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { type DataSyncOptions, dataSyncRoutes, routePath } from '../data-sync/routes.ts';
import { ActiveSyncs } from '../data-sync/active-syncs.ts';
import { DataSync } from '../data-sync/data-sync.ts';
import type { Deployment } from '../store/deployment.ts';
import { type DeltasOptions, DocumentDeltas } from '../export/document-deltas.ts';
import { badRequest, forbidden, HttpError } from './errors.ts';
import type { FunctionRoutes } from '../functions/routes.ts';
import { importAirbyteRecords } from '../import/import.ts';
import { addPrimaryKeyIndexes, primaryKeyIndexesReady } from '../import/index-routes.ts';
import { quickRecords } from '../import/quick-records.ts';
import type { QuickReader } from '../values/json-parse.ts';
import { readJsonBody } from './json-body.ts';
import { columnNames, jsonSchemas } from '../shapes/json-schemas.ts';
import { ListSnapshot, type SnapshotOptions } from '../export/list-snapshot.ts';
import { schemaText } from '../store/schema.ts';
import type { SnapshotImportRoutes } from '../snapshot-import/routes.ts';
import { type Answer, errorAnswer, type Request } from './server.ts';

/** Who asks, with which client, and a signal that aborts when the client or the server gives up. */
interface Caller {
  identity: Identity;
  /** The name in the Convex-Client header. */
  client: string;
  path: string;
  signal: AbortSignal;
}

/** Does what was asked for and returns the body; an empty one has no content type. */
type Work = (caller: Caller) => string | void | Promise<string | void>;

interface Route {
  /** Query arguments are read before the key is checked, bodies after. Open routes do not look at keys at all. */
  arguments: 'query' | 'body' | 'none' | 'open';
  /** Reads the arguments, strictly: errors in them come before any question of permission. */
  prepare: (args: Arguments) => Work;
  /** Largest body in bytes. */
  limit?: number;
  /** Reads parts of the body. */
  quick?: QuickReader;
  contentType?: string;
}

type Methods = Record<string, Route>;

type Export = (args: Arguments) => (signal: AbortSignal, caller: Caller) => string | Promise<string>;

const REPLACE_TABLES: Struct = { name: 'ReplaceTableArgs', fields: ['tableNames'] };
const NO_ARGUMENTS = Arguments.fromQuery(new URLSearchParams());

export interface RouteOptions extends DeltasOptions, SnapshotOptions, DataSyncOptions {
  instanceName: string;
  /** What cursors are sealed with: those of a deployment with another secret are refused. */
  instanceSecret: string;
  /** Whether the deployment's plan includes streaming export. Default true. */
  streamingExport?: boolean;
}

/** The HTTP face of a deployment: which paths there are, in which order a request is checked, what it is answered. */
export class Routes {
  readonly listSnapshot: ListSnapshot;
  readonly documentDeltas: DocumentDeltas;
  readonly dataSync: DataSync;
  readonly #keys: Keys;
  readonly #deployment: Deployment;
  readonly #options: RouteOptions;
  readonly #routes: Map<string, Methods>;
  readonly #functions: FunctionRoutes;
  readonly #snapshotImport: SnapshotImportRoutes;

  constructor(
    deployment: Deployment,
    keys: Keys,
    options: RouteOptions,
    functions: FunctionRoutes,
    snapshotImport: SnapshotImportRoutes,
  ) {
    this.#functions = functions;
    this.#snapshotImport = snapshotImport;
    this.#deployment = deployment;
    this.#keys = keys;
    this.#options = options;
    this.listSnapshot = new ListSnapshot(deployment, options);
    this.documentDeltas = new DocumentDeltas(deployment, options);
    this.dataSync = new DataSync(deployment, options.instanceSecret, options.tableCounts);
    this.#routes = new Map(Object.entries({ ...this.#openRoutes(), ...this.#exportRoutes(), ...this.#importRoutes() }));
  }

  async answer(request: Request): Promise<Answer> {
    // What is no route of the deployment's is answered before anything of a request is looked at.
    const methods = this.#methods(request.path);
    if (methods === undefined) return { status: 404, headers: {}, body: '' };
    if (request.path === '/version') return await this.#route({ ...request, headers: {} }, methods);
    const headers = { ...checkClientVersion(request.headers), ...corsHeaders(request.headers) };
    if (request.method === 'OPTIONS') {
      const preflight = { ...preflightHeaders(request.headers), ...allowed(methods) };
      return { status: 200, headers: { ...headers, ...preflight }, body: '' };
    }
    const answer = await this.#route(request, methods).catch((error: unknown) => {
      if (error instanceof HttpError) return errorAnswer(error);
      throw error;
    });
    return { ...answer, headers: { ...headers, ...answer.headers } };
  }

  /** The methods of a path; undefined where there is no such route. */
  #methods(path: string): string[] | undefined {
    const routes = this.#routes.get(routePath(path));
    return this.#functions.methods(path) ?? this.#snapshotImport.methods(path) ?? (routes && Object.keys(routes));
  }

  async #route(request: Request, methods: readonly string[]): Promise<Answer> {
    const { path } = request;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (!methods.includes(method)) return { status: 405, headers: allowed(methods), body: '' };
    if (this.#functions.methods(path) !== undefined) return this.#functions.answer(request);
    if (this.#snapshotImport.methods(path) !== undefined) return this.#snapshotImport.answer(request);
    const route = this.#routes.get(routePath(path))?.[method];
    if (route === undefined) return { status: 404, headers: {}, body: '' };
    const body = (await this.#run(route, request)) ?? '';
    const contentType = route.contentType ?? 'application/json';
    return { status: 200, headers: body === '' ? {} : { 'content-type': contentType }, body };
  }

  async #run(route: Route, request: Request): Promise<string | void> {
    const { signal, headers, path, query } = request;
    const client = clientName(headers);
    switch (route.arguments) {
      case 'open':
        return route.prepare(NO_ARGUMENTS)({ identity: { kind: 'unknown' }, client, path, signal });
      case 'none':
        return route.prepare(NO_ARGUMENTS)({ identity: this.#keys.authenticate(headers, query), client, path, signal });
      case 'query': {
        const work = route.prepare(Arguments.fromQuery(query));
        return work({ identity: this.#keys.authenticate(headers, query), client, path, signal });
      }
      case 'body': {
        const identity = this.#keys.authenticate(headers, query);
        const limit = route.limit ?? this.#deployment.limits.body;
        const work = route.prepare(await readJsonBody(request, limit, route.quick));
        return work({ identity, client, path, signal });
      }
    }
  }

  #openRoutes(): Record<string, Methods> {
    const text = (body: string): Methods => ({
      GET: { arguments: 'open', prepare: () => () => body, contentType: 'text/plain; charset=utf-8' },
    });
    return {
      '/': text('This Convex deployment is running. See https://docs.convex.dev/.'),
      '/instance_name': text(this.#options.instanceName),
      '/instance_version': text('unknown'),
      '/version': text('unknown'),
    };
  }

  #exportRoutes(): Record<string, Methods> {
    const exporting = (source: 'query' | 'body' | 'none', prepare: Export): Route => ({
      arguments: source,
      prepare: (args) => {
        const work = prepare(args);
        return (caller) => {
          this.#checkPlan();
          requireOperation(caller.identity, 'deployment:data:view');
          return work(caller.signal, caller);
        };
      },
    });
    const both = (prepare: Export): Methods => ({ GET: exporting('query', prepare), POST: exporting('body', prepare) });
    return {
      '/api/document_deltas': both((args) => this.documentDeltas.prepare(args)),
      '/api/list_snapshot': both((args) => this.listSnapshot.prepare(args)),
      '/api/json_schemas': { GET: exporting('query', (args) => jsonSchemas(this.#deployment, args)) },
      '/api/get_table_column_names': { GET: exporting('none', () => () => columnNames(this.#deployment)) },
      '/api/test_streaming_export_connection': { GET: exporting('none', () => () => 'null') },
      ...Object.fromEntries(this.#dataSyncRoutes(exporting)),
    };
  }

  #dataSyncRoutes(exporting: (source: 'query' | 'body' | 'none', prepare: Export) => Route): [string, Methods][] {
    const activeSyncs = new ActiveSyncs(this.dataSync.progress, this.#options.instanceSecret);
    return dataSyncRoutes(this.dataSync, activeSyncs, this.#options).map((route) => {
      const prepare: Export = (args) => {
        const work = route.prepare(args);
        return (_signal, caller) => work(caller);
      };
      return [route.path, { [route.method]: exporting(route.arguments, prepare) }];
    });
  }

  #importRoutes(): Record<string, Methods> {
    const deployment = this.#deployment;
    const importing = (prepare: (args: Arguments) => () => string | void | Promise<string | void>): Route => ({
      arguments: 'body',
      prepare: (args) => {
        const work = prepare(args);
        return ({ identity }) => {
          requireOperation(identity, 'deployment:backups:import');
          return work();
        };
      },
    });
    const prefix = '/api/streaming_import';
    return {
      [`${prefix}/import_airbyte_records`]: {
        POST: {
          ...importing((args) => importAirbyteRecords(deployment, args)),
          limit: deployment.limits.importBody,
          quick: quickRecords,
        },
      },
      [`${prefix}/add_primary_key_indexes`]: { PUT: importing((args) => addPrimaryKeyIndexes(deployment, args)) },
      [`${prefix}/primary_key_indexes_ready`]: { GET: importing((args) => primaryKeyIndexesReady(deployment, args)) },
      [`${prefix}/clear_tables`]: { PUT: importing((args) => clearTables(deployment, args)) },
      [`${prefix}/replace_tables`]: { POST: { arguments: 'body', prepare: replaceTables } },
      [`${prefix}/get_schema`]: {
        GET: { ...importing(() => () => schemaText(deployment.schema())), arguments: 'none' },
      },
    };
  }

  /** The plan is looked at before the permission, so a free plan hides that the key is missing (C4). */
  #checkPlan(): void {
    if (this.#options.streamingExport !== false) return;
    throw forbidden(
      'StreamingExportNotEnabled',
      'Streaming export is not available on your current subscription. See https://www.convex.dev/plans to upgrade.',
    );
  }
}

/** The header `allow` of a path with these methods. */
function allowed(methods: readonly string[]): Record<string, string> {
  return { allow: methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(',') };
}

/** Always refused, and without a look at the key's permissions. */
function replaceTables(args: Arguments): Work {
  mapOf(args.as(REPLACE_TABLES).required('tableNames'), 'tableNames', stringOf);
  return () => {
    throw badRequest(
      'OverwriteNotSupported',
      'Overwrite sync mode is not supported. Please use a different sync mode.',
    );
  };
}
