/**
 * Makes a stream exact after its table was replaced: what the table held at the timestamps that the destination may have is compared
 * with a new snapshot. Rows that are new or differ are written, then a tombstone for every id that is gone. Rows come first: no reader of
 * the destination sees the table empty.
 *
 * All of these records carry the snapshot's timestamp as theirs. The timestamp of an imported row is that of the hidden write (C24), which
 * may be lower than what was written before under the same id.
 *
 * Listings are in the order of ids, so they are merged, and memory does not depend on the table's size.
 */
import { mapYields, walkPages } from '../../shared/core/generators.ts';
import { notConvex } from '../../shared/convex/client.ts';
import type { Documents } from '../../shared/convex/documents.ts';
import { selectTables } from '../../shared/convex/selection.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import type { ReadEvent } from '../output/events.ts';
import { LoopGuard } from '../streaming-export/loop-guard.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { DifferentDocuments } from './different-documents.ts';
import { DocumentId } from './document-id.ts';
import { IdListing, type Revision } from './id-listing.ts';
import { Tombstones } from './tombstones.ts';

/** Revisions of all listings together that are held in memory. */
const MAX_REVISIONS = 100_000;
/** Ids of deleted documents that are held in memory. Where there are more, the listings are read again to find them. */
const MAX_GONE = 200_000;

export interface Comparison {
  stream: TableStream;
  /** Timestamps (digits) of what the destination may hold: the saved position first. */
  before: readonly string[];
  /** Digits, nanoseconds: what it is to hold. */
  snapshot: string;
}

/** Yields the records. The caller sets the position after them. Throws `ConvexApiError`, also where a timestamp has expired. */
export async function* writeDifference(
  api: StreamingExport,
  comparison: Comparison,
  limits = { revisions: MAX_REVISIONS, gone: MAX_GONE },
): AsyncGenerator<ReadEvent, void> {
  const { stream, before, snapshot } = comparison;
  const { planned } = stream;
  const stretch = Math.ceil(limits.revisions / before.length);
  const list = (at: string) => new IdListing(api, { ...planned, snapshot: at, stretch });
  const gone = new Set<string>();
  const merge = new Merge(before.map(list), (id) => gone.size <= limits.gone && gone.add(id));
  yield* writeRows(api, comparison, merge);
  await merge.finish();
  const tombstones = new Tombstones(stream, snapshot);
  if (gone.size <= limits.gone) yield* tombstones.events([...gone]);
  else yield* writeAllTombstones(before.map(list), list(snapshot), tombstones);
}

/** Yields the documents of the snapshot that are new or differ. */
function writeRows(
  api: StreamingExport,
  { stream, snapshot }: Comparison,
  merge: Merge,
): AsyncGenerator<ReadEvent, void> {
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
    return { next: page.cursor ?? undefined, events: [] };
  });
}

/** Walks old listings beside the documents of a new one. */
class Merge {
  readonly #listings: readonly IdListing[];
  readonly #gone: (id: string) => void;

  /** `gone` takes the ids that an old listing has and the new one has not; some may come twice. */
  constructor(listings: readonly IdListing[], gone: (id: string) => void) {
    this.#listings = listings;
    this.#gone = gone;
  }

  /** Whether some old listing lacks this revision, or has another one. Ids have to come in order. */
  async differs({ id, ts }: Revision): Promise<boolean> {
    let differs = false;
    for (const listing of this.#listings) {
      let old = await listing.first();
      for (; old !== undefined && old.id < id; old = await listing.first()) {
        this.#gone(old.id);
        listing.take();
      }
      if (old?.id !== id || old.ts !== ts) differs = true;
      if (old?.id === id) listing.take();
    }
    return differs;
  }

  /** After the last document of the new listing. */
  async finish(): Promise<void> {
    for (const listing of this.#listings) {
      for (let old = await listing.first(); old !== undefined; old = await listing.first()) {
        this.#gone(old.id);
        listing.take();
      }
    }
  }
}

/** Yields a tombstone for each id of an old listing that the new one lacks; some twice. */
async function* writeAllTombstones(
  olds: readonly IdListing[],
  now: IdListing,
  tombstones: Tombstones,
): AsyncGenerator<ReadEvent, void> {
  let gone: string[] = [];
  for (;;) {
    let least: string | undefined;
    for (const old of olds) {
      const first = await old.first();
      if (first !== undefined && (least === undefined || first.id < least)) least = first.id;
    }
    if (least === undefined) break;
    for (const old of olds) if ((await old.first())?.id === least) old.take();
    let present = await now.first();
    for (; present !== undefined && present.id < least; present = await now.first()) now.take();
    if (present?.id !== least) gone.push(least);
    if (gone.length < TOMBSTONES_AT_A_TIME) continue;
    yield* tombstones.events(gone);
    gone = [];
  }
  yield* tombstones.events(gone);
}

const TOMBSTONES_AT_A_TIME = 1_000;
