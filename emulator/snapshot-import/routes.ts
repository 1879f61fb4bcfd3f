import { Arguments } from '../http/arguments.ts';
import { type Identity, type Keys, requireOperation } from '../http/auth.ts';
import { badRequest } from '../http/errors.ts';
import { readJsonBody } from '../http/json-body.ts';
import type { Answer, Request } from '../http/server.ts';
import { checkImport, readImport, readImportId, readPart, readUpload } from './arguments.ts';
import type { SnapshotImports } from './snapshot-imports.ts';
import type { ImportState } from './rows.ts';

const OPERATION = 'deployment:backups:import';

/** Answers a request of a known caller with the text of a body; '' is none. */
type Handler = (request: Request, identity: Identity) => Promise<string>;

/** The routes of `npx convex import` (crates/local_backend/src/snapshot_import.rs). */
export class SnapshotImportRoutes {
  readonly #imports: SnapshotImports;
  readonly #keys: Keys;
  readonly #bodyLimit: number;
  readonly #handlers: Map<string, Handler>;

  /** `enabled: false`: the routes of a backend that does not have them. `bodyLimit`: bytes of a JSON body. */
  constructor(imports: SnapshotImports, keys: Keys, bodyLimit: number, enabled = true) {
    this.#imports = imports;
    this.#keys = keys;
    this.#bodyLimit = bodyLimit;
    const handlers: [string, Handler][] = [
      ['/api/import', (request, identity) => this.#import(request, identity)],
      ['/api/import/start_upload', (_request, identity) => this.#startUpload(identity)],
      ['/api/import/upload_part', (request, identity) => this.#uploadPart(request, identity)],
      ['/api/import/finish_upload', (request, identity) => this.#finishUpload(request, identity)],
      ['/api/perform_import', (request, identity) => this.#change(request, identity, 'confirm')],
      ['/api/cancel_import', (request, identity) => this.#change(request, identity, 'cancel')],
    ];
    this.#handlers = new Map(enabled ? handlers : []);
  }

  /** The methods of a path; undefined where it is none of these. */
  methods(path: string): string[] | undefined {
    return this.#handlers.has(path) ? ['POST'] : undefined;
  }

  /** Answers a request with one of the methods of its path. */
  async answer(request: Request): Promise<Answer> {
    const handler = this.#handlers.get(request.path);
    if (handler === undefined) return { status: 404, headers: {}, body: '' };
    const body = await handler(request, this.#keys.authenticate(request.headers, request.query));
    return { status: 200, headers: body === '' ? {} : { 'content-type': 'application/json' }, body };
  }

  async #startUpload(identity: Identity): Promise<string> {
    requireOperation(identity, OPERATION);
    return JSON.stringify({ uploadToken: this.#imports.uploads.start() });
  }

  /** The token of a part is empty: local storage knows none. */
  async #uploadPart(request: Request, identity: Identity): Promise<string> {
    const uploadToken = readPart(Arguments.fromQuery(request.query));
    const part = await request.body(Infinity);
    requireOperation(identity, OPERATION);
    this.#imports.uploads.append(uploadToken, part);
    return '""';
  }

  async #finishUpload(request: Request, identity: Identity): Promise<string> {
    const { given, uploadToken } = readUpload(await readJsonBody(request, this.#bodyLimit));
    const checked = checkImport(given);
    requireOperation(identity, OPERATION);
    const row = this.#imports.rows.add({ ...checked, objectKey: this.#imports.uploads.objectKey(uploadToken) });
    return JSON.stringify({ importId: row.id });
  }

  async #change(request: Request, identity: Identity, change: 'confirm' | 'cancel'): Promise<string> {
    const struct = change === 'confirm' ? 'PerformImportArgs' : 'CancelImportArgs';
    const importId = readImportId(await readJsonBody(request, this.#bodyLimit), struct)();
    requireOperation(identity, OPERATION);
    this.#imports.rows[change](importId);
    return '';
  }

  /** The import in one request: it goes on where the client hangs up. */
  async #import(request: Request, identity: Identity): Promise<string> {
    const given = readImport(Arguments.fromQuery(request.query));
    requireOperation(identity, OPERATION);
    const checked = checkImport(given);
    const { rows, uploads } = this.#imports;
    const row = rows.add({ ...checked, objectKey: uploads.store(await request.body(Infinity)) });
    failOn(await rows.until(row, ['waiting_for_confirmation', 'completed', 'failed']));
    rows.confirm(row.id);
    const state = await rows.until(row, ['completed', 'failed']);
    failOn(state);
    return `{"numWritten":${state.state === 'completed' ? state.num_rows_written : 0}}`;
  }
}

function failOn(state: ImportState): void {
  if (state.state === 'failed') throw badRequest('ImportFailed', state.error_message);
}
