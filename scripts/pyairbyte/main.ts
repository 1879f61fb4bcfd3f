/**
 * npm run test:pyairbyte: makes a virtual environment with PyAirbyte in it and runs the tests of test/pyairbyte.
 *
 * Exit codes: 0 passed, 1 failed, 3 no suitable Python on this machine: nothing was tested.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const NO_PYTHON = 3;
const root = join(import.meta.dirname, '..', '..');
const environment = join(root, '.venv-pyairbyte');
const requirements = join(import.meta.dirname, 'requirements.txt');
/** Written last: an environment without it was not finished. */
const stamp = join(environment, 'installed');

/** PyAirbyte runs on these. */
const SUITABLE = /^Python 3\.1[0-2]\./;

async function run(program: string, args: readonly string[], quiet = false): Promise<{ code: number; output: string }> {
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'ignore' : 'inherit'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, output };
}

async function findPython(): Promise<string | undefined> {
  const wanted = process.env['PYTHON'];
  const names = wanted === undefined ? ['python3.12', 'python3.11', 'python3.10', 'python3', 'python'] : [wanted];
  for (const name of names) {
    const answer = await run(name, ['--version'], true).catch(() => undefined);
    if (answer !== undefined && SUITABLE.test(answer.output)) return name;
  }
  return undefined;
}

async function install(python: string): Promise<void> {
  const wanted = await readFile(requirements, 'utf8');
  if ((await readFile(stamp, 'utf8').catch(() => undefined)) === wanted) return;
  console.log('Installing PyAirbyte into .venv-pyairbyte …');
  await rm(environment, { recursive: true, force: true });
  const steps: [string, string[]][] = [
    [python, ['-m', 'venv', environment]],
    [join(environment, 'bin', 'pip'), ['install', '--quiet', '--requirement', requirements]],
  ];
  for (const [program, args] of steps) {
    const { code } = await run(program, args);
    if (code !== 0) throw new Error(`${program} ${args[0]} failed with exit code ${code}.`);
  }
  await writeFile(stamp, wanted);
}

async function main(): Promise<number> {
  const python = await findPython();
  if (python === undefined) {
    console.error(
      'There is no Python 3.10, 3.11 or 3.12 on this machine, so the connectors were NOT tested with PyAirbyte. Install one, or name it in PYTHON.',
    );
    return NO_PYTHON;
  }
  await install(python);
  return (await run('vitest', ['run', '--config', 'vitest.pyairbyte.config.ts'])).code;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
