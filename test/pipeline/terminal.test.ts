/** What `npm run sync` prints on a terminal, and with --json. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FakeSource } from './fakes/source.ts';
import { CURSOR, record, state, status, Workshop } from './setup.ts';

const MAIN = join(import.meta.dirname, '../../pipeline/main.ts');

let work: Workshop;
beforeEach(() => {
  work = new Workshop();
});
afterEach(() => {
  work.remove();
});

const users = { name: 'users', json_schema: {}, supported_sync_modes: ['full_refresh', 'incremental'] };
const catalog = { streams: [{ ...users, source_defined_primary_key: [['_id']] }] };
const deletion = record('users', 2).replace('"data":{', '"data":{"_ab_cdc_deleted_at":"2026-01-01T00:00:00Z",');
const WARNING = '{"type":"LOG","log":{"level":"WARN","message":"a warning on the way"}}';

describe('--json', () => {
  test('one JSON object on stdout, and nothing else', async () => {
    const lines = [record('users', 1), deletion, state('users', CURSOR), status('users', 'COMPLETE'), WARNING];
    const { code, stdout, stderr } = await work.sync({ catalog, lines }, {}, ['--json']);
    expect(code, stderr).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    const { seconds, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
    expect(seconds).toBeGreaterThan(0);
    expect(rest).toEqual({
      status: 'succeeded',
      ...{ read: 2, written: 2, deleted: 1, rejected: 0 },
      state_file: work.path('state.json'),
      streams: [{ name: 'users', read: 2, written: 2, deleted: 1, rejected: 0, state: 'saved' }],
      failures: [],
    });
    expect(stderr).toContain('WARN  a warning on the way');
  });

  test('a sync that fails half-way says what is committed, and why it failed', async () => {
    const lines = [record('users', 1), state('users', CURSOR), record('users', 2)];
    const { code, stdout } = await work.sync({ catalog, lines, end: { code: 3 } }, {}, ['--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'failed',
      read: 2,
      written: 1,
      streams: [{ name: 'users', read: 2, written: 1, state: 'partly' }],
      failures: [{ who: 'source', message: 'ended with exit code 3' }],
    });
  });

  test('a sync that does not begin says why', async () => {
    const { code, stdout } = await work.sync({ catalog, lines: [] }, { failure: 'the key is wrong' }, ['--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'failed',
      streams: [],
      failures: [{ who: 'sync', message: 'The destination cannot be used: the key is wrong' }],
    });
  });
});

// script(1) of util-linux makes the terminal; other systems have another program of that name.
test.runIf(process.platform === 'linux')(
  'on a terminal: a live line for the stream, warnings above it, then the table',
  () => {
    const many: FakeSource['lines'] = [
      status('users', 'STARTED'),
      [400, record('users', 1)],
      WARNING,
      state('users', CURSOR),
      status('users', 'COMPLETE'),
    ];
    const command = [process.execPath, MAIN, ...work.args({ catalog, lines: many }, { slow: 3 })];
    const quoted = command.map((word) => `'${word}'`).join(' ');
    const { stdout, status: code } = spawnSync('script', ['-qec', `stty cols 80 rows 24; ${quoted}`, '/dev/null'], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect(code, stdout).toBe(0);
    // eslint-disable-next-line no-control-regex
    const text = stdout.replace(/\u001b\[[?\d;]*[A-Za-z]/g, '').replaceAll('\r', '');
    expect(text).toMatch(/^users +(reading|writing) +400 /m);
    expect(text).toMatch(/^total +400 /m);
    expect(text).toContain('source      WARN  a warning on the way\n');
    expect(text).toMatch(/^users +400 +400 +0 +0 +saved$/m);
    // The cursor is shown again.
    expect(stdout.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001b[?25l'));
  },
);
