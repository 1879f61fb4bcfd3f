/** Removes folders of this repository: `node scripts/clean.ts dist`. Refuses anything that is not strictly inside it. */
import { rm } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const folders = process.argv.slice(2);

if (folders.length === 0) {
  console.error('usage: node scripts/clean.ts FOLDER...');
  process.exitCode = 2;
}

for (const folder of folders) {
  const path = resolve(root, folder);
  const inside = relative(root, path);
  if (inside === '' || inside.split(/[\\/]/)[0] === '..' || isAbsolute(inside)) {
    console.error(`${folder} is not a folder inside the repository: nothing was removed.`);
    process.exitCode = 1;
    continue;
  }
  await rm(path, { recursive: true, force: true });
}
