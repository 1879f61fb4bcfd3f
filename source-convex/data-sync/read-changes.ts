/**
 * Reads changes through Data Sync. Unlike the change log it tells of tables that were replaced, and its pages
 * have up to 16,384 changes (C93, C95). Its own snapshots are not used: they are not safe where a page may be
 * delivered without its cursor (C97).
 *
 * A round follows the chains of cursors that the states have. Where a stream joins, a new chain for all
 * streams is begun before the snapshots, and takes over when the old ones have been followed past its
 * beginning. Streams whose table was replaced are set aside; the next round compares their contents, and they
 * join again.
 */
import type { Log } from '../../shared/core/log.ts';
import type { DataSync } from '../../shared/convex/data-sync.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import type { StreamingExport, ValueFormat } from '../../shared/convex/streaming-export.ts';
import { maxDigits, minDigits } from '../../shared/json/integers.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import type { ReadEvent } from '../output/events.ts';
import { date, names } from '../../shared/core/text.ts';
import { resumeAll, type ChangeReader } from '../streaming-export/change-reader.ts';
import { missingTable } from '../streaming-export/plan.ts';
import { MAX_HELD, inLog, withHeld } from '../streaming-export/state.ts';
import type { TableStream } from '../streaming-export/table-stream.ts';
import { isExpired, type WalkFailures } from '../streaming-export/walk-failures.ts';
import { beginChain, pinAtLeast, type BegunChain } from './begin-chain.ts';
import { carriers, chainsOf, CURSOR_BUDGET, startOf, type Chain, type Chains } from './chain.ts';
import { writeDifference } from './difference.ts';
import { followChain } from './follow-chain.ts';

type Events<Result = void> = AsyncGenerator<ReadEvent, Result>;

export interface DataSyncReaderOptions {
  api: StreamingExport;
  sync: DataSync;
  format: ValueFormat;
  log: Log;
  failures: WalkFailures;
}

export class DataSyncChanges implements ChangeReader {
  // A fresh stream has to be read after the chain has begun, not at an older timestamp.
  readonly joinsOldSnapshots = false;
  readonly #options: DataSyncReaderOptions;
  /** The chain that was begun in this round, if one was. */
  #begun: BegunChain | undefined;
  #chains: Chains<TableStream> = { followed: [], suspect: [], outside: [] };
  /** Streams that no chain may follow, because an import writes to their table or has failed. */
  #apart = new Set<TableStream>();
  /** Streams whose table was replaced while this round read changes. */
  readonly #replaced = new Set<TableStream>();
  /** Digits, nanoseconds: up to when the streams of the last chain were read. */
  #end = '0';

  constructor(options: DataSyncReaderOptions) {
    this.#options = options;
  }

  get unfinished(): boolean {
    return this.#replaced.size > 0;
  }

  async *prepare(streams: readonly TableStream[], head: string): Events<string> {
    const { log, failures } = this.#options;
    yield* resumeAll(streams, head, log);
    this.#replaced.clear();
    for (;;) {
      const live = this.#live(streams);
      const fresh = live.filter(isFresh);
      this.#chains = chainsOf(live.filter((stream) => !isFresh(stream)));
      const { followed, suspect, outside } = this.#chains;
      this.#begun = undefined;
      this.#apart.clear();
      if (fresh.length + suspect.length + outside.length === 0 && followed.length <= 1) return head;
      const from = startOf(outside, head);
      try {
        this.#begun = await beginChain(this.#options.api, this.#options.sync, { streams: live, from, now: head });
      } catch (error) {
        if (!(error instanceof ConvexApiError) || error.reason !== 'expired' || from === head) throw error;
        yield* failures.afterExpiry(
          outside.filter((stream) => stream.cursor === from),
          from,
        );
        continue;
      }
      this.#apart = this.#begun.apart;
      this.#warnOfImports();
      chooseCarriers(this.#begun.chain, live);
      for (const stream of [...fresh, ...outside]) this.#join(stream);
      return this.#begun.snapshot;
    }
  }

  async *read(streams: readonly TableStream[], head: string): Events {
    const begun = this.#begun;
    for (const { chain, streams: members } of this.#chains.followed) {
      const until = begun?.snapshot ?? head;
      const left = yield* this.#follow(chain, this.#live(members), until);
      if (begun !== undefined) for (const stream of left) yield* this.#joined(stream);
    }
    if (begun === undefined) return;
    for (const stream of this.#live(this.#chains.suspect))
      if (!this.#apart.has(stream) && (yield* this.#compare(stream, begun.snapshot))) yield* this.#joined(stream);
    const members = this.#live(streams).filter((stream) => stream.place?.chain === begun.chain.id);
    // The old chains may have been followed past the head: all streams end at one commit.
    const until = members.map((stream) => stream.cursor).reduce(maxDigits, head);
    yield* this.#follow(begun.chain, members, until);
  }

  /** Brings the streams that no chain may follow to where the others stand. */
  async *finish(streams: readonly TableStream[], head: string): Events {
    const { api, log } = this.#options;
    if (this.#replaced.size > 0)
      log.warn(
        `The tables of ${names([...this.#replaced])} were replaced again and again while they were read. The next sync goes on with them.`,
      );
    const apart = streams.filter((stream) => this.#apart.has(stream) && !this.#replaced.has(stream));
    if (apart.length === 0) return;
    const end = maxDigits(this.#end, head);
    await pinAtLeast(api, end);
    for (const stream of apart) yield* this.#compare(stream, end);
  }

  #live(streams: readonly TableStream[]): TableStream[] {
    return streams.filter((stream) => !stream.failed && !this.#options.failures.again.has(stream));
  }

  /** Puts a stream into the chain that was begun. */
  #join(stream: TableStream): void {
    const { chain } = this.#begun!;
    const held = stream.place?.held ?? [];
    if (this.#apart.has(stream)) stream.place = { chain: null, held };
    else stream.place = { chain: chain.id, cursor: { hex: chain.cursor, ts: chain.ts }, held };
  }

  *#joined(stream: TableStream): Generator<ReadEvent> {
    this.#join(stream);
    yield { kind: 'positions', positions: [stream.due()] };
  }

  /** Returns the streams that were followed to the end. */
  async *#follow(chain: Chain, members: readonly TableStream[], until: string): Events<TableStream[]> {
    const { api, sync, format, log, failures } = this.#options;
    if (members.length === 0) return [];
    const from = members.map((stream) => stream.cursor).reduce(minDigits);
    log.info(`Reading the changes of ${names(members)} since ${date(from)}, up to ${date(until)}, through Data Sync.`);
    chooseCarriers(chain, members);
    yield { kind: 'phase', name: 'Changes', howFar: () => `up to ${date(chain.ts)}` };
    const streams = new Set(members);
    const setAside = (replaced: readonly TableStream[]) => this.#setAside(replaced);
    const dropped = (missing: readonly TableStream[]) => this.#dropped(missing);
    const error = yield* failures.pass(
      followChain(api, sync, { chain, streams, head: until, format, setAside, dropped }),
    );
    if (error?.reason === 'expired') yield* failures.afterExpiry([...streams], from);
    else if (error !== undefined) yield* failures.failAll([...streams], error);
    if (error !== undefined) return [];
    this.#end = maxDigits(this.#end, chain.ts);
    return [...streams];
  }

  #setAside(replaced: readonly TableStream[]): void {
    this.#options.log.info(
      `The tables of ${names(replaced)} were replaced (imported over, restored, cleared or made anew), or an import into them has begun. What they hold now is compared with what was read before.`,
    );
    for (const stream of replaced) {
      stream.place = { chain: null, held: stream.place?.held ?? [] };
      this.#replaced.add(stream);
    }
  }

  *#dropped(missing: readonly TableStream[]): Generator<ReadEvent> {
    for (const stream of missing) yield stream.fail(missingTable(stream.planned.descriptor, true));
  }

  /** Makes a stream exact at `snapshot`. Returns whether that succeeded. */
  async *#compare(stream: TableStream, snapshot: string): Events<boolean> {
    const { api, log, failures } = this.#options;
    const place = { chain: null, held: stream.place?.held ?? [], compared: stream.place?.compared };
    const before = [...new Set([stream.cursor, ...place.held])];
    if (place.held.length >= MAX_HELD) {
      yield* failures.afterExpiry([stream], stream.cursor);
      return false;
    }
    log.info(`Comparing ${stream.name} as of ${date(snapshot)} with what it was at ${before.map(date).join(', ')}.`);
    yield { kind: 'phase', name: 'Comparison', howFar: () => stream.name };
    stream.place = withHeld(place, snapshot);
    yield { kind: 'positions', positions: [stream.due()] };
    yield { kind: 'checkpoint' };
    const error = yield* failures.pass(writeDifference(api, { stream, before, snapshot }));
    if (error !== undefined) {
      const oldest = { table: stream.planned, snapshot: before.reduce(minDigits) };
      const expired = await isExpired(api, error, oldest);
      yield* expired ? failures.afterExpiry([stream], stream.cursor) : failures.failAll([stream], error);
      return false;
    }
    stream.place = { chain: null, held: [] };
    stream.position = inLog(snapshot);
    yield { kind: 'positions', positions: [stream.due()] };
    return true;
  }

  #warnOfImports(): void {
    if (this.#apart.size === 0) return;
    this.#options.log.warn(
      `An import is writing to the tables of ${names([...this.#apart])}, or one has failed and its rows were not cleaned up yet. Data Sync shows such rows, so these streams are compared as a whole in each sync until the import is over.`,
    );
  }
}

/**
 * The last streams carry the cursor: states are written in the order of streams, and a cursor must not be
 * newer than a stream's position.
 */
function chooseCarriers({ cursor }: Chain, streams: readonly TableStream[]): void {
  const carrying = carriers(cursor, streams.length, testOverride('CURSOR_BUDGET', CURSOR_BUDGET));
  for (const [i, stream] of streams.entries()) stream.carriesCursor = i >= streams.length - carrying;
}

/** Whether its snapshot begins in this round. */
function isFresh(stream: TableStream): boolean {
  return stream.plan.kind === 'snapshot' && !stream.hasSnapshot;
}
