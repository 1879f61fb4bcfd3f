/** docs/README.md: every command runs as it stands there, and prints what the page says. */
import { spawn } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Emulator, startEmulator } from '../../emulator/index.ts';
import { addSampleData } from '../../emulator/sample-data.ts';
import { Workshop } from './setup.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/README.md'), 'utf8');
const ways = [...page.matchAll(/^## (.+)\n([^]*?)(?=^## |$(?![^]))/gm)].map(
  ([, title = '', text = '']): [title: string, commands: string[], output: string[]] => {
    const linesOf = (kind: string): string[] =>
      new RegExp(`\`\`\`${kind}\\n([^]*?)\`\`\``).exec(text)?.[1]?.trimEnd().split('\n') ?? [];
    return [title, linesOf('sh'), linesOf('text')];
  },
);

let work: Workshop;
let emulators: Emulator[];
beforeEach(async () => {
  work = new Workshop();
  const [source, destination] = [await startEmulator({ seed: 1 }), await startEmulator({ seed: 2 })] as const;
  emulators = [source, destination];
  addSampleData(source.deployment);
  work.write('source.json', { deployment_url: source.url, access_key: source.readOnlyKey });
  work.write('destination.json', { deployment_url: destination.url, access_key: destination.importOnlyKey });
  const catalog = /cat > catalog\.json <<'JSON'\n([^]*?)\nJSON\n/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  writeFileSync(work.path('catalog.json'), catalog?.[1] ?? '');
  for (const folder of ['source-convex', 'destination-convex']) symlinkSync(join(ROOT, folder), work.path(folder));
});
afterEach(async () => {
  await Promise.all(emulators.map((emulator) => emulator.close()));
  work.remove();
});

/** Runs a command of the page in the folder of the test: its two beginnings stand for programs of this repository. */
function run(command: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const text = command
    .replace(/^npm run sync (--silent )?-- /, `'${process.execPath}' '${ROOT}/pipeline/main.ts' `)
    .replace('npx node ', `'${process.execPath}' `);
  expect(text, 'a command that the test can run').not.toMatch(/np[mx] /);
  const child = spawn('sh', ['-c', text], { cwd: work.folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: 40_000 });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** Numbers may differ, blanks may be more, and `…` stands for anything. */
function pattern(line: string): RegExp {
  const parts = line.split(/(…|\d[\d.,]*\d|\d| +)/).map((part) => {
    if (part === '…') return '.*';
    if (/^\d/.test(part)) return '\\d[\\d.,]*';
    return part.trim() === '' ? part.replace(/ +/, ' +') : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}${line.endsWith('…') ? '' : '$'}`);
}

test('the page has a way for everybody, of two commands each', () => {
  expect(ways).toHaveLength(5);
  for (const [title, commands, output] of ways) {
    expect(commands, title).toHaveLength(2);
    expect(output.length, title).toBeGreaterThan(0);
  }
});

test.each(ways)('%s', async (_, commands, output) => {
  const printed: string[] = [];
  for (const command of commands) {
    const { code, stdout, stderr } = await run(command);
    expect(code, stdout + stderr).toBe(0);
    printed.push(...stdout.split('\n'));
  }
  let from = 0;
  for (const line of output) {
    const at = printed.findIndex((candidate, index) => index >= from && pattern(line).test(candidate));
    expect(at, `${line}\nis not in\n${printed.slice(from).join('\n')}`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
});
