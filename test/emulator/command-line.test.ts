import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CommandLineError, parseCommandLine, USAGE } from '../../emulator/command-line.ts';
import { DEFAULT_LIMITS } from '../../emulator/index.ts';

const ROOT = join(import.meta.dirname, '../..');

function run(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['emulator/main.ts', ...args], { cwd: ROOT });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

function textOf(child: ChildProcess): () => string {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  return await new Promise((resolve) => child.once('exit', resolve));
}

test('it starts a deployment with sample data and prints how to reach it', async () => {
  const child = run('--limit', 'snapshotPage=2', '--fault', 'path=/api/json_schemas,kind=status,status=503,times=1');
  const text = textOf(child);
  await expect.poll(text, { timeout: 30_000 }).toContain('Try:');
  const url = /URL\s+(http:\/\/127\.0\.0\.1:\d+)/.exec(text())?.[1] ?? '';
  const key = /deploy key\s+(prod:\S+)/.exec(text())?.[1] ?? '';
  expect(key).toContain('|');
  const get = (path: string) => fetch(url + path, { headers: { authorization: `Convex ${key}` } });
  expect((await get('/api/json_schemas')).status).toBe(503);
  const schemas = (await (await get('/api/json_schemas?byComponent=true')).json()) as Record<string, object>;
  expect(Object.keys(schemas)).toEqual(['', 'helpdesk']);
  expect(Object.keys(schemas[''] ?? {}).sort()).toEqual(['drafts', 'orders', 'products', 'users']);
  const page = (await (await get('/api/list_snapshot?tableName=users')).json()) as { values: object[] };
  expect(page.values).toHaveLength(2);
  child.kill('SIGINT');
  expect(await exitOf(child)).toBe(0);
});

test.each<[options: string[], commands: number]>([
  [[], 4],
  [['--data', 'none'], 4],
  [['--data', 'none', '--documents', '3'], 4],
  [['--data', 'none', '--now', '1000'], 4],
  [['--no-streaming-export'], 1],
  [['--ignore-table-name', '--deltas-of-root-only', '--without-data-sync'], 4],
  [['--limit', 'snapshotPage=1', '--limit', 'deltaRows=1'], 4],
])('with %j every command that it suggests works as printed', async (options, commands) => {
  const child = run(...options);
  const text = textOf(child);
  await expect.poll(text, { timeout: 30_000 }).toContain('"Oslo"}}]}\'\n');
  const printed = text().split('Try:\n')[1] ?? '';
  expect(printed.split('  curl ').slice(1)).toHaveLength(commands);
  // The text as it is, for a shell in which curl fails where the deployment refuses.
  const script = `set -e\ncurl() { command curl --silent --show-error --fail "$@"; }\n${printed}`;
  const { error, status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', timeout: 20_000 });
  expect(error).toBeUndefined();
  expect(status, stderr + stdout).toBe(0);
});

test('--help explains, and a mistake names what is wrong', async () => {
  const help = run('--help');
  const text = textOf(help);
  expect(await exitOf(help)).toBe(0);
  expect(text()).toBe(`${USAGE}\n`);
  for (const name of Object.keys(DEFAULT_LIMITS)) expect(USAGE).toContain(`${name}=`);
  const wrong = run('--limit', 'pages=5');
  const complaint = textOf(wrong);
  expect(await exitOf(wrong)).toBe(2);
  expect(complaint()).toContain("there is no limit 'pages'");
});

test('a port that is taken is a message, not a stack trace', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const child = run('--port', String((server.address() as AddressInfo).port));
  const text = textOf(child);
  expect(await exitOf(child)).toBe(1);
  expect(text()).toMatch(/^The port \d+ is taken\.\n$/);
});

test('arguments become options', () => {
  const command = parseCommandLine([
    ...['--port', '3210', '--name', 'calm-cat-7', '--seed', '5', '--now', '1790000000123456789', '--backfill', '10'],
    ...['--no-streaming-export', '--ignore-table-name', '--data', 'none', '--documents', '7'],
    ...['--deltas-of-root-only', '--without-data-sync', '--without-cursor-from-deltas'],
    ...['--without-list-active-syncs', '--without-data-sync-by-id'],
    ...['--limit', 'retention=5', '--limit', 'deltaRows=3'],
    ...[
      '--fault',
      'kind=html,path=/a,method=GET,times=all,after=1,probability=0.5,status=502,bytes=3,ms=4,code=X,message=Y',
    ],
  ]);
  expect(command).toEqual({
    data: 'none',
    documents: 7,
    options: {
      port: 3210,
      instanceName: 'calm-cat-7',
      seed: 5,
      now: 1790000000123456789n,
      backfillDelayMs: 10,
      streamingExport: false,
      ignoreTableName: true,
      deltasOfRootOnly: true,
      withoutDataSync: true,
      withoutCursorFromDeltas: true,
      withoutListActiveSyncs: true,
      withoutDataSyncById: true,
      limits: { retention: 5n, deltaRows: 3 },
    },
    faults: [
      {
        kind: 'html',
        path: '/a',
        method: 'GET',
        times: Infinity,
        after: 1,
        probability: 0.5,
        status: 502,
        bytes: 3,
        ms: 4,
        code: 'X',
        message: 'Y',
      },
    ],
  });
});

const mistakes: string[][] = [
  ['--fault', 'kind=explode'],
  ['--fault', 'path=/a'],
  ['--fault', 'kind=status,often=yes'],
  ['--fault', 'kind=status,times=some'],
  ['--fault', 'kind=status,probability=maybe'],
  ['--limit', 'deltaRows'],
  ['--limit', 'deltaRows=many'],
  ['--data', 'all'],
  ['--port', 'x'],
  ['--documents', '-1'],
  ['--unknown'],
  ['surplus'],
];
test.each(mistakes)('%s %s is a mistake', (...args) => {
  expect(() => parseCommandLine(args)).toThrow(CommandLineError);
});
