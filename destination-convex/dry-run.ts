/**
 * Has the deployment check records without storing them, with the refusals of streaming import. A record for
 * a table that is not listed is added to each request. It is refused after the others were inserted, and the
 * transaction is undone (C155).
 */
import { ConvexApiError } from '../shared/convex/errors.ts';
import { notConvex } from '../shared/convex/client.ts';
import { IMPORT_PATH, type StreamingImport } from '../shared/convex/streaming-import.ts';

/** The end of a request's messages. The table names that follow have no quotes. */
const MESSAGES_END = Buffer.from('],"tables":{');

export class DryRun implements Pick<StreamingImport, 'importOnce' | 'retrying' | 'nameOf'> {
  readonly #api: StreamingImport;
  readonly #unlisted: string;

  /** `tables`: all tables of the sync. Requests must not exceed one transaction (C146). */
  constructor(api: StreamingImport, tables: readonly string[]) {
    this.#api = api;
    let name = 'airbyte_not_listed';
    while (tables.includes(name)) name += '_';
    this.#unlisted = name;
  }

  /** Resolves if streaming import would store all records. Throws its refusal otherwise. */
  async importOnce(body: Buffer): Promise<void> {
    const at = body.lastIndexOf(MESSAGES_END);
    const last = Buffer.from(`,{"tableName":"${this.#unlisted}","data":{}}`);
    try {
      await this.#api.importOnce(Buffer.concat([body.subarray(0, at), last, body.subarray(at)]));
    } catch (error) {
      if (error instanceof ConvexApiError && error.code === 'MissingStream') return;
      throw error;
    }
    throw notConvex(`${IMPORT_PATH} accepted a record for a table that was not listed`, 200);
  }

  async retrying<T>(attempt: () => Promise<T>): Promise<T> {
    return this.#api.retrying(attempt);
  }

  async nameOf(name: string): Promise<string | undefined> {
    return this.#api.nameOf(name);
  }
}
