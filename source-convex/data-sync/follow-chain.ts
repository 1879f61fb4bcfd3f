/**
 * The walk over a chain of cursors: pages of changes from one consistent timestamp to the next (C92), until
 * one is at or past the head.
 *
 * A table that a page truncates was replaced, or an import has begun to write one (C93, C122). Its new rows
 * are not read here: the page is thrown away and asked for again without the table (C103), and the table's
 * contents are compared later (see difference.ts).
 */
import { walkPages } from '../../shared/core/generators.ts';
import { notConvex } from '../../shared/convex/client.ts';
import type { DataSync, DataSyncPage, DataSyncStart } from '../../shared/convex/data-sync.ts';
import { selectTables, tableKey } from '../../shared/convex/selection.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import type { StreamingExport, ValueFormat } from '../../shared/convex/streaming-export.ts';
import { compareDigits, maxDigits } from '../../shared/json/integers.ts';
import type { ReadEvent, StreamPosition } from '../output/events.ts';
import { existingTables, mayExist } from '../streaming-export/existing-tables.ts';
import { expectPast } from '../streaming-export/present.ts';
import { heldAfter, inLog, withHeld } from '../streaming-export/state.ts';
import { StreamRouter } from '../streaming-export/stream-router.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import type { Chain } from './chain.ts';
import { Segment } from './segment.ts';

export interface ChainWalk {
  /** Moved on with each page. */
  chain: Chain;
  /** The streams that follow. Those that are set aside are removed. */
  streams: Set<TableStream>;
  /** The walk ends with the page that reaches this (digits, ns), however much is written meanwhile. */
  head: string;
  format: ValueFormat;
  /** Takes the streams whose tables were replaced. */
  setAside: (replaced: readonly TableStream[]) => void;
  /** Yields the failures of streams whose tables were dropped. */
  dropped: (streams: readonly TableStream[]) => Generator<ReadEvent>;
}

/**
 * Yields the changes after each stream's position, and the new positions. Before records are written, states
 * say what the destination may hold then: if the run is killed and the table replaced, the next run has to
 * know. Throws `ConvexApiError`.
 */
export function followChain(api: StreamingExport, sync: DataSync, walk: ChainWalk): AsyncGenerator<ReadEvent, void> {
  const { chain, streams, head } = walk;
  // Of a page that is asked for again: how long the cursor after it is if each table is still there, and the
  // timestamp (digits) up to which its changes were written.
  let again = { cursor: '', length: 0, writtenTo: '0' };
  // How many streams the cursor follows.
  let followed = streams.size;
  let stalled = 0;
  const countStalled = () => {
    if (++stalled > MAX_WITHOUT_PROGRESS)
      throw notConvex(`${MAX_WITHOUT_PROGRESS} pages of Data Sync in a row end where they begin`, 200);
  };
  return walkPages<ReadEvent, string>(chain.cursor, async function* (cursor) {
    if (streams.size === 0) return { next: undefined, events: [] };
    const { length, writtenTo } = again.cursor === cursor ? again : { length: cursor.length, writtenTo: '0' };
    const page = yield* readPage({ api, sync }, walk, cursor, writtenTo);
    if (page === 'truncated') return { next: cursor, events: [] };
    const { status, nextCursor, tables } = page;
    if (status.type === 'snapshotting') throw notConvex(SNAPSHOTTING, 200);
    const existing = await tables;
    yield* dropMissing(existing, walk);
    // A cursor that gets shorter follows fewer tables (C98): one was left out by us, or dropped, and it may
    // have been made anew since. Then the same page truncates it now. Its stream must not be moved to a
    // timestamp at which there was no table.
    if (nextCursor.length < length) {
      // None was left out, and whether one was dropped cannot be told (C85).
      if (existing === undefined && streams.size === followed)
        throw new ConvexApiError(
          { reason: 'transient', retry: false },
          'a table may have been dropped, and the deployment cannot list its tables at the moment',
        );
      countStalled();
      again = { cursor, length: nextCursor.length, writtenTo: status.snapshotTs };
      return { next: cursor, events: [] };
    }
    if (status.type === 'stale' && status.snapshotTs === chain.ts) countStalled();
    else stalled = 0;
    chain.cursor = nextCursor;
    chain.ts = status.snapshotTs;
    followed = streams.size;
    const positions = [...streams].flatMap((stream) => moveTo(stream, chain));
    const atEnd = status.type === 'upToDate' || compareDigits(chain.ts, head) >= 0;
    return { next: atEnd ? undefined : nextCursor, events: [{ kind: 'positions', positions, endsPage: true }] };
  });
}

/**
 * Nothing tells that a table was dropped (C94), so it is looked for with each page. Its stream stays at a
 * position at which the table can be listed: if it is made anew, what is gone can be found out.
 */
function* dropMissing(
  tables: ReadonlySet<string> | undefined,
  { streams, dropped }: ChainWalk,
): Generator<ReadEvent, void> {
  const missing = [...streams].filter(({ planned }) => !mayExist(tables, planned));
  for (const stream of missing) streams.delete(stream);
  yield* dropped(missing);
}

/** Pages in a row without progress. Tables that were left out or dropped cause a few, not more. */
const MAX_WITHOUT_PROGRESS = 100;

const SNAPSHOTTING = 'a page of Data Sync reads a table that it did not truncate';

function moveTo(stream: TableStream, { id, cursor, ts }: Chain): StreamPosition[] {
  stream.place = { chain: id, cursor: { hex: cursor, ts }, held: heldAfter(stream.place!, ts) };
  return stream.advanceTo(inLog(maxDigits(stream.cursor, ts)));
}

/** A page, and the tables that existed at or after its timestamp. */
type ReadPage = DataSyncPage & { tables: Promise<ReadonlySet<string> | undefined> };

async function* readPage(
  { api, sync }: { api: StreamingExport; sync: DataSync },
  { chain, streams, head, format, setAside }: ChainWalk,
  cursor: string,
  writtenTo: string,
): AsyncGenerator<ReadEvent, ReadPage | 'truncated'> {
  const selected = [...streams];
  const router = new StreamRouter(selected);
  const segment = new Segment(format);
  // States with long cursors are to be a small part of the output.
  const limit = Math.min(MAX_SEGMENT, Math.max(MIN_SEGMENT, 8 * cursor.length * selected.length));
  const page = sync.page({ cursor, selection: selectTables(selected.map((stream) => stream.planned)) });
  let tables: ReadPage['tables'] = Promise.resolve(undefined);
  let snapshotTs = chain.ts;
  let newest = chain.ts;
  // The stream of the last change, and whether a change of it with that timestamp is to be written.
  let last: TableStream | undefined;
  let isNew = false;
  try {
    for (;;) {
      const step = await page.next();
      if (step.done) {
        yield* write(segment);
        return { ...step.value, tables };
      }
      if (step.value.kind === 'start') {
        const replaced = truncated(selected, step.value);
        if (replaced.length > 0) {
          for (const stream of replaced) streams.delete(stream);
          setAside(replaced);
          return 'truncated';
        }
        // What an earlier try brought is written. Its changes may come in another order of pages now.
        yield* write(segment);
        snapshotTs = timestampOf(step.value, chain);
        await expectPast(api, snapshotTs, head);
        // Listed while the changes come in: a table that exists now existed at the earlier time of the page.
        tables = existingTables(api);
        // Prevents an unhandled rejection; the `await` after the page still throws.
        tables.catch(() => undefined);
        newest = chain.ts;
        last = undefined;
        isNew = false;
        continue;
      }
      const changes = step.value;
      while (changes.next()) {
        const { ts } = changes;
        const stream = router.find(changes.component, changes.table);
        if (ts !== newest || stream !== last) {
          if (compareDigits(ts, newest) < 0 || compareDigits(ts, snapshotTs) > 0)
            throw notConvex('a page of Data Sync holds changes that are not in the order of their commits', 200);
          newest = ts;
          last = stream;
          isNew = stream !== undefined && compareDigits(ts, maxDigits(stream.cursor, writtenTo)) > 0;
        }
        if (!isNew) continue;
        segment.add(changes, stream!);
        if (segment.bytes >= limit) yield* write(segment);
      }
    }
  } finally {
    await page.return(undefined as never);
  }
}

/** Bytes of records that are held before they are written. */
const MIN_SEGMENT = 1024 * 1024;
const MAX_SEGMENT = 8 * MIN_SEGMENT;

/** Writes a segment's records, after states that say what the destination may hold then. */
function* write(segment: Segment): Generator<ReadEvent> {
  if (segment.bytes === 0) return;
  const witnesses = segment.witnesses();
  const due: StreamPosition[] = [];
  for (const [stream, timestamps] of witnesses) {
    const place = timestamps.reduce(withHeld, stream.place!);
    // Said already, where the page broke off and is read again.
    if (place === stream.place) continue;
    stream.place = place;
    due.push(stream.due());
  }
  yield { kind: 'positions', positions: due };
  yield { kind: 'checkpoint' };
  yield { kind: 'records', records: segment };
  // Further changes of a last commit may follow.
  const complete = segment.complete();
  segment.clear();
  const positions = complete.flatMap(([stream, ts]) => {
    stream.place = { ...stream.place!, held: heldAfter(stream.place!, ts) };
    return stream.advanceTo(inLog(maxDigits(stream.cursor, ts)));
  });
  yield { kind: 'positions', positions };
}

function truncated(streams: readonly TableStream[], { truncates }: DataSyncStart): TableStream[] {
  const tables = new Set(truncates.map(({ component, table }) => tableKey(component, table)));
  return streams.filter(({ planned }) => tables.has(tableKey(planned.component, planned.table)));
}

function timestampOf({ status }: DataSyncStart, chain: Chain): string {
  if (status.type === 'snapshotting') throw notConvex(SNAPSHOTTING, 200);
  if (compareDigits(status.snapshotTs, chain.ts) < 0) throw notConvex('a page of Data Sync goes back in time', 200);
  return status.snapshotTs;
}
