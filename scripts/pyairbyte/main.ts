/**
 * npm run test:pyairbyte: makes a virtual environment with PyAirbyte in it and runs the tests of test/pyairbyte.
 *
 * Exit codes: 0 passed, 1 failed, 3 no suitable Python on this machine: nothing was tested.
 */
import { join } from 'node:path';
import { findPython, makeEnvironment, run } from '../python.ts';

const NO_PYTHON = 3;

async function main(): Promise<number> {
  // PyAirbyte runs on these.
  const python = await findPython([10, 11, 12]);
  if (python === undefined) {
    console.error(
      'There is no Python 3.10, 3.11 or 3.12 on this machine, so the connectors were NOT tested with PyAirbyte. Install one, or name it in PYTHON.',
    );
    return NO_PYTHON;
  }
  await makeEnvironment(python, '.venv-pyairbyte', join(import.meta.dirname, 'requirements.txt'));
  return (await run('vitest', ['run', '--project', 'pyairbyte'])).code;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
