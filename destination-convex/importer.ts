/** Sends a request, tries again what is worth it, and divides a request that is refused until the bad record stands alone. */
import { ConnectorFailure } from '../shared/core/failure.ts';
import type { Log } from '../shared/core/log.ts';
import { ConvexApiError } from '../shared/convex/errors.ts';
import { isUnclassified, type StreamingImport } from '../shared/convex/streaming-import.ts';
import type { RequestBody, Placed } from './request-body.ts';
import { saysAbsent, uninsertable, withMember } from './tombstones.ts';
import { reasonOf } from './rejections.ts';

/**
 * How often a request is tried whose only answer is an unclassified error, which may be about the server or about a record (C7). Parts of a
 * batch once: where the server had a passing failure their halves are accepted, and where a record is at fault every further try is lost.
 */
const PATIENCE = { batch: 3, part: 1, deletion: 2, single: 4, dryRun: 2 };
/** So many records fail in this way, and none has been written: it is the server. */
const MAX_SUSPECTS = 5;

export interface ImporterOptions {
  api: Pick<StreamingImport, 'importOnce' | 'retrying' | 'nameOf'>;
  /** Sends the same requests, of which nothing is stored (see dry-run.ts). */
  dryRun: Pick<StreamingImport, 'importOnce'>;
  log: Log;
  /** A record was refused for good. May throw to end the matter. */
  onRejected: (record: Placed, data: Buffer, reason: string) => void;
  /** A deletion cannot be sent as usual: the schema of its table is in the way (see tombstones.ts). */
  onGuardedTable: (record: Placed) => void;
}

export class Importer {
  readonly #options: ImporterOptions;
  /** Whether a request with records of the current body has succeeded. */
  #written = false;
  /** Records of it at which the server fails each time, although it answers otherwise. */
  #suspects: { index: number; refusal: ConvexApiError }[] = [];

  constructor(options: ImporterOptions) {
    this.#options = options;
  }

  /** Resolves when every record of the body is durable or was rejected. Throws where nothing more can be done. */
  async send(body: RequestBody): Promise<void> {
    this.#written = false;
    this.#suspects = [];
    const refusal = await this.#post(body.toBuffer(), body, 0, body.count, PATIENCE.batch);
    if (refusal === undefined) return;
    await this.#divide(body, 0, body.count, refusal);
    for (const { index, refusal: suspicion } of this.#suspects) {
      // That others were written meanwhile is what tells a bad record from a server that is not well.
      if (!this.#written && body.count > 1) throw transient(suspicion);
      this.#reject(body, index, suspicion);
    }
  }

  /**
   * The records `[from, to)` were refused together. Sending them again in parts is safe: deduplicated records can be sent twice, and a
   * request of appended ones is all or nothing (see batch.ts). Order is kept, so the last version of a row wins.
   */
  async #divide(body: RequestBody, from: number, to: number, refusal: ConvexApiError): Promise<void> {
    if (to - from === 1) return this.#alone(body, from, refusal);
    const middle = (from + to) >>> 1;
    const first = await this.#post(body.toBuffer(from, middle), body, from, middle, PATIENCE.part);
    if (first !== undefined) await this.#divide(body, from, middle, first);
    // What is wrong is in the second half then. A request that is only too long may be accepted in halves.
    else if (to - middle > 1 && refusal.status !== 413) return this.#divide(body, middle, to, refusal);
    const second = await this.#post(body.toBuffer(middle, to), body, middle, to, PATIENCE.part);
    if (second !== undefined) await this.#divide(body, middle, to, second);
  }

  async #alone(body: RequestBody, index: number, refusal: ConvexApiError): Promise<void> {
    const record = body.at(index);
    const { tombstone, stream } = record;
    if (tombstone !== undefined) {
      if (tombstone.alone && saysAbsent(refusal)) return;
      if (!tombstone.alone) {
        const data = withMember(body.data(index), uninsertable(stream.key!));
        const again = await this.#post(body.toBufferWith(index, data), body, index, index + 1, PATIENCE.deletion);
        if (refusal.code === 'SchemaEnforcementError') this.#options.onGuardedTable(record);
        if (again === undefined || saysAbsent(again)) return;
        refusal = again;
      }
    }
    if (!isUnclassified(refusal)) {
      this.#reject(body, index, refusal);
      return;
    }
    const bytes = body.toBuffer(index, index + 1);
    const again = await this.#post(bytes, body, index, index + 1, PATIENCE.single);
    if (again === undefined) return;
    if (isUnclassified(again)) await this.#suspect(body, index, bytes, again);
    else this.#reject(body, index, again);
  }

  /**
   * The server has failed on a single record each time. Whether the record or the server is at fault is asked by two requests that store
   * nothing: one without any record, which a sound server answers, and a dry run of the record.
   */
  async #suspect(body: RequestBody, index: number, bytes: Buffer, refusal: ConvexApiError): Promise<void> {
    const { api, dryRun } = this.#options;
    if ((await api.nameOf('any')) === undefined) throw transient(refusal);
    const inDryRun = await this.#post(bytes, body, index, index + 1, PATIENCE.dryRun, dryRun);
    if (inDryRun === undefined) {
      // The server can make the document, so it failed on something else, and may be well again.
      const last = await this.#post(bytes, body, index, index + 1, PATIENCE.single);
      if (last === undefined) return;
      throw transient(last);
    }
    if (!isUnclassified(inDryRun)) {
      this.#reject(body, index, inDryRun);
      return;
    }
    this.#suspects.push({ index, refusal: inDryRun });
    if (!this.#written && this.#suspects.length >= MAX_SUSPECTS) throw transient(inDryRun);
  }

  #reject(body: RequestBody, index: number, refusal: ConvexApiError): void {
    const data = body.data(index);
    this.#options.onRejected(body.at(index), data, reasonOf(refusal, data, !body.append));
  }

  /** Sends one request. Returns the refusal if its records are the reason why it was not accepted; throws any other failure. */
  async #post(
    bytes: Buffer,
    body: RequestBody,
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
          if (body.append && error.maybeDone && target === api) this.#warnOfDuplicates(body, from, to);
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

  #warnOfDuplicates(body: RequestBody, from: number, to: number): void {
    const names = new Set<string>();
    for (let index = from; index < to; index++) names.add(body.at(index).stream.text);
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
