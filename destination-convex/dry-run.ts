/**
 * Has the deployment check records without storing them: exactly as streaming import would, with the same refusals.
 *
 * A request of streaming import is one transaction (C146). The last record of each request here is for a table that the request does not
 * list. It is refused after all others were inserted, and the transaction is undone (C155).
 */
import { ConvexApiError } from '../shared/convex/errors.ts';
import { notConvex } from '../shared/convex/client.ts';
import { IMPORT_PATH, type StreamingImport } from '../shared/convex/streaming-import.ts';

/** Where the messages of a request end. The names of tables that follow have no quotes. */
const MESSAGES_END = Buffer.from('],"tables":{');

export class DryRun implements Pick<StreamingImport, 'importOnce' | 'retrying' | 'nameOf'> {
  readonly #api: StreamingImport;
  readonly #unlisted: string;

  /** `tables`: the tables that records may be for. Requests must stay within what one transaction takes. */
  constructor(api: StreamingImport, tables: readonly string[]) {
    this.#api = api;
    let name = 'airbyte_not_listed';
    while (tables.includes(name)) name += '_';
    this.#unlisted = name;
  }

  /** Resolves if streaming import would store all records; throws its refusal otherwise. Stores nothing. */
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
