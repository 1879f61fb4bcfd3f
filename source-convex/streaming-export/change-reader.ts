/** How changes are read: through Data Sync, or from the change log where a backend has nothing else. */
import type { Log } from '../../shared/core/log.ts';
import { compareDigits, minDigits } from '../../shared/json/integers.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import type { ReadEvent, StreamPosition } from '../output/events.ts';
import { date, names } from '../../shared/core/text.ts';
import { walkChangeLog } from './change-log.ts';
import { isAhead } from './present.ts';
import { MAX_HELD, inLog, inSnapshot, withHeld } from './state.ts';
import type { TableStream } from './table-stream.ts';
import type { WalkFailures } from './walk-failures.ts';

type Events<Result = void> = AsyncGenerator<ReadEvent, Result>;

/** A round: snapshots of streams that need one, then the changes of all streams up to one head. */
export interface ChangeReader {
  /** Called before a round's snapshots. Returns the timestamp for fresh streams: digits, nanoseconds. */
  prepare(streams: readonly TableStream[], head: string): Events<string>;
  /** Called after the snapshots, with the streams that have one. Reads their changes up to `head`. */
  read(streams: readonly TableStream[], head: string): Events;
  /** Whether fresh streams may be read at the timestamp of an interrupted snapshot. */
  readonly joinsOldSnapshots: boolean;
  /** Whether another round is needed. */
  readonly unfinished: boolean;
  /** Called after what may be the last round. */
  finish(streams: readonly TableStream[], head: string): Events;
}

/** The event that sets the positions that the states have. */
export function* resumeAll(streams: readonly TableStream[], head: string, log: Log): Generator<ReadEvent> {
  const positions = streams.flatMap((stream) => {
    const { plan } = stream;
    if (stream.position !== undefined) return [];
    if (plan.kind === 'changes') return [stream.resumeAt(inLog(startOf(stream, plan.cursor, head, log)))];
    return plan.kind === 'resume' ? [stream.resumeAt(inSnapshot(plan.snapshot, plan.cursor))] : [];
  });
  yield { kind: 'resumed', positions };
}

/**
 * Where the changes of a stream begin. A position far ahead of the present cannot be one of this deployment:
 * it is of a restored backup, or of a state that was made by hand. Staying there would skip every change
 * until that time comes.
 */
function startOf(stream: TableStream, cursor: string, head: string, log: Log): string {
  if (!isAhead(cursor, head)) return cursor;
  log.warn(
    `The saved position of ${stream.name} (${date(cursor)}) lies ahead of the deployment's present (${date(head)}). Reading goes on from the present. If the deployment was restored from a backup, or the state is of another one, refresh the stream.`,
  );
  return head;
}

/** What the log says of a run that reads the change log (C120, C124). */
export const CHANGE_LOG_REMARK =
  'The change log does not show tables that were imported over, restored from a backup, cleared or dropped. After such a change, refresh the streams concerned.';

interface ChangeLogReaderOptions {
  api: StreamingExport;
  log: Log;
  failures: WalkFailures;
  /**
   * Whether streams keep their places in Data Sync, since it is only missing at the moment. The next run that
   * has it goes on from there, and learns which tables were replaced meanwhile.
   */
  keepsPlaces: boolean;
}

export class ChangeLogReader implements ChangeReader {
  readonly joinsOldSnapshots = true;
  readonly unfinished = false;
  readonly #options: ChangeLogReaderOptions;

  constructor(options: ChangeLogReaderOptions) {
    this.#options = options;
  }

  async *prepare(streams: readonly TableStream[], head: string): Events<string> {
    yield* resumeAll(streams, head, this.#options.log);
    const due: StreamPosition[] = [];
    for (const stream of streams) {
      const { place, position } = stream;
      stream.place = undefined;
      if (!this.#options.keepsPlaces || place === undefined) continue;
      // The log brings older revisions than those that a comparison has written.
      stream.place = { ...place, compared: undefined };
      // A place with so many is never compared, so no more of them are needed.
      if (position === undefined || place.held.length >= MAX_HELD) continue;
      // This run may be killed after records that no state covers, up to the head.
      stream.place = [stream.cursor, head].reduce(withHeld, stream.place);
      due.push(stream.due());
    }
    if (due.length > 0) {
      yield { kind: 'positions', positions: due };
      yield { kind: 'checkpoint' };
    }
    return head;
  }

  /** Reads the change log from the oldest position. Sets expired positions aside; the rest goes on. */
  async *read(all: readonly TableStream[], head: string): Events {
    const { api, log, failures } = this.#options;
    for (;;) {
      const streams = all.filter((stream) => !stream.failed && !failures.again.has(stream));
      const behind = streams.filter((stream) => compareDigits(stream.cursor, head) < 0);
      if (behind.length === 0) return;
      const cursor = behind.map((stream) => stream.cursor).reduce(minDigits);
      log.info(`Reading the changes of ${names(streams)} since ${date(cursor)}, up to ${date(head)}.`);
      yield { kind: 'phase', name: 'Changes', howFar: () => `up to ${date(streams[0]!.cursor)}` };
      const error = yield* failures.pass(walkChangeLog(api, { streams, cursor, head }));
      if (error === undefined) return;
      if (error.reason !== 'expired') {
        yield* failures.failAll(streams, error);
        return;
      }
      yield* failures.afterExpiry(
        streams.filter((stream) => stream.cursor === cursor),
        cursor,
      );
    }
  }

  async *finish(): Events {
    // Every stream stands at the head.
  }
}
