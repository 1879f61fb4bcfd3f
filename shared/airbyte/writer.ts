/**
 * The only writer of stdout (INV12). Messages are collected in chunks, one message a line. `room()` applies
 * backpressure: it waits while more than `maxQueuedBytes` have not been read.
 */
import type { OutboundMessage } from './protocol.generated.ts';

const CHUNK_BYTES = 256 * 1024;
/** Enough for a dozen typical pages ahead of the reader; small compared with the memory limit (INV13). */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/** The reader has closed the pipe, so nothing more can be written. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/** Output of the writer. Calls `done` when the chunk was written. It is not changed before that. */
export interface Output {
  write(chunk: Buffer, done: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export class ProtocolWriter {
  readonly #out: Output;
  readonly #maxQueuedBytes: number;
  #chunk = newChunk();
  #used = 0;
  /** Bytes that were given to stdout, and those of them that were read. */
  #given = 0;
  #taken = 0;
  readonly #spare: Buffer<SharedArrayBuffer>[] = [];
  #failure: Error | undefined;
  #wake: (() => void)[] = [];
  #onFailure: ((failure: Error) => void) | undefined;

  constructor(out: Output, maxQueuedBytes = MAX_QUEUED_BYTES) {
    this.#out = out;
    this.#maxQueuedBytes = maxQueuedBytes;
    out.on('error', (error: NodeJS.ErrnoException) => {
      this.#fail(error);
    });
  }

  /** Calls `listener` once stdout cannot be written any more. For callers that write rarely. */
  onFailure(listener: (failure: Error) => void): void {
    this.#onFailure = listener;
    if (this.#failure) listener(this.#failure);
  }

  /** Writes one message as a line. */
  message(message: OutboundMessage): void {
    this.bytes(Buffer.from(JSON.stringify(message)));
    this.byte(NEWLINE);
  }

  /** Appends a copy of `source[start, end)` to the current line. */
  bytes(source: Buffer, start = 0, end = source.length): void {
    while (start < end) {
      let room = CHUNK_BYTES - this.#used;
      if (room === 0) {
        this.#rotate();
        room = CHUNK_BYTES;
      }
      const length = Math.min(room, end - start);
      source.copy(this.#chunk, this.#used, start, start + length);
      this.#used += length;
      start += length;
    }
  }

  byte(byte: number): void {
    if (this.#used === CHUNK_BYTES) this.#rotate();
    this.#chunk[this.#used++] = byte;
  }

  /** Waits until at most `maxQueuedBytes` are queued. Throws `ReaderGone`, or the error of stdout. */
  async room(): Promise<void> {
    const hasRoom = () => this.#given - this.#taken <= this.#maxQueuedBytes;
    if (!hasRoom()) await this.#until(hasRoom);
    else if (this.#failure) throw this.#failure;
  }

  /** Writes the collected bytes to stdout without waiting. */
  flush(): void {
    if (this.#used > 0) this.#rotate();
  }

  /**
   * Writes everything and waits until it was read, but not for what is written meanwhile: a run that is
   * stopped may go on writing. Throws `ReaderGone`, or the error of stdout.
   */
  async drain(): Promise<void> {
    this.flush();
    const all = this.#given;
    await this.#until(() => this.#taken >= all);
  }

  /** Like `drain`, but a closed pipe is not an error. */
  async close(): Promise<void> {
    try {
      await this.drain();
    } catch (error) {
      if (!(error instanceof ReaderGone)) throw error;
    }
  }

  #rotate(): void {
    const chunk = this.#chunk;
    const length = this.#used;
    this.#chunk = this.#spare.pop() ?? newChunk();
    this.#used = 0;
    if (this.#failure) {
      this.#spare.push(chunk);
      return;
    }
    this.#given += length;
    this.#out.write(length === CHUNK_BYTES ? chunk : chunk.subarray(0, length), (error) => {
      this.#taken += length;
      // The `error` event comes later. Without this, `drain` would resolve before it.
      if (error) return this.#fail(error);
      this.#spare.push(chunk);
      this.#wakeAll();
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#failure === undefined) {
      const gone = error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
      this.#failure = gone ? new ReaderGone('the reader of the output has gone') : error;
      this.#onFailure?.(this.#failure);
    }
    this.#wakeAll();
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    if (this.#failure) throw this.#failure;
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/** Shared memory: a thread may write it to stdout (see threaded-stdout.ts). */
function newChunk(): Buffer<SharedArrayBuffer> {
  return Buffer.from(new SharedArrayBuffer(CHUNK_BYTES));
}
