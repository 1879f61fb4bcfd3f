/** The streaming import endpoints (C130 to C155). */
import { parsedJson } from '../core/json.ts';
import { ConvexApiError } from './errors.ts';
import { notConvex, unexpectedAnswer, type ConvexClient, type HttpRequest } from './client.ts';
import { isIdentifier } from './identifiers.ts';

/** Bytes of an import request (C11). A larger one is 400 BadJsonBody (C10). */
export const MAX_IMPORT_BODY = 20_971_520;

export const IMPORT_PATH = '/api/streaming_import/import_airbyte_records';
const CLEAR_PATH = '/api/streaming_import/clear_tables';
const INDEX_PATH = '/api/streaming_import/add_primary_key_indexes';
const SCHEMA_PATH = '/api/streaming_import/get_schema';
const READY_PATH = '/api/streaming_import/primary_key_indexes_ready';

/** Paths of fields in the stored documents (C144). */
export type PrimaryKey = readonly (readonly string[])[];

export class StreamingImport {
  readonly #http: ConvexClient;

  constructor(http: ConvexClient) {
    this.#http = http;
  }

  /** Checks the URL, the key and its permission. Changes nothing. Throws `ConvexApiError`. */
  async test(): Promise<void> {
    await this.indexesReady([]);
  }

  /**
   * One try of an import. `body`: `{"messages":[{"tableName","data"},…],"tables":{…}}` (C131). Not retried
   * here: the caller knows what may be repeated (C147). Throws `ConvexApiError`.
   */
  async importOnce(body: Buffer): Promise<void> {
    requireDone(await this.#http.once({ method: 'POST', path: IMPORT_PATH, body }), IMPORT_PATH);
  }

  /**
   * Sends an import that is expected to be refused. Resolves to what `read` returns for the refusal, or to
   * undefined if the import was accepted. A refusal for which `read` returns undefined is retried or thrown
   * as usual.
   */
  async ask<T>(body: Buffer, read: (refusal: ConvexApiError) => T | undefined): Promise<T | undefined> {
    return this.#http.retrying(IMPORT_PATH, async () => {
      try {
        await this.importOnce(body);
        return undefined;
      } catch (error) {
        const answer = error instanceof ConvexApiError ? read(error) : undefined;
        if (answer === undefined) throw error;
        return answer;
      }
    });
  }

  /** Runs `attempt` with the connection's retries; see `ConvexClient.retrying`. */
  async retrying<T>(attempt: () => Promise<T>): Promise<T> {
    return this.#http.retrying(IMPORT_PATH, attempt);
  }

  /** Empties or makes tables in one transaction (C135). Refused if an index is `isBackfilling` (C134). */
  async clearTables(tableNames: readonly string[]): Promise<void> {
    await this.#done({ method: 'PUT', path: CLEAR_PATH, body: JSON.stringify({ tableNames }) });
  }

  /** Begins to build the indexes for deduplication and makes missing tables (C132). */
  async addPrimaryKeyIndexes(indexes: ReadonlyMap<string, PrimaryKey>): Promise<void> {
    const body = JSON.stringify({ indexes: Object.fromEntries(indexes) });
    await this.#done({ method: 'PUT', path: INDEX_PATH, body });
  }

  async #done(request: HttpRequest): Promise<void> {
    await this.#http.retrying(request.path, async () => {
      requireDone(await this.#http.once(request), request.path);
    });
  }

  /** Whether the indexes of all these tables are built (C133). */
  async indexesReady(tables: readonly string[]): Promise<boolean> {
    const text = await this.#http.text({ method: 'GET', path: READY_PATH, body: JSON.stringify({ tables }) });
    const ready = (parsedJson(text) as { indexesReady?: unknown } | null | undefined)?.indexesReady;
    if (typeof ready !== 'boolean') throw unexpectedAnswer(READY_PATH);
    return ready;
  }

  /** The active schema's tables (C154); undefined if the deployment cannot tell. Throws `ConvexApiError`. */
  async tablesWithSchema(): Promise<Set<string> | undefined> {
    let text: string;
    try {
      text = await this.#http.text({ method: 'GET', path: SCHEMA_PATH });
    } catch (error) {
      if (error instanceof ConvexApiError && error.emptyNotFound) return undefined;
      throw error;
    }
    return tablesOf(text);
  }

  /** How the deployment spells `part`, some characters beyond ASCII (see `Spelling`), if it tells. */
  async spellingOf(part: string): Promise<string | undefined> {
    const table = await this.nameOf(`a${part}a`);
    if (table !== undefined) return /^source_a(\w*)a$/.exec(table)?.[1];
    const characters = [...part];
    if (characters.length === 1) return undefined;
    let spelling = '';
    for (const character of characters) {
      const one = await this.spellingOf(character);
      if (one === undefined) return undefined;
      spelling += one;
    }
    return spelling;
  }

  /** The table that the deployment would use for `name`, if there is one. Changes nothing (C148). */
  async nameOf(name: string): Promise<string | undefined> {
    const body = JSON.stringify({ tables: {}, messages: [{ tableName: name, data: {} }] });
    let failures = 0;
    return this.#http.retrying(IMPORT_PATH, async () => {
      try {
        await this.#http.once({ method: 'POST', path: IMPORT_PATH, body });
      } catch (error) {
        if (!(error instanceof ConvexApiError)) throw error;
        const table =
          error.code === 'MissingStream' ? /^Missing stream for table (\w+)$/.exec(error.detail ?? '')?.[1] : undefined;
        if (table !== undefined && isIdentifier(table)) return table;
        // A name that is too long is always an unclassified error (C7).
        if (isUnclassified(error) && ++failures >= 3) return undefined;
        throw error;
      }
      throw notConvex(`${IMPORT_PATH} accepted a record for a table that was not listed`, 200);
    });
  }
}

/**
 * A success is an empty answer (C130). Another answer with status 200 comes from something in between, such
 * as a login page. Taken for a success, it would report records as durable that never arrived (DEC42).
 */
function requireDone(answer: string, path: string): void {
  const text = answer.trim();
  if (text !== '' && text !== 'null') throw unexpectedAnswer(path, { retry: true });
}

/** Whether an error says that an index is being built (C8). */
export function isBackfilling(error: unknown): boolean {
  return error instanceof ConvexApiError && error.code === 'InvalidImport' && /backfill/i.test(error.detail ?? '');
}

/** Whether an error says that a table has no index for deduplication. */
export function isMissingIndex(error: unknown): boolean {
  return error instanceof ConvexApiError && error.code === 'MissingIndex';
}

/** Whether an error is unclassified: it may pass, or the input is never accepted (C7). */
export function isUnclassified(error: ConvexApiError): boolean {
  return error.status === 500 && error.code === 'InternalServerError';
}

function tablesOf(text: string): Set<string> | undefined {
  try {
    const schema = JSON.parse(text) as { tables: { tableName: string }[] } | null;
    return new Set(schema === null ? [] : schema.tables.map(({ tableName }) => tableName));
  } catch {
    return undefined;
  }
}
