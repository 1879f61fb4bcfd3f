/** stdout: whoever reads it, slowly or not to the end. */
import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { messagesOf } from '../support/messages.ts';
import { until } from '../support/until.ts';
import { catalogOf, recordsOf, Source } from './setup.ts';

const MAIN = join(import.meta.dirname, '../../source-convex/main.ts');
const documents = (n: number, length = 100): object[] =>
  Array.from({ length: n }, (_, i) => ({ n: i, text: 'x'.repeat(length) }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command line of the shell in which `$SOURCE` stands for the source's; its exit code is that of the source. */
async function shell(line: string): Promise<Ended> {
  const source = `'${process.execPath}' '${MAIN}'`;
  const child = spawn('bash', ['-c', `${line.replaceAll('$SOURCE', source)}; exit \${PIPESTATUS[0]}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) =>
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    }),
  );
}

async function readArguments(source: Source, table: string): Promise<string> {
  const config = source.folder.write('config.json', source.config());
  const catalog = source.folder.write('catalog.json', catalogOf([table]));
  return Promise.resolve(`read --config '${config}' --catalog '${catalog}'`);
}

describe('a reader that leaves', () => {
  test('after the first line: the end, quietly', async () => {
    await using source = await Source.start();
    source.deployment.load('t', documents(20_000));
    const { code, stdout, stderr } = await shell(`$SOURCE ${await readArguments(source, 't')} | head -1`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\{"type":"TRACE".*"STARTED"\}\}\}\n$/);
  });

  test('before the first line', async () => {
    const { code, stdout, stderr } = await shell('$SOURCE spec | true');
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('while a page is waited for: it is not waited for to its end', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 5 } });
    source.deployment.load('t', documents(30));
    source.emulator.faults.add({ kind: 'hang', path: '/api/list_snapshot', after: 2, times: Infinity });
    const env = { CONVEX_CONNECTOR_HEARTBEAT_MS: '100' };
    const run = source.startRead({ streams: ['t'], env });
    await run.line('a record', (line) => line.includes('"RECORD"'));
    run.child.stdout.destroy();
    const { code, stderr } = await run.finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('a reader that is slow', () => {
  test('gets every line before the process ends', async () => {
    await using source = await Source.start();
    source.deployment.load('t', documents(3000, 1000));
    const run = source.startRead({ streams: ['t'] }, { paused: true });
    await until('the last request', () => source.emulator.journal.count('/api/list_snapshot') === 4);
    // All has been read and said by now, and waits in the pipe and in the process.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(run.child.exitCode).toBeNull();
    run.resume();
    const { code, lines, rest } = await run.finished;
    expect({ code, rest }).toEqual({ code: 0, rest: '' });
    expect(recordsOf(lines)).toHaveLength(3000);
    expect(messagesOf(lines).at(-1)).toMatchObject({ type: 'LOG' });
  });
});

describe('a file', () => {
  test('gets every line', async () => {
    await using source = await Source.start();
    source.deployment.load('t', documents(5000));
    const file = join(source.folder.path, 'out.jsonl');
    const { code } = await shell(`$SOURCE ${await readArguments(source, 't')} > '${file}'`);
    expect(code).toBe(0);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(recordsOf(lines)).toHaveLength(5000);
  });

  // Not every system has a disk that is always full.
  test.runIf(existsSync('/dev/full'))('that cannot be written is a failure, and is told on stderr', async () => {
    closeSync(openSync('/dev/full', 'w'));
    await using source = await Source.start();
    source.deployment.load('t', documents(10));
    for (const verb of ['spec', await readArguments(source, 't')]) {
      const { code, stderr } = await shell(`$SOURCE ${verb} > /dev/full`);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'source-convex: the output could not be written (ENOSPC)\n',
      });
    }
  });
});

describe('a command line that is not one', () => {
  test.each([
    ['', 'no command was given'],
    ['write --config a --catalog b', 'there is no command "write"'],
    ['read --config a', 'read needs --catalog FILE'],
    ['check --config a --catalog b', 'check takes no --catalog'],
    ['check --config', "Option '--config <value>' argument missing"],
    ['check --unknown a', "Unknown option '--unknown'"],
    ['spec spec', 'unexpected argument "spec"'],
  ])('%j', async (args, problem) => {
    const { code, stdout, stderr } = await shell(`$SOURCE ${args}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      `source-convex: ${problem}\nusage:\n  source-convex spec\n  source-convex check --config FILE\n  source-convex discover --config FILE\n  source-convex read --config FILE --catalog FILE [--state FILE]\n`,
    );
  });
});
