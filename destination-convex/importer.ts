/** Sends a request with retries. A refused request is halved until the refused record is alone (DEC33). */
import { ConnectorFailure } from '../shared/core/failure.ts';
import type { Log } from '../shared/core/log.ts';
import { ConvexApiError } from '../shared/convex/errors.ts';
import { isUnclassified, type StreamingImport } from '../shared/convex/streaming-import.ts';
import type { RequestBody } from './request-body.ts';
import type { StreamPlan } from './streams.ts';
import { saysAbsent, uninsertable, withMember } from './tombstones.ts';
import { reasonOf } from './rejections.ts';

/**
 * How often a request is tried that fails with an unclassified error (C7, DEC35). Parts of a batch are tried
 * once: if the failure was a passing one of the server, their halves are accepted.
 */
const TRIES = { batch: 3, part: 1, deletion: 2, single: 4, dryRun: 2 };
/** If so many single records fail with such an error, and none was written, the server is at fault. */
const MAX_SUSPECTS = 5;

/** What happened to a single record of a refused request. */
export type ImportEvent =
  /** The record was refused. `data` is valid until the next event. */
  | { kind: 'rejected'; stream: StreamPlan; record: number; data: Buffer; reason: string }
  /** The table's schema refuses the row that a deletion makes first (DEC36). */
  | { kind: 'guarded'; stream: StreamPlan };

type Events = AsyncGenerator<ImportEvent, void>;

export interface ImporterOptions {
  api: Pick<StreamingImport, 'retrying' | 'nameOf'>;
  /** Sends a request body once. */
  send: (body: Buffer) => Promise<void>;
  /** Has the deployment check the records of a request body without storing them. */
  dryRun: (body: Buffer) => Promise<void>;
  log: Log;
}

/** Sends a body. After the last event, every record is durable or was rejected. Throws other failures. */
export function importBody(body: RequestBody, options: ImporterOptions): Events {
  return new BodyImport(body, options).run();
}

class BodyImport {
  readonly #body: RequestBody;
  readonly #options: ImporterOptions;
  /** Whether a request with records of the body has succeeded. */
  #written = false;
  /** Records that fail each time with an unclassified error, although the server is well. */
  readonly #suspects: { index: number; refusal: ConvexApiError }[] = [];

  constructor(body: RequestBody, options: ImporterOptions) {
    this.#body = body;
    this.#options = options;
  }

  async *run(): Events {
    const { count } = this.#body;
    const refusal = await this.#post(this.#body.toBuffer(), 0, count, TRIES.batch);
    if (refusal === undefined) return;
    yield* this.#divide(0, count, refusal);
    for (const { index, refusal: suspicion } of this.#suspects) {
      // If no other record was written, the server may be at fault.
      if (!this.#written && count > 1) throw withReason(suspicion, 'transient');
      yield this.#rejected(index, suspicion);
    }
  }

  /**
   * The records `[from, to)` were refused together. They can be sent again: deduplicated records may be sent
   * twice, and a request of appended records is all or nothing (DEC32). The halves are sent in order, so that
   * the last version of a row wins.
   */
  async *#divide(from: number, to: number, refusal: ConvexApiError): Events {
    if (to - from === 1) {
      yield* this.#alone(from, refusal);
      return;
    }
    const middle = (from + to) >>> 1;
    const first = await this.#post(this.#body.toBuffer(from, middle), from, middle, TRIES.part);
    if (first !== undefined) yield* this.#divide(from, middle, first);
    // The second half has the refused record. A request that was only too long may pass in halves.
    else if (to - middle > 1 && refusal.status !== 413) {
      yield* this.#divide(middle, to, refusal);
      return;
    }
    const second = await this.#post(this.#body.toBuffer(middle, to), middle, to, TRIES.part);
    if (second !== undefined) yield* this.#divide(middle, to, second);
  }

  async *#alone(index: number, refusal: ConvexApiError): Events {
    const { tombstone, stream } = this.#body.at(index);
    if (tombstone !== undefined) {
      if (tombstone.alone && saysAbsent(refusal)) return;
      if (!tombstone.alone) {
        const data = withMember(this.#body.data(index), uninsertable(stream.key!));
        const again = await this.#post(this.#body.toBufferWith(index, data), index, index + 1, TRIES.deletion);
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
    const again = await this.#post(bytes, index, index + 1, TRIES.single);
    if (again === undefined) return;
    if (isUnclassified(again)) yield* this.#suspect(index, bytes, again);
    else yield this.#rejected(index, again);
  }

  /**
   * A single record failed each time with an unclassified error. Two requests that store nothing tell whether
   * the record or the server is at fault: one without a record, and a dry run of the record (DEC35).
   */
  async *#suspect(index: number, bytes: Buffer, refusal: ConvexApiError): Events {
    const { api, dryRun } = this.#options;
    if ((await api.nameOf('any')) === undefined) throw withReason(refusal, 'transient');
    const inDryRun = await this.#post(bytes, index, index + 1, TRIES.dryRun, dryRun);
    if (inDryRun === undefined) {
      // The record is not at fault.
      const last = await this.#post(bytes, index, index + 1, TRIES.single);
      if (last === undefined) return;
      throw withReason(last, 'transient');
    }
    if (!isUnclassified(inDryRun)) {
      yield this.#rejected(index, inDryRun);
      return;
    }
    this.#suspects.push({ index, refusal: inDryRun });
    if (!this.#written && this.#suspects.length >= MAX_SUSPECTS) throw withReason(inDryRun, 'transient');
  }

  #rejected(index: number, refusal: ConvexApiError): ImportEvent {
    const { stream, record } = this.#body.at(index);
    const data = this.#body.data(index);
    return { kind: 'rejected', stream, record, data, reason: reasonOf(refusal, data, !this.#body.append) };
  }

  /** Sends the records `[from, to)`. Returns the refusal if it is about them. Throws any other failure. */
  async #post(
    bytes: Buffer,
    from: number,
    to: number,
    tries: number,
    send = this.#options.send,
  ): Promise<ConvexApiError | undefined> {
    const { api } = this.#options;
    const stores = send === this.#options.send;
    let unclassified = 0;
    try {
      await api.retrying(async () => {
        try {
          await send(bytes);
        } catch (error) {
          if (!(error instanceof ConvexApiError)) throw error;
          if (this.#body.append && error.maybeDone && stores) this.#warnOfDuplicates(from, to);
          if (isUnclassified(error) && ++unclassified >= tries) throw withReason(error, 'refused');
          throw error;
        }
      });
      if (stores) this.#written = true;
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
      `The answer to a request of ${to - from} records was lost. They may have been stored, and are sent again: up to ${to - from} documents of ${[...names].join(', ')} may be stored twice. The sync mode append_dedup avoids such duplicates.`,
    );
  }
}

/** The same answer with another reason, not to be retried. */
function withReason(error: ConvexApiError, reason: 'refused' | 'transient'): ConvexApiError {
  const { status, code, detail } = error;
  return new ConvexApiError({ reason, retry: false }, error.message, { status: status!, code, detail });
}

/** The failure for a refusal that is about the request or the deployment, not about a record. */
function requestFailure(error: ConvexApiError): ConnectorFailure | undefined {
  switch (error.code ?? '') {
    case 'IndexNotFoundError':
    case 'MissingIndex':
      return new ConnectorFailure(
        'transient_error',
        'The index by which records are deduplicated was removed during the sync: its table was probably replaced or removed by somebody else. The next sync builds it again.',
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
