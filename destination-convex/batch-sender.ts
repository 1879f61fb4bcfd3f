/**
 * Sends batches one after the other: one is sent while the next one is filled. When that one is full too, the
 * intake waits (backpressure). Concurrent requests would conflict (C150) and use up the app's write budget
 * (C149).
 */
import { Batch } from './batch.ts';
import type { StreamBytes } from './request-body.ts';
import type { BatchLimits } from './limits.ts';

export interface BatchSenderOptions {
  limits: BatchLimits;
  bytes: readonly StreamBytes[];
  /** Milliseconds after which a batch is sent, full or not. */
  maxAge: number;
  /** Makes the records of a batch durable, and reports it. */
  send: (batch: Batch) => Promise<void>;
}

export class BatchSender {
  readonly #options: BatchSenderOptions;
  #filling: Batch;
  #spare: Batch;
  /** Resolves when the batch in flight has been sent; rejects never: a failure is kept in `#failure`. */
  #inFlight: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
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

  /** Whether everything that was put in has been sent, so that everything that arrived is durable. */
  get idle(): boolean {
    return this.#inFlight === undefined && this.#filling.empty && this.#failure === undefined;
  }

  /** Call after something was put into the batch. */
  touched(): void {
    if (this.#timer === undefined && !this.#due) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#due = true;
        this.#sendNext();
      }, this.#options.maxAge);
    }
  }

  /** Sends the batch after the one in flight. Resolves when another can be filled. */
  async submit(): Promise<void> {
    while (this.#inFlight !== undefined) await this.orFailure(this.#inFlight);
    this.#throwFailure();
    this.#sendNext();
  }

  /** Sends what there is and waits for it. Throws what sending threw. */
  async finish(): Promise<void> {
    await this.submit();
    while (this.#inFlight !== undefined) await this.orFailure(this.#inFlight);
    this.#throwFailure();
  }

  /** Stops with this error: calls that wait for the sender reject with it, and nothing more is sent. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#onFailure?.(error);
  }

  /** Sends no more. The batch in flight may become durable or not; its states are not given back. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#failure ??= { error: new Error('abandoned') };
  }

  /** `promise`, or the failure of a batch if that comes first: a silent stdin must not hide a failure. */
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
        // What waited too long while this batch was in flight goes at once.
        if (this.#due) this.#sendNext();
      },
      (error: unknown) => {
        this.#inFlight = undefined;
        this.fail(error);
      },
    );
  }
}
