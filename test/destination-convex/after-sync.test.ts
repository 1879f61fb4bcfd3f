/** The call after a sync: when it is made, what it contains, and what happens if it fails. */
import { describe, expect, test } from 'vitest';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { MAX_FUNCTION_BODY } from '../../shared/convex/functions.ts';
import { errorsOf, logsOf, messagesOfType } from '../support/messages.ts';
import type { Finished } from '../support/process.ts';
import { until } from '../support/until.ts';
import { append, dedup, Destination, IMPORT, overwrite, record, state, statesIn, status, text } from './setup.ts';

/** The calls that the app received, and the order of events. */
interface Told {
  summaries: Record<string, unknown>[];
  authorizations: (string | null)[];
}

async function app(options: EmulatorOptions = {}): Promise<{ destination: Destination; told: Told }> {
  const told: Told = { summaries: [], authorizations: [] };
  const take = (args: Record<string, unknown>) => {
    // Through JSON, because objects of Convex values have no prototype.
    told.summaries.push(JSON.parse(JSON.stringify(args)) as Record<string, unknown>);
  };
  const destination = await Destination.start({
    functions: {
      'sync:arrived': {
        type: 'mutation',
        handler: async (ctx, args: Record<string, unknown>) => {
          take(args);
          await ctx.db.insert('arrivals', { runId: args['runId'] });
          return null;
        },
      },
      'sync:react': { type: 'action', handler: (_ctx, args: Record<string, unknown>) => take(args) },
      'sync:internal': {
        type: 'mutation',
        visibility: 'internal',
        handler: (_ctx, args: Record<string, unknown>) => take(args),
      },
      'sync:fails': {
        type: 'mutation',
        handler: () => {
          throw new RangeError('Ada Lovelace is not in');
        },
      },
      'sync:query': { type: 'query', handler: () => null },
    },
    httpActions: {
      'POST /arrived': async (_ctx, request) => {
        told.authorizations.push(request.headers.get('authorization'));
        if (request.headers.get('authorization') !== 'Bearer s3cr3t-of-the-app')
          return new Response('no', { status: 401 });
        take((await request.json()) as Record<string, unknown>);
        return new Response(null, { status: 202 });
      },
      'POST /full': () => new Response('later', { status: 503 }),
      'POST /wrong': () => new Response('Ada Lovelace', { status: 422 }),
    },
    ...options,
  });
  return { destination, told };
}

const MUTATION = { after_sync: { kind: 'mutation', path: 'sync:arrived' } };
const httpAction = (destination: Destination, path: string, more: object = {}) => ({
  after_sync: { kind: 'HTTP action', path: `${destination.emulator.siteUrl}${path}`, ...more },
});

const LINES = [
  record('users', { id: 1 }),
  record('users', { id: 2 }),
  state('users', 2),
  record('orders', { id: 7 }, 'shop'),
];
const STREAMS = [
  append('users', { sync: 812 }),
  dedup('orders', ['id'], { namespace: 'shop', sync: 812 }),
  overwrite('empty', { sync: 812 }),
];

const write = (destination: Destination, config: object, lines = LINES, streams = STREAMS): Promise<Finished> =>
  destination.write({ streams, config }, lines);

describe('the app is called', () => {
  const summary = {
    syncId: '812',
    runId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    startedAt: expect.any(Number) as number,
    finishedAt: expect.any(Number) as number,
    records: 3,
    streams: [
      { name: 'users', namespace: null, table: 'users', mode: 'append', records: 2, rejected: 0 },
      { name: 'orders', namespace: 'shop', table: 'shop_orders', mode: 'append_dedup', records: 1, rejected: 0 },
      { name: 'empty', namespace: null, table: 'empty', mode: 'overwrite', records: 0, rejected: 0 },
    ],
  };

  test.each([
    ['mutation', 'sync:arrived'],
    ['mutation', 'sync.js:arrived'],
    ['action', 'sync:react'],
  ])('by a %s: %s', async (kind, path) => {
    const { destination, told } = await app();
    await using _ = destination;
    const { code, lines } = await write(destination, { after_sync: { kind, path } });
    expect(code).toBe(0);
    expect(told.summaries).toEqual([summary]);
    expect(logsOf(lines)).toContain(`INFO The ${kind} ${path} was called.`);
    expect(destination.requests().at(-1)).toBe(`POST ${kind} 200`);
    const { startedAt, finishedAt } = told.summaries[0] as { startedAt: number; finishedAt: number };
    expect(finishedAt).toBeGreaterThanOrEqual(startedAt);
  });

  test('by an HTTP action with the secret, which is in no message', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    const config = httpAction(destination, '/arrived', { secret: 's3cr3t-of-the-app' });
    const { code, lines, stderr } = await write(destination, config);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(told).toEqual({ summaries: [summary], authorizations: ['Bearer s3cr3t-of-the-app'] });
    expect(lines.join('\n')).not.toContain('s3cr3t');
  });

  test('internal functions are called with the deploy key', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    const config = { access_key: destination.emulator.key, after_sync: { kind: 'mutation', path: 'sync:internal' } };
    expect((await write(destination, config)).code).toBe(0);
    expect(told.summaries).toHaveLength(1);
  });

  test('without a sync id if the platform sends none, or the 1 of PyAirbyte', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    await write(destination, MUTATION, LINES, [append('users'), append('orders', { namespace: 'shop' })]);
    await write(destination, MUTATION, LINES, [
      append('users', { sync: 1 }),
      append('orders', { namespace: 'shop', sync: 1 }),
    ]);
    expect(told.summaries.map(({ syncId }) => syncId)).toEqual([null, null]);
    expect(new Set(told.summaries.map(({ runId }) => runId)).size).toBe(2);
  });

  test('with the number of refused records', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    const big = 'x'.repeat(1_100_000);
    const { code } = await write(
      destination,
      { ...MUTATION, on_rejected_record: 'Skip and report' },
      [record('users', { id: 1 }), record('users', { id: 2, big }), record('users', { id: 3 })],
      [append('users')],
    );
    expect(code).toBe(0);
    expect(told.summaries).toMatchObject([{ records: 2, streams: [{ records: 2, rejected: 1 }] }]);
  });

  test('after a sync without records', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    await write(destination, MUTATION, [state('users', 2)], [append('users')]);
    expect(told.summaries).toMatchObject([{ records: 0, streams: [{ name: 'users', records: 0 }] }]);
  });

  test('not if the configuration has no call', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    for (const after_sync of [undefined, {}, { on_failure: 'Warn' }, { path: ' ' }])
      expect((await write(destination, { after_sync })).code).toBe(0);
    expect(told.summaries).toEqual([]);
  });
});

describe('the call', () => {
  test('is made after everything is stored and every STATE was read', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    const run = destination.start({ streams: STREAMS, config: MUTATION }, { input: text(LINES), paused: true });
    await until(
      'the import',
      () => destination.emulator.journal.count(IMPORT) > 0 && destination.rows('users').length === 2,
    );
    run.resume();
    const { lines, code } = await run.finished;
    expect(code).toBe(0);
    expect(told.summaries).toHaveLength(1);
    const called = lines.findIndex((line) => line.includes('was called'));
    expect(lines.findIndex((line) => line === statesIn(lines).at(-1))).toBeLessThan(called);
    const paths = destination.emulator.journal.entries.map(({ path }) => path);
    expect(paths.lastIndexOf(IMPORT)).toBeLessThan(paths.indexOf('/api/mutation'));
  });

  const failing: [what: string, config: object, lines: string[]][] = [
    ['a record that Convex refuses', {}, [record('users', { big: 'x'.repeat(1_100_000) })]],
    ['a source that did not come to its end', {}, [record('users', { id: 1 }), status('users', 'INCOMPLETE')]],
    ['a line that breaks off', {}, [record('users', { id: 1 }), '{"type":"RECORD","record":{"stream":"users","da']],
    ['a record of an unknown stream', {}, [record('nobody', { id: 1 })]],
    ['a key that is no key', { access_key: 'prod:happy-otter-123|d3Jvbmc=' }, [record('users', { id: 1 })]],
  ];
  test.each(failing)('never after %s', async (_what, config, lines) => {
    const { destination, told } = await app();
    await using _ = destination;
    const { code } = await write(destination, { ...MUTATION, ...config }, lines, [append('users')]);
    expect(code).toBe(1);
    expect(told.summaries).toEqual([]);
    expect(destination.emulator.journal.count('/api/mutation')).toBe(0);
  });

  test('is not made for a run that was killed before its end', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    const run = destination.start({
      streams: [append('users')],
      config: MUTATION,
      env: { CONVEX_CONNECTOR_BATCH_AGE_MS: '0' },
    });
    run.child.stdin.write(text([record('users', { id: 1 }), state('users', 1)]));
    await run.line('the state', (line) => line.startsWith('{"type":"STATE"'));
    run.kill();
    await run.finished;
    expect(told.summaries).toEqual([]);
  });
});

describe('the call is made at least once', () => {
  test.each(['reset-before', 'reset-after-commit', 'status-after-commit', 'html', 'truncate-body'] as const)(
    'where the answer is lost it is called again, with the same run id: %s',
    async (kind) => {
      for (const path of ['/api/mutation', '/arrived']) {
        const { destination, told } = await app();
        await using _ = destination;
        destination.emulator.faults.add({ kind, path, times: 2 });
        const config = path === '/arrived' ? httpAction(destination, path, { secret: 's3cr3t-of-the-app' }) : MUTATION;
        const { code, lines } = await write(destination, config);
        expect(code).toBe(0);
        // Two lost answers and a third that came; the answer of the HTTP action has no body that could break off.
        const calls = path === '/arrived' && kind === 'truncate-body' ? 1 : 3;
        expect(destination.emulator.journal.count(path)).toBe(calls);
        expect(told.summaries).toHaveLength(kind === 'reset-before' || kind === 'html' ? 1 : calls);
        expect(new Set(told.summaries.map(({ runId }) => runId)).size).toBe(1);
        expect(logsOf(lines).join('\n')).toContain('was called');
      }
    },
  );

  test('a run that is killed during the call has echoed its STATEs; the next run calls again', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    destination.emulator.faults.add({ kind: 'hang', path: '/api/mutation' });
    const run = destination.start({ streams: STREAMS, config: MUTATION }, { input: text(LINES) });
    await until('the call', () => destination.emulator.journal.count('/api/mutation') === 1);
    run.kill();
    const { lines } = await run.finished;
    expect(statesIn(lines)).toHaveLength(1);
    destination.emulator.faults.clear();
    expect((await write(destination, MUTATION, [])).code).toBe(0);
    expect(told.summaries).toMatchObject([{ records: 0, syncId: '812' }]);
  });
});

describe('a call that fails', () => {
  const DURABLE = 'All data is written, but the';

  const cases: [what: string, after: (destination: Destination) => object, failureType: string, expected: RegExp][] = [
    [
      'a function that is not there',
      () => ({ kind: 'mutation', path: 'sync:nope' }),
      'config_error',
      /^ mutation sync:nope could not be called: Could not find public function for 'sync:nope'\.$/,
    ],
    [
      'a function of another type',
      () => ({ kind: 'action', path: 'sync:query' }),
      'config_error',
      /^ action sync:query could not be called: Trying to execute sync\.js:query as Action, but it is defined as Query\.$/,
    ],
    [
      'an error of its own',
      () => ({ kind: 'mutation', path: 'sync:fails' }),
      'transient_error',
      /^ mutation sync:fails could not be called: it failed with an error of its own \(RangeError\); the log of the deployment shows it under the request id [0-9a-f]{16}\.$/,
    ],
    [
      'a key that may not call it',
      () => ({ kind: 'mutation', path: 'sync:internal' }),
      'config_error',
      /could not be called: \/api\/mutation answered 403 OperationNotPermitted\. Check its secret, or the permission of the deploy key\.$/,
    ],
    [
      'a wrong secret',
      (destination) => httpAction(destination, '/arrived', { secret: 'wrong-secret' }).after_sync,
      'config_error',
      /could not be called: \/arrived answered 401\. Check its secret/,
    ],
    [
      'a path without an HTTP action',
      (destination) => httpAction(destination, '/nowhere').after_sync,
      'config_error',
      /could not be called: \/nowhere answered 404\. Check its path, and that it takes POST and is deployed\.$/,
    ],
    [
      'an HTTP action that refuses',
      (destination) => httpAction(destination, '/wrong').after_sync,
      'config_error',
      /could not be called: \/wrong answered 422\.$/,
    ],
    [
      'an HTTP action that is busy for long',
      (destination) => httpAction(destination, '/full').after_sync,
      'transient_error',
      /could not be called: \/full answered 503, although it was tried 3 times\.$/,
    ],
    [
      'nobody there',
      () => ({ kind: 'HTTP action', path: 'http://127.0.0.1:1/x' }),
      'transient_error',
      /could not be called: \/x could not be reached \(ECONNREFUSED\), although it was tried 3 times\.$/,
    ],
  ];

  test.each(cases)('%s: fails the sync, or is only said', async (_what, after, failureType, expected) => {
    const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '3' };
    // A warning is the default.
    for (const on_failure of ['Fail sync', undefined]) {
      const { destination } = await app();
      await using _ = destination;
      const after_sync = { ...after(destination), ...(on_failure === undefined ? {} : { on_failure }) };
      const { code, lines } = await destination.write({ streams: STREAMS, config: { after_sync }, env }, LINES);
      // In any case the data are written and the STATEs echoed.
      expect(destination.rows('users')).toHaveLength(2);
      expect(statesIn(lines)).toHaveLength(1);
      expect(lines.join('\n')).not.toMatch(/Ada|wrong-secret/);
      const said =
        on_failure === 'Fail sync'
          ? errorsOf(lines).map((error) => {
              expect(error.failure_type).toBe(failureType);
              return error.message;
            })
          : logsOf(lines).flatMap((line) => (line.startsWith(`WARN ${DURABLE}`) ? [line.slice(5)] : []));
      expect(code).toBe(on_failure === 'Fail sync' ? 1 : 0);
      expect(said).toHaveLength(1);
      expect(said[0]?.startsWith(DURABLE)).toBe(true);
      expect(said[0]?.slice(DURABLE.length)).toMatch(expected);
    }
  });
});

describe('check and write refuse an invalid configuration before anything is written', () => {
  test.each<[after: object, expected: string]>([
    [{ kind: 'mutation' }, 'After a sync: enter the path of the mutation.'],
    [{ path: 'sync:arrived' }, 'After a sync: choose what is called'],
    [{ kind: 'mutation', path: 'sync.arrived' }, 'After a sync: "sync.arrived" is not the path of a function'],
    [{ kind: 'HTTP action', path: 'arrived' }, 'After a sync: The HTTP action is given by its path, such as /arrived'],
    [{ kind: 'HTTP action', path: '/arrived' }, 'After a sync: Where the HTTP actions of 127.0.0.1:'],
    [
      { kind: 'HTTP action', path: 'http://x/y', secret: 'with blanks' },
      'The secret of the HTTP action contains blanks',
    ],
    [{ kind: 'query', path: 'sync:arrived' }, 'after_sync.kind must be one of "mutation", "action", "HTTP action"'],
    [
      { kind: 'mutation', path: 'a:b', on_failure: 'never' },
      'after_sync.on_failure must be one of "Warn", "Fail sync"',
    ],
  ])('%j', async (after_sync, expected) => {
    const { destination } = await app();
    await using _ = destination;
    const checked = await destination.check({ after_sync });
    const [message] = messagesOfType(checked.lines, 'CONNECTION_STATUS');
    expect(message?.connectionStatus).toMatchObject({
      status: 'FAILED',
      message: expect.stringContaining(expected) as string,
    });
    const { code, lines } = await write(destination, { after_sync });
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]).toMatchObject({ failure_type: 'config_error' });
    expect(errorsOf(lines)[0]?.message).toContain(expected);
    expect(destination.emulator.journal.count(IMPORT)).toBe(0);
  });

  test('check does not call it', async () => {
    const { destination, told } = await app();
    await using _ = destination;
    const checked = await destination.check(MUTATION);
    expect(messagesOfType(checked.lines, 'CONNECTION_STATUS')[0]?.connectionStatus.status).toBe('SUCCEEDED');
    expect(told.summaries).toEqual([]);
  });
});

test('the summary of thousands of streams fits into one call', async () => {
  const { destination, told } = await app();
  await using _ = destination;
  const streams = Array.from({ length: 3000 }, (_unused, n) => append(`stream_with_a_rather_long_name_${n}`));
  const { code } = await write(destination, MUTATION, [], streams);
  expect(code).toBe(0);
  expect(told.summaries[0]?.['streams']).toHaveLength(3000);
  expect(destination.emulator.journal.of('/api/mutation')[0]?.bodyBytes).toBeLessThan(MAX_FUNCTION_BODY / 10);
});
