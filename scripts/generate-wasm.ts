/**
 * Compiles the AssemblyScript of shared/json/wasm/assembly and writes the module, as base64, to a TypeScript
 * file: so it runs from sources, from dist/ and from the npm package alike, without a file to be found at run
 * time. `--check` fails if that file is stale.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { importInstalled } from './installed.ts';

/**
 * The compiler's own types redefine global ones (an array's `at` never gives undefined there), so they are
 * kept out of this program.
 */
interface Compiler {
  main: (
    args: readonly string[],
    options: { writeFile: (name: string, contents: Uint8Array | string) => void },
  ) => Promise<{ error: Error | null; stderr: { toString: () => string } }>;
}

const { main: compile } = (await importInstalled(
  'wasm',
  'assemblyscript/dist/asc.js',
  'The AssemblyScript compiler',
)) as Compiler;

/** Its exports are the module's. */
const SOURCE = 'shared/json/wasm/assembly/index.ts';
const TARGET = 'shared/json/wasm/module.generated.ts';

const { error, stderr, binary } = await compileSource();
if (error !== null || binary === undefined) throw new Error(`${SOURCE} does not compile: ${stderr}`);

const text = `// Generated from ${SOURCE} by \`npm run wasm\`. Do not edit.

/** The WebAssembly module, as base64. */
export const MODULE =
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
    '24',
  ];
  const { error, stderr } = await compile([SOURCE, ...options], {
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) output = contents as Uint8Array;
    },
  });

  return { error, stderr: stderr.toString(), binary: output };
}
