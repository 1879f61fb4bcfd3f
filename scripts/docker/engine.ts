/** A container engine with Docker's command line: docker itself, or podman. */
import { spawn } from 'node:child_process';

export interface Result {
  /** Exit code; null where the process was ended by a signal. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Engine {
  /** The program and the options that go before its command. */
  command: string[];
  /** Options for every `run`. */
  runOptions: string[];
}

/** Runs a program to its end. Rejects only where it cannot be started. */
export async function execute([program = '', ...args]: readonly string[], input = ''): Promise<Result> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/**
 * The first engine that answers: the one in CONTAINER_ENGINE (a program with options), docker, podman. A client whose engine does not run
 * is none. Undefined where there is no engine.
 */
export async function findEngine(wanted = process.env['CONTAINER_ENGINE']): Promise<Engine | undefined> {
  const candidates = wanted === undefined || wanted === '' ? ['docker', 'podman'] : [wanted];
  for (const candidate of candidates) {
    const command = candidate.split(/\s+/);
    const answer = await execute([...command, 'info']).catch(() => undefined);
    if (answer?.code === 0) return { command, runOptions: [] };
  }
  return undefined;
}

/** The containers reach the emulated deployment on the machine's own loopback address. */
const NETWORK = ['--network', 'host'];

/**
 * What some machines need before a container starts on them. podman's usual runtime does not run where both versions of cgroups are
 * mounted, and without CAP_SYS_RESOURCE nobody may raise the limits that podman sets.
 */
const VARIANTS: readonly { before: string[]; run: string[] }[] = [
  { before: [], run: [] },
  { before: ['--runtime', 'runc'], run: [] },
  { before: ['--runtime', 'runc'], run: ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096'] },
];

/** The engine with options under which a container of `image` runs `args` with success. Throws if there are none. */
export async function startable(engine: Engine, image: string, args: readonly string[] = ['true']): Promise<Engine> {
  const failures: string[] = [];
  for (const { before, run } of VARIANTS) {
    const variant = {
      command: [...engine.command, ...before],
      runOptions: [...engine.runOptions, ...NETWORK, ...run],
    };
    const { code, stderr } = await execute([...variant.command, 'run', ...variant.runOptions, '--rm', image, ...args]);
    if (code === 0) return variant;
    failures.push(stderr);
  }
  throw new Error(`No container starts on this machine:\n${failures.join('\n')}`);
}
