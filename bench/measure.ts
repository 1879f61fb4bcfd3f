/** Runs a command as a process and says how long it took and what it used. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compiled } from './workspace.ts';

export interface Usage {
  /** Seconds from the process's start to its end. */
  wall: number;
  /** Seconds of processor time, user and system. */
  cpu: number;
  /** Peak resident memory in bytes. */
  rss: number;
}

const USAGE = compiled('usage');
const REPLAY = fileURLToPath(new URL('replay.ts', import.meta.url));

/** `stdin`: a file, or a command whose output it is. stdout goes through a pipe whose reader discards it, as fast as a reader can. */
export async function measure(args: readonly string[], { feed }: { feed?: readonly string[] } = {}): Promise<Usage> {
  const quoted = (words: readonly string[]) => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const command = quoted([process.execPath, '--import', USAGE, ...args]);
  const source = feed === undefined ? 'true' : quoted(feed);
  const child = spawn('sh', ['-c', `${source} 3>&- | ${command} | cat >/dev/null`], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  let text = '';
  (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  const usage = text === '' ? undefined : (JSON.parse(text) as Usage & { code: number });
  if (usage?.code !== 0) throw new Error(`${args.join(' ')} did not end as it should`);
  return usage;
}

export interface Replay {
  url: string;
  report: () => Promise<{ requests: number; idle: number }>;
  stop: () => void;
}

export async function startReplay(shape: string, pages: number, latency = 0): Promise<Replay> {
  const server = spawn(process.execPath, [REPLAY, shape, String(pages), String(latency)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const port = await new Promise<string>((resolve) =>
    server.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
  );
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    report: async () => (await (await fetch(`${url}/bench`)).json()) as { requests: number; idle: number },
    stop: () => server.kill(),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function medians(runs: readonly Usage[]): Usage {
  return {
    wall: median(runs.map(({ wall }) => wall)),
    cpu: median(runs.map(({ cpu }) => cpu)),
    rss: Math.max(...runs.map(({ rss }) => rss)),
  };
}
