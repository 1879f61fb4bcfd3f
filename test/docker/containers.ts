/** The images in containers, held as tightly as a cluster would: uid 1000, no capability, a read-only file system, 512 MiB. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { execute, type Engine, type Result } from '../../scripts/docker/engine.ts';
import { Folder } from '../support/folder.ts';

const { command, runOptions } = JSON.parse(process.env['TEST_ENGINE'] ?? '{}') as Engine;
if (command === undefined) throw new Error('These tests need an engine and the images: npm run test:docker');

const HARDENED = ['--read-only', '--memory', '512m', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];

export const image = (side: string): string => `airbyte-convex/${side}-convex:test`;

export async function engine(...args: string[]): Promise<Result> {
  return execute([...command, ...args]);
}

export interface RunOptions {
  /** Options of `run`; a read-only file system and so on by default. */
  options?: string[];
  input?: string;
  /** Mounted as it is called here. */
  mount?: Mounted;
}

/** `docker run --rm … image args`. */
export async function run(
  side: string,
  args: string[],
  { options = HARDENED, input, mount }: RunOptions = {},
): Promise<Result> {
  const volumes = mount === undefined ? [] : ['-v', `${mount.path}:${mount.inside}`];
  const words = [...command, 'run', ...runOptions, '--rm', '-i', ...options, ...volumes, image(side), ...args];
  return execute(words, input);
}

/** Runs a shell in the image instead of its entry point. */
export async function shell(side: string, script: string, options: RunOptions = {}): Promise<Result> {
  return run(side, ['-c', script], {
    ...options,
    options: [...(options.options ?? HARDENED), '--entrypoint', '/bin/sh'],
  });
}

/** Starts a container that goes on; `engine('kill', name)` ends it. */
export async function start(side: string, name: string, args: string[], mount: Mounted): Promise<void> {
  const words = ['run', ...runOptions, '-d', '--name', name, ...HARDENED, '-v', `${mount.path}:${mount.inside}`];
  const { code, stderr } = await engine(...words, image(side), ...args);
  if (code !== 0) throw new Error(stderr);
}

/** A folder of this machine that a container sees, writable for its user. */
export class Mounted {
  readonly path: string;
  readonly inside: string;
  readonly #folder = new Folder();

  constructor(inside: string) {
    this.inside = inside;
    this.path = join(this.#folder.path, 'mounted');
    chmodSync(this.#folder.path, 0o755);
    mkdirSync(this.path);
    chmodSync(this.path, 0o777);
  }

  /** Writes a file and gives back its path in the container. */
  write(name: string, content: unknown): string {
    chmodSync(this.#folder.write(`mounted/${name}`, content), 0o644);
    return `${this.inside}/${name}`;
  }

  read(name: string): string {
    return this.#folder.read(`mounted/${name}`);
  }

  remove(): void {
    this.#folder.remove();
  }
}
