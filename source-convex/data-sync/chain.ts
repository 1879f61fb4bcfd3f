/**
 * Chains of Data Sync cursors, and which streams may follow which cursor. Pure.
 *
 * A chain begins with a conversion (C100) while each of its tables has one physical table (C104, C123), and
 * goes on with the cursor of each page. As long as a stream's position is in a chain, a replacement of its
 * table shows as a truncate (C93).
 */
import { compareDigits, minDigits } from '../../shared/json/integers.ts';
import type { SyncPlace } from '../streaming-export/state.ts';

export interface Chain {
  id: string;
  /** Hex, opaque. */
  cursor: string;
  /** Digits, nanoseconds: up to when the cursor has read. */
  ts: string;
}

interface Placed {
  /** Digits, nanoseconds: up to when the stream has been read. */
  cursor: string;
  place: SyncPlace | undefined;
}

/** How the streams of a run go on. */
export interface Chains<Stream> {
  followed: { chain: Chain; streams: Stream[] }[];
  /** Streams whose tables may have been replaced unnoticed since Data Sync read them: to be compared. */
  suspect: Stream[];
  /** Streams that were never read through Data Sync. */
  outside: Stream[];
}

/**
 * Sorts streams into the chains of their saved states. A chain goes on from the oldest of its cursors: what a
 * stream has read already is left out. A stream that is older than each cursor of its chain cannot follow it:
 * changes would be missing.
 */
export function chainsOf<Stream extends Placed>(streams: readonly Stream[]): Chains<Stream> {
  const oldest = new Map<string, Chain>();
  for (const { place } of streams) {
    if (place?.cursor === undefined || place.chain === null) continue;
    const { hex, ts } = place.cursor;
    const known = oldest.get(place.chain);
    if (known === undefined || compareDigits(ts, known.ts) < 0)
      oldest.set(place.chain, { id: place.chain, cursor: hex, ts });
  }
  const followed = new Map<Chain, Stream[]>();
  const chains: Chains<Stream> = { followed: [], suspect: [], outside: [] };
  for (const stream of streams) {
    const { place } = stream;
    const chain = typeof place?.chain === 'string' ? oldest.get(place.chain) : undefined;
    if (place === undefined) chains.outside.push(stream);
    else if (chain === undefined || compareDigits(chain.ts, stream.cursor) > 0) chains.suspect.push(stream);
    else followed.set(chain, [...(followed.get(chain) ?? []), stream]);
  }
  chains.followed = [...followed].map(([chain, members]) => ({ chain, streams: members }));
  return chains;
}

/** Where a chain has to begin to have all changes of these streams: digits, nanoseconds. */
export function startOf(streams: readonly Placed[], now: string): string {
  return streams.map((stream) => stream.cursor).reduce(minDigits, now);
}

/** Characters that the cursors in the states of one checkpoint may have together. */
export const CURSOR_BUDGET = 2 * 1024 * 1024;

/**
 * How many streams carry the cursor in their states. A cursor grows with the number of tables (C98), so that
 * states would grow with its square. More than one, where it fits: the state of one stream may be reset.
 */
export function carriers(cursor: string, streams: number, budget = CURSOR_BUDGET): number {
  return Math.min(streams, Math.max(1, Math.floor(budget / cursor.length)));
}
