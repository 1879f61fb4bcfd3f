import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Prints the length and a checksum of stdin, taking its time with each chunk. */
const READER = `
import { createHash } from 'node:crypto';
import { stdinChunks } from ${JSON.stringify(join(import.meta.dirname, '../../../shared/airbyte/stdin.ts'))};
const hash = createHash('sha256');
let length = 0;
for await (const chunk of stdinChunks()) {
  await new Promise((resolve) => setImmediate(resolve));
  hash.update(chunk);
  length += chunk.length;
}
console.log(length, hash.digest('hex'));
`;

async function output(
  stdin: number | 'pipe',
  write?: (stdin: NodeJS.WritableStream) => Promise<void>,
): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', READER], {
    stdio: [stdin, 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise((resolve) => child.on('close', resolve));
  if (write !== undefined) await write(child.stdin!);
  await ended;
  return text.trim();
}

async function expected(bytes: Buffer): Promise<string> {
  const { createHash } = await import('node:crypto');
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}

describe('stdin', () => {
  const bytes = Buffer.alloc(3_000_017, 'some text that does not repeat at powers of two ');

  test('from a pipe, in pieces of any size', async () => {
    const text = await output('pipe', async (stdin) => {
      let at = 0;
      for (let size = 1; at < bytes.length; size = (size * 7 + 3) % 200_003) {
        await new Promise((resolve) => stdin.write(bytes.subarray(at, at + size), resolve));
        at += size;
      }
      stdin.end();
    });
    expect(text).toBe(await expected(bytes));
  });

  test('that ends at once', async () => {
    expect(await output('pipe', async (stdin) => void stdin.end())).toBe(await expected(Buffer.alloc(0)));
  });

  test('from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stdin-'));
    writeFileSync(join(folder, 'input'), bytes);
    const file = openSync(join(folder, 'input'), 'r');
    expect(await output(file)).toBe(await expected(bytes));
    closeSync(file);
    rmSync(folder, { recursive: true });
  });

  test('from nothing', async () => {
    const nothing = openSync('/dev/null', 'r');
    expect(await output(nothing)).toBe(await expected(Buffer.alloc(0)));
    closeSync(nothing);
  });
});
