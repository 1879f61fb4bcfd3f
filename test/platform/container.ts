/**
 * A connector as the platform starts it: a shell overrides the entry point and evaluates `$AIRBYTE_ENTRYPOINT <arguments>` in a background
 * subshell, with standard input and output redirected to FIFOs in a working folder. The exit code is left in a file. To cancel, a marker
 * file appears there, the subshell is killed, and the connector dies by SIGKILL together with its pod: it never sees a SIGTERM.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const SCRIPT = `
(
  eval "$AIRBYTE_ENTRYPOINT $CONNECTOR_ARGUMENTS" < "$CONNECTOR_INPUT" > stdout 2> stderr.log
  echo $? > exitCode.txt
) &
CHILD=$!
( while [ ! -e TERMINATED ]; do sleep 0.1; done; kill $CHILD ) &
wait $CHILD
`;

export interface ContainerOptions {
  /** What the image's AIRBYTE_ENTRYPOINT says. */
  entrypoint: string;
  /** The arguments, as they stand in the script. */
  args: string;
  /** An empty working folder of its own. */
  folder: string;
  /** Whether it gets input. */
  input: boolean;
  env?: Record<string, string>;
}

/** What the platform sets for every connector. */
const ENVIRONMENT = {
  DEPLOYMENT_MODE: 'OSS',
  AIRBYTE_VERSION: 'dev',
  AIRBYTE_EDITION: 'COMMUNITY',
  WORKER_JOB_ID: '1',
  WORKER_JOB_ATTEMPT: '0',
  USE_STREAM_CAPABLE_STATE: 'true',
  DATA_CHANNEL_MEDIUM: 'STDIO',
  DATA_CHANNEL_FORMAT: 'JSONL',
  LOG_LEVEL: 'INFO',
};

export class Container {
  readonly stdout: Socket;
  /** Resolves with the exit code when the pod is gone; where the connector left none, 1 as the platform assumes. */
  readonly exit: Promise<number>;
  readonly #folder: string;
  readonly #shell: ChildProcess;
  #stdin: Socket | undefined;
  #gone = false;

  constructor({ entrypoint, args, folder, input, env }: ContainerOptions) {
    this.#folder = folder;
    for (const fifo of ['stdout', ...(input ? ['stdin'] : [])]) {
      if (spawnSync('mkfifo', [join(folder, fifo)]).status !== 0) throw new Error(`mkfifo ${fifo} failed`);
    }
    // Without O_NONBLOCK the open would wait for the connector's own.
    const fd = openSync(join(folder, 'stdout'), constants.O_RDONLY | constants.O_NONBLOCK);
    this.stdout = new Socket({ fd, readable: true, writable: false });
    this.#shell = spawn('sh', ['-c', SCRIPT], {
      cwd: folder,
      stdio: 'ignore',
      // A process group of its own: the pod.
      detached: true,
      env: {
        ...ENVIRONMENT,
        PATH: process.env['PATH'] ?? '',
        AIRBYTE_ENTRYPOINT: entrypoint,
        CONNECTOR_ARGUMENTS: args,
        CONNECTOR_INPUT: input ? 'stdin' : '/dev/null',
        ...env,
      },
    });
    this.exit = once(this.#shell, 'exit').then(() => this.#removePod());
  }

  /** SIGKILL for all that runs in the pod, at once. */
  kill(): void {
    try {
      if (this.#shell.pid !== undefined) process.kill(-this.#shell.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }

  /** Cancels as the platform does. */
  cancel(): void {
    writeFileSync(join(this.#folder, 'TERMINATED'), '');
  }

  get stderr(): string {
    const path = join(this.#folder, 'stderr.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Writes a line to stdin; resolves when there is room for more, or when nobody reads any more. */
  async write(line: string): Promise<void> {
    const stdin = await this.#openStdin();
    if (stdin === undefined || stdin.destroyed) return;
    if (!stdin.write(`${line}\n`)) {
      const done = new AbortController();
      const { signal } = done;
      const settle = (name: string) => once(stdin, name, { signal }).catch(() => undefined);
      await Promise.race([settle('drain'), settle('close')]);
      done.abort();
    }
  }

  async endInput(): Promise<void> {
    (await this.#openStdin())?.end();
  }

  /** A FIFO can only be opened for writing without waiting once it has a reader. Undefined where there will be none. */
  async #openStdin(): Promise<Socket | undefined> {
    while (this.#stdin === undefined && !this.#gone) {
      try {
        const fd = openSync(join(this.#folder, 'stdin'), constants.O_WRONLY | constants.O_NONBLOCK);
        const stdin = new Socket({ fd, readable: false, writable: true });
        stdin.on('error', () => stdin.destroy());
        this.#stdin = stdin;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
        await wait(2);
      }
    }
    return this.#stdin;
  }

  #removePod(): number {
    this.kill();
    this.#gone = true;
    this.#stdin?.destroy();
    try {
      // A connector that was killed before it opened its output has left a FIFO that would never end.
      closeSync(openSync(join(this.#folder, 'stdout'), constants.O_WRONLY | constants.O_NONBLOCK));
    } catch {
      // Nobody reads it any more.
    }
    const path = join(this.#folder, 'exitCode.txt');
    const code = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
    return code === '' ? 1 : Number(code);
  }
}
