/**
 * npm run test:fast: Airbyte's standard tests (FAST) on both connectors, against an emulated deployment.
 *
 * Tests the connectors as commands. Tests the images too if a container engine has them (`npm run test:docker`
 * builds them). Then tests a source that writes a string into a column of numbers, which must fail.
 *
 * Exit codes: 0 passed, 1 failed, 3 no suitable Python on this machine: nothing was tested.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { addSampleData } from '../../emulator/sample-data.ts';
import { execute, findEngine, startable } from '../docker/engine.ts';
import { findPython, makeEnvironment, root, run } from '../python.ts';

const NO_PYTHON = 3;
const SIDES = ['source', 'destination'] as const;
type Side = (typeof SIDES)[number];
type Commands = Partial<Record<Side, string[]>>;

const tests = join(root, 'test', 'fast');

async function main(): Promise<number> {
  const python = await findPython([10, 11, 12, 13, 14]);
  if (python === undefined) {
    console.error(
      "There is no Python 3.10 to 3.14 on this machine, so the connectors were NOT tested with Airbyte's standard tests. Install one, or name it in PYTHON.",
    );
    return NO_PYTHON;
  }
  const bin = await makeEnvironment(python, '.venv-fast', join(import.meta.dirname, 'requirements.txt'));
  const folder = await mkdtemp(join(tmpdir(), 'convex-fast-'));
  const emulator = await startEmulator();
  try {
    addSampleData(emulator.deployment);
    for (const side of SIDES) await makeRoot(folder, side, emulator);
    return (await runAll(new Suites(join(bin, 'python'), folder))) ? 0 : 1;
  } finally {
    await emulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Copies what a registry expects in a connector's folder: metadata and scenarios. Writes the configurations that the
 * scenarios name to `secrets/`. It is a copy so that no key is written into the repository.
 */
async function makeRoot(folder: string, side: Side, emulator: Emulator): Promise<void> {
  const path = join(folder, `${side}-convex`);
  await mkdir(join(path, 'secrets'), { recursive: true });
  for (const file of ['metadata.yaml', 'acceptance-test-config.yml'])
    await cp(join(root, `${side}-convex`, file), join(path, file));
  const { url: deployment_url, key: access_key } = emulator;
  const configs = {
    config: { deployment_url, access_key },
    export_json: { deployment_url, access_key, value_format: 'export_json' },
    encoded_json: { deployment_url, access_key, value_format: 'convex_encoded_json' },
    wrong_key: { deployment_url, access_key: 'prod:happy-otter-123|bm90IHRoZSBrZXkgb2YgdGhpcyBkZXBsb3ltZW50' },
  };
  for (const [name, config] of Object.entries(configs))
    await writeFile(join(path, 'secrets', `${name}.json`), JSON.stringify(config));
}

async function runAll(suites: Suites): Promise<boolean> {
  const command = (side: Side): string[] => [process.execPath, join(root, `${side}-convex`, 'main.ts')];
  const [source, destination] = [command('source'), command('destination')];
  const passed = [await suites.pass('the connectors as commands', { source, destination })];

  const images = await imageCommands(suites.folder);
  if (typeof images === 'string') console.log(`\nThe images were not tested: ${images}.`);
  else passed.push(await suites.pass('the images', images));

  passed.push(
    await suites.fail('a source that writes a string into a column of numbers', 'test_basic_read', {
      source: [suites.python, join(tests, 'broken_source.py'), ...source],
    }),
  );
  return !passed.includes(false);
}

/** Runs the suites of test/fast with pytest. */
class Suites {
  readonly python: string;
  readonly folder: string;

  constructor(python: string, folder: string) {
    this.python = python;
    this.folder = folder;
  }

  /** Runs the tests of these connectors and tells whether all of them passed. */
  async pass(what: string, commands: Commands): Promise<boolean> {
    console.log(`\nStandard tests of ${what}:`);
    const { code } = await this.#pytest(commands, ['-v', '-rs']);
    return code === 0;
  }

  /** Runs the tests of connectors that are broken and tells whether the test `expected` failed, and no other. */
  async fail(what: string, expected: string, commands: Commands): Promise<boolean> {
    console.log(`\nStandard tests of ${what}, which have to fail:`);
    const { code, output } = await this.#pytest(commands, ['-q', '--tb=no', '-rf'], true);
    const failed = [...output.matchAll(/^FAILED \S+::(\w+)/gm)].map(([, name]) => name);
    const noticed = code === 1 && failed.length > 0 && failed.every((name) => name === expected);
    console.log(noticed ? `${expected} failed, and nothing else. Right.` : `NOT NOTICED:\n${output}`);
    return noticed;
  }

  async #pytest(commands: Commands, args: string[], quiet = false): Promise<{ code: number; output: string }> {
    const connectors = Object.fromEntries(
      Object.entries(commands).map(([side, command]) => [side, { command, root: join(this.folder, `${side}-convex`) }]),
    );
    const options = ['-p', 'airbyte_cdk.test.standard_tests.pytest_hooks', '-p', 'no:cacheprovider'];
    // The suites' own tests of images build them from Python's base image; ours are run as commands instead.
    const selected = ['-m', 'not image_tests', '-W', 'ignore::pytest.PytestUnknownMarkWarning'];
    // Checks of the catalog that are not enforced yet.
    const strict = ['-W', 'error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning'];
    const words = ['-m', 'pytest', ...options, ...selected, ...strict, ...args, join(tests, 'test_standards.py')];
    // Configurations, catalogs and states are handed over in files below TMPDIR.
    const env = { FAST_CONNECTORS: JSON.stringify(connectors), TMPDIR: this.folder, PYTHONDONTWRITEBYTECODE: '1' };
    return run(this.python, words, { quiet, env });
  }
}

/** Commands that run the images, or why there are none. Containers see `folder` and the network of this machine. */
async function imageCommands(folder: string): Promise<Commands | string> {
  const found = await findEngine();
  if (found === undefined) return 'no container engine runs on this machine';
  const commands: Commands = {};
  for (const side of SIDES) {
    const image = `airbyte-convex/${side}-convex:test`;
    if ((await execute([...found.command, 'image', 'inspect', image])).code !== 0)
      return `there is no image ${image}. npm run test:docker makes it`;
    const { command, runOptions } = await startable(found, image, ['spec']);
    const user = ['--user', `${process.getuid?.() ?? 1000}:${process.getgid?.() ?? 1000}`];
    commands[side] = [...command, 'run', ...runOptions, ...user, '--rm', '-i', '-v', `${folder}:${folder}`, image];
  }
  return commands;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
