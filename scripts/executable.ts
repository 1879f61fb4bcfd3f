/** Makes the commands that package.json declares under `bin` executable, after making sure that the build kept them so. */
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { bin } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> };

for (const [command, file] of Object.entries(bin)) {
  const path = join(root, file);
  const code = await readFile(path, 'utf8');
  if (!code.startsWith('#!/usr/bin/env node\n')) {
    throw new Error(`${file}, the command ${command}, has to start with the line "#!/usr/bin/env node".`);
  }
  await chmod(path, 0o755);
}
