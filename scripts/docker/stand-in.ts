/**
 * A stand-in for the base image, where no registry of images can be reached: Debian's packages, Node as the npm package `node` brings it,
 * npm as the npm package brings it. As in the public image, uid 1000 is called `node`.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute, type Engine } from './engine.ts';

/** The version that the public image has at the time of writing; any that can install a lock file will do. */
const NPM = 'npm@11.19.1';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Makes the image and gives it the public one's name. Throws where the machine lacks mmdebstrap. */
export async function makeStandIn(engine: Engine, image: string, root: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stand-in-'));
  try {
    const local = join(folder, 'usr-local');
    await mkdir(join(local, 'bin'), { recursive: true });
    await mkdir(join(local, 'lib', 'node_modules', 'npm'), { recursive: true });
    await cp(join(root, 'node_modules', 'node', 'bin', 'node'), join(local, 'bin', 'node'));
    await must(['npm', 'pack', '--silent', '--pack-destination', folder, NPM]);
    const npm = join(local, 'lib', 'node_modules', 'npm');
    await must(['tar', '-xzf', join(folder, `${NPM.replace('@', '-')}.tgz`), '-C', npm, '--strip-components=1']);

    const rootfs = join(folder, 'rootfs.tar');
    const hooks = [
      `cp -a ${local}/. "$1/usr/local/"`,
      'chmod +x "$1/usr/local/lib/node_modules/npm/bin/npm-cli.js"',
      'ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"',
      'chroot "$1" groupadd --gid 1000 node',
      'chroot "$1" useradd --uid 1000 --gid node --create-home node',
      // Machines that reach the registries through a proxy of their own trust its certificate too.
      ...(existsSync(CERTIFICATES) ? [`cp ${CERTIFICATES} "$1${CERTIFICATES}"`] : []),
    ];
    await must([
      'mmdebstrap',
      '--variant=essential',
      '--include=ca-certificates,passwd,libstdc++6',
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      'bookworm',
      rootfs,
    ]);
    await must([...engine.command, 'import', '--change', `ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, rootfs, image]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function must(command: readonly string[]): Promise<void> {
  const { code, stderr } = await execute(command).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new Error(`${command[0]} is not installed, and the stand-in for the base image needs it.`);
  });
  if (code !== 0) throw new Error(`${command.slice(0, 3).join(' ')} … failed:\n${stderr}`);
}
