/**
 * Makes a stream exact after its table was replaced: what the table held at the timestamps that the
 * destination may have is compared with a new snapshot. Rows that are new or differ are written, then a
 * tombstone for every id that is gone. Rows come first: no reader of the destination sees the table empty.
 *
 * All of these records carry the snapshot's timestamp as theirs. The timestamp of an imported row is that of
 * the hidden write (C24), which may be lower than what was written before under the same id.
 *
 * Listings are in the order of ids, so they are merged, and memory does not depend on the table's size.
 *
 * States say how far the rows, and then the tombstones, have come. A run that goes on after one that was
 * killed reads all listings again, since the table may have been replaced again, but writes only what is not
 * there yet.
 */
import { mapYields, walkPages } from '../../shared/core/generators.ts';
import { notConvex } from '../../shared/convex/client.ts';
import type { Documents } from '../../shared/convex/documents.ts';
import { selectTables } from '../../shared/convex/selection.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import { compareDigits } from '../../shared/json/integers.ts';
import type { ReadEvent } from '../output/events.ts';
import { LoopGuard } from '../streaming-export/loop-guard.ts';
import type { Compared, ComparedPart } from '../streaming-export/state.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { DocumentId } from './document-id.ts';
import { IdListing, type Revision } from './id-listing.ts';
import { DifferentDocuments, Tombstones } from './stamped-records.ts';

/** Revisions of all listings together that are held in memory. */
const MAX_REVISIONS = 100_000;
/** Ids of deleted documents held in memory. If there are more, the listings are read again. */
const MAX_GONE = 100_000;
/** Ids of one event. More of them would be written before the reader of the output is waited for. */
const TOMBSTONES_AT_A_TIME = 1_000;

export interface Comparison {
  stream: TableStream;
  /** Timestamps (digits) of what the destination may hold: the saved position first. */
  before: readonly string[];
  /** Digits, nanoseconds: what it is to hold. */
  snapshot: string;
}

/** Yields the records; the caller sets the position. Throws `ConvexApiError`, also for expired timestamps. */
export async function* writeDifference(
  api: StreamingExport,
  comparison: Comparison,
  limits = { revisions: MAX_REVISIONS, gone: MAX_GONE, tombstones: TOMBSTONES_AT_A_TIME },
): AsyncGenerator<ReadEvent, void> {
  const { stream, before, snapshot } = comparison;
  const { planned } = stream;
  const stretch = Math.ceil(limits.revisions / before.length);
  const list = (at: string) => new IdListing(api, { ...planned, snapshot: at, stretch });
  const gone = new Set<string>();
  const compared = stream.place?.compared ?? { rows: [], gone: [] };
  const merge = new Merge(before.map(list), compared, (id) => gone.size <= limits.gone && gone.add(id));
  yield* writeRows(api, comparison, merge);
  await merge.finish();
  const ids = gone.size <= limits.gone ? [...gone].sort() : allGone(before.map(list), list(snapshot), compared);
  yield* writeTombstones(comparison, ids, limits.tombstones);
}

/**
 * Whether what a table held at `ts` (digits) still matters for an id. A part says: of ids up to `upTo`, the
 * destination holds no document other than those that listings as of `at` or later show.
 */
function matters(parts: readonly ComparedPart[], id: string, ts: string): boolean {
  for (const { at, upTo } of parts) if (id <= upTo) return compareDigits(ts, at) >= 0;
  return true;
}

/** The parts when a comparison of `now`, which is the newest of them, has come to an id. Sorted by id. */
function withPart(parts: readonly ComparedPart[], now: ComparedPart): ComparedPart[] {
  return [now, ...parts.filter(({ upTo }) => upTo > now.upTo)];
}

/** Moves on how far the comparison has come, and yields the position that says so. */
function reached({ stream, snapshot: at }: Comparison, what: keyof Compared, upTo: string): ReadEvent {
  const place = stream.place!;
  const { compared = { rows: [], gone: [] } } = place;
  stream.place = { ...place, compared: { ...compared, [what]: withPart(compared[what], { at, upTo }) } };
  return { kind: 'positions', positions: [stream.current()], endsPage: what === 'rows' };
}

/** Yields the documents of the snapshot that are new or differ. */
function writeRows(api: StreamingExport, comparison: Comparison, merge: Merge): AsyncGenerator<ReadEvent, void> {
  const { stream, snapshot } = comparison;
  const { component, table } = stream.planned;
  const selection = selectTables([stream.planned]);
  const records = new DifferentDocuments(stream, snapshot);
  const ids = new DocumentId();
  const guard = new LoopGuard();
  let last = '';
  /** Whether each document of a batch is to be written. */
  async function differing(documents: Documents): Promise<boolean[]> {
    const differs: boolean[] = [];
    while (documents.next()) {
      const { buffer, start, end, head } = documents;
      if (head.table !== table || head.component !== component) {
        differs.push(false);
        continue;
      }
      const id = ids.read(buffer, start, end);
      if (id <= last) throw notConvex('a snapshot is not in the order of its ids', 200);
      last = id;
      differs.push(await merge.differs({ id, ts: head.ts }));
    }
    documents.rewind();
    return differs;
  }
  return walkPages<ReadEvent, string | null>(null, async function* (cursor) {
    const page = yield* mapYields(api.listSnapshot({ snapshot, cursor, selection }), async (documents) =>
      records.event(documents, await differing(documents)),
    );
    guard.after(page);
    return { next: page.cursor ?? undefined, events: [reached(comparison, 'rows', last)] };
  });
}

/** Walks old listings beside the documents of a new one. */
class Merge {
  readonly #listings: readonly IdListing[];
  readonly #compared: Compared;
  readonly #gone: (id: string) => void;

  /** `gone` takes the ids that an old listing has and the new one has not; some may come twice. */
  constructor(listings: readonly IdListing[], compared: Compared, gone: (id: string) => void) {
    this.#listings = listings;
    this.#compared = compared;
    this.#gone = gone;
  }

  /** Whether some old listing lacks this revision, or has another one. Ids have to come in order. */
  async differs({ id, ts }: Revision): Promise<boolean> {
    let differs = false;
    for (const listing of this.#listings) {
      let old = await listing.first();
      for (; old !== undefined && old.id < id; old = await listing.first()) this.#takeGone(listing, old);
      if (!(old?.id === id && old.ts === ts) && matters(this.#compared.rows, id, listing.at)) differs = true;
      if (old?.id === id) listing.take();
    }
    return differs;
  }

  /** After the last document of the new listing. */
  async finish(): Promise<void> {
    for (const listing of this.#listings)
      for (let old = await listing.first(); old !== undefined; old = await listing.first())
        this.#takeGone(listing, old);
  }

  #takeGone(listing: IdListing, { id }: Revision): void {
    if (matters(this.#compared.gone, id, listing.at)) this.#gone(id);
    listing.take();
  }
}

/** Yields a tombstone for each id; the ids come in order. */
async function* writeTombstones(
  comparison: Comparison,
  ids: Iterable<string> | AsyncIterable<string>,
  atATime: number,
): AsyncGenerator<ReadEvent, void> {
  const tombstones = new Tombstones(comparison.stream, comparison.snapshot);
  let batch: string[] = [];
  for await (const id of ids) {
    if (batch.push(id) < atATime) continue;
    yield tombstones.event(batch);
    yield reached(comparison, 'gone', id);
    batch = [];
  }
  if (batch.length > 0) yield tombstones.event(batch);
}

/** Yields each id of an old listing that the new one lacks. */
async function* allGone(olds: readonly IdListing[], now: IdListing, compared: Compared): AsyncGenerator<string, void> {
  for (;;) {
    let least: string | undefined;
    for (const old of olds) {
      let first = await old.first();
      for (; first !== undefined && !matters(compared.gone, first.id, old.at); first = await old.first()) old.take();
      if (first !== undefined && (least === undefined || first.id < least)) least = first.id;
    }
    if (least === undefined) return;
    for (const old of olds) if ((await old.first())?.id === least) old.take();
    let present = await now.first();
    for (; present !== undefined && present.id < least; present = await now.first()) now.take();
    if (present?.id !== least) yield least;
  }
}
