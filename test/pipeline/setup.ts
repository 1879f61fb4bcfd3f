import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FakeDestination } from './fakes/destination.ts';
import type { FakeSource } from './fakes/source.ts';

export const FAKE_SOURCE = [process.execPath, join(import.meta.dirname, 'fakes/source.ts')];
export const FAKE_DESTINATION = [process.execPath, join(import.meta.dirname, 'fakes/destination.ts')];
const MAIN = join(import.meta.dirname, '../../pipeline/main.ts');

/** A cursor that a double cannot hold: JSON.parse makes it …000. */
export const CURSOR = '1724283181123456789';

export const record = (stream: string, n: number): string =>
  `{"type":"RECORD","record":{"stream":"${stream}","data":{"_id":"${stream}${n}","_ts":${CURSOR}},"emitted_at":1767225600000}}`;
export const stateBody = (stream: string, cursor: string, namespace?: string): string =>
  `{"type":"STREAM","stream":{"stream_descriptor":{"name":"${stream}"${namespace ? `,"namespace":"${namespace}"` : ''}},"stream_state":{"cursor":${cursor}}}}`;
export const state = (stream: string, cursor: string, namespace?: string): string =>
  `{"type":"STATE","state":${stateBody(stream, cursor, namespace)}}`;
export const status = (stream: string, value: string): string =>
  `{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1,"stream_status":{"stream_descriptor":{"name":"${stream}"},"status":"${value}"}}}`;

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder for one test, with what a sync needs in it. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'pipeline-'));

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: unknown): string {
    writeFileSync(this.path(name), typeof content === 'string' ? content : JSON.stringify(content));
    return this.path(name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs `npm run sync` with fake connectors and the given configurations, to its end. */
  async sync(source: FakeSource, destination: Partial<FakeDestination> = {}, extra: string[] = []): Promise<Finished> {
    return this.start(source, destination, extra).finished;
  }

  start(source: FakeSource, destination: Partial<FakeDestination> = {}, extra: string[] = []): Running {
    return start(this.args(source, destination, extra));
  }

  /** The arguments of `npm run sync` with fake connectors. */
  args(source: FakeSource, destination: Partial<FakeDestination> = {}, extra: string[] = []): string[] {
    return [
      ...['--source-config', this.write('source.json', source)],
      ...['--destination-config', this.write('destination.json', { received: this.path('received'), ...destination })],
      ...['--state', this.path('state.json')],
      ...['--source', FAKE_SOURCE.join(' '), '--destination', FAKE_DESTINATION.join(' ')],
      ...extra,
    ];
  }
}

export interface Running {
  kill(signal: NodeJS.Signals): void;
  finished: Promise<Finished>;
}

/** Runs pipeline/main.ts to its end. */
export function finished(args: readonly string[]): Promise<Finished> {
  return start(args).finished;
}

function start(args: readonly string[]): Running {
  const env = { ...process.env, CONVEX_CONNECTOR_POLL_MS: '10' };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 50_000, env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return {
    kill: (signal) => child.kill(signal),
    finished: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        resolve({ code, stdout, stderr });
      });
    }),
  };
}

/** Waits until a condition holds; fails when it does not within 20 seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('what was waited for did not happen');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
