/**
 * Reads tables: snapshots first, then the change log up to one head, never two walks at a time. The head is pinned when the snapshots are
 * finished: what is committed while they are read for hours belongs to this run.
 *
 * A stream that fails on its own leaves the others running. A key that is refused, or a deployment that cannot be reached, stops all.
 */
import type { ConnectorFailure } from '../../shared/core/failure.ts';
import type { Log } from '../../shared/core/log.ts';
import { explain } from '../../shared/connector/failures.ts';
import { ConvexApiError, type Reason } from '../../shared/convex/errors.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import { compareDigits, minDigits } from '../../shared/json/integers.ts';
import type { ReadEvent } from '../output/events.ts';
import { counted, date, names } from '../../shared/core/text.ts';
import { announcement } from './announcement.ts';
import { walkChangeLog } from './change-log.ts';
import { expiredFailure, isExpired, refreshAnewWarning, resyncWarning } from './expiry.ts';
import { snapshotWalks, type SnapshotWalk } from './plan.ts';
import { walkSnapshot } from './snapshot.ts';
import { inLog, inSnapshot } from './state.ts';
import type { TableStream } from './table-stream.ts';

export interface ReadTablesOptions {
  api: StreamingExport;
  /** Host of the deployment. */
  host: string;
  streams: readonly TableStream[];
  log: Log;
  /** What to do with a position that has expired: read the stream anew, or fail it. */
  resync: boolean;
}

type Events<Result = void> = AsyncGenerator<ReadEvent, Result>;

/** Failures after which no other stream can be read either. */
const FATAL: ReadonlySet<Reason> = new Set([
  'unreachable',
  'stopped',
  'no-deployment',
  'bad-key',
  'not-permitted',
  'no-streaming-export',
]);

/** Failures that concern one position and not the deployment. */
const OF_POSITIONS: ReadonlySet<Reason> = new Set(['expired', 'bad-position']);

/** Walks that fail one after the other, without a page between them, until the deployment is at fault and not a stream. */
const MAX_FAILED_WALKS = 3;

/** Snapshots that expire while changes are read are taken anew. More often than this, the deployment keeps too little history to be read. */
const MAX_ROUNDS = 3;

/** Nanoseconds by which a position may be ahead of the head: the clocks of replicas differ. */
const CLOCK_TOLERANCE = 5n * 60n * 1_000_000_000n;

export class TableReader {
  readonly #options: ReadTablesOptions;
  /** Digits: the present of the deployment when the run began, and again after its snapshots. The walk over the change log ends there. */
  #head = '0';
  /** Streams whose snapshot has to be taken anew, at the head. */
  readonly #again: TableStream[] = [];
  #failedWalks = 0;

  constructor(options: ReadTablesOptions) {
    this.#options = options;
  }

  /** Yields everything that is to be written of the tables. Throws the `ConvexApiError` that stops the whole run. */
  async *read(): Events {
    const { api, host, streams, log } = this.#options;
    if (streams.every((stream) => stream.failed)) return;
    this.#head = await api.pin();
    for (const line of announcement(streams, this.#head)) log.info(line);
    yield* this.#round(snapshotWalks(streams, this.#head));
    for (let round = 1; this.#again.length > 0 && round < MAX_ROUNDS; round++)
      yield* this.#round([{ snapshot: this.#head, cursor: null, streams: this.#again.splice(0) }]);
    const expired = this.#again.splice(0);
    for (const stream of expired) yield stream.fail(expiredFailure(host, expired, stream.cursor));
    yield* this.#complete(streams);
  }

  /** Reads snapshots, and then the changes of all streams up to the time at which the snapshots were finished. */
  async *#round(walks: readonly SnapshotWalk<TableStream>[]): Events {
    for (const walk of walks) yield* this.#snapshot(walk);
    yield* this.#complete(this.#options.streams.filter((stream) => !stream.planned.incremental));
    if (this.#incremental().length === 0) return;
    if (walks.length > 0) this.#head = await this.#options.api.pin();
    yield* this.#changes();
  }

  /** The streams whose changes are read. */
  #incremental(): TableStream[] {
    return this.#options.streams.filter(
      (stream) => stream.planned.incremental && !stream.failed && !this.#again.includes(stream),
    );
  }

  *#complete(streams: readonly TableStream[]): Generator<ReadEvent> {
    for (const stream of streams) {
      if (stream.plan.kind === 'done')
        yield { kind: 'positions', positions: stream.advanceTo(inLog(stream.plan.cursor)) };
      if (stream.hasSnapshot && !stream.failed && !this.#again.includes(stream))
        yield { kind: 'complete', stream: stream.index };
    }
  }

  async *#snapshot(walk: SnapshotWalk<TableStream>): Events {
    const { snapshot, cursor, streams } = walk;
    this.#options.log.info(
      `Reading ${names(streams)} as of ${date(snapshot)}${cursor === null ? '' : ', from where the last run stopped'}.`,
    );
    const howFar = () =>
      `${streams.filter((stream) => stream.hasSnapshot).length} of ${counted(streams.length, 'stream')} done`;
    yield { kind: 'phase', name: 'Snapshot', howFar };
    yield* this.#pinStates(walk);
    const error = yield* this.#walk(walkSnapshot(this.#options.api, walk));
    if (error !== undefined) yield* this.#afterFailedSnapshot(walk, error);
  }

  /**
   * The timestamp is saved before the first record. A run that is killed before its first checkpoint is followed by one that goes on at
   * the same timestamp, and whose change log then shows what was deleted meanwhile.
   */
  *#pinStates({ snapshot, cursor, streams }: SnapshotWalk<TableStream>): Generator<ReadEvent> {
    const resumed = streams.filter((stream) => stream.plan.kind === 'resume');
    yield { kind: 'resumed', positions: resumed.map((stream) => stream.resumeAt(inSnapshot(snapshot, cursor))) };
    const fresh = streams.filter((stream) => stream.plan.kind !== 'resume');
    yield { kind: 'positions', positions: fresh.flatMap((stream) => stream.advanceTo(inSnapshot(snapshot, null))) };
    yield { kind: 'checkpoint', all: true };
  }

  async *#afterFailedSnapshot({ snapshot, streams }: SnapshotWalk<TableStream>, error: ConvexApiError): Events {
    const { api, log } = this.#options;
    const unfinished = streams.filter((stream) => !stream.hasSnapshot);
    // A table may have ended on the page that failed, so that its end was not yielded.
    const finished = streams.filter((stream) => stream.hasSnapshot && !stream.failed);
    yield { kind: 'positions', positions: finished.map((stream) => stream.current()) };
    const expired = isExpired(error);
    if (snapshot !== this.#head && (expired || error.reason === 'bad-position')) {
      // Fresh streams only joined the timestamp of interrupted ones: their own positions are sound.
      this.#again.push(...unfinished.filter((stream) => stream.plan.kind === 'snapshot'));
      const interrupted = unfinished.filter((stream) => stream.plan.kind === 'resume');
      yield* expired ? this.#afterExpiry(interrupted, snapshot) : this.#failAll(interrupted, error);
      return;
    }
    // A failure of the whole deployment is no reason to ask for each table. A failure of one table should cost only this one.
    const ofOneTable = error.reason !== 'transient' || error.status === 500;
    if (unfinished.length === 1 || !ofOneTable || expired) {
      yield* this.#failAll(unfinished, error);
      return;
    }
    log.warn(
      `${error.message}. ${names(unfinished)} are read one by one now, so that only those fail that cannot be read.`,
    );
    for (const stream of unfinished) {
      const cursor = stream.position?.snapshotCursor ?? null;
      const own = yield* this.#walk(walkSnapshot(api, { snapshot, cursor, streams: [stream] }));
      if (own !== undefined) yield* this.#failAll([stream], own);
    }
  }

  /** Reads the change log from the oldest position of all streams. Positions that have expired are set aside, and the rest goes on. */
  async *#changes(): Events {
    const { api, log, streams: all } = this.#options;
    const positions = all.flatMap((stream) =>
      stream.plan.kind === 'changes' && stream.position === undefined
        ? [stream.resumeAt(inLog(this.#startOf(stream, stream.plan.cursor)))]
        : [],
    );
    yield { kind: 'resumed', positions };
    for (;;) {
      const streams = this.#incremental();
      const behind = streams.filter((stream) => compareDigits(stream.cursor, this.#head) < 0);
      if (behind.length === 0) return;
      const cursor = behind.map((stream) => stream.cursor).reduce(minDigits);
      log.info(`Reading the changes of ${names(streams)} since ${date(cursor)}, up to ${date(this.#head)}.`);
      yield { kind: 'phase', name: 'Changes', howFar: () => `up to ${date(streams[0]!.cursor)}` };
      const error = yield* this.#walk(walkChangeLog(api, { streams, cursor, head: this.#head }));
      if (error === undefined) return;
      if (error.reason !== 'expired') {
        yield* this.#failAll(streams, error);
        return;
      }
      yield* this.#afterExpiry(
        streams.filter((stream) => stream.cursor === cursor),
        cursor,
      );
    }
  }

  /** Passes on the events of a walk. Returns what stopped it; throws what stops the whole run. */
  async *#walk(events: Events): Events<ConvexApiError | undefined> {
    let failure: ConvexApiError | undefined;
    try {
      for await (const event of events) {
        if (event.kind === 'positions') this.#failedWalks = 0;
        yield event;
      }
    } catch (error) {
      if (!(error instanceof ConvexApiError) || FATAL.has(error.reason)) throw error;
      if (!OF_POSITIONS.has(error.reason) && ++this.#failedWalks === MAX_FAILED_WALKS) throw error;
      failure = error;
    }
    yield { kind: 'checkpoint' };
    return failure;
  }

  /**
   * Where the change log of a stream begins. A position far ahead of the present cannot be one of this deployment: it is of a restored
   * backup, or of a state that was made by hand. Staying there would skip every change until that time comes.
   */
  #startOf(stream: TableStream, cursor: string): string {
    if (BigInt(cursor) <= BigInt(this.#head) + CLOCK_TOLERANCE) return cursor;
    this.#options.log.warn(
      `The saved position of ${stream.name} (${date(cursor)}) lies ahead of the deployment's present (${date(this.#head)}). Reading goes on from the present. If the deployment was restored from a backup, or the state is of another one, refresh the stream.`,
    );
    return this.#head;
  }

  *#afterExpiry(all: readonly TableStream[], position: string): Generator<ReadEvent> {
    const { resync, log, host } = this.#options;
    const refreshes = all.filter(({ planned }) => !planned.incremental);
    const streams = all.filter(({ planned }) => planned.incremental);
    if (refreshes.length > 0) log.warn(refreshAnewWarning(host, refreshes, position));
    this.#readAgain(refreshes);
    if (streams.length === 0) return;
    if (resync) {
      log.warn(resyncWarning(host, streams, position));
      this.#readAgain(streams);
    } else {
      for (const stream of streams) yield stream.fail(expiredFailure(host, streams, position));
    }
  }

  #readAgain(streams: readonly TableStream[]): void {
    for (const stream of streams) stream.plan = { kind: 'snapshot' };
    this.#again.push(...streams);
  }

  *#failAll(streams: readonly TableStream[], error: ConvexApiError): Generator<ReadEvent> {
    const failure = explain(error, { host: this.#options.host, permission: 'deployment:data:view', during: 'sync' });
    for (const stream of streams) yield stream.fail(failure as ConnectorFailure);
  }
}
