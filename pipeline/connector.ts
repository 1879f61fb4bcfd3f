import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** How a process ended: with a code, by a signal, or not started at all. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  error?: string;
}

/** Prints one line for people. */
export type Show = (who: string, text: string) => void;

/** Milliseconds that a process has to end by itself after it was asked to. */
const GRACE = 5_000;

/** A connector as a process. Its stderr is shown; its stdin and stdout are the caller's. */
export class Connector {
  readonly name: 'source' | 'destination';
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves when the process is gone and all its output has been taken. */
  readonly exit: Promise<Exit>;
  /** Whether it no longer takes input: it has ended, or closed its stdin. */
  deaf = false;
  /** Whether `stop` was called. */
  stopped = false;
  #ended = false;

  constructor(name: 'source' | 'destination', command: readonly string[], args: readonly string[], show: Show) {
    this.name = name;
    const [program = '', ...words] = command;
    const child = spawn(program, [...words, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child = child;
    this.exit = new Promise((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        resolve({ code: null, signal: null, error: `could not be started: ${error.message}` });
      });
      child.once('close', (code, signal) => {
        resolve({ code, signal });
      });
    });
    void this.exit.then(() => {
      this.deaf = true;
      this.#ended = true;
    });
    // A process that ends without reading all its input is told by its exit; the broken pipe says nothing more.
    child.stdin.on('error', () => {
      this.deaf = true;
      child.stdin.destroy();
    });
    // Comes before `exit` where something else keeps the process's output open; nothing that is written after it is ever taken.
    child.stdin.on('close', () => (this.deaf = true));
    createInterface({ input: child.stderr }).on('line', (line) => {
      show(name, line);
    });
  }

  /** Writes to stdin; resolves when more can be written without piling up in memory, or when nobody reads any more. */
  async write(bytes: Buffer): Promise<void> {
    const { stdin } = this.child;
    if (this.deaf || stdin.write(bytes)) return;
    const done = new AbortController();
    const { signal } = done;
    await Promise.race([once(stdin, 'drain', { signal }), once(stdin, 'close', { signal })].map(settled));
    done.abort();
  }

  endInput(): void {
    this.child.stdin.end();
  }

  /** Asks the process to end, and makes it end if it does not. */
  stop(): void {
    if (this.stopped || this.#ended) return;
    this.stopped = true;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), GRACE);
    void this.exit.then(() => {
      clearTimeout(timer);
    });
  }
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => undefined);
}

/** Why an exit is a failure, or undefined where it is none. */
export function exitFailure(exit: Exit): string | undefined {
  if (exit.error !== undefined) return exit.error;
  if (exit.signal !== null) return `was killed by ${exit.signal}`;
  if (exit.code !== 0) return `ended with exit code ${exit.code}`;
  return undefined;
}
