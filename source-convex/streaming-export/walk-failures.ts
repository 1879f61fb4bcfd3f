/** A failed walk: its streams fail, or, if the key or the deployment is at fault, the whole run. */
import { configError, type ConnectorFailure } from '../../shared/core/failure.ts';
import type { Log } from '../../shared/core/log.ts';
import { consume } from '../../shared/core/generators.ts';
import { explain } from '../../shared/connector/failures.ts';
import { ConvexApiError, type Reason } from '../../shared/convex/errors.ts';
import { selectIds, type TableRef } from '../../shared/convex/selection.ts';
import type { StreamingExport } from '../../shared/convex/streaming-export.ts';
import type { ReadEvent } from '../output/events.ts';
import { date, names } from '../../shared/core/text.ts';
import { inSnapshot } from './state.ts';
import type { TableStream } from './table-stream.ts';

/** Failures after which no stream can be read. `no-route` makes `TableReader` read the change log instead. */
const FATAL: ReadonlySet<Reason> = new Set([
  'unreachable',
  'stopped',
  'no-deployment',
  'bad-key',
  'not-permitted',
  'no-streaming-export',
  'no-route',
]);

/** Failures of a position, not of the deployment. */
const OF_POSITIONS: ReadonlySet<Reason> = new Set(['expired', 'bad-position']);

/** Failed walks in a row, no page between them, after which the deployment is at fault, not a stream. */
const MAX_FAILED_WALKS = 3;

export interface WalkFailuresOptions {
  /** Host of the deployment. */
  host: string;
  log: Log;
  /** With an expired position: true reads the stream again, false fails it. */
  resync: boolean;
}

export class WalkFailures {
  /** Streams whose snapshot has to be taken again. */
  readonly again = new Set<TableStream>();
  readonly #options: WalkFailuresOptions;
  #failedWalks = 0;

  constructor(options: WalkFailuresOptions) {
    this.#options = options;
  }

  /** Passes on a walk's events. Returns its failure, if any; throws one that stops the run. */
  async *pass(events: AsyncGenerator<ReadEvent, void>): AsyncGenerator<ReadEvent, ConvexApiError | undefined> {
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

  /** Handles an expired position (digits, nanoseconds). */
  *afterExpiry(all: readonly TableStream[], position: string): Generator<ReadEvent> {
    const { resync, log, host } = this.#options;
    const refreshes = all.filter(({ planned }) => !planned.incremental);
    const streams = all.filter(({ planned }) => planned.incremental);
    // A full refresh needs no history, so it begins again whatever the configuration says.
    if (refreshes.length > 0)
      log.warn(
        `The snapshot of ${date(position)} that the full refresh of ${names(refreshes)} was reading is not kept by ${host} any more. The full refresh begins anew. Documents of its first part that were deleted since then stay in the destination until the next full refresh.`,
      );
    this.readAgain(refreshes);
    if (streams.length === 0) return;
    if (resync) {
      log.warn(
        `${host} does not keep its documents' history back to ${date(position)} any more. As configured, ${names(streams)} will be read anew; documents that were deleted since then remain in the destination until the streams are refreshed.`,
      );
      this.readAgain(streams);
    } else {
      for (const stream of streams) yield stream.fail(expiredFailure(host, streams, position));
    }
  }

  readAgain(streams: readonly TableStream[]): void {
    for (const stream of streams) {
      stream.plan = { kind: 'snapshot' };
      stream.place = undefined;
      if (stream.position !== undefined) stream.position = inSnapshot(stream.cursor, null);
      this.again.add(stream);
    }
  }

  *failAll(streams: readonly TableStream[], error: ConvexApiError): Generator<ReadEvent> {
    const failure = explain(error, { host: this.#options.host, permission: 'deployment:data:view', during: 'sync' });
    for (const stream of streams) yield stream.fail(failure as ConnectorFailure);
  }
}

/**
 * Whether a walk of a table failed because its snapshot (digits, nanoseconds) is too old. A 503 of this code
 * says so (C56), and so does an outage. It counts only if the deployment answers for the present, and again
 * not for this snapshot.
 */
export async function isExpired(
  api: StreamingExport,
  { reason, status, code }: ConvexApiError,
  { table, snapshot }: { table: TableRef; snapshot: string },
): Promise<boolean> {
  if (reason === 'expired') return true;
  if (status !== 503 || code !== 'InternalServerError') return false;
  try {
    await api.pin();
    await consume(api.listSnapshot({ snapshot, cursor: null, selection: selectIds(table) }));
    return false;
  } catch (again) {
    if (!(again instanceof ConvexApiError)) throw again;
    return again.reason === 'expired' || (again.status === status && again.code === code);
  }
}

/** `position`: digits, nanoseconds. */
export function expiredFailure(host: string, streams: readonly TableStream[], position: string): ConnectorFailure {
  return configError(
    `${host} does not keep its documents' history back to ${date(position)} any more, where ${names(streams)} stopped. What was deleted since cannot be found out, so reading on would leave deleted documents in the destination. Refresh these streams (or clear and sync them) to read them anew. Sync more often than the deployment's retention to avoid this, or set "When the saved position has expired" to "Re-sync data".`,
  );
}
