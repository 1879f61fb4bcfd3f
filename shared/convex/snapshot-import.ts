/**
 * The snapshot import (C170), as `npx convex import --replace` uses it. An import replaces one table by the
 * rows of a JSON lines file, in one transaction (C172).
 */
import { parsedJson } from '../core/json.ts';
import { ConvexApiError } from './errors.ts';
import { Functions } from './functions.ts';
import { notConvex, unexpectedAnswer, type ConvexClient } from './client.ts';

const WHOLE = '/api/import';
const START = '/api/import/start_upload';
const PART = '/api/import/upload_part';
const FINISH = '/api/import/finish_upload';
const PERFORM = '/api/perform_import';
const CANCEL = '/api/cancel_import';
const QUERY = '_system/cli/queryImport:default';
const LIST = '_system/cli/queryImport:list';

/** Bytes. S3 refuses smaller parts except the last one (C174). */
export const MIN_PART_BYTES = 5 * 1024 * 1024;
/** Parts of one upload that S3 accepts. */
export const MAX_PARTS = 10_000;

export type ImportState =
  /** Not parsed yet. */
  | { state: 'uploaded' }
  /** Parsed and not begun. `rows`: rows of the file; undefined if the deployment does not say. */
  | { state: 'waiting_for_confirmation'; rows: number | undefined }
  /** `rows`: rows written so far. */
  | { state: 'in_progress'; rows: number | undefined }
  /** The table was replaced. `rows`: its rows; undefined if the deployment does not say. */
  | { state: 'completed'; rows: number | undefined }
  /** The table is unchanged. `message` may hold a row (C176): never show it, see `failureOf`. */
  | { state: 'failed'; message: string };

/** Why an import failed, by its message. */
export type ImportFailure =
  'backfilling' | 'canceled' | 'foreign-key' | 'ids' | 'not-json' | 'other' | 'schema' | 'schema-changed' | 'too-old';

export class SnapshotImport {
  readonly #http: ConvexClient;
  readonly #functions: Functions;

  constructor(http: ConvexClient) {
    this.#http = http;
    this.#functions = new Functions(http);
  }

  /** Whether these routes exist. Changes nothing: no import has an empty id. Throws `ConvexApiError`. */
  async isAvailable(): Promise<boolean> {
    try {
      await this.#http.text({ method: 'POST', path: CANCEL, body: JSON.stringify({ importId: '' }) });
    } catch (error) {
      if (!(error instanceof ConvexApiError)) throw error;
      if (error.code === 'InvalidImport') return true;
      if (error.emptyNotFound) return false;
      throw error;
    }
    throw notConvex(`${CANCEL} accepted an import that does not exist`, 200);
  }

  /** Whether the key may poll imports (C171). Throws `ConvexApiError`. */
  async mayPoll(): Promise<boolean> {
    try {
      await this.#functions.call('query', LIST);
      return true;
    } catch (error) {
      if (error instanceof ConvexApiError && error.reason === 'not-permitted') return false;
      throw error;
    }
  }

  /** Begins an upload and returns its token, which may contain a path of the server and must not be shown. */
  async startUpload(): Promise<string> {
    const text = await this.#http.text({ method: 'POST', path: START });
    return stringIn(START, text, 'uploadToken');
  }

  /**
   * Appends a part to an upload. Parts are sent one after another, numbered from 1. Returns the part's token.
   * `uncertain`: an earlier try may have been carried out, so the part may be in the file twice (C174).
   */
  async uploadPart(
    uploadToken: string,
    partNumber: number,
    bytes: Buffer,
  ): Promise<{ token: string; uncertain: boolean }> {
    let uncertain = false;
    const query = { uploadToken, partNumber: String(partNumber) };
    const text = await this.#http.retrying(PART, async () => {
      try {
        return await this.#http.once({ method: 'POST', path: PART, query, body: bytes });
      } catch (error) {
        // An answer without a code may come from a proxy that lost the deployment's answer.
        if (error instanceof ConvexApiError && error.reason !== 'unreachable') uncertain = true;
        throw error;
      }
    });
    const token = parsedJson(text);
    if (typeof token !== 'string') throw unexpectedAnswer(PART);
    return { token, uncertain };
  }

  /** Makes an import that will replace `tableName` by an upload's rows at `perform`. Returns its id. */
  async finishUpload(uploadToken: string, partTokens: readonly string[], tableName: string): Promise<string> {
    const body = JSON.stringify({
      import: { tableName, format: 'jsonLines', mode: 'replace' },
      uploadToken,
      partTokens,
    });
    return stringIn(FINISH, await this.#http.text({ method: 'POST', path: FINISH, body }), 'importId');
  }

  /** Carries out a waiting import. Has no effect in any other state (C170). */
  async perform(importId: string): Promise<void> {
    await this.#change(PERFORM, importId);
  }

  /** Cancels an import. Has no effect on one that has ended. */
  async cancel(importId: string): Promise<void> {
    try {
      await this.#change(CANCEL, importId);
    } catch (error) {
      if (!(error instanceof ConvexApiError) || error.code !== 'CannotCancelImport') throw error;
    }
  }

  /** The state of an import. Needs `deployment:backups:view` (C171). Throws `ConvexApiError`. */
  async stateOf(importId: string): Promise<ImportState> {
    const result = await this.#functions.call('query', QUERY, { importId });
    if (result.status === 'error')
      throw new ConvexApiError({ reason: 'refused', retry: false }, `${QUERY} failed`, { status: 200 });
    const { buffer, start, end } = result.value;
    return readState(parsedJson(buffer.toString('utf8', start, end)));
  }

  /** Replaces the table by the rows of a file in one request of up to 300 s. Returns their number. */
  async replaceAtOnce(tableName: string, bytes: Buffer): Promise<number> {
    const query = { tableName, format: 'jsonLines', mode: 'replace' };
    const text = await this.#http.text({ method: 'POST', path: WHOLE, query, body: bytes });
    const rows = (parsedJson(text) as { numWritten?: unknown } | null | undefined)?.numWritten;
    if (typeof rows !== 'number') throw unexpectedAnswer(WHOLE);
    return rows;
  }

  async #change(path: string, importId: string): Promise<void> {
    const text = await this.#http.text({ method: 'POST', path, body: JSON.stringify({ importId }) });
    if (text.trim() !== '' && text.trim() !== 'null') throw unexpectedAnswer(path);
  }
}

/** Known parts of the backend's messages. The first match counts. */
const FAILURES: readonly (readonly [ImportFailure, RegExp])[] = [
  ['canceled', /^Import canceled/],
  ['not-json', /^Row \d+ wasn't valid JSON|^Import wasn't valid UTF8/],
  ['too-old', /Import took too long/],
  ['schema-changed', /Could not complete import because schema changed/],
  ['foreign-key', /Import changes table '\w+' which is referenced by/],
  ['backfilling', /still backfilling indexes/],
  ['schema', /because it does not match the schema/],
  ['ids', /duplicate _id fields|invalid _id|cannot be imported into|IDs that conflict with existing table/],
];

export function failureOf(message: string): ImportFailure {
  return FAILURES.find(([, pattern]) => pattern.test(message))?.[0] ?? 'other';
}

function readState(value: unknown): ImportState {
  const row = value as { state?: Record<string, unknown>; checkpoints?: Record<string, unknown>[] | null } | null;
  const rows = (field: string) => numberOf(row?.checkpoints?.[0]?.[field]);
  const state = row?.state;
  switch (state?.['state']) {
    case 'uploaded':
      return { state: 'uploaded' };
    case 'waiting_for_confirmation':
      return { state: 'waiting_for_confirmation', rows: rows('total_num_rows_to_write') };
    case 'in_progress':
      return { state: 'in_progress', rows: rows('num_rows_written') };
    case 'completed':
      return { state: 'completed', rows: numberOf(state['num_rows_written']) };
    case 'failed':
      return { state: 'failed', message: typeof state['error_message'] === 'string' ? state['error_message'] : '' };
    default:
      throw unexpectedAnswer(QUERY);
  }
}

/** int64 values are strings of digits; other versions may send numbers. */
function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}

function stringIn(path: string, text: string, name: string): string {
  const member = (parsedJson(text) as Record<string, unknown> | null | undefined)?.[name];
  if (typeof member !== 'string' || member === '') throw unexpectedAnswer(path);
  return member;
}
