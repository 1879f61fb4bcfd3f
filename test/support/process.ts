/** Connectors as the processes that Airbyte runs: files and pipes in, lines and an exit code out. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

const ROOT = join(import.meta.dirname, '../..');
const COMPILE_CACHE = join(tmpdir(), 'convex-connector-compile-cache');
/** Milliseconds after which a process is killed: a test that hangs fails with what the process has said. */
const TIME_LIMIT = 55_000;

export interface StartOptions {
  /** Added to an environment that has nothing of this machine but its PATH. */
  env?: Record<string, string>;
  /** Flags of Node itself. */
  node?: readonly string[];
  /** Bytes for stdin, which is closed after them. Without, stdin stays open for `child.stdin`. */
  input?: string | Buffer;
  /** True: nobody reads stdout before `resume()` is called. */
  paused?: boolean;
  /** Milliseconds after which the process is killed, if not the standard. */
  timeLimit?: number;
  /** Takes the chunks of stdout instead of `lines`, for output that should not be kept. */
  onChunk?: (chunk: Buffer) => void;
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The lines of stdout, without their newlines. */
  lines: string[];
  /** What stood after the last newline: empty unless the process was killed. */
  rest: string;
  stderr: string;
}

/** A connector that is running. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when the process is gone and all its output has been taken. */
  readonly finished: Promise<Finished>;
  readonly lines: string[] = [];
  /** Bytes of the most memory that the process has been seen to use (VmHWM; Linux). */
  peak = 0;
  #rest = Buffer.alloc(0);
  #stderr = '';
  #gone = false;

  constructor(
    child: ChildProcessWithoutNullStreams,
    { input, paused = false, onChunk, timeLimit = TIME_LIMIT }: StartOptions,
  ) {
    this.child = child;
    child.stdin.on('error', () => undefined);
    if (input !== undefined) child.stdin.end(input);
    if (!paused) child.stdout.on('data', onChunk ?? this.#take);
    child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    const timer = setTimeout(() => child.kill('SIGKILL'), timeLimit);
    const watch = setInterval(() => {
      this.#measure();
    }, 50);
    this.finished = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        this.#gone = true;
        clearTimeout(timer);
        clearInterval(watch);
        const rest = this.#rest.toString();
        resolve({ code, signal, lines: this.lines, rest, stderr: this.#stderr });
      });
    });
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  /** Starts to read a paused stdout. */
  resume(): void {
    this.child.stdout.on('data', this.#take);
  }

  /** Waits until a line for which `wanted` holds has been written; gives it back. Fails if the process ends without one. */
  async line(what: string, wanted: (line: string) => boolean): Promise<string> {
    return until(what, () => {
      const found = this.lines.find(wanted);
      if (found === undefined && this.#gone)
        throw new Error(`the connector ended without: ${what}\n${this.lines.join('\n')}`);
      return found;
    });
  }

  #take = (chunk: Buffer): void => {
    let from = 0;
    for (let newline = chunk.indexOf(10); newline !== -1; newline = chunk.indexOf(10, from)) {
      this.lines.push(Buffer.concat([this.#rest, chunk.subarray(from, newline)]).toString());
      this.#rest = Buffer.alloc(0);
      from = newline + 1;
    }
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(from)]);
  };

  #measure(): void {
    try {
      const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
      this.peak = Math.max(this.peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // Gone already, or a machine without /proc: a test that needs the number looks whether it is there.
    }
  }
}

/** Starts a connector with the arguments after its name. */
export function startConnector(
  name: 'source-convex' | 'destination-convex',
  args: readonly string[],
  options: StartOptions = {},
): Running {
  const child = spawn(process.execPath, [...(options.node ?? []), join(ROOT, name, 'main.ts'), ...args], {
    // The compile cache takes a third off the start of a process, of which there are hundreds.
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.env },
    stdio: 'pipe',
  });
  return new Running(child, options);
}
