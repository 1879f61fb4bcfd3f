/** Failures that stay: of one stream, of all, in the middle of a sync. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf, statusesOf } from '../support/messages.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { lastState, recordsOf, replay, savedStates, Source, people } from './setup.ts';

const WHERE =
  'Deploy keys are made in the Convex dashboard under Settings → URL & Deploy Key; the admin key of a self-hosted deployment is made with its generate_admin_key script.';
const SNAPSHOT = '/api/list_snapshot';
const DELTAS = '/api/document_deltas';

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
        message: `127.0.0.1 could not be reached (ECONNREFUSED), although it was tried 3 times over 1 s. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that this machine may connect to it (firewall, allow list).`,
      },
    ]);
    expect(statusesOf(lines).at(-1)).toBe('a INCOMPLETE');
    expect(recordsOf(lines)).toHaveLength(6);
    expect(lastState(lines, 'a')).toMatchObject({ snapshot_has_more: true });
  });

  test('to list its tables, since it has only just been started, is no reason not to read them', async () => {
    await using source = await Source.start();
    source.deployment.load('a', people(3));
    source.emulator.faults.add({
      kind: 'status',
      status: 503,
      code: 'TableSummariesUnavailable',
      path: '/api/get_table_column_names',
      times: Infinity,
    });
    const lines = await source.readAll({ streams: ['a'], env: { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '2' } });
    expect(replay(recordsOf(lines), 'a')).toEqual(source.truth('a'));
    expect(logsOf(lines).slice(0, 2)).toEqual([
      'WARN 127.0.0.1: /api/get_table_column_names answered 503 TableSummariesUnavailable. Try 1 of 2; trying again in 0.0 s.',
      'WARN This deployment cannot list its tables, so streams whose table is missing will look empty.',
    ]);
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
