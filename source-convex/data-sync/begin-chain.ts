/**
 * Begins a chain of cursors that a snapshot, or a comparison of contents, may be joined with.
 *
 * The order is what makes it exact. The conversion comes first: it tracks the tables that there are at that
 * moment (C100). Then a page and `list_active_syncs` tell whether each table has one physical table: an
 * import under way would not be told at its swap (C123). The snapshot is pinned last. A table that was
 * replaced before the conversion is seen whole in the snapshot, and one that is replaced later shows as a
 * truncate.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { consume } from '../../shared/core/generators.ts';
import type { DataSync, DataSyncPage } from '../../shared/convex/data-sync.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import { selectTables, type Selection } from '../../shared/convex/selection.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import { counted } from '../../shared/core/text.ts';
import { compareDigits, maxDigits } from '../../shared/json/integers.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import { existingTables, mayExist } from '../streaming-export/existing-tables.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import type { Chain } from './chain.ts';

export interface BegunChain {
  chain: Chain;
  /** Streams whose table has several physical tables (an import runs or failed): not followed yet. */
  apart: Set<TableStream>;
  /** Digits, nanoseconds: the snapshot that goes with the chain. */
  snapshot: string;
}

/** How often the number of tables is asked for. Tables may be made and dropped in between. */
const MAX_CHECKS = 4;
/** Milliseconds between two checks. */
const CHECK_PAUSE = 1_000;
/** How often a snapshot is pinned until it includes what Data Sync has read. Some become readable late. */
const MAX_PINS = 60;

/** `from`: the timestamp from which the changes are needed; digits, nanoseconds. Throws `ConvexApiError`. */
export async function beginChain(
  api: StreamingExport,
  sync: DataSync,
  { streams, from, now }: { streams: readonly TableStream[]; from: string; now: string },
): Promise<BegunChain> {
  const begun = new Begun(api, sync, now);
  const cursor = await sync.cursorFromDeltas({ ts: from, selection: selectionOf(streams) });
  const apart = await begun.apart(streams);
  const snapshot = await pinAtLeast(api, begun.latest);
  return { chain: { id: randomBytes(8).toString('hex'), cursor, ts: from }, apart: new Set(apart), snapshot };
}

/** Pins a snapshot at or after `ts`. Throws `ConvexApiError`. */
export async function pinAtLeast(api: StreamingExport, ts: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const pinned = await api.pin();
    if (compareDigits(pinned, ts) >= 0) return pinned;
    if (tries === MAX_PINS)
      throw new ConvexApiError(
        { reason: 'transient', retry: false },
        'snapshots of the deployment are older than its changes, and stay so',
      );
    await wait(testOverride('POLL_MS', CHECK_PAUSE));
  }
}

class Begun {
  /** Digits, nanoseconds: the latest timestamp that Data Sync has named. */
  latest: string;
  readonly #api: StreamingExport;
  readonly #sync: DataSync;
  readonly #now: string;

  constructor(api: StreamingExport, sync: DataSync, now: string) {
    this.#api = api;
    this.#sync = sync;
    this.#now = this.latest = now;
  }

  /** The streams that have more than one physical table. */
  async apart(streams: readonly TableStream[]): Promise<TableStream[]> {
    if (streams.length === 0 || (await this.#isWhole(streams))) return [];
    if (streams.length === 1) return [...streams];
    const half = Math.ceil(streams.length / 2);
    return [...(await this.apart(streams.slice(0, half))), ...(await this.apart(streams.slice(half)))];
  }

  /** Whether each of these tables has one physical table, or none. */
  async #isWhole(streams: readonly TableStream[]): Promise<boolean> {
    const selection = selectionOf(streams);
    for (let check = 1; ; check++) {
      const cursor = await this.#sync.cursorFromDeltas({ ts: this.#now, selection });
      const page = await this.#page(cursor, selection);
      const total = (await this.#sync.activeSync(page.syncId))?.totalTables;
      const existing = await this.#existing(streams);
      if (total === existing && (await this.#isUnchanged(streams, page.nextCursor, existing))) return true;
      const maySplit = total !== undefined && total >= existing;
      if (check >= MAX_CHECKS && !maySplit)
        throw new ConvexApiError(
          { reason: 'transient', retry: false },
          `list_active_syncs does not tell how many tables a sync of ${counted(existing, 'table')} follows`,
        );
      // Asked twice: a table may have been dropped in between.
      if (check >= 2 && maySplit) return false;
      await wait(testOverride('POLL_MS', CHECK_PAUSE));
    }
  }

  /**
   * Whether the same tables exist as when the physical tables were counted. A table that was dropped then,
   * and was made anew before tables were listed, hides that another one has two physical tables. The next
   * page truncates it (C93), or it is dropped again.
   */
  async #isUnchanged(streams: readonly TableStream[], cursor: string, existing: number): Promise<boolean> {
    const { truncates } = await this.#page(cursor, selectionOf(streams));
    return truncates.length === 0 && (await this.#existing(streams)) === existing;
  }

  async #page(cursor: string, selection: Selection): Promise<DataSyncPage> {
    const page = await consume(this.#sync.page({ cursor, selection }));
    if (page.status.type !== 'snapshotting') this.latest = maxDigits(this.latest, page.status.snapshotTs);
    return page;
  }

  async #existing(streams: readonly TableStream[]): Promise<number> {
    const tables = await existingTables(this.#api);
    return streams.filter(({ planned }) => mayExist(tables, planned)).length;
  }
}

function selectionOf(streams: readonly TableStream[]): Selection {
  return selectTables(streams.map((stream) => stream.planned));
}
