/**
 * One run over all streams: snapshots first, then the change log up to one head, never two walks at a time. The head is pinned when the
 * snapshots are finished: what is committed while they are read for hours belongs to this run.
 *
 * A stream that fails on its own leaves the others running; a key that is refused, or a deployment that cannot be reached, stops all.
 */
import type { Context } from '../shared/airbyte/connector.ts';
import type { ConnectorFailure } from '../shared/airbyte/failure.ts';
import { explain } from '../shared/connector/failures.ts';
import { ConvexError, type Reason } from '../shared/convex/errors.ts';
import type { StreamingExport } from '../shared/convex/streaming-export.ts';
import { compareDigits, minDigits } from '../shared/json/integers.ts';
import { Checkpoints } from './checkpoints.ts';
import { walkDeltas } from './deltas.ts';
import { expiredFailure, isExpired, refreshAnewWarning, resyncWarning } from './expiry.ts';
import { snapshotWalks, type SnapshotWalk } from './plan.ts';
import { Progress } from './progress.ts';
import { walkSnapshot, type Output } from './snapshot.ts';
import { inLog, inSnapshot } from './state.ts';
import type { SourceStream } from './stream.ts';
import { counted, date, names } from './words.ts';

export interface SyncOptions {
  api: StreamingExport;
  /** Host of the deployment. */
  host: string;
  streams: readonly SourceStream[];
  context: Context;
  /** What to do with a position that has expired: read the stream anew, or fail it. */
  resync: boolean;
}

/** Failures after which no other stream can be read either. */
const FATAL: ReadonlySet<Reason> = new Set([
  'unreachable',
  'stopped',
  'no-deployment',
  'bad-key',
  'not-permitted',
  'no-streaming-export',
]);

/** Failures that say something of one position, and nothing of the deployment. */
const OF_POSITIONS: ReadonlySet<Reason> = new Set(['expired', 'bad-position']);

/** Walks that fail one after the other, without a page between them, until the deployment is at fault and not a stream. */
const MAX_FAILED_WALKS = 3;

/** Needs of which a snapshot is a part. */
const OF_SNAPSHOTS: ReadonlySet<string> = new Set(['snapshot', 'resume']);

/** Snapshots that expire while changes are read are taken anew. More often than this, the deployment keeps too little history to be read. */
const MAX_ROUNDS = 3;

/** Nanoseconds by which a position may be ahead of the head: clocks of replicas differ, and what was promised at it still holds. */
const CLOCK_TOLERANCE = 5n * 60n * 1_000_000_000n;

export class Sync {
  readonly #options: SyncOptions;
  readonly #output: Output;
  readonly #checkpoints: Checkpoints;
  readonly #progress: Progress;
  /** Digits: the deployment's present when the run began, and again after its snapshots. The walk over the change log ends there. */
  #head = '0';
  /** Streams whose snapshot has to be taken anew, at the head. */
  readonly #again: SourceStream[] = [];
  #failedWalks = 0;

  constructor(options: SyncOptions) {
    const { streams, context } = options;
    this.#options = options;
    this.#output = { room: () => context.writer.room() };
    this.#checkpoints = new Checkpoints(streams, context.writer);
    this.#progress = new Progress(context.log, streams);
  }

  async run(): Promise<void> {
    const { api, streams } = this.#options;
    if (streams.every((stream) => stream.failed)) return;
    this.#head = await api.pin();
    this.#announce();
    this.#checkpoints.startHeartbeat();
    try {
      await this.#round(snapshotWalks(streams, this.#head));
      for (let round = 1; this.#again.length > 0 && round < MAX_ROUNDS; round++)
        await this.#round([{ snapshot: this.#head, cursor: null, streams: this.#again.splice(0) }]);
      const expired = this.#again.splice(0);
      for (const stream of expired) stream.fail(expiredFailure(this.#options.host, expired, stream.cursor));
      this.#complete(streams);
    } finally {
      this.#checkpoints.stopHeartbeat();
    }
    this.#progress.summary();
  }

  /** Reads snapshots, and then the changes of all streams up to the time at which the snapshots were finished. */
  async #round(walks: readonly SnapshotWalk<SourceStream>[]): Promise<void> {
    for (const walk of walks) await this.#snapshot(walk);
    this.#complete(this.#options.streams.filter((stream) => !stream.planned.incremental));
    if (this.#ofLog().length === 0) return;
    if (walks.length > 0) this.#head = await this.#options.api.pin();
    await this.#deltas();
  }

  /** The streams whose changes are read. */
  #ofLog(): SourceStream[] {
    return this.#options.streams.filter(
      (stream) => stream.planned.incremental && !stream.failed && !this.#again.includes(stream),
    );
  }

  #complete(streams: readonly SourceStream[]): void {
    for (const stream of streams) {
      if (stream.need.kind === 'done') stream.moveTo(inLog(stream.need.cursor));
      if (stream.state?.snapshotHasMore === false && !this.#again.includes(stream)) stream.complete();
    }
  }

  async #snapshot(walk: SnapshotWalk<SourceStream>): Promise<void> {
    const { snapshot, cursor, streams } = walk;
    this.#options.context.log.info(
      `Reading ${names(streams)} as of ${date(snapshot)}${cursor === null ? '' : ', from where the last run stopped'}.`,
    );
    this.#progress.begin('Snapshot', () => {
      const done = streams.filter((stream) => stream.state?.snapshotHasMore === false).length;
      return `${done} of ${counted(streams.length, 'stream')} done`;
    });
    this.#pinStates(walk);
    const error = await this.#walk(walkSnapshot(this.#options.api, walk, this.#output));
    if (error !== undefined) await this.#afterFailedSnapshot(walk, error);
  }

  /**
   * The timestamp is promised before the first record: a run that is killed before it could say more is followed by one that goes on at
   * the same timestamp, and whose change log then shows what was deleted meanwhile.
   */
  #pinStates({ snapshot, cursor, streams }: SnapshotWalk<SourceStream>): void {
    for (const stream of streams) {
      if (stream.need.kind === 'resume') {
        stream.standAt(inSnapshot(snapshot, cursor));
      } else {
        stream.moveTo(inSnapshot(snapshot, null));
        stream.writeState();
      }
    }
    this.#options.context.writer.flush();
  }

  async #afterFailedSnapshot({ snapshot, streams }: SnapshotWalk<SourceStream>, error: ConvexError): Promise<void> {
    const unfinished = streams.filter((stream) => stream.state?.snapshotHasMore !== false);
    const expired = isExpired(error);
    if (snapshot !== this.#head && (expired || error.reason === 'bad-position')) {
      // Fresh streams had only joined the timestamp of interrupted ones: nothing is wrong with them.
      this.#again.push(...unfinished.filter((stream) => stream.need.kind === 'snapshot'));
      const interrupted = unfinished.filter((stream) => stream.need.kind === 'resume');
      return expired ? this.#afterExpiry(interrupted, snapshot) : this.#failAll(interrupted, error);
    }
    // A failure that the whole deployment would have is no reason to ask for each table; one of a single table should cost only this one.
    const ofOneTable = error.reason !== 'transient' || error.status === 500;
    if (unfinished.length === 1 || !ofOneTable || expired) return this.#failAll(unfinished, error);
    this.#options.context.log.warn(
      `${error.message}. ${names(unfinished)} are read one by one now, so that only those fail that cannot be read.`,
    );
    for (const stream of unfinished) {
      const cursor = stream.state?.snapshotCursor ?? null;
      const alone = walkSnapshot(this.#options.api, { snapshot, cursor, streams: [stream] }, this.#output);
      const own = await this.#walk(alone);
      if (own !== undefined) this.#failAll([stream], own);
    }
  }

  /** Reads the change log from the oldest position of all streams. Positions that have expired are set aside, and the rest goes on. */
  async #deltas(): Promise<void> {
    const { api, context, streams: all } = this.#options;
    for (const stream of all) {
      if (stream.need.kind === 'deltas' && stream.state === undefined)
        stream.standAt(inLog(this.#startOf(stream, stream.need.cursor)));
    }
    for (;;) {
      const streams = this.#ofLog();
      const behind = streams.filter((stream) => compareDigits(stream.cursor, this.#head) < 0);
      if (behind.length === 0) return;
      const cursor = behind.map((stream) => stream.cursor).reduce(minDigits);
      context.log.info(`Reading the changes of ${names(streams)} since ${date(cursor)}, up to ${date(this.#head)}.`);
      this.#progress.begin('Changes', () => `up to ${date(streams[0]!.cursor)}`);
      const error = await this.#walk(walkDeltas(api, { streams, cursor, head: this.#head }, this.#output));
      if (error === undefined) return;
      if (error.reason !== 'expired') return this.#failAll(streams, error);
      this.#afterExpiry(
        streams.filter((stream) => stream.cursor === cursor),
        cursor,
      );
    }
  }

  /** Reads a walk to its end. Gives back what stopped it; throws what stops the whole run. */
  async #walk(pages: AsyncGenerator<unknown>): Promise<ConvexError | undefined> {
    try {
      for await (const _page of pages) {
        this.#failedWalks = 0;
        this.#checkpoints.afterPage();
        this.#progress.page();
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof ConvexError) || FATAL.has(error.reason)) throw error;
      if (!OF_POSITIONS.has(error.reason) && ++this.#failedWalks === MAX_FAILED_WALKS) throw error;
      return error;
    } finally {
      this.#checkpoints.afterWalk();
    }
  }

  /**
   * Where a stream's change log begins. A position far ahead of the deployment's present cannot be one of its own: a restored backup, or
   * a state that was made by hand. Staying there would skip every change until that time comes.
   */
  #startOf(stream: SourceStream, cursor: string): string {
    if (BigInt(cursor) <= BigInt(this.#head) + CLOCK_TOLERANCE) return cursor;
    this.#options.context.log.warn(
      `The saved position of ${stream.name} (${date(cursor)}) lies ahead of the deployment's present (${date(this.#head)}). Reading goes on from the present. If the deployment was restored from a backup, or the state is of another one, refresh the stream.`,
    );
    return this.#head;
  }

  #afterExpiry(all: readonly SourceStream[], position: string): void {
    const { resync, context, host } = this.#options;
    const refreshes = all.filter(({ planned }) => !planned.incremental);
    const streams = all.filter(({ planned }) => planned.incremental);
    if (refreshes.length > 0) context.log.warn(refreshAnewWarning(host, refreshes, position));
    this.#readAgain(refreshes);
    if (streams.length === 0) return;
    if (resync) {
      context.log.warn(resyncWarning(host, streams, position));
      this.#readAgain(streams);
    } else {
      for (const stream of streams) stream.fail(expiredFailure(host, streams, position));
    }
  }

  #readAgain(streams: readonly SourceStream[]): void {
    for (const stream of streams) stream.need = { kind: 'snapshot' };
    this.#again.push(...streams);
  }

  #failAll(streams: readonly SourceStream[], error: ConvexError): void {
    const failure = explain(error, { host: this.#options.host, permission: 'deployment:data:view', during: 'sync' });
    for (const stream of streams) stream.fail(failure as ConnectorFailure);
  }

  #announce(): void {
    const { streams, context } = this.#options;
    const count = (kind: string) => streams.filter((stream) => stream.need.kind === kind).length;
    const parts = [
      [count('snapshot'), 'from the beginning'],
      [count('resume'), 'from the middle of a snapshot'],
      [count('deltas'), 'with changes only'],
      [count('done'), 'that an earlier attempt has read completely'],
      [count('failed'), 'that cannot be read'],
    ] as const;
    const shown = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
    const end = streams.some(({ need, planned }) => planned.incremental && OF_SNAPSHOTS.has(need.kind))
      ? 'with what is committed when its snapshots are finished'
      : `at ${date(this.#head)}`;
    context.log.info(`${counted(streams.length, 'stream')}: ${shown.join(', ')}. This run ends ${end}.`);
    for (const [why, stream] of byReason(streams))
      context.log.info(
        `The saved state of ${names(stream)} ${why}. ${stream.length === 1 ? 'The stream is read from its beginning' : 'These streams are read from their beginning'}.`,
      );
    if (count('deltas') > 0) {
      // The change log shows none of these, and nothing else does (C120, C124).
      context.log.info(
        'The change log does not show tables that were imported over, restored from a backup, cleared or dropped. After such a change, refresh the streams concerned.',
      );
    }
  }
}

/** Streams whose saved state was not used, by the reason. */
function byReason(streams: readonly SourceStream[]): Map<string, SourceStream[]> {
  const reasons = new Map<string, SourceStream[]>();
  for (const stream of streams) {
    const why = stream.need.kind === 'snapshot' ? stream.need.why : undefined;
    if (why !== undefined) reasons.set(why, [...(reasons.get(why) ?? []), stream]);
  }
  return reasons;
}
