/** What goes wrong between the source and a deployment, in the middle of a sync. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf, messagesOf, statesOf, statusesOf } from '../support/messages.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { lastState, recordsOf, replay, savedStates, Source } from './setup.ts';

const people = (n: number): object[] =>
  Array.from({ length: n }, (_, i) => ({ name: `Person ${i}`, text: 'é"\\{}[]' }));
const WHERE =
  'Deploy keys are made in the Convex dashboard under Settings → URL & Deploy Key; the admin key of a self-hosted deployment is made with its generate_admin_key script.';
const SNAPSHOT = '/api/list_snapshot';
const DELTAS = '/api/document_deltas';

describe('a page that breaks off', () => {
  test('at any byte is fetched again, and every document comes once', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 40 } });
    source.deployment.load('t', people(6));
    // How long the page is: all its offsets matter, from the first byte to the last.
    const probe = await source.readAll({ streams: ['t'] });
    const page = await fetch(`${source.emulator.url}${SNAPSHOT}?tableName=t`, {
      headers: { authorization: `Convex ${source.emulator.readOnlyKey}` },
    });
    const { length } = await page.text();
    expect(recordsOf(probe)).toHaveLength(6);
    expect(length).toBeGreaterThan(900);
    for (let offset = 0; offset < length; offset += 97) {
      source.emulator.faults.clear();
      // Twice: the second time a little further, the third time it comes whole.
      source.emulator.faults.add({ kind: 'truncate-body', path: SNAPSHOT, after: 1, bytes: offset });
      source.emulator.faults.add({ kind: 'truncate-body', path: SNAPSHOT, after: 1, bytes: offset + 40 });
      const lines = await source.readAll({ streams: ['t'] });
      expect(recordsOf(lines)).toHaveLength(6);
      expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
      const warnings = logsOf(lines).filter((line) => line.startsWith('WARN'));
      expect(warnings).toHaveLength(2);
      for (const line of warnings) {
        expect(line).toMatch(/^WARN 127\.0\.0\.1: \/api\/list_snapshot broke off \([A-Z_]+\)\. Try [12] of 10; trying/);
      }
    }
  });

  test('of the change log, whose end is another one with every request', async () => {
    await using source = await Source.start({ limits: { deltaRows: 50 } });
    source.deployment.load('t', people(3));
    const first = await source.readAll({ streams: ['t'] });
    source.deployment.load('t', people(2), { perTransaction: 1 });
    let fired = 0;
    // From the end: within the flag, within the cursor, within the last document, within the first.
    for (const back of [3, 20, 35, 60, 200, 340]) {
      source.emulator.faults.clear();
      const length = await deltasLength(source, String(lastState(first, 't')?.['delta_cursor']));
      source.emulator.faults.add({ kind: 'truncate-body', path: DELTAS, bytes: length - back });
      const lines = await source.readAll({ streams: ['t'], state: savedStates(first) });
      expect(recordsOf(lines)).toHaveLength(2);
      expect(source.emulator.faults.fired).toBe(++fired);
    }
  });

  async function deltasLength(source: Source, cursor: string): Promise<number> {
    const answer = await fetch(`${source.emulator.url}${DELTAS}?cursor=${cursor}&tableName=t`, {
      headers: { authorization: `Convex ${source.emulator.readOnlyKey}` },
    });
    return (await answer.text()).length;
  }

  test('and is longer when it comes again, since somebody has written meanwhile', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(2));
    const first = await source.readAll({ streams: ['t'] });
    source.deployment.load('t', people(4), { perTransaction: 1 });
    source.emulator.faults.add({ kind: 'truncate-body', path: DELTAS, bytes: 700 });
    const run = source.startRead({
      streams: ['t'],
      state: savedStates(first),
      env: { CONVEX_CONNECTOR_RETRY_MIN_MS: '500' },
    });
    await run.line('the retry', (line) => line.includes('trying again'));
    source.deployment.load('t', people(3), { perTransaction: 1 });
    const { code, lines } = await run.finished;
    expect(code).toBe(0);
    expect(new Set(recordsOf(lines).map(({ id }) => id)).size).toBe(recordsOf(lines).length);
    expect(replay([...recordsOf(first), ...recordsOf(lines)], 't')).toEqual(source.truth('t'));
    expect(recordsOf(lines)).toHaveLength(7);
  });

  test('and is another one when it comes again: the run ends rather than guess, and the next one repairs it', async () => {
    await using source = await Source.start();
    source.deployment.load('a', people(2));
    source.deployment.load('b', people(2));
    const first = await source.readAll({ streams: ['a', 'b'] });
    source.deployment.load('a', people(2), { perTransaction: 1 });
    source.deployment.load('b', people(2), { perTransaction: 1 });
    source.emulator.faults.add({ kind: 'truncate-body', path: DELTAS, bytes: 700 });
    const state = savedStates(first);
    const run = source.startRead({ streams: ['a', 'b'], state, env: { CONVEX_CONNECTOR_RETRY_MIN_MS: '500' } });
    await run.line('the retry', (line) => line.includes('trying again'));
    // Its rows vanish from the log.
    source.deployment.dropTable('a');
    const { code, lines } = await run.finished;
    expect(code).toBe(1);
    expect(errorsOf(lines).map(({ failure_type, message }) => `${failure_type} ${message}`)).toEqual(
      Array.from(
        { length: 2 },
        () =>
          `transient_error 127.0.0.1 does not answer as it should at the moment, although it was tried 2 times over 1 s: ${DELTAS} gave another page than before its connection broke off. Nothing that was committed is lost; the next sync goes on from there.`,
      ),
    );
    const second = await source.readAll({ streams: ['b'], state: savedStates(first, lines) });
    expect(
      replay(
        [first, lines, second].flatMap((run) => recordsOf(run)),
        'b',
      ),
    ).toEqual(source.truth('b'));
  });

  test('in the middle of which a proxy put its own page', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(5));
    let meddled = 0;
    await using proxy = await startProxy(source.emulator.url, {
      reply: ({ path, body }, reply) =>
        path === SNAPSHOT && body.startsWith('{"snapshot"') && meddled++ === 0
          ? { ...reply, body: `${reply.body.slice(0, 700)}<html>502 Bad Gateway</html>` }
          : reply,
    });
    const lines = await source.readAll({ streams: ['t'], config: { deployment_url: proxy.url } });
    expect(recordsOf(lines)).toHaveLength(5);
    expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
    expect(meddled).toBe(2);
  });

  test('byte by byte is no failure', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(3));
    source.emulator.faults.add({ kind: 'slow-body', path: SNAPSHOT, bytes: 1, ms: 0, times: Infinity });
    const lines = await source.readAll({ streams: ['t'] });
    expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
    expect(logsOf(lines).some((line) => line.startsWith('WARN'))).toBe(false);
  });
});

describe('trying again', () => {
  test.each([
    ['408', { kind: 'status', status: 408 }, `${SNAPSHOT} answered 408`],
    ['425', { kind: 'status', status: 425 }, `${SNAPSHOT} answered 425 TooEarly`],
    ['429', { kind: 'status', status: 429 }, `${SNAPSHOT} answered 429 TooManyConcurrentRequests`],
    ['500', { kind: 'status', status: 500 }, `${SNAPSHOT} answered 500 InternalServerError`],
    ['503', { kind: 'status', status: 503, code: 'CommitterFullError' }, `${SNAPSHOT} answered 503 CommitterFullError`],
    ["a proxy's 502", { kind: 'html', status: 502 }, `${SNAPSHOT} answered 502`],
    ["a proxy's 504", { kind: 'html', status: 504, body: '' }, `${SNAPSHOT} answered 504`],
    ['a reset', { kind: 'reset-before' }, `${SNAPSHOT} broke off (ECONNRESET)`],
    ['a lost answer', { kind: 'reset-after-commit' }, `${SNAPSHOT} broke off (ECONNRESET)`],
    ['a web page', { kind: 'html', status: 200 }, `${SNAPSHOT}: byte 0 of the response should be a JSON object`],
    ['an empty answer', { kind: 'html', status: 200, body: '' }, `${SNAPSHOT}: the response broke off after 0 bytes`],
  ] as const)('after %s, and says so', async (_what, fault, said) => {
    await using source = await Source.start();
    source.deployment.load('t', people(3));
    // On the pin, and on a page.
    source.emulator.faults.add({ ...fault, path: SNAPSHOT });
    source.emulator.faults.add({ ...fault, path: SNAPSHOT, after: 1 });
    const lines = await source.readAll({ streams: ['t'] });
    expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
    expect(logsOf(lines).filter((line) => line.startsWith('WARN'))).toEqual([
      `WARN 127.0.0.1: ${said}. Try 1 of 10; trying again in 0.0 s.`,
      `WARN 127.0.0.1: ${said}. Try 1 of 10; trying again in 0.0 s.`,
    ]);
  });

  test.each([
    ['seconds', '0.4', 400],
    ['a date', () => new Date(Date.now() + 2500).toUTCString(), 400],
    ['a date of before', 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['nonsense', 'soon', 0],
    ['nothing', '', 0],
    ['no number', 'NaN', 0],
    ['less than nothing', '-5', 0],
  ])('after the time that Retry-After asks for: %s', async (_what, value, least) => {
    await using source = await Source.start();
    source.deployment.load('t', people(1));
    const header = typeof value === 'string' ? value : value();
    source.emulator.faults.add({ kind: 'status', status: 429, path: SNAPSHOT, headers: { 'retry-after': header } });
    const lines = await source.readAll({ streams: ['t'] });
    expect(recordsOf(lines)).toHaveLength(1);
    const [first, second] = source.emulator.journal.of(SNAPSHOT);
    expect(second!.startedAt - first!.startedAt).toBeGreaterThanOrEqual(least);
    const [warning] = logsOf(lines).filter((line) => line.startsWith('WARN'));
    const seconds = Number(/trying again in (\d+\.\d) s/.exec(warning!)?.[1]);
    if (least === 0) expect(seconds).toBe(0);
    else expect(seconds).toBeGreaterThan(0);
  });

  test('ends: a Retry-After beyond all patience is not waited for', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(1));
    const headers = { 'retry-after': '7200' };
    source.emulator.faults.add({ kind: 'status', status: 429, path: SNAPSHOT, headers, times: Infinity });
    const { code, lines } = await source.read({ streams: ['t'] });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(source.emulator.journal.count(SNAPSHOT)).toBe(1);
  });

  test('a server that hangs', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(3));
    source.emulator.faults.add({ kind: 'hang', path: SNAPSHOT, after: 1 });
    const lines = await source.readAll({ streams: ['t'], env: { CONVEX_CONNECTOR_RESPONSE_MS: '300' } });
    expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
    expect(logsOf(lines)).toContain(
      `WARN 127.0.0.1: ${SNAPSHOT} broke off (ETIMEDOUT). Try 1 of 10; trying again in 0.0 s.`,
    );
  });
});

describe('a failure that stays', () => {
  test('of the key stops all, at once', async () => {
    await using source = await Source.start();
    source.deployment.load('a', people(1));
    source.deployment.load('b', people(1));
    source.emulator.keys.revoke(source.emulator.readOnlyKey);
    const { code, lines } = await source.read({ streams: ['a', 'b'] });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([
      {
        failure_type: 'config_error',
        message: `127.0.0.1 does not accept the deploy key (401 BadAdminKey). It may be mistyped, revoked, or belong to another deployment. Use a key of this deployment with the permission deployment:data:view. ${WHERE}`,
      },
    ]);
    expect(source.emulator.journal.count()).toBe(1);
  });

  test('of the key in the middle: one error, every stream INCOMPLETE, what was read is kept', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    for (const table of ['a', 'b', 'c']) source.deployment.load(table, people(4));
    source.emulator.faults.add({
      kind: 'status',
      status: 401,
      code: 'BadAdminKey',
      path: SNAPSHOT,
      after: 4,
      times: Infinity,
    });
    const streams = ['a', 'b', 'c'];
    // States are not due for long: they are written because the run ends.
    const { code, lines } = await source.read({ streams, env: { CONVEX_CONNECTOR_CHECKPOINT_MS: '600000' } });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'config_error' }]);
    expect(statusesOf(lines).filter((status) => status.endsWith('COMPLETE'))).toEqual(
      streams.map((name) => `${name} INCOMPLETE`),
    );
    expect(recordsOf(lines)).toHaveLength(7);
    source.emulator.faults.clear();
    const second = await source.readAll({ streams, state: savedStates(lines) });
    // Nothing was lost, and nothing that a state covered comes again: all had been.
    expect(recordsOf(second)).toHaveLength(5);
    for (const name of streams)
      expect(replay([...recordsOf(lines), ...recordsOf(second)], name)).toEqual(source.truth(name));
  });

  test('of the permission, which is missing', async () => {
    await using source = await Source.start();
    source.deployment.load('a', people(1));
    const config = { access_key: source.emulator.importOnlyKey };
    const { code, lines } = await source.read({ streams: ['a'], config });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([
      {
        failure_type: 'config_error',
        message: expect.stringContaining('lacks the permission deployment:data:view') as string,
      },
    ]);
  });

  test('of the deployment, which has gone', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    source.deployment.load('a', people(20));
    source.emulator.faults.add({ kind: 'latency', ms: 200, path: SNAPSHOT, after: 3, times: Infinity });
    const run = source.startRead({ streams: ['a'], env: { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '3' } });
    await until('the fourth request', () => source.emulator.journal.count(SNAPSHOT) === 4);
    await source.emulator.close();
    const { code, lines } = await run.finished;
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([
      {
        failure_type: 'transient_error',
        message: `127.0.0.1 could not be reached (ECONNREFUSED), although it was tried 3 times over 1 s. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that this machine may connect to it.`,
      },
    ]);
    expect(statusesOf(lines).at(-1)).toBe('a INCOMPLETE');
    expect(recordsOf(lines)).toHaveLength(6);
    expect(lastState(lines, 'a')).toMatchObject({ snapshot_has_more: true });
  });

  test('of one table costs that table', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3 } });
    const tables = ['a', 'b', 'bad', 'c', 'd'];
    for (const table of tables) source.deployment.load(table, people(7));
    await using proxy = await startProxy(source.emulator.url, {
      reply: ({ path }, reply) =>
        path === SNAPSHOT && reply.body.includes('"_table":"bad"')
          ? {
              status: 500,
              headers: { 'content-type': 'application/json' },
              body: '{"code":"InternalServerError","message":"Your request couldn\'t be completed. Try again later."}',
            }
          : reply,
    });
    const options = {
      streams: tables,
      config: { deployment_url: proxy.url },
      env: { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '2' },
    };
    const { code, lines } = await source.read(options);
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([
      {
        failure_type: 'transient_error',
        stream_descriptor: { name: 'bad' },
        message: `127.0.0.1 does not answer as it should at the moment, although it was tried 2 times over 1 s: ${SNAPSHOT} answered 500 InternalServerError. Nothing that was committed is lost; the next sync goes on from there.`,
      },
    ]);
    expect(logsOf(lines).some((line) => line.startsWith(`WARN ${SNAPSHOT} answered 500 InternalServerError. `))).toBe(
      true,
    );
    for (const table of tables.filter((name) => name !== 'bad')) {
      expect(replay(recordsOf(lines), table)).toEqual(source.truth(table));
      expect(recordsOf(lines).filter(({ stream }) => stream === table)).toHaveLength(7);
    }
    expect(logsOf(lines).at(-1)).toBe('ERROR Not read completely: bad.');
  });

  test('of everything ends the run soon, not once for each stream', async () => {
    await using source = await Source.start();
    const tables = Array.from({ length: 12 }, (_, i) => `t${i}`);
    for (const table of tables) source.deployment.load(table, people(1));
    source.emulator.faults.add({ kind: 'status', status: 500, path: SNAPSHOT, after: 1, times: Infinity });
    const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '2' };
    const { code, lines } = await source.read({ streams: tables, env });
    expect(code).toBe(1);
    expect(source.emulator.journal.count(SNAPSHOT)).toBe(1 + 3 * 2);
    expect(statusesOf(lines).filter((status) => status.endsWith('INCOMPLETE'))).toHaveLength(12);
  });

  test('of the change log leaves the snapshots of new streams read', async () => {
    await using source = await Source.start();
    source.deployment.load('old', people(2));
    const first = await source.readAll({ streams: ['old'] });
    source.deployment.load('fresh', people(2));
    source.emulator.faults.add({ kind: 'status', status: 409, code: 'Conflict', path: DELTAS, times: Infinity });
    const streams = ['old', 'fresh', { name: 'full', mode: 'full_refresh' }];
    source.deployment.load('full', people(2));
    const { code, lines } = await source.read({ streams, state: savedStates(first) });
    expect(code).toBe(1);
    expect(
      errorsOf(lines).map(({ stream_descriptor, failure_type }) => [stream_descriptor?.name, failure_type]),
    ).toEqual([
      ['old', 'config_error'],
      ['fresh', 'config_error'],
    ]);
    expect(statusesOf(lines)).toContain('full COMPLETE');
    expect(lastState(lines, 'fresh')).toMatchObject({ snapshot_has_more: false });
  });

  test('an answer that makes no sense, and of which nothing is repeated', async () => {
    await using source = await Source.start();
    source.deployment.load('t', [{ name: 'Ada' }]);
    await using proxy = await startProxy(source.emulator.url, {
      request: ({ path }) =>
        path === '/api/get_table_column_names'
          ? { status: 200, body: '{"byComponent":{"":[{"name":"t","columns":7}]}}' }
          : undefined,
    });
    const { code, lines } = await source.read({ streams: ['t'], config: { deployment_url: proxy.url } });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(lines.join('\n')).not.toContain('Ada');
  });
});

describe('signs of life', () => {
  test('states while a page is waited for, though nothing is read', async () => {
    await using source = await Source.start({ limits: { deltaRows: 2 } });
    source.deployment.load('a', people(2));
    source.deployment.load('b', people(2));
    const first = await source.readAll({ streams: ['a', 'b'] });
    source.deployment.load('a', people(4), { perTransaction: 1 });
    source.emulator.faults.add({ kind: 'latency', ms: 1500, path: DELTAS, after: 1 });
    const env = { CONVEX_CONNECTOR_HEARTBEAT_MS: '200', CONVEX_CONNECTOR_CHECKPOINT_MS: '600000' };
    const lines = await source.readAll({ streams: ['a', 'b'], state: savedStates(first), env });
    const states = statesOf(lines);
    // One for b, which has moved without records; then, since nothing moves, some state again and again. And both at the end.
    expect(states.length).toBeGreaterThan(5);
    expect(replay([...recordsOf(first), ...recordsOf(lines)], 'a')).toEqual(source.truth('a'));
  });

  test('states while the first page of all is waited for', async () => {
    await using source = await Source.start();
    source.deployment.load('a', people(2));
    source.emulator.faults.add({ kind: 'latency', ms: 1200, path: SNAPSHOT, after: 1 });
    const env = { CONVEX_CONNECTOR_HEARTBEAT_MS: '200', CONVEX_CONNECTOR_CHECKPOINT_MS: '600000' };
    const lines = await source.readAll({ streams: ['a'], env });
    expect(statesOf(lines).length).toBeGreaterThan(4);
  });

  test('progress in the log: what, how far, how fast', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 3, deltaRows: 4 } });
    source.deployment.load('a', people(4));
    const env = { CONVEX_CONNECTOR_PROGRESS_MS: '0' };
    const first = await source.readAll({ streams: ['a'], env });
    const shown = (lines: readonly string[]) =>
      logsOf(lines)
        .filter((line) => /^INFO (Snapshot|Changes)/.test(line))
        .map((line) => line.replace(/\([\d,]+ records\/s\)/, '(N records/s)'));
    expect(shown(first)).toEqual([
      'INFO Snapshot: 1 page, 3 records (N records/s), 0 of 1 stream done.',
      'INFO Snapshot: 2 pages, 4 records (N records/s), 1 of 1 stream done.',
    ]);
    source.deployment.load('a', people(6), { perTransaction: 1 });
    const second = await source.readAll({ streams: ['a'], env, state: savedStates(first) });
    expect(shown(second)).toEqual([
      'INFO Changes: 1 page, 4 records (N records/s), up to 2026-09-21 14:13:20 UTC.',
      'INFO Changes: 2 pages, 6 records (N records/s), up to 2026-09-21 14:13:20 UTC.',
    ]);
  });

  test('no more lines than a human wants to read', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 2 } });
    source.deployment.load('a', people(40));
    const lines = await source.readAll({ streams: ['a'], env: { CONVEX_CONNECTOR_CHECKPOINT_MS: '5000' } });
    expect(messagesOf(lines).filter(({ type }) => type === 'LOG')).toHaveLength(3);
    expect(statesOf(lines)).toHaveLength(2);
  });
});
