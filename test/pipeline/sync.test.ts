import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CURSOR, Workshop, finished, record, state, stateBody, status, until } from './setup.ts';

const stream = (name: string, extra: object = {}): object => ({
  name,
  json_schema: { type: 'object' },
  supported_sync_modes: ['full_refresh', 'incremental'],
  source_defined_cursor: true,
  default_cursor_field: ['_ts'],
  source_defined_primary_key: [['_id']],
  ...extra,
});
const catalog = { streams: [stream('users'), stream('invoices', { namespace: 'billing' })] };

let work: Workshop;
beforeEach(() => {
  work = new Workshop();
});
afterEach(() => {
  work.remove();
});

/** A file's JSON. */
const json = (name: string): unknown => JSON.parse(work.read(name));

describe('what goes through', () => {
  test('records, states and stream statuses arrive as they are and in order; the rest is shown', async () => {
    const lines = [
      '{"type":"LOG","log":{"level":"INFO","message":"hello"}}',
      status('users', 'STARTED'),
      record('users', 1),
      'a stray print',
      record('users', 2),
      // the spelling of Python's json.dumps, and a key order of nobody we know
      `{"type": "RECORD", "record": {"stream": "users", "data": {"a": 1.0}, "emitted_at": 1}}`,
      `{"record":{"stream":"users","data":{"a":-0.0},"emitted_at":1},"type":"RECORD"}`,
      '{"type":"TRACE","trace":{"type":"ESTIMATE","emitted_at":1,"estimate":{"name":"users","type":"STREAM"}}}',
      state('users', CURSOR),
      status('users', 'COMPLETE'),
      status('orders', 'INCOMPLETE'),
    ];
    const { code, stdout, stderr } = await work.sync({ catalog, lines, stderr: 'on stderr\n' });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const passed = lines.filter((line) => line.startsWith('{') && !/LOG|ESTIMATE/.test(line));
    expect(work.read('received').trimEnd().split('\n')).toEqual(passed);
    expect(stdout).toMatch(/^4 records read, 4 committed/m);
    for (const text of ['source      INFO  hello', 'source      a stray print', 'source      on stderr']) {
      expect(stderr).toContain(`${text}\n`);
    }
    expect(stderr).toContain('source      WARN  stream orders: INCOMPLETE\n');
    expect(stderr).not.toContain('stream users');
    expect(stderr + stdout).not.toContain(CURSOR);
  });

  test('lines longer than a pipe, and a last line without a newline', async () => {
    const long = record('users', 1).replace('users1', 'ä'.repeat(1_500_000));
    const { code } = await work.sync({ catalog, lines: [long, long], tail: state('users', CURSOR) });
    expect(code).toBe(0);
    expect(work.read('received')).toBe(`${long}\n${long}\n${state('users', CURSOR)}\n`);
  });

  test('a destination that is slower than the source gets everything', async () => {
    const lines: [number, string][] = [[400, record('users', 1).replace('users1', 'x'.repeat(10_000))]];
    const { code } = await work.sync({ catalog, lines: [...lines, state('users', '1')] }, { slow: 1 });
    expect(code).toBe(0);
    expect(work.read('received').split('\n')).toHaveLength(402);
  });
});

describe('the configured catalog', () => {
  const configured = async (...extra: string[]): Promise<object[]> => {
    const { code, stderr } = await work.sync({ catalog, seen: work.path('seen') }, {}, extra);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return (JSON.parse((json('seen') as { catalog: string }).catalog) as { streams: object[] }).streams;
  };

  test('is incremental and deduplicated by the primary key of the stream by default', async () => {
    expect(await configured()).toEqual([
      {
        stream: stream('users'),
        sync_mode: 'incremental',
        destination_sync_mode: 'append_dedup',
        cursor_field: ['_ts'],
        primary_key: [['_id']],
      },
      expect.objectContaining({ stream: stream('invoices', { namespace: 'billing' }) }),
    ]);
  });

  test('holds the chosen streams in the chosen mode', async () => {
    expect(await configured('--streams', 'billing.invoices', '--mode', 'overwrite')).toEqual([
      expect.objectContaining({ sync_mode: 'full_refresh', destination_sync_mode: 'overwrite' }),
    ]);
  });

  test('carries a generation of its own for a full refresh', async () => {
    const [first] = (await configured('--streams', 'users', '--full-refresh')) as Record<string, number>[];
    expect(first?.['generation_id']).toBeGreaterThan(1);
    expect(first?.['minimum_generation_id']).toBe(first?.['generation_id']);
    expect(first?.['sync_mode']).toBe('incremental');
  });
});

describe('the state file', () => {
  test('holds the latest state of each stream, byte for byte', async () => {
    const odd = stateBody('users', CURSOR).replace('"stream_state"', '"ünknown" : 1.0, "stream_state"');
    const lines = [
      state('users', '1'),
      state('invoices', CURSOR, 'billing'),
      `{"type":"STATE", "x": null, "state": ${odd} }`,
      state('invoices', '2', 'app'),
    ];
    expect((await work.sync({ catalog, lines })).code).toBe(0);
    const expected = [odd, stateBody('invoices', CURSOR, 'billing'), stateBody('invoices', '2', 'app')];
    expect(work.read('state.json')).toBe(`[\n${expected.join(',\n')}\n]\n`);
  });

  test('is given to the source, and keeps what this run did not touch', async () => {
    // as another runner may have left it
    work.write('state.json', ` [${stateBody('orders', CURSOR)} ,\n${stateBody('users', '1')}]`);
    await work.sync({ catalog, lines: [state('users', '2')], seen: work.path('seen') });
    expect((json('seen') as { state: string }).state).toContain(stateBody('orders', CURSOR));
    expect(work.read('state.json')).toBe(`[\n${stateBody('orders', CURSOR)},\n${stateBody('users', '2')}\n]\n`);
  });

  test.each(['', '[]', '{}'])('may be %j, which is no state: the source gets none', async (content) => {
    work.write('state.json', content);
    expect((await work.sync({ catalog, seen: work.path('seen') })).code).toBe(0);
    expect(json('seen')).not.toHaveProperty('state');
  });

  test.each(['[1]', 'null', '[{"type":"STREAM"', 'config: yaml'])(
    'with %j in it stops the sync and stays',
    async (content) => {
      work.write('state.json', content);
      const { code, stderr } = await work.sync({ catalog, seen: work.path('seen') });
      expect(code).toBe(1);
      expect(stderr).toContain('does not hold states');
      expect(work.read('state.json')).toBe(content);
      expect(existsSync(work.path('seen'))).toBe(false);
    },
  );

  test('forgets the chosen streams before a full refresh starts, and only them', async () => {
    work.write('state.json', `[${stateBody('users', '1')},${stateBody('invoices', '1', 'billing')}]`);
    const { code } = await work.sync({ catalog, end: { code: 1 }, seen: work.path('seen') }, {}, [
      ...['--streams', 'users', '--full-refresh'],
    ]);
    expect(code).toBe(1);
    expect(work.read('state.json')).toBe(`[\n${stateBody('invoices', '1', 'billing')}\n]\n`);
    expect((json('seen') as { state: string }).state).not.toContain('users');
  });

  test.each([['--full-refresh'], ['--mode', 'overwrite']])(
    'D1: of a run that replaces tables is written when all of it has succeeded: %s',
    async (...replacing) => {
      const lines = [record('users', 1), state('users', '1')];
      const failed = await work.sync({ catalog, lines, end: { code: 3 } }, {}, ['--streams', 'users', ...replacing]);
      expect(failed.code).toBe(1);
      expect(failed.stdout).toContain('run it again with the same options');
      expect(work.read('state.json')).toBe('[]\n');
      const { code } = await work.sync({ catalog, lines }, {}, ['--streams', 'users', ...replacing]);
      expect(code).toBe(0);
      expect(work.read('state.json')).toBe(`[\n${stateBody('users', '1')}\n]\n`);
    },
  );

  test('that cannot be written stops both sides', async () => {
    const { code, stdout } = await work.sync({ catalog, lines: [state('users', '1')], end: { hang: true } }, {}, [
      '--state',
      work.path('missing/state.json'),
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain('cannot be written');
  });

  test('is only written for states that came back', async () => {
    const { code, stdout } = await work.sync({ catalog, lines: [state('users', '1')] }, { mute: true });
    expect(code).toBe(1);
    expect(stdout).toContain('destination: did not commit the last 1 states');
    expect(existsSync(work.path('state.json'))).toBe(false);
  });
});

describe('failures', () => {
  const lines = [record('users', 1), state('users', '1'), record('users', 2)];
  const error =
    '{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"the key is wrong","failure_type":"config_error"}}}';

  test('a source that ends badly: the destination commits what it has, and the sync has failed', async () => {
    const { code, stdout } = await work.sync({ catalog, lines, end: { code: 3 } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/\nThe sync failed\.\n {2}source: ended with exit code 3\n2 records read, 1 committed/);
    expect(stdout).toContain('the next run goes on from there');
    expect(work.read('received')).toBe(`${lines.join('\n')}\n`);
    expect(work.read('state.json')).toContain(stateBody('users', '1'));
  });

  test('a source that says why it failed is quoted instead', async () => {
    const { code, stdout, stderr } = await work.sync({ catalog, lines: [...lines, error], end: { code: 1 } });
    expect(code).toBe(1);
    expect(stdout).toContain('  source: the key is wrong (config_error)\n2 records');
    expect(stderr).toContain('ERROR the key is wrong');
    expect(work.read('received')).not.toContain('ERROR');
  });

  test('an error is a failure even where the exit code is 0', async () => {
    expect((await work.sync({ catalog, lines: [error] })).code).toBe(1);
    expect((await work.sync({ catalog }, { lines: [error] })).stdout).toContain('destination: the key is wrong');
  });

  test('a source that is killed in the middle of a record: the piece is not passed on', async () => {
    const tail = record('users', 3).slice(0, 60);
    const { code, stdout, stderr } = await work.sync({ catalog, lines, tail, end: { signal: 'SIGKILL' } });
    expect(code).toBe(1);
    expect(stdout).toContain('source: was killed by SIGKILL');
    expect(stdout).toContain('source: ended in the middle of a message');
    expect(work.read('received')).toBe(`${lines.join('\n')}\n`);
    expect(stdout + stderr).not.toContain('users3');
  });

  test('a line that begins like a message but is none is a failure, and is not shown', async () => {
    const { code, stdout, stderr } = await work.sync({ catalog, lines: ['{"type":"REC{"secret":1}', ...lines] });
    expect(code).toBe(1);
    expect(stdout).toContain('source: wrote a line of 25 bytes that begins like a message but is not JSON');
    expect(stdout + stderr).not.toContain('secret');
  });

  test.each([0, 7])('a destination that ends early with code %i: the source is stopped', async (exitCode) => {
    const endless: [number, string][] = [[1_000_000_000, record('users', 1)]];
    const { code, stdout } = await work.sync(
      { catalog, lines: [...lines, ...endless] },
      { die: { at: 100, code: exitCode } },
    );
    expect(code).toBe(1);
    expect(stdout).toContain(
      exitCode === 0 ? 'destination: ended before it had read all its input' : 'destination: ended with exit code 7',
    );
    expect(stdout).not.toContain('source:');
    expect(work.read('state.json')).toContain(stateBody('users', '1'));
  });

  test('a destination that ends while the source is silent', async () => {
    const { code, stdout } = await work.sync({ catalog, lines, end: { hang: true } }, { die: { at: 1, code: 7 } });
    expect(code).toBe(1);
    expect(stdout).toContain('destination: ended with exit code 7');
  });

  test('a source or a destination that cannot be started', async () => {
    const source = await work.sync({ catalog }, {}, ['--source', '/no/such/program']);
    expect(source).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('discover of the source failed: could not be started') as string,
    });
    const destination = await work.sync({ catalog }, {}, ['--destination', '/no/such/program']);
    expect(destination).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('check of the destination failed: could not') as string,
    });
  });

  test('a destination whose check fails: nothing is started', async () => {
    const { code, stderr } = await work.sync(
      { catalog, seen: work.path('seen') },
      { failure: 'the key lacks a permission' },
    );
    expect(code).toBe(1);
    expect(stderr).toContain('The destination cannot be used: the key lacks a permission');
    expect(existsSync(work.path('seen'))).toBe(false);
  });

  test('a source that cannot discover is quoted', async () => {
    const { code, stderr } = await work.sync({ lines: [error], end: { code: 1 } });
    expect(code).toBe(1);
    expect(stderr).toContain('discover of the source failed: the key is wrong');
  });
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s stops the source; the destination commits what it has been given',
  async (signal) => {
    const endless: [number, string][] = [[1_000_000_000, record('users', 1)]];
    const lines = [state('users', CURSOR), ...endless];
    const running = work.start({ catalog, lines }, { slow: 1 });
    await until(() => existsSync(work.path('state.json')));
    running.kill(signal);
    const { code, stdout } = await running.finished;
    expect(code).toBe(1);
    expect(stdout).toContain(`sync: stopped by ${signal}\n`);
    expect(stdout).not.toContain('destination:');
    const received = work.read('received').trimEnd().split('\n');
    // all that the source had written, whole lines only
    expect(received.slice(1)).toEqual(Array.from({ length: received.length - 1 }, () => record('users', 1)));
    expect(stdout).toContain(`\n${(received.length - 1).toLocaleString('en-US')} records read, 0 committed`);
  },
);

describe('wrong usage', () => {
  test.each<[string, string[]]>([
    ['--destination-config FILE is missing', ['--source-config', 'a', '--state', 'b']],
    ["Unknown option '--stream'", ['--stream', 'a']],
    ['--mode is one of append_dedup, append, overwrite', ['--mode', 'merge']],
    ["Unexpected argument 'users'", ['users']],
    ['--streams is a list of names', ['--streams', 'a,,b']],
  ])('%s: exit code 2', async (message, args) => {
    const { code, stdout, stderr } = await finished(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('--help');
  });

  test('--help explains every option', async () => {
    const { code, stdout } = await finished(['--help']);
    expect(code).toBe(0);
    for (const option of 'source-config destination-config state streams mode full-refresh source destination help'.split(
      ' ',
    )) {
      expect(stdout).toContain(`--${option}`);
    }
  });

  test('a stream that does not exist: the others are named', async () => {
    const { code, stderr } = await work.sync({ catalog }, {}, ['--streams', 'users,orders,invoices']);
    expect(code).toBe(1);
    expect(stderr).toContain('no stream orders, invoices. It has: billing.invoices, users');
  });

  test('a configuration that is not JSON: its text, which holds a key, is not shown', async () => {
    const config = work.write('config.json', '{"access_key": "prod:key|s3cret"');
    const args = ['--source-config', config, '--destination-config', config, '--state', work.path('s')];
    const { code, stdout, stderr } = await finished(args);
    expect(code).toBe(1);
    expect(stderr).toContain(`${config} is not JSON`);
    expect(stdout + stderr).not.toContain('s3cret');
  });
});
