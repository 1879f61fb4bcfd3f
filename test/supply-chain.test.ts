/** What is taken from others is few, pinned, licensed and explained. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}
interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  hasInstallScript?: boolean;
  link?: boolean;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
/** What only some scripts need: the folder, and the heading in docs/dependencies.md. Each has one package and what that needs. */
const APART: [folder: string, heading: string][] = [
  ['scripts/wasm', 'What is needed to compile WebAssembly'],
  ['scripts/plots', 'What is needed to draw the pictures of performance.md'],
];
const lockOf = (folder: string) => JSON.parse(read(`${folder}/package-lock.json`)) as typeof lock;
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
const shipped = packages.filter(([, { dev }]) => dev !== true);

/** The rows of a table of docs/dependencies.md: the cells after the package's name. */
function table(heading: string): Map<string, string[]> {
  const section = read('docs/dependencies.md')
    .split(/^## /m)
    .find((part) => part.startsWith(`${heading}\n`))!;
  const rows = section.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm);
  return new Map([...rows].map(([, name = '', cells = '']) => [name, cells.split(' | ')]));
}

describe('the lock file', () => {
  test('holds a hash of every package, and no address that it came from', () => {
    expect(packages.length).toBeGreaterThan(100);
    const apart = APART.flatMap(([folder]) => Object.entries(lockOf(folder).packages).filter(([path]) => path !== ''));
    expect(apart.length).toBeGreaterThan(2);
    for (const [path, { resolved, integrity, link }] of [...packages, ...apart]) {
      expect(resolved, path).toBeUndefined();
      expect(link, path).toBeUndefined();
      expect(integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
    }
  });

  test('names no host but in links for donations', () => {
    const withoutFunding = JSON.stringify([lock, ...APART.map(([folder]) => lockOf(folder))], (key, value: unknown) =>
      key === 'funding' ? undefined : value,
    );
    expect(withoutFunding.match(/\w+:\/\/[^"]*/g) ?? []).toEqual([]);
  });

  test('holds the versions that package.json asks for, which are exact', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });
});

describe('what ships', () => {
  const ALLOWED = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'CC0-1.0'];

  test('has a licence that may ship', () => {
    for (const [path, { license = 'none' }] of shipped) {
      const choices = license.replace(/^\(|\)$/g, '').split(' OR ');
      expect(
        choices.some((choice) => ALLOWED.includes(choice)),
        `${path}: ${license}`,
      ).toBe(true);
      // What was installed says the same of itself.
      expect((JSON.parse(read(`${path}/package.json`)) as { license: string }).license, path).toBe(license);
    }
    const said = /Licences that may ship: ([^.]+(?:\.\d[^.]*)*)\.\n/.exec(
      read('docs/dependencies.md').replaceAll('\nISC', ' ISC'),
    );
    expect(said?.[1]?.split(', ').sort()).toEqual([...ALLOWED].sort());
  });

  test('is little, and has no install scripts', () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(4);
    expect(read('docs/dependencies.md')).toContain(`Four packages, ${shipped.length} with what they need in turn.`);
    expect(shipped.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
  });
});

/** Licences of packages for development that state them in a file LICENSE only, which the lock file does not hold. */
const LICENCE_FILES: Record<string, string> = { unidecode: 'BSD-3-Clause' };

describe('docs/dependencies.md', () => {
  test.each(APART)('%s: its package, its version and its licence', (folder, heading) => {
    const { devDependencies } = JSON.parse(read(`${folder}/package.json`)) as Manifest;
    const [[name = '', version] = []] = Object.entries(devDependencies);
    const locked = lockOf(folder).packages[`node_modules/${name}`];
    expect(version).toBe(locked?.version);
    expect([...table(heading)].map(([what, [licence]]) => [what, licence])).toEqual([[name, locked?.license]]);
  });

  test.each([
    ['What ships', manifest.dependencies],
    ['What is needed to develop', manifest.devDependencies],
  ])('%s: every package, its licence and what it is for', (heading, dependencies) => {
    const rows = table(heading);
    expect([...rows.keys()].sort()).toEqual(Object.keys(dependencies).sort());
    for (const [name, [licence, purpose = '']] of rows) {
      expect(licence, name).toBe(lock.packages[`node_modules/${name}`]?.license ?? LICENCE_FILES[name]);
      expect(purpose.length, name).toBeGreaterThan(5);
    }
  });

  test('every install script is explained', () => {
    const scripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect([...table('Install scripts').keys()].sort()).toEqual(
      scripts.map(([path]) => path.replace(/^.*node_modules\//, '')).sort(),
    );
  });
});
