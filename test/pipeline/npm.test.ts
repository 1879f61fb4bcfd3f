/** Signals to what `npm run` starts: npm hands them on to its shell, and the shell to nobody. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FakeSource } from './fakes/source.ts';
import { CURSOR, record, state, until, Workshop } from './setup.ts';

const ROOT = join(import.meta.dirname, '../..');

let work: Workshop;
beforeEach(() => {
  work = new Workshop();
});
afterEach(() => {
  work.remove();
});

interface NpmRun {
  text: () => string;
  /** Sends the signal to npm alone, as a supervisor does. */
  signal: (signal: NodeJS.Signals) => void;
  /** Whether a process is left of npm and all that it has started. */
  isAlive: () => boolean;
  [Symbol.dispose]: () => void;
}

function npmRun(script: string, ...args: string[]): NpmRun {
  // A group of its own, so that what is left over can be seen, and ended.
  const child = spawn('npm', ['run', '--silent', script, '--', ...args], { cwd: ROOT, detached: true });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const group = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-child.pid!, signal);
    } catch {
      return false;
    }
  };
  return {
    text: () => text,
    signal: (signal) => child.kill(signal),
    isAlive: () => group(0),
    [Symbol.dispose]: () => void group('SIGKILL'),
  };
}

const users = { name: 'users', json_schema: {}, supported_sync_modes: ['full_refresh', 'incremental'] };
const catalog = { streams: [{ ...users, source_defined_primary_key: [['_id']] }] };

test('S7: SIGTERM to npm run sync stops the sync, and nothing of it is left', async () => {
  const lines: FakeSource['lines'] = [state('users', CURSOR), [1_000_000_000, record('users', 1)]];
  using run = npmRun('sync', ...work.args({ catalog, lines }, { slow: 1 }));
  await until(() => existsSync(work.path('state.json')));
  run.signal('SIGTERM');
  await until(() => !run.isAlive());
  expect(run.text()).toContain('sync: stopped by SIGTERM\n');
});

test.each([
  ['emulator', 'Try:', []],
  ['demo', 'Convex', ['--cities', '25000']],
])('S7: SIGTERM to npm run %s leaves nothing of it', async (script, said, args) => {
  using run = npmRun(script, ...args);
  await until(() => run.text().includes(said));
  run.signal('SIGTERM');
  await until(() => !run.isAlive());
  expect(run.text()).toContain(said);
});
