import type { Arguments } from '../http/arguments.ts';
import type { Deployment } from '../store/deployment.ts';
import { badRequest, ServerError } from '../http/errors.ts';
import { parseFormat } from '../values/json-format.ts';
import type { JsonObject } from '../values/json-parse.ts';
import type { LogRow } from '../store/log.ts';
import { parseSelection, type Selection, type SelectionOptions } from './selection.ts';
import type { Tablet } from '../store/tablets.ts';

/** Nanoseconds after which a started backend first forgets old rows of its log. */
const RETENTION_STARTS_AFTER = 60_000_000_000n;

/** Work of all pages: every reader reads the whole log, whatever it selected (C68). */
export interface DeltasWork {
  rowsRead: number;
}

export interface DeltasOptions extends SelectionOptions {
  /** Backends before 2026-08-11 left documents of components out; they have no route of Data Sync either. */
  deltasOfRootOnly?: boolean;
}

/** `/api/document_deltas`: a page of the log after a commit (crates/database/src/database.rs). */
export class DocumentDeltas {
  readonly work: DeltasWork = { rowsRead: 0 };
  readonly #deployment: Deployment;
  readonly #options: DeltasOptions;

  constructor(deployment: Deployment, options: DeltasOptions) {
    this.#deployment = deployment;
    this.#options = options;
  }

  /** Reads the arguments; the work is done later, once the caller is known to be allowed to ask. */
  prepare(args: Arguments): () => string {
    const cursor = args.optionalInt64('cursor');
    const format = args.optionalString('format');
    return () => this.#page(cursor, format, args.all);
  }

  #page(cursor: bigint | undefined, formatText: string | undefined, selectionArguments: JsonObject): string {
    if (cursor === undefined) {
      throw badRequest('DocumentDeltasCursorRequired', '/api/document_deltas requires a cursor');
    }
    if (cursor < 0n) throw new ServerError('negative timestamp');
    const selection = parseSelection(selectionArguments, this.#options);
    const upperBound = this.#deployment.nowForReads();
    this.#checkRetention(cursor, upperBound);

    const { rows } = this.#deployment.log;
    const visible = this.#visible(selection, upperBound);
    const found: LogRow[] = [];
    let read = 0;
    let last: bigint | undefined;
    let hasMore = false;
    for (let position = this.#deployment.log.firstAfter(cursor); position < rows.length; position++) {
      const row = rows[position];
      if (row === undefined || row.ts > upperBound) break;
      read++;
      if (last !== undefined && last < row.ts) {
        hasMore = true;
        break;
      }
      // Every row counts, shown or not (C66), and the commit that reaches the limit is read to its end (C67).
      if (last === undefined && read >= this.#deployment.limits.deltaRows) last = row.ts;
      if (row.tablet !== undefined && visible(row.tablet)) found.push(row);
    }
    this.work.rowsRead += read;

    const format = parseFormat(formatText);
    const values = found.map(({ ts, tablet, entry, revision }) => {
      const component = tablet?.component ?? '';
      const table = tablet?.name ?? '';
      const head = `{"_component":${JSON.stringify(component)},"_table":"${table}","_ts":${ts}`;
      if (revision === undefined || revision.value === null)
        return `${head},"_deleted":true,"_id":"${entry?.id ?? ''}"}`;
      return `${head},"_deleted":false,${revision.fields(format, selection.columns(component, table))}}`;
    });
    // A cursor from the future finds nothing and is answered with "now": it goes back (C70).
    return `{"values":[${values.join(',')}],"cursor":${last ?? upperBound},"hasMore":${hasMore}}`;
  }

  #checkRetention(cursor: bigint, now: bigint): void {
    // A backend that has just started has not moved its retention on yet.
    if (now - this.#deployment.startedAt < RETENTION_STARTS_AFTER) return;
    if (cursor + 1n >= now - this.#deployment.limits.retention) return;
    throw badRequest(
      'InvalidWindowToReadDocuments',
      `Trying to synchronize from timestamp ${cursor + 1n}, which is older than the database’s retention window. ` +
        'This may happen if you paused your Fivetran or Airbyte connector for a long period of time. Please perform a ' +
        'full sync of the connector. See ' +
        'https://fivetran.com/docs/connectors/troubleshooting/trigger-historical-re-syncs or ' +
        'https://docs.airbyte.com/platform/operator-guides/refreshes',
    );
  }

  /**
   * The table mapping is today's: rows of tablets that are gone are dropped silently, and rows of hidden ones (an import
   * that is under way, or has failed) are rows of the table of their name.
   */
  #visible(selection: Selection, now: bigint): (tablet: Tablet) => boolean {
    const components = new Set(this.#options.deltasOfRootOnly === true ? [''] : this.#deployment.components.at(now));
    return (tablet) =>
      tablet.namedInLog(now) && components.has(tablet.component) && selection.includes(tablet.component, tablet.name);
  }
}
