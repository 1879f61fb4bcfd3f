/**
 * One run over all streams: snapshots first, then the change log up to one head, never two walks at a time.
 *
 * A stream that fails on its own leaves the others running; a key that is refused, or a deployment that cannot be reached, stops all.
 */
import type { Context } from '../shared/airbyte/connector.ts';
import { ConnectorFailure, configError } from '../shared/airbyte/failure.ts';
import { explain } from '../shared/connector/failures.ts';
import { ConvexError, type Reason } from '../shared/convex/errors.ts';
import type { StreamingExport } from '../shared/convex/streaming-export.ts';
import { compareDigits, minDigits } from '../shared/json/integers.ts';
import { Checkpoints } from './checkpoints.ts';
import { walkDeltas } from './deltas.ts';
import { snapshotWalks, type SnapshotWalk } from './plan.ts';
import { Progress } from './progress.ts';
import { walkSnapshot, type Output } from './snapshot.ts';
import type { SourceStream } from './stream.ts';

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
const FATAL: ReadonlySet<Reason> = new Set(['unreachable', 'bad-key', 'not-permitted', 'no-streaming-export']);

/** Nanoseconds by which a position may be ahead of the head: clocks of replicas differ, and what was promised at it still holds. */
const CLOCK_TOLERANCE = 5n * 60n * 1_000_000_000n;

export class Sync {
  readonly #options: SyncOptions;
  readonly #output: Output;
  readonly #checkpoints = new Checkpoints();
  readonly #progress: Progress;
  /** Digits: the deployment's present when the run began. */
  #head = '0';
  /** Streams whose snapshot has to be taken anew, at the head. */
  readonly #again: SourceStream[] = [];

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#output = { room: () => options.context.writer.room() };
    this.#progress = new Progress(options.context.log);
  }

  async run(): Promise<void> {
    const { api, streams, context } = this.#options;
    if (streams.every((stream) => stream.failed)) return;
    this.#head = await api.pin();
    this.#announce();
    await this.#snapshots(streams);
    await this.#deltas(streams);
    for (const stream of streams) {
      if (stream.need.kind === 'done')
        stream.moveTo({ snapshotCursor: null, snapshotHasMore: false, deltaCursor: stream.need.cursor });
      if (!stream.failed) stream.complete();
    }
    await context.writer.room();
    this.#progress.summary(streams);
  }

  async #snapshots(streams: readonly SourceStream[]): Promise<void> {
    for (const walk of snapshotWalks(streams, this.#head)) await this.#snapshot(walk);
    await this.#snapshotAgain();
  }

  /** Streams that are to be read anew, in one walk. */
  async #snapshotAgain(): Promise<void> {
    const streams = this.#again.splice(0);
    if (streams.length > 0) await this.#snapshot({ snapshot: this.#head, cursor: null, streams });
  }

  async #snapshot(walk: SnapshotWalk<SourceStream>): Promise<void> {
    const { api, context } = this.#options;
    const { snapshot, cursor, streams } = walk;
    context.log.info(
      `Reading ${names(streams)} as of ${date(snapshot)}${cursor === null ? '' : ', from where the last run stopped'}.`,
    );
    this.#progress.begin('Snapshot', streams);
    try {
      for await (const _page of walkSnapshot(api, walk, this.#output)) {
        this.#checkpoints.afterPage(streams);
        this.#progress.page();
      }
    } catch (error) {
      if (!(error instanceof ConvexError) || FATAL.has(error.reason)) throw error;
      const unfinished = streams.filter((stream) => stream.state?.snapshotHasMore !== false);
      if (error.reason !== 'expired' || snapshot === this.#head) return this.#failAll(unfinished, error);
      // Fresh streams had only joined the timestamp of interrupted ones: for them nothing has expired.
      this.#again.push(...unfinished.filter((stream) => stream.need.kind === 'snapshot'));
      this.#afterExpiry(
        unfinished.filter((stream) => stream.need.kind !== 'snapshot'),
        snapshot,
      );
    }
    for (const stream of streams) if (stream.worthState && !stream.failed) stream.writeState();
  }

  /** Reads the change log from the oldest position of all streams. Positions that have expired are dealt with, and the rest goes on. */
  async #deltas(all: readonly SourceStream[]): Promise<void> {
    const { api, context } = this.#options;
    for (const stream of all) {
      if (stream.need.kind === 'deltas')
        stream.moveTo({
          snapshotCursor: null,
          snapshotHasMore: false,
          deltaCursor: this.#startOf(stream, stream.need.cursor),
        });
    }
    for (;;) {
      const streams = all.filter(
        (stream) => stream.planned.incremental && !stream.failed && stream.need.kind !== 'done',
      );
      const behind = streams.filter((stream) => compareDigits(stream.cursor, this.#head) < 0);
      if (behind.length === 0) return;
      const cursor = behind.map((stream) => stream.cursor).reduce(minDigits);
      context.log.info(`Reading the changes of ${names(streams)} since ${date(cursor)}, up to ${date(this.#head)}.`);
      this.#progress.begin('Changes', streams);
      try {
        for await (const _page of walkDeltas(api, { streams, cursor, head: this.#head }, this.#output)) {
          this.#checkpoints.afterPage(streams);
          this.#progress.page();
        }
        return;
      } catch (error) {
        if (!(error instanceof ConvexError) || FATAL.has(error.reason)) throw error;
        if (error.reason !== 'expired') return this.#failAll(streams, error);
        this.#afterExpiry(
          streams.filter((stream) => stream.cursor === cursor),
          cursor,
        );
        await this.#snapshotAgain();
      }
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

  #afterExpiry(streams: readonly SourceStream[], position: string): void {
    if (streams.length === 0) return;
    const { resync, context, host } = this.#options;
    const since = date(position);
    if (!resync) {
      const all = names(streams);
      for (const stream of streams) {
        stream.fail(
          configError(
            `${host} does not keep its documents' history back to ${since} any more, where ${all} stopped. What was deleted since cannot be found out, so reading on would leave deleted documents in the destination. Refresh these streams (or clear and sync them) to read them anew. Sync more often than the deployment's retention to avoid this, or set "When the saved position has expired" to "Re-sync data".`,
          ),
        );
      }
      return;
    }
    context.log.warn(
      `${host} does not keep its documents' history back to ${since} any more. As configured, ${names(streams)} will be read anew; documents that were deleted since then remain in the destination until the streams are refreshed.`,
    );
    for (const stream of streams) {
      stream.need = { kind: 'snapshot' };
      stream.state = undefined;
    }
    this.#again.push(...streams);
  }

  #failAll(streams: readonly SourceStream[], error: ConvexError): void {
    const failure = explain(error, { host: this.#options.host, permission: 'deployment:data:view', during: 'sync' });
    for (const stream of streams) stream.fail(failure as ConnectorFailure);
  }

  #announce(): void {
    const { streams, context } = this.#options;
    const count = (kind: string) => streams.filter((stream) => stream.need.kind === kind).length;
    context.log.info(
      `${streams.length} streams: ${count('snapshot')} from the beginning, ${count('resume')} in the middle of a snapshot, ${count('deltas')} with changes only. This run ends at ${date(this.#head)}.`,
    );
    if (count('deltas') > 0) {
      // Trap 10: the log shows none of these, and nothing else does.
      context.log.warn(
        'The change log does not show tables that were imported over, restored from a backup, cleared or dropped. After such a change, refresh the streams concerned.',
      );
    }
  }
}

const MAX_NAMES = 8;

function names(streams: readonly SourceStream[]): string {
  const shown = streams.slice(0, MAX_NAMES).map((stream) => stream.name);
  return streams.length > MAX_NAMES ? `${shown.join(', ')} and ${streams.length - MAX_NAMES} more` : shown.join(', ');
}

/** A timestamp (digits, nanoseconds) for humans, to the second. */
function date(digits: string): string {
  const milliseconds = Number(BigInt(digits) / 1_000_000n);
  return milliseconds > 8.64e15
    ? `${digits} ns`
    : `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
