/** Virtual environments of Python for tests with Airbyte's own packages. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/**
 * Runs a program to its end, with our output unless `quiet`. `output` is its stdout if `quiet`, else empty.
 * Rejects if it cannot be started.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { quiet?: boolean; env?: NodeJS.ProcessEnv } = {},
): Promise<{ code: number; output: string }> {
  const { quiet = false, env } = options;
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'ignore' : 'inherit'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, output };
}

/** A Python 3 of one of these minor versions, the newest first; only the one in PYTHON where that is set. */
export async function findPython(minors: readonly number[]): Promise<string | undefined> {
  const wanted = process.env['PYTHON'];
  const newestFirst = [...minors].sort((a, b) => b - a).map((minor) => `python3.${minor}`);
  for (const name of wanted === undefined ? [...newestFirst, 'python3', 'python'] : [wanted]) {
    const answer = await run(name, ['--version'], { quiet: true }).catch(() => undefined);
    const minor = /^Python 3\.(\d+)\./.exec(answer?.output ?? '')?.[1];
    if (answer?.code === 0 && minor !== undefined && minors.includes(Number(minor))) return name;
  }
  return undefined;
}

/**
 * Makes the virtual environment `name` in the root folder, with the packages of a requirements file, unless it
 * exists with the same ones. Returns its `bin` folder. Throws if an installation fails.
 */
export async function makeEnvironment(python: string, name: string, requirements: string): Promise<string> {
  const environment = join(root, name);
  const bin = join(environment, 'bin');
  const wanted = await readFile(requirements, 'utf8');
  // Written last: an environment without it was not finished.
  const stamp = join(environment, 'installed');
  if ((await readFile(stamp, 'utf8').catch(() => undefined)) === wanted) return bin;
  console.log(`Installing into ${name} …`);
  await rm(environment, { recursive: true, force: true });
  const steps: [string, string[]][] = [
    [python, ['-m', 'venv', environment]],
    [join(bin, 'pip'), ['install', '--quiet', '--requirement', requirements]],
  ];
  for (const [program, args] of steps) {
    const { code } = await run(program, args);
    if (code !== 0) throw new Error(`${program} ${args[0]} failed with exit code ${code}.`);
  }
  await writeFile(stamp, wanted);
  return bin;
}
