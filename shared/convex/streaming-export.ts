/** The streaming export endpoints (C50 to C86). */
import { parsedJson } from '../core/json.ts';
import { isTimestamp } from '../json/integers.ts';
import { jsonObject, protocolViolation, unexpectedAnswer, type ConvexClient } from './client.ts';
import { consume } from '../core/generators.ts';
import { readDocuments, type Documents } from './documents.ts';
import { readPage, type RawPage } from './pages.ts';
import type { Selection } from './selection.ts';

/** Format of values (C41, C42). `json` loses types. */
export type ValueFormat = 'json' | 'convex_encoded_json' | 'export_json';

export interface SnapshotPage {
  /** Opaque position after this page; null at the end of the snapshot. */
  cursor: string | null;
  documents: number;
}

export interface DeltaPage {
  /** The log is read up to this timestamp, inclusive (digits, nanoseconds). */
  cursor: string;
  hasMore: boolean;
  documents: number;
}

export interface TableColumns {
  name: string;
  columns: string[];
}

/** Whether a backend has `list_active_syncs`. `answer`: an unexpected answer that shows neither. */
export type ActiveSyncsRoute = 'present' | 'absent' | { answer: string };

export class StreamingExport {
  readonly #http: ConvexClient;
  readonly #format: ValueFormat;

  constructor(http: ConvexClient, format: ValueFormat = 'json') {
    this.#http = http;
    this.#format = format;
  }

  /** Checks the URL, the key, its permission and the plan (C86). Throws `ConvexApiError`. */
  async test(): Promise<void> {
    const path = '/api/test_streaming_export_connection';
    const text = await this.#http.text({ method: 'GET', path });
    // A web page with status 200 is not the expected answer.
    if (text.trim() !== 'null') throw unexpectedAnswer(path);
  }

  /** Pins a snapshot (C59): returns a readable timestamp (digits, nanoseconds). */
  async pin(): Promise<string> {
    const path = '/api/list_snapshot';
    return this.#http.retrying(path, async () => {
      const body = JSON.stringify({ selection: { _other: 'excluded' }, format: this.#format });
      // A backend that ignores the selection sends documents, which are dropped.
      const page = await consume(readPage(this.#http, { method: 'POST', path, body }));
      return digitsMember(page, 'snapshot', path);
    });
  }

  /** Reads one page of a snapshot, always with the explicit timestamp (C51). */
  async *listSnapshot(args: {
    snapshot: string;
    cursor: string | null;
    selection: Selection;
  }): AsyncGenerator<Documents, SnapshotPage> {
    const path = '/api/list_snapshot';
    // The timestamp has to be a bare integer (C20).
    const body = `{"snapshot":${args.snapshot},${args.cursor === null ? '' : `"cursor":${JSON.stringify(args.cursor)},`}"selection":${JSON.stringify(args.selection)},"format":"${this.#format}"}`;
    const page = yield* readDocuments(this.#http, { method: 'POST', path, body }, { changes: false });
    if (digitsMember(page, 'snapshot', path) !== args.snapshot)
      throw protocolViolation(path, 'answered with another snapshot than the one that was asked for');
    const cursor = cursorMember(page, path);
    if (booleanMember(page, 'hasMore', path) !== (cursor !== null))
      throw protocolViolation(path, 'says that there is more but not where, or the opposite');
    if (cursor !== null && cursor === args.cursor)
      throw protocolViolation(path, 'answered with the position that it was given: the walk makes no progress');
    return { cursor, documents: page.documents };
  }

  /** Reads one page of the change log after `cursor` (digits, nanoseconds). */
  async *documentDeltas(args: { cursor: string; selection: Selection }): AsyncGenerator<Documents, DeltaPage> {
    const path = '/api/document_deltas';
    const body = `{"cursor":${args.cursor},"selection":${JSON.stringify(args.selection)},"format":"${this.#format}"}`;
    const page = yield* readDocuments(this.#http, { method: 'POST', path, body }, { changes: true });
    return {
      cursor: digitsMember(page, 'cursor', path),
      hasMore: booleanMember(page, 'hasMore', path),
      documents: page.documents,
    };
  }

  /** JSON Schemas by component path and table. Refused for all tables if one table has no schema (C80). */
  async jsonSchemas(): Promise<Record<string, Record<string, unknown>>> {
    const path = '/api/json_schemas';
    const query = { deltaSchema: 'true', byComponent: 'true', format: this.#format };
    return jsonObject(await this.#http.text({ method: 'GET', path, query }), path) as Record<
      string,
      Record<string, unknown>
    >;
  }

  /** All tables with their column names, by component path (C84). */
  async tableColumns(): Promise<Map<string, TableColumns[]>> {
    const path = '/api/get_table_column_names';
    const parsed = jsonObject(await this.#http.text({ method: 'GET', path }), path);
    const byComponent = parsed['byComponent'];
    if (typeof byComponent !== 'object' || byComponent === null) throw protocolViolation(path, 'has no "byComponent"');
    const tables = new Map<string, TableColumns[]>();
    for (const [component, list] of Object.entries(byComponent)) {
      if (!Array.isArray(list) || !list.every(isTableColumns))
        throw protocolViolation(path, 'lists something else than tables');
      tables.set(component, list);
    }
    return tables;
  }

  /** Whether the backend is of 2026-08-13 or later (C90). Throws `ConvexApiError`. */
  async activeSyncsRoute(): Promise<ActiveSyncsRoute> {
    const path = '/api/v1/data/list_active_syncs';
    const accepts = (status: number): boolean => status === 200 || status === 404;
    const request = { method: 'GET', path, query: { limit: '1' }, accepts } as const;
    const ask = () => this.#http.retrying(path, () => this.#http.exchange(request));
    let { status, body } = await ask();
    if (status === 404) {
      // A restarting ingress answers so for a moment. The test waits until the deployment answers.
      await this.test();
      ({ status, body } = await ask());
    }
    if (status === 404) return body.length === 0 ? 'absent' : { answer: `${path} answered 404` };
    return Array.isArray(jsonObject(body.toString('utf8'), path)['syncs'])
      ? 'present'
      : { answer: `${path} answered 200` };
  }
}

function isTableColumns(value: unknown): value is TableColumns {
  const { name, columns } = (value ?? {}) as Partial<TableColumns>;
  return typeof name === 'string' && Array.isArray(columns) && columns.every((column) => typeof column === 'string');
}

function digitsMember(page: RawPage, name: string, path: string): string {
  const raw = page.members.get(name);
  if (raw === undefined || !isTimestamp(raw)) throw protocolViolation(path, `has no timestamp "${name}"`);
  return raw;
}

function booleanMember(page: RawPage, name: string, path: string): boolean {
  const raw = page.members.get(name);
  if (raw !== 'true' && raw !== 'false') throw protocolViolation(path, `has no flag "${name}"`);
  return raw === 'true';
}

function cursorMember(page: RawPage, path: string): string | null {
  const raw = page.members.get('cursor');
  if (raw === 'null') return null;
  const cursor = parsedJson(raw);
  if (typeof cursor !== 'string') throw protocolViolation(path, 'has no "cursor"');
  return cursor;
}
