/** Query streams read through the front door. */
import { describe, expect, test } from 'vitest';
import type { Functions, PaginationOptions } from '../../../emulator/index.ts';
import { errorsOf, logsOf, messagesOf, statesOf, statusesOf } from '../../support/messages.ts';
import { until } from '../../support/until.ts';
import { TestServer } from '../../support/server.ts';
import { lastState, savedStates } from '../setup.ts';
import { appOf, callsOf, CHANGED, dataOf, PAGE, readQueries, startQueries, truthOf } from './setup.ts';

/** Documents whose texts nothing may change. */
const EXOTIC = [
  { n: 1, text: 'plain' },
  { n: 1.5, int: 9007199254740993n, bytes: new Uint8Array([1, 2, 3]).buffer },
  { minusZero: -0, huge: 1e300, nan: NaN },
  { text: '\u{1F600} "quoted" \\ \u2028 \u0000 \n', list: [[], {}, [null, 1]] },
  { odd: JSON.parse('{"__proto__": {"a": 1}, "constructor": "x", "a.b": 2}') as object },
  { nested: { deep: { deeper: [{ n: 0.1 }] } } },
];

describe('a deployment without streaming export is read in full', () => {
  test.each(['json', 'convex_encoded_json', 'export_json'] as const)('byte for byte, as %s', async (format) => {
    await using source = await appOf();
    source.deployment.load('notes', EXOTIC);
    const { code, lines, stderr } = await readQueries(source, [PAGE], { config: { value_format: format } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    messagesOf(lines);
    expect(dataOf(lines).sort()).toEqual([...source.truth('notes', '', format).values()].sort());
    expect(dataOf(lines)).toHaveLength(EXOTIC.length);
    expect(statusesOf(lines)).toEqual(['notes STARTED', 'notes RUNNING', 'notes COMPLETE']);
    // No request but those of the query: nothing of streaming export, and no key.
    expect(new Set(source.emulator.journal.entries.map(({ path }) => path))).toEqual(new Set(['/api/query']));
  });

  test('page after page, each from where the last one ended', async () => {
    await using source = await appOf();
    source.deployment.load(
      'notes',
      Array.from({ length: 10 }, (_, n) => ({ n })),
    );
    const { lines } = await readQueries(source, [PAGE]);
    expect(dataOf(lines).sort()).toEqual(truthOf(source));
    const pages = callsOf(source).map(
      ({ args }) => args['paginationOpts'] as { numItems: number; cursor: string | null },
    );
    expect(pages.map(({ numItems }) => numItems)).toEqual([4, 4, 4]);
    expect(pages[0]?.cursor).toBeNull();
    expect(new Set(pages.map(({ cursor }) => cursor)).size).toBe(3);
    const states = statesOf(lines).flatMap((state) => (state.type === 'STREAM' ? [state] : []));
    expect(states.map(({ sourceStats }) => sourceStats?.recordCount)).toEqual([4, 4, 2]);
    expect(states.map(({ stream }) => stream.stream_state?.['page_cursor'])).toEqual([
      pages[1]?.cursor,
      pages[2]?.cursor,
      null,
    ]);
    expect(states.map(({ stream }) => stream.stream_state?.['has_more'])).toEqual([true, true, false]);
  });

  test('a query that is not paginated, with one call', async () => {
    await using source = await appOf();
    source.deployment.load('notes', EXOTIC);
    const { code, lines } = await readQueries(source, [{ name: 'notes', query: 'notes:all', paginated: false }]);
    expect(code).toBe(0);
    expect(dataOf(lines).sort()).toEqual(truthOf(source));
    expect(callsOf(source)).toEqual([{ path: 'notes:all', args: {}, format: 'json' }]);
    expect(lastState(lines, 'notes')).toMatchObject({ query: 'notes:all', has_more: false, page_cursor: null });
  });

  test('an empty one: RUNNING and a state all the same', async () => {
    await using source = await appOf();
    const { code, lines } = await readQueries(source, [PAGE]);
    expect(code).toBe(0);
    expect(statusesOf(lines)).toEqual(['notes STARTED', 'notes RUNNING', 'notes COMPLETE']);
    expect(statesOf(lines)).toHaveLength(1);
    expect(dataOf(lines)).toEqual([]);
  });

  test('arguments are passed as they are written', async () => {
    await using source = await appOf();
    const args =
      '{ "n": 1786000000123.4567, "who": {"name": "Zo\u00eb \\u00e9"}, "big": {"$integer": "AQAAAAAAAIA="} }';
    const echo = { name: 'notes', query: 'notes:echo', args, paginated: false };
    const { lines } = await readQueries(source, [echo]);
    expect(dataOf(lines)).toEqual([
      '{"_id":"args","big":"-9223372036854775807","n":1786000000123.4568,"who":{"name":"Zoë é"}}',
    ]);
    expect(source.emulator.journal.of('/api/query')[0]?.body).toBe(
      '{"path":"notes:echo","args":{"n":1786000000123.4567,"who":{"name": "Zo\u00eb \\u00e9"},"big":{"$integer": "AQAAAAAAAIA="}},"format":"json"}',
    );
  });

  test('records without any field are left out, and said to be', async () => {
    await using source = await appOf({
      functions: { 'notes:odd': { type: 'query', handler: () => [{}, { a: 1 }, {}] } },
    });
    const { lines } = await readQueries(source, [{ name: 'notes', query: 'notes:odd', paginated: false }]);
    expect(dataOf(lines)).toEqual(['{"a":1.0}']);
    expect(logsOf(lines)).toContain('WARN Query stream "notes": 2 records without any field were left out.');
  });
});

describe('who asks', () => {
  const mine = { name: 'notes', query: 'notes:mine', paginated: false };
  const hidden = { name: 'notes', query: 'notes:hidden', paginated: false };

  test('nobody in particular, a user, a deploy key', async () => {
    await using source = await appOf();
    source.deployment.load('notes', [{ n: 1 }]);
    const token = source.emulator.keys.makeUserToken('ada');
    expect(dataOf((await readQueries(source, [mine])).lines)).toEqual(['{"_id":"me","name":"nobody"}']);
    const asUser = await readQueries(source, [mine], { config: { user_token: token } });
    expect(dataOf(asUser.lines)).toEqual(['{"_id":"me","name":"ada"}']);
    const withKey = await readQueries(source, [hidden], { config: { access_key: source.emulator.key } });
    expect(withKey.code).toBe(0);
    expect(dataOf(withKey.lines)).toEqual(truthOf(source));
    // A token goes before a key.
    const both = await readQueries(source, [mine], { config: { access_key: source.emulator.key, user_token: token } });
    expect(dataOf(both.lines)).toEqual(['{"_id":"me","name":"ada"}']);
  });

  test('a token that has expired ends it, once, with the remedy, and the token is nowhere', async () => {
    await using source = await appOf();
    const token = source.emulator.keys.makeUserToken('ada');
    source.emulator.keys.expireUserToken(token);
    const { code, lines } = await readQueries(source, [mine, { ...mine, name: 'others' }], {
      config: { user_token: token },
    });
    expect(code).toBe(1);
    expect(source.emulator.journal.count()).toBe(1);
    expect(errorsOf(lines).map(({ failure_type, message }) => [failure_type, message])).toEqual(
      Array(2).fill([
        'config_error',
        "127.0.0.1 does not accept the user token (401 Unauthenticated). Users' tokens expire, often within the hour, and are only valid for the auth providers of the deployment's auth.config. Give a new one, or leave it out and use a deploy key, which does not expire.",
      ]),
    );
    expect(statusesOf(lines)).toEqual(['notes STARTED', 'notes INCOMPLETE', 'others STARTED', 'others INCOMPLETE']);
    expect(lines.join('\n')).not.toContain(token);
  });

  test('an internal query without a key', async () => {
    await using source = await appOf();
    const { code, lines } = await readQueries(source, [hidden]);
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]).toMatchObject({
      failure_type: 'config_error',
      message:
        'Query stream "notes": the query notes:hidden cannot be read: Could not find public function for \'notes:hidden\'. Check its path and that it is deployed. Internal queries can only be called with a deploy key, and without a user token.',
      stream_descriptor: { name: 'notes' },
    });
  });
});

describe('what the app gets wrong', () => {
  const failing = (handler: () => unknown, args?: object) => ({
    'notes:bad': { type: 'query' as const, handler, ...(args === undefined ? {} : { args: args as never }) },
  });
  const bad = { name: 'notes', query: 'notes:bad', page_size: 1 };

  test.each<[what: string, handler: () => unknown, stream: object, expected: string]>([
    ['a list for a page', () => [{ a: 1 }], {}, 'returns a list, not a page.'],
    ['no page', () => ({ rows: [] }), {}, 'returns no page: an object with page, isDone and continueCursor'],
    ['null', () => null, {}, 'returns no page'],
    ['no isDone', () => ({ page: [], continueCursor: '' }), {}, 'returns a page without isDone.'],
    [
      'no cursor',
      () => ({ page: [], isDone: false }),
      {},
      'returns a page that is not the last, without continueCursor.',
    ],
    [
      'a page for a list',
      () => ({ page: [], isDone: true, continueCursor: '' }),
      { paginated: false },
      'returns a page. Switch "Paginated" on.',
    ],
    ['an object for a list', () => ({ a: 1 }), { paginated: false }, 'returns no list of records.'],
    ['values', () => [1, 2], { paginated: false }, 'returns values that are no objects, so they cannot be records.'],
  ])('%s', async (_what, handler, stream, expected) => {
    await using source = await appOf({ functions: failing(handler) });
    const { code, lines } = await readQueries(source, [{ ...bad, ...stream }]);
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([
      expect.objectContaining({
        failure_type: 'config_error',
        message: expect.stringContaining(`Query stream "notes": the query notes:bad ${expected}`) as string,
      }),
    ]);
    expect(statusesOf(lines)).toEqual(['notes STARTED', 'notes INCOMPLETE']);
  });

  test('an error of its own: named by its class and where to find it, never by what it says', async () => {
    await using source = await appOf({
      functions: failing(() => {
        throw new RangeError('Ada Lovelace, 078-05-1120');
      }),
    });
    const { code, lines } = await readQueries(source, [bad]);
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]).toMatchObject({
      failure_type: 'transient_error',
      message: expect.stringMatching(
        /^Query stream "notes": the query notes:bad failed with an error of its own \(RangeError\); the log of the deployment shows it under the request id [0-9a-f]{16}\.$/,
      ) as string,
    });
    expect(lines.join('\n')).not.toContain('Ada');
  });

  test.each<[string, () => unknown]>([
    ['text', () => 'Lovelace'],
    ['text with a colon', () => 'Lovelace: 078-05-1120'],
    ['error with a name of its own', () => Object.assign(new Error('078-05-1120'), { name: 'Lovelace' })],
  ])('a thrown %s is not repeated either', async (_what, thrown) => {
    await using source = await appOf({
      functions: failing(() => {
        throw thrown();
      }),
    });
    const { lines } = await readQueries(source, [bad]);
    expect(errorsOf(lines)[0]?.message).toMatch(/ failed with an error; the log of the deployment shows it/);
    expect(lines.join('\n')).not.toMatch(/Lovelace|078-05/);
  });

  test('arguments that do not fit', async () => {
    const object = { type: 'object', value: { region: { fieldType: { type: 'string' }, optional: false } } };
    await using source = await appOf({ functions: failing(() => [], object) });
    const { lines } = await readQueries(source, [{ ...bad, paginated: false }]);
    expect(errorsOf(lines)[0]?.message).toBe(
      'Query stream "notes": the query notes:bad cannot be read: ArgumentValidationError: Object is missing the required field `region`. Check the arguments of the query stream against those of the query.',
    );
  });

  test('S10: a query whose index range is computed from the clock does not take its own cursor', async () => {
    let clock = 0;
    const recent: Functions = {
      'notes:page': {
        type: 'query',
        handler: (ctx, { paginationOpts }: { paginationOpts: PaginationOptions }) =>
          ctx.db
            .query('notes')
            .withIndex('by_rev', (q) => q.gte('rev', clock++))
            .paginate(paginationOpts),
      },
    };
    await using source = await appOf({ functions: recent });
    source.deployment.load(
      'notes',
      Array.from({ length: 12 }, (_, rev) => ({ rev: rev + 1000 })),
    );
    const { code, lines } = await readQueries(source, [PAGE]);
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([
      {
        failure_type: 'config_error',
        message:
          'Query stream "notes": the query notes:page cannot be read: the cursor of a page is from a different query. It does not take the cursor that it has just given. Either the range of its index changes from call to call, for example because it is computed from Date.now(): pass the bound as an argument of the query stream instead. Or it does not return the continueCursor of paginate(paginationOpts) as it is.',
      },
    ]);
  });

  test('a cursor that leads nowhere', async () => {
    await using source = await appOf({
      functions: failing(() => ({ page: [{ a: 1 }], isDone: false, continueCursor: 'same' })),
    });
    const { code, lines } = await readQueries(source, [bad]);
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]).toMatchObject({
      failure_type: 'config_error',
      message: expect.stringMatching(
        /^Query stream "notes": the query notes:bad gives a cursor back that it was given/,
      ) as string,
    });
    expect(source.emulator.journal.count()).toBe(2);
  });

  test('cursors that go round in a circle', async () => {
    let page = 0;
    await using source = await appOf({
      functions: failing(() => ({ page: [{ a: 1 }], isDone: false, continueCursor: String(page++ % 3) })),
    });
    const run = startQueries(source, [bad]);
    await until('the end, or too many pages', () => page > 50 || run.lines.some((line) => line.includes('INCOMPLETE')));
    run.kill();
    const { lines } = await run.finished;
    expect(errorsOf(lines)[0]?.message).toContain('gives a cursor back that it was given: no page comes after');
    expect(page).toBeLessThan(10);
  });
});

describe('pages that are too much for the query become smaller', () => {
  const big = Array.from({ length: 20 }, (_, n) => ({ n, text: 'x'.repeat(100) }));

  test.each([false, true])('where the deployment keeps the reason to itself: %s', async (redact) => {
    await using source = await appOf({ redact, limits: { bytesRead: 1000 } });
    source.deployment.load('notes', big);
    const { code, lines } = await readQueries(source, [{ ...PAGE, page_size: 100 }]);
    expect(code).toBe(0);
    expect(dataOf(lines).sort()).toEqual(truthOf(source));
    const sizes = callsOf(source).map(({ args }) => (args['paginationOpts'] as { numItems: number }).numItems);
    // Nothing fits but a few, and how many has to be found out anew now and then.
    expect(sizes).toEqual([100, 12, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4]);
    const why = redact
      ? /\(an error; the log of the deployment shows it under the request id [0-9a-f]{16}\)/
      : /\(Too many bytes read in a single function execution \(limit: 1000 bytes\)\)/;
    const warnings = logsOf(lines).filter((line) => line.includes('could not give'));
    expect(warnings.map((line) => line.replace(why, '(why)'))).toEqual([
      'WARN Query stream "notes": the query could not give a page of 100 records (why). Trying pages of 12 records.',
      'WARN Query stream "notes": the query could not give a page of 12 records (why). Trying pages of 1 record.',
    ]);
  });

  test('what fails with one record, fails', async () => {
    await using source = await appOf({ limits: { bytesRead: 50 } });
    source.deployment.load('notes', big);
    const { code, lines } = await readQueries(source, [{ ...PAGE, page_size: 10 }]);
    expect(code).toBe(1);
    expect(callsOf(source)).toHaveLength(2);
    expect(errorsOf(lines)[0]).toMatchObject({
      failure_type: 'config_error',
      message: expect.stringContaining(
        'Too many bytes read in a single function execution (limit: 50 bytes)',
      ) as string,
    });
  });

  test('what a function returns is bounded, too', async () => {
    await using source = await appOf({ limits: { functionResult: 1000 } });
    source.deployment.load('notes', big);
    const { code, lines } = await readQueries(source, [{ ...PAGE, page_size: 20 }]);
    expect(code).toBe(0);
    expect(dataOf(lines).sort()).toEqual(truthOf(source));
  });
});

describe('isolation', () => {
  test('a stream that fails leaves the others, and the tables, running', async () => {
    await using source = await appOf({ streamingExport: true });
    source.deployment.load('notes', [{ n: 1 }]);
    source.deployment.load('users', [{ name: 'Ada' }]);
    const streams = [
      { name: 'broken', query: 'nowhere:nothing' },
      { ...PAGE, name: 'view' },
    ];
    const { code, lines } = await readQueries(source, streams, {
      wanted: ['users', 'view', 'broken'],
      config: { access_key: source.emulator.readOnlyKey },
    });
    expect(code).toBe(1);
    expect(dataOf(lines, 'view')).toEqual(truthOf(source));
    expect(lines.filter((line) => line.startsWith('{"type":"RECORD","record":{"stream":"users"'))).toHaveLength(1);
    expect(statusesOf(lines)).toEqual([
      'view STARTED',
      'view RUNNING',
      'view COMPLETE',
      'broken STARTED',
      'broken INCOMPLETE',
      'users STARTED',
      'users RUNNING',
      'users COMPLETE',
    ]);
    expect(errorsOf(lines).map(({ stream_descriptor }) => stream_descriptor?.name)).toEqual(['broken']);
  });

  test('tables that fail leave query streams read', async () => {
    await using source = await appOf();
    source.deployment.load('notes', [{ n: 1 }]);
    const { code, lines } = await readQueries(source, [{ ...PAGE, name: 'view' }], {
      wanted: ['notes', 'view'],
      config: { access_key: source.emulator.readOnlyKey },
    });
    expect(code).toBe(1);
    expect(dataOf(lines, 'view')).toEqual(truthOf(source));
    expect(statusesOf(lines)).toContain('view COMPLETE');
    expect(errorsOf(lines).map(({ message }) => message)).toEqual([
      expect.stringContaining('does not include streaming export') as string,
    ]);
  });

  test('a state of tables is not theirs, and theirs not one of tables', async () => {
    await using source = await appOf({ streamingExport: true });
    source.deployment.load('notes', [{ n: 1 }]);
    source.deployment.load('users', [{ name: 'Ada' }]);
    const options = { wanted: ['users', 'view'], config: { access_key: source.emulator.readOnlyKey } };
    const first = await readQueries(source, [{ ...CHANGED, name: 'view' }], options);
    const again = await readQueries(source, [{ ...CHANGED, name: 'view' }], {
      ...options,
      state: savedStates(first.lines),
    });
    expect([first.code, again.code]).toEqual([0, 0]);
    expect(logsOf(again.lines).filter((line) => line.includes('does not select'))).toEqual([]);
  });

  test('a stream of the catalog that is neither, without a key for tables', async () => {
    await using source = await appOf();
    const { code, lines } = await readQueries(source, [PAGE], { wanted: ['notes', 'users'] });
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]?.message).toContain('The configuration has no query streams called users');
    expect(statusesOf(lines)).toContain('notes COMPLETE');
  });
});

describe('faults of the way', () => {
  test.each(['reset-after-commit', 'truncate-body', 'status', 'html'] as const)('%s: asked again', async (kind) => {
    await using source = await appOf();
    source.deployment.load(
      'notes',
      Array.from({ length: 10 }, (_, n) => ({ n })),
    );
    source.emulator.faults.add({ kind, times: 2, after: 1 });
    const { code, lines } = await readQueries(source, [PAGE]);
    expect(code).toBe(0);
    expect(dataOf(lines).sort()).toEqual(truthOf(source));
    expect(logsOf(lines).filter((line) => line.startsWith('WARN') && line.includes('trying again'))).toHaveLength(2);
  });

  test.each(['{"rev":1,"a" 1}', '{rev:1}', '{"rev":"\\x"},{"rev":"\\y"}'])(
    'records that are no JSON: %s',
    async (page) => {
      await using source = await appOf();
      await using server = await TestServer.start((request, response) => {
        request.resume().on('end', () => {
          response.setHeader('content-type', 'application/json');
          response.end(`{"status":"success","value":{"page":[${page}],"isDone":true,"continueCursor":""}}`);
        });
      });
      const config = { deployment_url: server.url };
      const { code, lines } = await readQueries(source, [CHANGED, { ...CHANGED, name: 'others' }], { config });
      expect(code).toBe(1);
      const errors = lines.filter((line) => line.includes('"type":"ERROR"'));
      expect(errors).toHaveLength(2);
      for (const error of errors) expect(error).toContain('answered, but not as a Convex deployment does');
      expect(lines.filter((line) => line.includes('"INCOMPLETE"'))).toHaveLength(2);
    },
  );

  test('a deployment that cannot be reached is given up once for all streams', async () => {
    await using source = await appOf();
    const { code, lines } = await readQueries(source, [PAGE, { ...PAGE, name: 'others' }], {
      config: { deployment_url: 'http://127.0.0.1:1' },
      env: { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '2' },
    });
    expect(code).toBe(1);
    expect(logsOf(lines).filter((line) => line.includes('trying again'))).toHaveLength(1);
    expect(errorsOf(lines)).toHaveLength(2);
    expect(statusesOf(lines)).toEqual(['notes STARTED', 'notes INCOMPLETE', 'others STARTED', 'others INCOMPLETE']);
  });
});
