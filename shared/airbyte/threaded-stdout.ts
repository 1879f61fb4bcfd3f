/**
 * Standard output that a thread of its own writes to (DEC66). A pipe takes 64 KiB at a time; the thread
 * waits for its reader while the main thread goes on with the next page.
 */
import { EventEmitter } from 'node:events';
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { Worker, parentPort, workerData } from 'node:worker_threads';
import type { Output } from './writer.ts';

type Done = (error?: Error) => void;

const STDOUT = 1;
const THREAD = 'stdout';
/** MiB. The thread handles no data but the chunks that it shares with the main thread. */
const HEAP = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 };

/** A thread if stdout is a pipe, else `process.stdout`: files and terminals take what they are given. */
export function fastStdout(): Output {
  const kind = fstatSync(STDOUT);
  return kind.isFIFO() || kind.isSocket() ? new ThreadedStdout() : process.stdout;
}

/** Chunks should lie in shared memory; others are copied. */
class ThreadedStdout extends EventEmitter<{ error: [Error] }> implements Output {
  /** Of the chunks that the thread has not written yet, in their order. */
  readonly #waiting: Done[] = [];
  readonly #thread = new Worker(import.meta.filename, { workerData: THREAD, execArgv: [], resourceLimits: HEAP });

  constructor() {
    super();
    this.#thread.unref();
    this.#thread.on('error', (error: Error) => this.emit('error', error));
    this.#thread.on('message', (code: string | undefined) => {
      const done = this.#waiting.shift()!;
      // Only chunks that wait keep the process alive, as with process.stdout.
      if (this.#waiting.length === 0) this.#thread.unref();
      done(code === undefined ? undefined : Object.assign(new Error(`stdout: ${code}`), { code }));
    });
  }

  write(chunk: Buffer, done: Done): void {
    if (this.#waiting.length === 0) this.#thread.ref();
    this.#waiting.push(done);
    this.#thread.postMessage(chunk);
  }
}

/** What the thread does: writes each chunk, and answers it with nothing or with the code of the error. */
function serve(): void {
  const out = new Socket({ fd: STDOUT, readable: false, writable: true });
  // Each write is answered. This only keeps the event from ending the thread.
  out.on('error', () => {});
  parentPort!.on('message', (chunk: Uint8Array) => {
    out.write(chunk, (error?: NodeJS.ErrnoException | null) => {
      parentPort!.postMessage(error ? (error.code ?? 'unknown error') : undefined);
    });
  });
}

if (workerData === THREAD) serve();
