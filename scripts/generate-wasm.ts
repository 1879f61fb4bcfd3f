/**
 * Compiles shared/json/wasm/find-elements.ts (AssemblyScript) and writes the module, as base64, to a TypeScript file: so it runs from
 * sources, from dist/ and from the npm package alike, without a file to be found at run time. `--check` fails if that file is stale.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { main as compile } from 'assemblyscript/asc';

const SOURCE = 'shared/json/wasm/find-elements.ts';
const TARGET = 'shared/json/wasm/find-elements.generated.ts';

const { error, stderr, binary } = await compileSource();
if (error !== null || binary === undefined) throw new Error(`${SOURCE} does not compile: ${stderr}`);

const text = `// Generated from ${SOURCE} by \`npm run wasm\`. Do not edit.

/** The WebAssembly module, as base64. */
export const FIND_ELEMENTS =
  '${Buffer.from(binary).toString('base64')}';
`;

if (!process.argv.includes('--check')) {
  await writeFile(TARGET, text);
} else if ((await readFile(TARGET, 'utf8').catch(() => '')) !== text) {
  console.error(`${TARGET} is stale: run \`npm run wasm\`.`);
  process.exitCode = 1;
}

async function compileSource(): Promise<{ error: Error | null; stderr: string; binary: Uint8Array | undefined }> {
  let output: Uint8Array | undefined;
  const options = [
    '--outFile',
    'module.wasm',
    '--runtime',
    'stub',
    '--noAssert',
    '-O3',
    '--enable',
    'simd',
    '--initialMemory',
    '8',
  ];
  const { error, stderr } = await compile([SOURCE, ...options], {
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) output = contents as Uint8Array;
    },
  });
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- the compiler's stream has a toString of its own
  return { error, stderr: stderr.toString(), binary: output };
}
