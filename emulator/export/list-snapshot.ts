import type { Arguments } from '../http/arguments.ts';
import type { Deployment } from '../store/deployment.ts';
import { badRequest, ServerError, unavailable } from '../http/errors.ts';
import { decodeId, encodeId, MINIMUM_ID, parseTabletId } from '../values/ids.ts';
import { parseFormat } from '../values/json-format.ts';
import type { JsonObject } from '../values/json-parse.ts';
import { parseSelection, type Selection, type SelectionOptions } from './selection.ts';
import { SnapshotIterator } from './snapshot-iterator.ts';
import type { Revision, Tablet } from '../store/tablets.ts';

/** Where a walk stands: a tablet (in the order of its bytes) and the last internal id read in it. */
interface Position {
  tablet: string;
  internalId: Uint8Array;
}

export interface SnapshotOptions extends SelectionOptions {
  /** Milliseconds that setting up an iterator takes; see `SnapshotIterator`. Default 0. */
  snapshotInitialiseMs?: number;
  /** The chance of a page to end early, as it does when the server has read for a minute. Default 0. */
  shortPages?: number;
}

interface SnapshotArguments {
  snapshot: bigint | undefined;
  cursor: string | undefined;
  format: string | undefined;
  /** All of them: what is not understood as a selection means everything. */
  selection: JsonObject;
}

/** `/api/list_snapshot`: a page of the documents as they were at one timestamp (crates/database/src/database.rs). */
export class ListSnapshot {
  readonly iterator: SnapshotIterator;
  readonly #deployment: Deployment;
  readonly #options: SnapshotOptions;

  constructor(deployment: Deployment, options: SnapshotOptions) {
    this.#deployment = deployment;
    this.#options = options;
    this.iterator = new SnapshotIterator(options.snapshotInitialiseMs ?? 0);
  }

  /** Reads the arguments; the work is done later, once the caller is known to be allowed to ask. */
  prepare(args: Arguments): (signal: AbortSignal) => Promise<string> {
    const snapshot = args.optionalInt64('snapshot');
    const cursor = args.optionalString('cursor');
    const format = args.optionalString('format');
    return (signal) => this.#page({ snapshot, cursor, format, selection: args.all }, signal);
  }

  async #page(args: SnapshotArguments, signal: AbortSignal): Promise<string> {
    const { snapshot: given, cursor: cursorText, format: formatText } = args;
    if (given !== undefined && given < 0n) throw new ServerError('negative timestamp');
    const cursor = cursorText === undefined ? undefined : parseCursor(cursorText);
    const selection = parseSelection(args.selection, this.#options);

    const snapshot = this.#snapshot(given);
    const tablets = this.#tablets(snapshot, selection, cursor);
    const [tablet, nextTablet] = tablets;
    if (tablet === undefined) return pageText([], snapshot, undefined);
    const { log } = this.#deployment;
    const logRows = () => log.rows.length - log.firstAfter(snapshot);
    await this.iterator.ready(cacheKey(snapshot, tablets, cursor), logRows, signal);

    const { revisions, last } = this.#read(tablet, snapshot, cursor);
    let next: Position | undefined;
    let cursorOut: string | undefined;
    if (last !== undefined) {
      next = { tablet: tablet.id.order, internalId: decodeId(last)?.internalId ?? new Uint8Array(16) };
      cursorOut = cursorJson(tablet, last);
    } else if (nextTablet !== undefined) {
      // A page never spans two tables: it ends here, even empty, and the next one begins before the first id.
      next = { tablet: nextTablet.id.order, internalId: new Uint8Array(16) };
      cursorOut = cursorJson(nextTablet, MINIMUM_ID);
    }
    if (next !== undefined) this.iterator.keep(cacheKey(snapshot, remaining(tablets, next), next));

    // Only now does the backend look at the format.
    const format = parseFormat(formatText);
    const columns = selection.columns(tablet.component, tablet.name);
    const head = `{"_component":${JSON.stringify(tablet.component)},"_table":"${tablet.name}","_ts":`;
    const values = revisions.map((revision) => `${head}${revision.ts},${revision.fields(format, columns)}}`);
    return pageText(values, snapshot, cursorOut);
  }

  /** The documents of a page, and the id of the last one where the page is full. */
  #read(tablet: Tablet, snapshot: bigint, cursor: Position | undefined): { revisions: Revision[]; last?: string } {
    // The position belongs to whatever tablet comes first now: with another selection or a vanished tablet it is applied
    // to a table that it was not made for, and rows are skipped.
    const after = cursor === undefined ? '' : encodeId(tablet.number, cursor.internalId);
    const limit = this.#pageLimit();
    const revisions: Revision[] = [];
    for (const entry of tablet.documents.after(after)) {
      const revision = entry.at(snapshot);
      if (revision === undefined) continue;
      revisions.push(revision);
      if (revisions.length >= limit) return { revisions, last: entry.id };
    }
    return { revisions };
  }

  #pageLimit(): number {
    const { limits, random } = this.#deployment;
    const { shortPages = 0 } = this.#options;
    if (shortPages === 0 || random.number() >= shortPages) return limits.snapshotPage;
    return 1 + random.below(limits.snapshotPage);
  }

  #snapshot(given: bigint | undefined): bigint {
    const { limits } = this.#deployment;
    const now = this.#deployment.nowForReads();
    const snapshot = given ?? now;
    if (snapshot > now) throw badRequest('SnapshotTooNew', `Snapshot value ${snapshot} is in the future.`);
    if (now - snapshot > limits.snapshotAge) {
      throw badRequest('SnapshotTooOld', `Snapshot value ${snapshot} is too far in the past.`);
    }
    if (now - snapshot > limits.retention) {
      throw unavailable('InternalServerError', "Your request couldn't be completed. Try again later.");
    }
    return snapshot;
  }

  /** Names, components and documents are those of the snapshot, whatever was dropped or swapped since. */
  #tablets(snapshot: bigint, selection: Selection, cursor: Position | undefined): Tablet[] {
    const components = new Set(this.#deployment.components.at(snapshot));
    return this.#deployment.catalog.all
      .filter((tablet) => tablet.activeAt(snapshot) && components.has(tablet.component))
      .filter((tablet) => cursor === undefined || tablet.id.order >= cursor.tablet)
      .filter((tablet) => selection.includes(tablet.component, tablet.name))
      .sort((a, b) => (a.id.order < b.id.order ? -1 : 1));
  }
}

function cacheKey(snapshot: bigint, tablets: Tablet[], cursor: Position | undefined): string {
  const position = cursor === undefined ? '' : cursor.tablet + Buffer.from(cursor.internalId).toString('hex');
  return [snapshot, position, ...tablets.map((tablet) => tablet.id.order)].join();
}

function remaining(tablets: Tablet[], next: Position): Tablet[] {
  return tablets.filter((tablet) => tablet.id.order >= next.tablet);
}

function cursorJson(tablet: Tablet, id: string): string {
  return JSON.stringify({ tablet: tablet.id.text, id });
}

function pageText(values: string[], snapshot: bigint, cursor: string | undefined): string {
  const cursorText = cursor === undefined ? 'null' : JSON.stringify(cursor);
  return `{"values":[${values.join(',')}],"snapshot":${snapshot},"cursor":${cursorText},"hasMore":${cursor !== undefined}}`;
}

function parseCursor(text: string): Position {
  try {
    const { tablet, id } = JSON.parse(text) as { tablet: unknown; id: unknown };
    const tabletId = typeof tablet === 'string' ? parseTabletId(tablet) : undefined;
    const documentId = typeof id === 'string' ? decodeId(id) : undefined;
    if (tabletId !== undefined && documentId !== undefined) {
      return { tablet: tabletId.order, internalId: documentId.internalId };
    }
  } catch {
    // told below
  }
  throw badRequest(
    'InvalidListSnapshotCursor',
    'Invalid value for the `cursor` argument of list_snapshot. Use a `cursor` returned by a previous list_snapshot ' +
      'call, and treat it as an opaque value.',
  );
}
