/** Sends a request with retries. Divides a request that is refused until the bad record is alone. */
import { ConnectorFailure } from '../shared/core/failure.ts';
import type { Log } from '../shared/core/log.ts';
import { ConvexApiError } from '../shared/convex/errors.ts';
import { isUnclassified, type StreamingImport } from '../shared/convex/streaming-import.ts';
import type { RequestBody } from './request-body.ts';
import type { StreamPlan } from './streams.ts';
import { saysAbsent, uninsertable, withMember } from './tombstones.ts';
import { reasonOf } from './rejections.ts';

/**
 * How often a request is tried that fails with an unclassified error: the cause may be the server or a record
 * (C7). Parts of a batch are tried once: after a passing failure of the server, their halves are accepted.
 */
const PATIENCE = { batch: 3, part: 1, deletion: 2, single: 4, dryRun: 2 };
/** So many records fail in this way, and none has been written: it is the server. */
const MAX_SUSPECTS = 5;

/** What becomes of single records of a request that was refused. */
export type ImportEvent =
  /** A record was refused for good. `data` is a view that is valid until the next event. */
  | { kind: 'rejected'; stream: StreamPlan; record: number; data: Buffer; reason: string }
  /** A deletion cannot be sent as usual: the schema of its table is in the way (see tombstones.ts). */
  | { kind: 'guarded'; stream: StreamPlan };

type Events = AsyncGenerator<ImportEvent, void>;

export interface ImporterOptions {
  api: Pick<StreamingImport, 'importOnce' | 'retrying' | 'nameOf'>;
  /** Sends the same requests, of which nothing is stored (see dry-run.ts). */
  dryRun: Pick<StreamingImport, 'importOnce'>;
  log: Log;
}

/** Sends one body. After the last event, every record is durable or was rejected. Throws other failures. */
export function importBody(body: RequestBody, options: ImporterOptions): Events {
  return new BodyImport(body, options).run();
}

class BodyImport {
  readonly #body: RequestBody;
  readonly #options: ImporterOptions;
  /** Whether a request with records of the body has succeeded. */
  #written = false;
  /** Records at which the server fails each time, although it answers otherwise. */
  readonly #suspects: { index: number; refusal: ConvexApiError }[] = [];

  constructor(body: RequestBody, options: ImporterOptions) {
    this.#body = body;
    this.#options = options;
  }

  async *run(): Events {
    const { count } = this.#body;
    const refusal = await this.#post(this.#body.toBuffer(), 0, count, PATIENCE.batch);
    if (refusal === undefined) return;
    yield* this.#divide(0, count, refusal);
    for (const { index, refusal: suspicion } of this.#suspects) {
      // That others were written meanwhile is what tells a bad record from a server that is not well.
      if (!this.#written && count > 1) throw transient(suspicion);
      yield this.#rejected(index, suspicion);
    }
  }

  /**
   * The records `[from, to)` were refused together. They can be sent again in parts: deduplicated records can
   * be sent twice, and a request of appended ones is all or nothing (see batch.ts). The last version of a row
   * wins, since the order is kept.
   */
  async *#divide(from: number, to: number, refusal: ConvexApiError): Events {
    if (to - from === 1) {
      yield* this.#alone(from, refusal);
      return;
    }
    const middle = (from + to) >>> 1;
    const first = await this.#post(this.#body.toBuffer(from, middle), from, middle, PATIENCE.part);
    if (first !== undefined) yield* this.#divide(from, middle, first);
    // What is wrong is in the second half then. A request that is only too long may be accepted in halves.
    else if (to - middle > 1 && refusal.status !== 413) {
      yield* this.#divide(middle, to, refusal);
      return;
    }
    const second = await this.#post(this.#body.toBuffer(middle, to), middle, to, PATIENCE.part);
    if (second !== undefined) yield* this.#divide(middle, to, second);
  }

  async *#alone(index: number, refusal: ConvexApiError): Events {
    const { tombstone, stream } = this.#body.at(index);
    if (tombstone !== undefined) {
      if (tombstone.alone && saysAbsent(refusal)) return;
      if (!tombstone.alone) {
        const data = withMember(this.#body.data(index), uninsertable(stream.key!));
        const again = await this.#post(this.#body.toBufferWith(index, data), index, index + 1, PATIENCE.deletion);
        if (refusal.code === 'SchemaEnforcementError') yield { kind: 'guarded', stream };
        if (again === undefined || saysAbsent(again)) return;
        refusal = again;
      }
    }
    if (!isUnclassified(refusal)) {
      yield this.#rejected(index, refusal);
      return;
    }
    const bytes = this.#body.toBuffer(index, index + 1);
    const again = await this.#post(bytes, index, index + 1, PATIENCE.single);
    if (again === undefined) return;
    if (isUnclassified(again)) yield* this.#suspect(index, bytes, again);
    else yield this.#rejected(index, again);
  }

  /**
   * The server has failed on a single record each time. Two requests that store nothing tell whether the
   * record or the server is at fault: one without any record, and a dry run of the record.
   */
  async *#suspect(index: number, bytes: Buffer, refusal: ConvexApiError): Events {
    const { api, dryRun } = this.#options;
    if ((await api.nameOf('any')) === undefined) throw transient(refusal);
    const inDryRun = await this.#post(bytes, index, index + 1, PATIENCE.dryRun, dryRun);
    if (inDryRun === undefined) {
      // The server can make the document, so it failed on something else, and may be well again.
      const last = await this.#post(bytes, index, index + 1, PATIENCE.single);
      if (last === undefined) return;
      throw transient(last);
    }
    if (!isUnclassified(inDryRun)) {
      yield this.#rejected(index, inDryRun);
      return;
    }
    this.#suspects.push({ index, refusal: inDryRun });
    if (!this.#written && this.#suspects.length >= MAX_SUSPECTS) throw transient(inDryRun);
  }

  #rejected(index: number, refusal: ConvexApiError): ImportEvent {
    const { stream, record } = this.#body.at(index);
    const data = this.#body.data(index);
    return { kind: 'rejected', stream, record, data, reason: reasonOf(refusal, data, !this.#body.append) };
  }

  /** Sends one request. Returns the refusal if it is about the records; throws any other failure. */
  async #post(
    bytes: Buffer,
    from: number,
    to: number,
    patience: number,
    target: Pick<StreamingImport, 'importOnce'> = this.#options.api,
  ): Promise<ConvexApiError | undefined> {
    const { api } = this.#options;
    let unclassified = 0;
    try {
      await api.retrying(async () => {
        try {
          await target.importOnce(bytes);
        } catch (error) {
          if (!(error instanceof ConvexApiError)) throw error;
          if (this.#body.append && error.maybeDone && target === api) this.#warnOfDuplicates(from, to);
          if (isUnclassified(error) && ++unclassified >= patience) throw final(error);
          throw error;
        }
      });
      if (target === api) this.#written = true;
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

  #warnOfDuplicates(from: number, to: number): void {
    const names = new Set<string>();
    for (let index = from; index < to; index++) names.add(this.#body.at(index).stream.text);
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
