/**
 * Collects records in batches and sends them one after the other (DEC34). The next batch is filled while one
 * is sent. If that one is full too, the intake waits (backpressure).
 */
import type { BatchLimits } from './limits.ts';
import { RequestBody, type StreamBytes } from './request-body.ts';
import type { StreamPlan } from './streams.ts';

/** Two request bodies: one of deduplicated and one of appended records (DEC31, DEC32). */
export class Batch {
  readonly dedup: RequestBody;
  readonly append: RequestBody;
  /** The number of the last record that was put into the batch. */
  lastRecord = 0;

  constructor(limits: BatchLimits, bytes: readonly StreamBytes[]) {
    this.dedup = new RequestBody(false, limits.dedup, bytes);
    this.append = new RequestBody(true, limits.append, bytes);
  }

  /** The request body for the records of this stream. */
  bodyFor(stream: StreamPlan): RequestBody {
    return stream.key === undefined ? this.append : this.dedup;
  }

  /** The bodies that have records. Their order does not matter: each table is in only one of them. */
  get requests(): RequestBody[] {
    return [this.dedup, this.append].filter(({ count }) => count > 0);
  }

  get empty(): boolean {
    return this.dedup.count === 0 && this.append.count === 0;
  }

  get full(): boolean {
    return this.dedup.full || this.append.full;
  }

  clear(): void {
    this.dedup.clear();
    this.append.clear();
  }
}

interface BatchSenderOptions {
  limits: BatchLimits;
  bytes: readonly StreamBytes[];
  /** Milliseconds after which a batch is sent even if it is not full. */
  maxAge: number;
  /** Makes the records of a batch durable. */
  send: (batch: Batch) => Promise<void>;
}

export class BatchSender {
  readonly #options: BatchSenderOptions;
  #filling: Batch;
  #spare: Batch;
  /** Resolves when the batch in flight was sent. Never rejects: a failure is kept in `#failure`. */
  #inFlight: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Whether the batch is older than `maxAge`. */
  #due = false;
  #failure: { error: unknown } | undefined;
  #onFailure: ((error: unknown) => void) | undefined;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
    this.#filling = new Batch(options.limits, options.bytes);
    this.#spare = new Batch(options.limits, options.bytes);
  }

  /** The batch that is being filled. */
  get batch(): Batch {
    return this.#filling;
  }

  /** Whether every record that was put into a batch is durable. */
  get idle(): boolean {
    return this.#inFlight === undefined && this.#filling.empty && this.#failure === undefined;
  }

  /** Call after a record was put into the batch. Starts its time limit. */
  touched(): void {
    if (this.#timer === undefined && !this.#due) this.#startTimer();
  }

  // Not in `touched`: a closure in it would cost every record an allocation.
  #startTimer(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#due = true;
      this.#sendNext();
    }, this.#options.maxAge);
  }

  /** Sends the batch after the one in flight. Resolves when the next can be filled. Throws send errors. */
  async submit(): Promise<void> {
    while (this.#inFlight !== undefined) await this.orFailure(this.#inFlight);
    this.#throwFailure();
    this.#sendNext();
  }

  /** Sends all records and waits until they are durable. Throws what sending threw. */
  async finish(): Promise<void> {
    await this.submit();
    while (this.#inFlight !== undefined) await this.orFailure(this.#inFlight);
    this.#throwFailure();
  }

  /** Stops sending. Pending and later calls reject with `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#onFailure?.(error);
  }

  /** Stops sending at the end of a run. The STATEs of a batch in flight are not echoed. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#failure ??= { error: new Error('abandoned') };
  }

  /** `promise`, but rejects at once if sending fails. Otherwise a silent stdin would hide the failure. */
  async orFailure<T>(promise: Promise<T>): Promise<T> {
    this.#throwFailure();
    return new Promise((resolve, reject) => {
      this.#onFailure = reject;
      promise.then(resolve, reject);
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #sendNext(): void {
    if (this.#inFlight !== undefined || this.#failure !== undefined) return;
    if (this.#filling.empty) {
      this.#due = false;
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = false;
    const batch = this.#filling;
    this.#filling = this.#spare;
    this.#spare = batch;
    this.#inFlight = this.#options.send(batch).then(
      () => {
        batch.clear();
        this.#inFlight = undefined;
        // The next batch reached its time limit while this one was in flight.
        if (this.#due) this.#sendNext();
      },
      (error: unknown) => {
        this.#inFlight = undefined;
        this.fail(error);
      },
    );
  }
}
