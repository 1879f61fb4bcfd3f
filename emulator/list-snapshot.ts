import type { Arguments } from './arguments.ts';
import type { Deployment } from './deployment.ts';
import { badRequest, ServerError, unavailable } from './errors.ts';
import { decodeId, encodeId, MINIMUM_ID, parseTabletId } from './ids.ts';
import { parseFormat } from './json-format.ts';
import { parseSelection, type Selection, type SelectionOptions } from './selection.ts';
import type { Revision, Tablet } from './tablets.ts';

/** Where a walk stands: a tablet (in the order of its bytes) and the last internal id read in it. */
interface Position {
  tablet: string;
  internalId: Uint8Array;
}

/** Work that the walks of a deployment cost the server; a test of a client can bound it. */
export interface SnapshotWork {
  /** Pages that found the cached iterator where they needed it. */
  resumed: number;
  /** Pages that had to set up a new iterator, for which the server reads the log from the snapshot on (trap 8). */
  initialised: number;
  /** Log rows read for that. */
  logRows: number;
}

/**
 * `/api/list_snapshot`: a page of the documents as they were at one timestamp (crates/database/src/database.rs).
 * One instance per deployment, because the backend keeps a single cached iterator for all its readers.
 */
export class ListSnapshot {
  readonly work: SnapshotWork = { resumed: 0, initialised: 0, logRows: 0 };
  readonly #deployment: Deployment;
  readonly #options: SelectionOptions;
  #cached: string | undefined;

  constructor(deployment: Deployment, options: SelectionOptions) {
    this.#deployment = deployment;
    this.#options = options;
  }

  page(args: Arguments): string {
    const given = args.optionalInt64('snapshot');
    const cursorText = args.optionalString('cursor');
    const formatText = args.optionalString('format');
    if (given !== undefined && given < 0n) throw new ServerError('negative timestamp');
    const cursor = cursorText === undefined ? undefined : parseCursor(cursorText);
    const selection = parseSelection(args.all, this.#options);

    const snapshot = this.#snapshot(given);
    const tablets = this.#tablets(snapshot, selection, cursor);
    const [tablet, nextTablet] = tablets;
    if (tablet === undefined) return pageText([], snapshot, undefined);
    this.#countWork(snapshot, tablets, cursor);

    // The position belongs to whatever tablet comes first now: with another selection or a vanished tablet it is applied
    // to a table that it was not made for, and rows are skipped.
    const after = cursor === undefined ? '' : encodeId(tablet.number, cursor.internalId);
    const revisions: Revision[] = [];
    let next: Position | undefined;
    for (const entry of tablet.documents.after(after)) {
      const revision = entry.at(snapshot);
      if (revision === undefined) continue;
      revisions.push(revision);
      if (revisions.length >= this.#deployment.limits.snapshotPage) {
        next = { tablet: tablet.id.order, internalId: decodeId(entry.id)?.internalId ?? new Uint8Array(16) };
        break;
      }
    }
    let cursorOut = next === undefined ? undefined : cursorJson(tablet, encodeId(tablet.number, next.internalId));
    if (next === undefined && nextTablet !== undefined) {
      // A page never spans two tables: it ends here, even empty, and the next one begins before the first id.
      next = { tablet: nextTablet.id.order, internalId: new Uint8Array(16) };
      cursorOut = cursorJson(nextTablet, MINIMUM_ID);
    }
    this.#cached = next === undefined ? undefined : this.#cacheKey(snapshot, remaining(tablets, next), next);

    // Only now does the backend look at the format.
    const format = parseFormat(formatText);
    const columns = selection.columns(tablet.component, tablet.name);
    const head = `{"_component":${JSON.stringify(tablet.component)},"_table":"${tablet.name}","_ts":`;
    const values = revisions.map((revision) => `${head}${revision.ts},${revision.fields(format, columns)}}`);
    return pageText(values, snapshot, cursorOut);
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

  #countWork(snapshot: bigint, tablets: Tablet[], cursor: Position | undefined): void {
    if (this.#cached !== undefined && this.#cached === this.#cacheKey(snapshot, tablets, cursor)) {
      this.work.resumed++;
      return;
    }
    this.work.initialised++;
    const { log } = this.#deployment;
    this.work.logRows += log.rows.length - log.firstAfter(snapshot);
  }

  #cacheKey(snapshot: bigint, tablets: Tablet[], cursor: Position | undefined): string {
    const position = cursor === undefined ? '' : cursor.tablet + Buffer.from(cursor.internalId).toString('hex');
    return [snapshot, position, ...tablets.map((tablet) => tablet.id.order)].join();
  }
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
