/** Packages that only some scripts need: a folder of its own with a lock file for each, so that `npm ci` does not install them for everybody. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Imports a module of a package in `scripts/<folder>`, and installs that folder's packages first where they are missing.
 * @param what how the package is called in messages
 * @throws Error where they cannot be installed
 */
export async function importInstalled(folder: string, module: string, what: string): Promise<unknown> {
  const prefix = join('scripts', folder);
  const path = join(import.meta.dirname, folder, 'node_modules', module);
  if (!existsSync(path)) {
    console.error(`${what} is not installed yet: npm ci --prefix ${prefix}`);
    const { status } = spawnSync('npm', ['ci', '--silent', '--prefix', join(import.meta.dirname, folder)], {
      stdio: 'inherit',
      shell: process.platform === 'win32',
    });
    if (status !== 0) throw new Error(`${what} cannot be installed. Run \`npm ci --prefix ${prefix}\` to see why.`);
  }
  return import(pathToFileURL(path).href);
}
