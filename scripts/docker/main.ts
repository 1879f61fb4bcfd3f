/**
 * npm run test:docker: builds both images with a container engine and runs the tests of test/docker in containers.
 *
 * Exit codes: 0 passed, 1 failed, 3 no engine on this machine: nothing was tested.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { execute, findEngine, startable, type Engine } from './engine.ts';
import { makeStandIn } from './stand-in.ts';

const BASE = 'node:24-bookworm-slim';
const NO_ENGINE = 3;
const root = join(import.meta.dirname, '..', '..');

async function main(): Promise<number> {
  const found = await findEngine();
  if (found === undefined) {
    console.error(
      'No container engine runs on this machine, so the images were NOT tested. Start Docker, or install podman (and runc), or name another one in CONTAINER_ENGINE.',
    );
    return NO_ENGINE;
  }
  const { name, standIn } = await baseImage(found);
  try {
    const engine = await startable(found, name);
    console.log(`Engine: ${engine.command.join(' ')}`);
    for (const side of ['source', 'destination'] as const) await build(engine, side);
    return await runTests(engine);
  } finally {
    // Nobody else's build on this machine should take the stand-in for the real image.
    if (standIn) await execute([...found.command, 'rmi', '--force', name]);
  }
}

/** The base image under the name by which the Dockerfiles call it. */
async function baseImage(engine: Engine): Promise<{ name: string; standIn: boolean }> {
  const { command } = engine;
  if ((await execute([...command, 'image', 'inspect', BASE])).code === 0) return { name: BASE, standIn: false };
  console.log(`Pulling ${BASE} …`);
  if ((await execute([...command, 'pull', `docker.io/library/${BASE}`])).code === 0)
    return { name: BASE, standIn: false };
  console.log('It cannot be pulled. Making a stand-in for it from Debian packages and the npm package of Node …');
  const name = `docker.io/library/${BASE}`;
  await makeStandIn(engine, name, root);
  return { name, standIn: true };
}

async function build({ command }: Engine, side: 'source' | 'destination'): Promise<void> {
  const registry = process.env['npm_config_registry'];
  const mirror = registry === undefined ? [] : ['--build-arg', `NPM_CONFIG_REGISTRY=${registry}`];
  const image = `airbyte-convex/${side}-convex:test`;
  console.log(`Building ${image} …`);
  const args = ['build', '--network', 'host', ...mirror, '--file', `Dockerfile.${side}`, '--tag', image, '.'];
  const { code, stdout, stderr } = await execute([...command, ...args]);
  if (code !== 0) throw new Error(`The build of ${image} failed:\n${stdout}${stderr}`);
}

async function runTests(engine: Engine): Promise<number> {
  const child = spawn('vitest', ['run', '--project', 'docker'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TEST_ENGINE: JSON.stringify(engine) },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

process.chdir(root);
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
