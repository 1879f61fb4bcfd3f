/**
 * The one writer of stdout.
 *
 * stdout carries Airbyte messages, one a line, and nothing else. Everything that is printed goes through one `ProtocolWriter`, so lines
 * never interleave, and whoever produces can wait for the reader: bytes are collected in chunks, and `room()` waits while more than
 * `maxQueuedBytes` have not been taken yet. That queue is also what lets the next page be fetched while a slow reader is still busy.
 */
import type { Writable } from 'node:stream';
import type { OutboundMessage } from './protocol.generated.ts';

const CHUNK_BYTES = 256 * 1024;
/** Enough for a dozen typical pages to run ahead of the reader, little beside the 256 MiB that a connector may use. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/** The reader has closed the pipe, so there is nothing left to write to. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

export class ProtocolWriter {
  readonly #out: Writable;
  readonly #maxQueuedBytes: number;
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #used = 0;
  #queued = 0;
  readonly #spare: Buffer<ArrayBuffer>[] = [];
  #failure: Error | undefined;
  #wake: (() => void)[] = [];
  #onFailure: ((failure: Error) => void) | undefined;

  constructor(out: Writable, maxQueuedBytes = MAX_QUEUED_BYTES) {
    this.#out = out;
    this.#maxQueuedBytes = maxQueuedBytes;
    out.on('error', (error: NodeJS.ErrnoException) => {
      this.#fail(error);
    });
  }

  /** For whoever may have nothing to write for long: is told when nothing can be written any more. */
  onFailure(listener: (failure: Error) => void): void {
    this.#onFailure = listener;
    if (this.#failure) listener(this.#failure);
  }

  /** Writes one message as a line. */
  message(message: OutboundMessage): void {
    this.bytes(Buffer.from(JSON.stringify(message)));
    this.byte(NEWLINE);
  }

  /** Appends `source[start, end)` to the line in hand; the bytes are copied. */
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

  /** Hands what is collected to the reader and waits until the queue is short enough to go on. Throws `ReaderGone` if it has left. */
  async room(): Promise<void> {
    if (this.#queued > this.#maxQueuedBytes) await this.#until(() => this.#queued <= this.#maxQueuedBytes);
    else if (this.#failure) throw this.#failure;
  }

  /** Hands what is collected to the reader without waiting: what was said becomes visible now. */
  flush(): void {
    if (this.#used > 0) this.#rotate();
  }

  /** Hands over everything and waits until the reader has taken it. */
  async drain(): Promise<void> {
    this.flush();
    await this.#until(() => this.#queued === 0);
  }

  /** Drains, then closes stdout. A reader that has left is no failure here. */
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
    this.#chunk = this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#used = 0;
    if (this.#failure) {
      this.#spare.push(chunk);
      return;
    }
    this.#queued += length;
    this.#out.write(length === CHUNK_BYTES ? chunk : chunk.subarray(0, length), (error) => {
      this.#queued -= length;
      // It comes as an event, too, but later: whoever drains would believe that all has been taken.
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
