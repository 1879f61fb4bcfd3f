/**
 * Reads tables: the snapshots, then the changes of all streams up to one head, one walk at a time (DEC2). The
 * head is pinned after the snapshots, so commits made during long snapshots belong to this run (DEC9).
 */
import type { Log } from '../../shared/core/log.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import type { ReadEvent } from '../output/events.ts';
import { counted, date, names } from '../../shared/core/text.ts';
import { announcement } from './announcement.ts';
import { CHANGE_LOG_REMARK, ChangeLogReader, type ChangeReader } from './change-reader.ts';
import { snapshotWalks, type SnapshotWalk } from './plan.ts';
import { walkSnapshot } from './snapshot.ts';
import { inLog, inSnapshot } from './state.ts';
import type { TableStream } from './table-stream.ts';
import { expiredFailure, isExpired, type WalkFailures } from './walk-failures.ts';

export interface ReadTablesOptions {
  api: StreamingExport;
  /** Host of the deployment. */
  host: string;
  streams: readonly TableStream[];
  log: Log;
  failures: WalkFailures;
  changes: ChangeReader;
}

type Events<Result = void> = AsyncGenerator<ReadEvent, Result>;

/**
 * Rounds of snapshots and changes. Snapshots that expire and tables that are replaced during the run need
 * another round. A deployment that needs more rounds keeps too little history, or replaces tables faster than
 * they are read.
 */
const MAX_ROUNDS = 4;

export class TableReader {
  readonly #options: ReadTablesOptions;
  readonly #failures: WalkFailures;
  #changes: ChangeReader;
  /** The present (digits, ns), pinned at the beginning and after snapshots. Changes are read up to it. */
  #head = '0';

  constructor(options: ReadTablesOptions) {
    this.#options = options;
    this.#failures = options.failures;
    this.#changes = options.changes;
  }

  /** Yields the events of all tables. Throws the `ConvexApiError` that stops the whole run. */
  async *read(): Events {
    const { api, host, streams, log } = this.#options;
    if (streams.every((stream) => stream.failed)) return;
    this.#head = await api.pin();
    for (const line of announcement(streams, this.#head, { changeLog: this.#changes instanceof ChangeLogReader }))
      log.info(line);
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      try {
        yield* this.#round();
      } catch (error) {
        if (!(error instanceof ConvexApiError) || error.reason !== 'no-route') throw error;
        log.warn(
          `${host} cannot be read through Data Sync: ${error.message}. The change log is read instead. ${CHANGE_LOG_REMARK}`,
        );
        this.#changes = new ChangeLogReader({ api, log, failures: this.#failures, keepsPlaces: true });
        continue;
      }
      // What finishes a run may expire as well: then another round reads it anew.
      if (round === MAX_ROUNDS || this.#isDone) yield* this.#changes.finish(this.#incremental(), this.#head);
      if (this.#isDone) break;
    }
    const expired = [...this.#failures.again];
    for (const stream of expired) yield stream.fail(expiredFailure(host, expired, stream.cursor));
    yield* this.#complete(streams);
  }

  get #isDone(): boolean {
    return this.#failures.again.size === 0 && !this.#changes.unfinished;
  }

  /** Reads the snapshots that are due, then the changes of all streams up to a new head. */
  async *#round(): Events {
    const { api, streams } = this.#options;
    this.#failures.again.clear();
    const at = yield* this.#changes.prepare(this.#incremental(), this.#head);
    const joins = ({ planned }: TableStream) => this.#changes.joinsOldSnapshots || !planned.incremental;
    const unread = streams.filter((stream) => !stream.hasSnapshot && !this.#failures.again.has(stream));
    const walks = snapshotWalks(unread, at, { joins });
    for (const walk of walks) yield* this.#snapshot(walk, at);
    yield* this.#complete(streams.filter((stream) => !stream.planned.incremental));
    if (this.#incremental().length === 0) return;
    if (walks.length > 0 || at !== this.#head) this.#head = await api.pin();
    yield* this.#changes.read(this.#incremental(), this.#head);
  }

  /** The streams whose changes are read. */
  #incremental(): TableStream[] {
    return this.#options.streams.filter(
      (stream) => stream.planned.incremental && !stream.failed && !this.#failures.again.has(stream),
    );
  }

  *#complete(streams: readonly TableStream[]): Generator<ReadEvent> {
    for (const stream of streams) {
      if (stream.plan.kind === 'done')
        yield { kind: 'positions', positions: stream.advanceTo(inLog(stream.plan.cursor)) };
      if (stream.hasSnapshot && !stream.failed && !this.#failures.again.has(stream))
        yield { kind: 'complete', stream: stream.index };
    }
  }

  /** `at`: the timestamp of this round's fresh streams (digits, nanoseconds). */
  async *#snapshot(walk: SnapshotWalk<TableStream>, at: string): Events {
    const { snapshot, cursor, streams } = walk;
    this.#options.log.info(
      `Reading ${names(streams)} as of ${date(snapshot)}${cursor === null ? '' : ', from where the last run stopped'}.`,
    );
    const howFar = () =>
      `${streams.filter((stream) => stream.hasSnapshot).length} of ${counted(streams.length, 'stream')} done`;
    yield { kind: 'phase', name: 'Snapshot', howFar };
    yield* this.#pinStates(walk);
    const error = yield* this.#failures.pass(walkSnapshot(this.#options.api, walk));
    if (error !== undefined) yield* this.#afterFailedSnapshot(walk, at, error);
  }

  /**
   * Writes a state with the snapshot's timestamp before the first record. The next run of a killed one
   * continues at the same timestamp, so the changes after it include the deletions made meanwhile (DEC3).
   */
  *#pinStates({ snapshot, cursor, streams }: SnapshotWalk<TableStream>): Generator<ReadEvent> {
    const resumed = streams.filter((stream) => stream.plan.kind === 'resume');
    yield { kind: 'resumed', positions: resumed.map((stream) => stream.resumeAt(inSnapshot(snapshot, cursor))) };
    const fresh = streams.filter((stream) => stream.plan.kind !== 'resume');
    yield { kind: 'positions', positions: fresh.flatMap((stream) => stream.advanceTo(inSnapshot(snapshot, null))) };
    yield { kind: 'checkpoint', all: true };
  }

  async *#afterFailedSnapshot(
    { snapshot, streams }: SnapshotWalk<TableStream>,
    at: string,
    error: ConvexApiError,
  ): Events {
    const { api, log } = this.#options;
    const failures = this.#failures;
    const unfinished = streams.filter((stream) => !stream.hasSnapshot);
    // A table may have ended on the failed page; its end was then not yielded.
    const finished = streams.filter((stream) => stream.hasSnapshot && !stream.failed);
    yield { kind: 'positions', positions: finished.map((stream) => stream.current()) };
    const [first] = unfinished;
    if (first === undefined) return;
    // A fresh snapshot is not too old: a 503 is an outage then.
    const expired =
      snapshot === at ? error.reason === 'expired' : await isExpired(api, error, { table: first.planned, snapshot });
    if (snapshot !== at && (expired || error.reason === 'bad-position')) {
      // Fresh streams only joined the timestamp of interrupted ones. They can be read at another timestamp.
      failures.readAgain(unfinished.filter((stream) => stream.plan.kind === 'snapshot'));
      const interrupted = unfinished.filter((stream) => stream.plan.kind === 'resume');
      yield* expired ? failures.afterExpiry(interrupted, snapshot) : failures.failAll(interrupted, error);
      return;
    }
    // If a single table may be at fault, each table is read on its own, so that only that table fails.
    const ofOneTable = error.reason !== 'transient' || error.status === 500;
    if (unfinished.length === 1 || !ofOneTable || expired) {
      yield* failures.failAll(unfinished, error);
      return;
    }
    log.warn(
      `${error.message}. ${names(unfinished)} are read one by one now, so that only those fail that cannot be read.`,
    );
    for (const stream of unfinished) {
      const cursor = stream.position?.snapshotCursor ?? null;
      const own = yield* failures.pass(walkSnapshot(api, { snapshot, cursor, streams: [stream] }));
      if (own !== undefined) yield* failures.failAll([stream], own);
    }
  }
}
