/** Sends the records of a lane: tries again what is worth it, and takes a request that is refused apart until the bad record stands alone. */
import { ConnectorFailure } from '../shared/core/failure.ts';
import type { Log } from '../shared/core/log.ts';
import { ConvexApiError } from '../shared/convex/errors.ts';
import { isUnclassified, type StreamingImport } from '../shared/convex/streaming-import.ts';
import type { Lane, Placed } from './request-body.ts';
import { saysAbsent, uninsertable, withMember } from './tombstones.ts';
import { reasonOf } from './reasons.ts';

/** How often a request is tried whose only answer is an unclassified error, which may be about the server or about a record (C7). */
const PATIENCE = { batch: 3, part: 2, last: 4 };
/** So many records fail in this way, and none has been written: it is the server. */
const MAX_SUSPECTS = 5;

export interface ImporterOptions {
  api: Pick<StreamingImport, 'importOnce' | 'retrying' | 'test'>;
  log: Log;
  /** A record was refused for good. May throw to end the matter. */
  onRejected: (record: Placed, data: Buffer, reason: string) => void;
  /** A deletion cannot be sent as usual: the schema of its table is in the way (see tombstones.ts). */
  onGuardedTable: (record: Placed) => void;
}

export class Importer {
  readonly #options: ImporterOptions;
  /** Whether a request of the lane in hand has succeeded. */
  #written = false;
  /** Records of it at which the server fails each time, although it answers otherwise. */
  #suspects: { index: number; refusal: ConvexApiError }[] = [];

  constructor(options: ImporterOptions) {
    this.#options = options;
  }

  /** Resolves when every record of the lane is durable or was rejected. Throws where nothing more can be done. */
  async send(lane: Lane): Promise<void> {
    this.#written = false;
    this.#suspects = [];
    const refusal = await this.#post(lane.body(), lane, 0, lane.count, PATIENCE.batch);
    if (refusal === undefined) return;
    await this.#divide(lane, 0, lane.count, refusal);
    for (const { index, refusal: suspicion } of this.#suspects) {
      // That others were written meanwhile is what tells a bad record from a server that is not well.
      if (!this.#written && lane.count > 1) throw transient(suspicion);
      this.#reject(lane, index, suspicion);
    }
  }

  /**
   * The records `[from, to)` were refused together. Sending them again in parts is safe: deduplicated records can be sent twice, and a
   * request of appended ones is all or nothing (see batch.ts). Order is kept, so the last version of a row wins.
   */
  async #divide(lane: Lane, from: number, to: number, refusal: ConvexApiError): Promise<void> {
    if (to - from === 1) return this.#alone(lane, from, refusal);
    const middle = (from + to) >>> 1;
    for (const [start, end] of [
      [from, middle],
      [middle, to],
    ] as const) {
      const again = await this.#post(lane.body(start, end), lane, start, end, PATIENCE.part);
      if (again !== undefined) await this.#divide(lane, start, end, again);
    }
  }

  async #alone(lane: Lane, index: number, refusal: ConvexApiError): Promise<void> {
    const record = lane.at(index);
    const { tombstone, stream } = record;
    if (tombstone !== undefined) {
      if (tombstone.alone && saysAbsent(refusal)) return;
      if (!tombstone.alone) {
        const data = withMember(lane.data(index), uninsertable(stream.key!));
        const again = await this.#post(lane.bodyWith(index, data), lane, index, index + 1, PATIENCE.part);
        if (refusal.code === 'SchemaEnforcementError') this.#options.onGuardedTable(record);
        if (again === undefined || saysAbsent(again)) return;
        refusal = again;
      }
    }
    if (isUnclassified(refusal)) {
      // The record or the server? If the server answers another request and goes on to fail on this one, the record is suspected.
      await this.#options.api.test();
      const again = await this.#post(lane.body(index, index + 1), lane, index, index + 1, PATIENCE.last);
      if (again === undefined) return;
      if (isUnclassified(again)) {
        this.#suspects.push({ index, refusal: again });
        if (!this.#written && this.#suspects.length >= MAX_SUSPECTS) throw transient(again);
        return;
      }
      refusal = again;
    }
    this.#reject(lane, index, refusal);
  }

  #reject(lane: Lane, index: number, refusal: ConvexApiError): void {
    const data = lane.data(index);
    this.#options.onRejected(lane.at(index), data, reasonOf(refusal, data, !lane.append));
  }

  /** Sends one request. Returns the refusal if its records are the reason why it was not accepted; throws any other failure. */
  async #post(
    body: Buffer,
    lane: Lane,
    from: number,
    to: number,
    patience: number,
  ): Promise<ConvexApiError | undefined> {
    const { api } = this.#options;
    let unclassified = 0;
    try {
      await api.retrying(async () => {
        try {
          await api.importOnce(body);
        } catch (error) {
          if (!(error instanceof ConvexApiError)) throw error;
          if (lane.append && error.maybeDone) this.#warnOfDuplicates(lane, from, to);
          if (isUnclassified(error) && ++unclassified >= patience) throw final(error);
          throw error;
        }
      });
      this.#written = true;
      return undefined;
    } catch (error) {
      if (error instanceof ConvexApiError && (error.reason === 'refused' || error.status === 413)) {
        const failure = requestFailure(error);
        if (failure !== undefined) throw failure;
        return error;
      }
      throw error;
    }
  }

  #warnOfDuplicates(lane: Lane, from: number, to: number): void {
    const names = new Set<string>();
    for (let index = from; index < to; index++) names.add(lane.at(index).stream.text);
    this.#options.log.warn(
      `The answer to a request of ${to - from} records was lost. They may have been stored, and are sent again: up to ${to - from} documents of ${[...names].join(', ')} may be there twice. The sync mode append_dedup knows no such duplicates.`,
    );
  }
}

/** The same answer, as one that is not worth another try. */
function final(error: ConvexApiError): ConvexApiError {
  return again(error, 'refused');
}

/** The same answer, as the failure of a server that may be well again later. */
function transient(error: ConvexApiError): ConvexApiError {
  return again(error, 'transient');
}

function again(error: ConvexApiError, reason: 'refused' | 'transient'): ConvexApiError {
  const { status, code, detail } = error;
  return new ConvexApiError({ reason, retry: false }, error.message, { status: status!, code, detail });
}

/** Refusals that are about the request or the deployment; no record of it would be accepted alone. */
function requestFailure(error: ConvexApiError): ConnectorFailure | undefined {
  switch (error.code ?? '') {
    case 'IndexNotFoundError':
    case 'MissingIndex':
      return new ConnectorFailure(
        'transient_error',
        'The index by which records are deduplicated has vanished during the sync: its table was probably replaced or removed by somebody else. The next sync builds it again.',
        { cause: error },
      );
    case 'TooManyTables':
      return new ConnectorFailure(
        'config_error',
        'The deployment has reached the number of tables that Convex allows. Remove tables, or select fewer streams.',
      );
    case 'MissingStream':
    case 'EmptyPrimaryKey':
    case 'IndexFieldsContainId':
    case 'InvalidTableName':
      return new ConnectorFailure('system_error', `Convex refused an import as a whole: ${error.message}.`, {
        cause: error,
      });
    default:
      return undefined;
  }
}
