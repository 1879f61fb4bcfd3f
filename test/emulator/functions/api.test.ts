/** The emulated Functions API, over HTTP: outcomes, formats, keys, limits, in the order in which a deployment looks at them. */
import { ConvexError } from 'convex/values';
import { describe, expect, test } from 'vitest';
import type { EmulatorOptions, Functions, PaginationOptions } from '../../../emulator/index.ts';
import { call, deploy, outcome, post, rows } from '../client.ts';

const FUNCTIONS: Functions = {
  'notes:add': {
    type: 'mutation',
    handler: async (ctx, args: object) => {
      const id = await ctx.db.insert('notes', args);
      return ctx.db.get(id).then((document) => document?.['text'] ?? null);
    },
  },
  'notes:addAndFail': {
    type: 'mutation',
    handler: async (ctx, args: object) => {
      await ctx.db.insert('notes', args);
      throw new Error('changed my mind');
    },
  },
  'notes:all': { type: 'query', handler: (ctx) => ctx.db.query('notes').collect() },
  'notes:echo': { type: 'query', handler: (_ctx, args: object) => args },
  'notes:whoami': { type: 'query', handler: (ctx) => ctx.auth.getUserIdentity().then((user) => ({ ...user })) },
  'notes:chatty': {
    type: 'action',
    handler: async (ctx, { text }: { text: string }) => {
      ctx.console.log('adding', { text });
      ctx.console.warn(1);
      return ctx.runMutation('notes:add', { text });
    },
  },
  'notes:refuse': {
    type: 'query',
    handler: () => {
      throw new ConvexError({ code: 7n, text: 'no' });
    },
  },
  'admin/tools:internal': { type: 'query', visibility: 'internal', handler: () => 'inside' },
  'notes:default': { type: 'query', handler: () => 'default' },
};

const start = (options: EmulatorOptions = {}) => deploy({ functions: FUNCTIONS, ...options });
const ask = { authorization: null };

/** The answer's body with the random part of its message left out. */
async function said(emulator: Awaited<ReturnType<typeof start>>, path: string, body: object, options: object = ask) {
  const reply = await post(emulator, path, body, options);
  if (reply.status !== 200) return outcome(reply);
  return reply.text.replace(/Request ID: [0-9a-f]{16}/, 'Request ID: x');
}

describe('both outcomes have status 200 (C190)', () => {
  const cases: [path: string, body: object, expected: string][] = [
    ['/api/mutation', { path: 'notes:add', args: { text: 'a' } }, '{"status":"success","value":"a"}'],
    ['/api/run/notes/add', { args: { text: 'a' } }, '{"status":"success","value":"a"}'],
    ['/api/query', { path: 'notes.js:echo', args: { n: 1 } }, '{"status":"success","value":{"n":1.0}}'],
    ['/api/query', { path: 'notes:echo', args: [{ n: 1 }] }, '{"status":"success","value":{"n":1.0}}'],
    ['/api/query', { path: 'notes', args: {} }, '{"status":"success","value":"default"}'],
    [
      '/api/action',
      { path: 'notes:chatty', args: { text: 'a' } },
      `{"status":"success","value":"a","logLines":["[LOG] 'adding' { text: 'a' }","[WARN] 1"]}`,
    ],
    [
      '/api/query',
      { path: 'notes:refuse', args: {} },
      String.raw`{"status":"error","errorMessage":"[Request ID: x] Server Error\nUncaught ConvexError: {\"code\":\"7n\",\"text\":\"no\"}\n    at handler (../convex/notes.ts)\n","errorData":{"code":"7","text":"no"}}`,
    ],
    [
      '/api/mutation',
      { path: 'notes:addAndFail', args: { text: 'a' } },
      String.raw`{"status":"error","errorMessage":"[Request ID: x] Server Error\nUncaught Error: changed my mind\n    at handler (../convex/notes.ts)\n"}`,
    ],
    [
      '/api/query',
      { path: 'notes:nope', args: {} },
      String.raw`{"status":"error","errorMessage":"[Request ID: x] Server Error\nCould not find public function for 'notes:nope'.\n"}`,
    ],
    [
      '/api/run/notes/nope',
      { args: {} },
      String.raw`{"status":"error","errorMessage":"[Request ID: x] Server Error\nCould not find function for 'notes:nope'. Did you forget to run ` +
        '`npx convex dev`' +
        String.raw`?\n"}`,
    ],
    [
      '/api/mutation',
      { path: 'notes:all', args: {} },
      String.raw`{"status":"error","errorMessage":"[Request ID: x] Server Error\nTrying to execute notes.js:all as Mutation, but it is defined as Query.\n"}`,
    ],
  ];
  test.each(cases)('%s %j', async (path, body, expected) => {
    expect(await said(await start(), path, body)).toBe(expected);
  });

  test('a mutation that fails has written nothing', async () => {
    const emulator = await start();
    await said(emulator, '/api/mutation', { path: 'notes:addAndFail', args: { text: 'a' } });
    await said(emulator, '/api/mutation', { path: 'notes:add', args: { text: 'b' } });
    expect(rows(emulator, 'notes')).toEqual([{ text: 'b' }]);
  });

  test('production deployments keep messages and lines to themselves, but not the data of an error', async () => {
    const emulator = await start({ redact: true });
    expect(await said(emulator, '/api/query', { path: 'notes:refuse', args: {} })).toBe(
      '{"status":"error","errorMessage":"[Request ID: x] Server Error","errorData":{"code":"7","text":"no"}}',
    );
    expect(await said(emulator, '/api/action', { path: 'notes:chatty', args: { text: 'a' } })).toBe(
      '{"status":"success","value":"a"}',
    );
  });
});

describe('values go both ways', () => {
  const VALUE =
    '{"bytes":{"$bytes":"AQID"},"int":{"$integer":"AQAAAAAAAIA="},"negative":{"$float":"AAAAAAAAAIA="},"text":"\u{1F600}"}';
  test.each([
    ['convex_encoded_json', VALUE],
    ['json', '{"bytes":"AQID","int":"-9223372036854775807","negative":-0.0,"text":"\u{1F600}"}'],
    ['export_json', '{"bytes":{"$bytes":"AQID"},"int":-9223372036854775807,"negative":-0.0,"text":"\u{1F600}"}'],
  ])('as %s', async (format, expected) => {
    const raw = `{"path":"notes:echo","args":${VALUE},"format":"${format}"}`;
    const { text } = await call(await start(), 'POST', '/api/query', { raw, ...ask });
    expect(text).toBe(`{"status":"success","value":${expected}}`);
  });

  test('a format that does not exist is noticed when all is done', async () => {
    const emulator = await start();
    const body = { path: 'notes:add', args: { text: 'a' }, format: 'xml' };
    expect(await said(emulator, '/api/mutation', body)).toBe('400 BadFormat');
    expect(rows(emulator, 'notes')).toEqual([{ text: 'a' }]);
  });
});

describe('what is refused before a function runs', () => {
  test.each<[method: string, path: string, body: object | undefined, expected: string]>([
    ['POST', '/api/query', { path: 'a b:c', args: {} }, '400 BadConvexFunctionIdentifier'],
    ['POST', '/api/query', { path: 'notes:1', args: {} }, '400 BadConvexFunctionIdentifier'],
    ['POST', '/api/query', { path: '/notes:all', args: {} }, '400 BadConvexFunctionIdentifier'],
    ['POST', '/api/query', { path: 'notes:all' }, '400 BadJsonBody'],
    ['POST', '/api/query', { args: {} }, '400 BadJsonBody'],
    ['POST', '/api/run/notes', { args: {} }, '400 MissingIdentifier'],
    ['GET', '/api/query?path=notes:all&args={}', undefined, '400 BadQueryArgs'],
    ['GET', '/api/mutation', undefined, '405'],
    ['POST', '/api/function', { path: 'notes:all', args: {} }, '403 BadDeployKey'],
    ['POST', '/api/run', { args: {} }, '404'],
  ])('%s %s %j', async (method, path, body, expected) => {
    expect(outcome(await call(await start(), method, path, { body, ...ask }))).toBe(expected);
  });

  test('a wrong key, although nobody asked for one; after the body', async () => {
    const emulator = await start();
    const wrong = { authorization: 'Convex prod:happy-otter-123|bm90IGEga2V5' };
    const body = { path: 'notes:all', args: {} };
    expect(await said(emulator, '/api/query', body, wrong)).toBe('401 BadAdminKey');
    expect(await said(emulator, '/api/query', { path: 'notes:all' }, wrong)).toBe('401 BadAdminKey');
    const broken = await call(emulator, 'POST', '/api/query', { raw: '{', ...wrong });
    expect(outcome(broken)).toBe('400 BadJsonBody');
  });

  test('a body beyond 16 MiB and a little, arguments beyond 16 MiB', async () => {
    const emulator = await start({ limits: { functionBody: 1000, functionArgs: 500 } });
    const fill = (length: number) => ({ path: 'notes:echo', args: { text: 'x'.repeat(length) } });
    expect(await said(emulator, '/api/query', fill(1000))).toBe('400 BadJsonBody');
    expect(await said(emulator, '/api/query', fill(600))).toContain(
      'Arguments for notes.js:echo are too large (actual: 609 B, limit: 500 B)',
    );
  });

  test('arguments that do not fit the validator', async () => {
    const emulator = await start({
      functions: {
        'notes:strict': {
          type: 'query',
          args: { type: 'object', value: { n: { fieldType: { type: 'number' }, optional: false } } },
          handler: (_ctx, { n }: { n: number }) => n,
        },
      },
    });
    expect(await said(emulator, '/api/query', { path: 'notes:strict', args: { n: 2 } })).toContain('"value":2.0');
    expect(await said(emulator, '/api/query', { path: 'notes:strict', args: {} })).toContain(
      'ArgumentValidationError: Object is missing the required field `n`.',
    );
  });
});

describe('who may call what', () => {
  const internal = { path: 'admin/tools:internal', args: {} };

  test('internal functions: holders of a deploy key only, with the permission for it', async () => {
    const emulator = await start();
    expect(await said(emulator, '/api/query', internal)).toContain('Could not find public function');
    const user = { authorization: `Bearer ${emulator.keys.makeUserToken('ada')}` };
    expect(await said(emulator, '/api/query', internal, user)).toContain('Could not find public function');
    const key = { authorization: `Convex ${emulator.key}` };
    expect(await said(emulator, '/api/query', internal, key)).toBe('{"status":"success","value":"inside"}');
    expect(await said(emulator, '/api/function', internal, key)).toBe('{"status":"success","value":"inside"}');
    expect(await said(emulator, '/api/run/admin/tools/internal', { args: {} }, key)).toContain('"inside"');
    const importOnly = { authorization: `Convex ${emulator.importOnlyKey}` };
    expect(await said(emulator, '/api/query', internal, importOnly)).toBe('403 OperationNotPermitted');
  });

  test('a user is known by a token, until it expires', async () => {
    const emulator = await start();
    const token = emulator.keys.makeUserToken('ada');
    const options = { authorization: `Bearer ${token}` };
    const body = { path: 'notes:whoami', args: {} };
    expect(await said(emulator, '/api/query', body, options)).toContain('"subject":"ada"');
    expect(outcome(await call(emulator, 'GET', '/api/get_table_column_names', options))).toBe('403 BadDeployKey');
    emulator.keys.expireUserToken(token);
    expect(await said(emulator, '/api/query', body, options)).toBe('401 Unauthenticated');
    expect(await said(emulator, '/api/query', body, { authorization: 'Bearer nonsense' })).toBe(
      '401 InvalidAuthHeader',
    );
    expect(await said(emulator, '/api/query', body)).toBe('{"status":"success","value":{}}');
  });
});

describe('pages', () => {
  const paged: Functions = {
    'notes:page': {
      type: 'query',
      handler: (ctx, { from, paginationOpts }: { from?: number; paginationOpts: PaginationOptions }) =>
        ctx.db
          .query('notes')
          .withIndex('by_n', (q) => (from === undefined ? q : q.gte('n', from)))
          .paginate(paginationOpts),
    },
  };
  const schema = { tables: [{ tableName: 'notes', indexes: [{ indexDescriptor: 'by_n', fields: ['n'] }] }] };
  interface Page {
    page: { n: number }[];
    isDone: boolean;
    continueCursor: string;
  }
  const pageOf = async (
    emulator: Awaited<ReturnType<typeof start>>,
    cursor: string | null,
    numItems = 2,
    args: object = {},
  ) => {
    const body = { path: 'notes:page', args: { ...args, paginationOpts: { numItems, cursor } } };
    return (await post(emulator, '/api/query', body, ask)).json() as { value: Page; errorData?: unknown };
  };

  test('go on where the last one ended, whatever was written meanwhile; the last one may be empty', async () => {
    const emulator = await start({ functions: paged, schema });
    emulator.deployment.load('notes', [{ n: 3 }, { n: 1 }, { n: 7 }, { n: 5 }]);
    const { value: first } = await pageOf(emulator, null);
    expect(first).toMatchObject({ page: [{ n: 1 }, { n: 3 }], isDone: false });
    emulator.deployment.load('notes', [{ n: 2 }, { n: 6 }]);
    const { value: second } = await pageOf(emulator, first.continueCursor);
    expect(second).toMatchObject({ page: [{ n: 5 }, { n: 6 }], isDone: false });
    const { value: third } = await pageOf(emulator, second.continueCursor, 1);
    expect(third).toMatchObject({ page: [{ n: 7 }], isDone: false });
    const { value: last } = await pageOf(emulator, third.continueCursor);
    expect(last).toMatchObject({ page: [], isDone: true });
    expect((await pageOf(emulator, last.continueCursor)).value).toMatchObject({ page: [], isDone: true });
  });

  test('a cursor of another query is refused with data that a client knows', async () => {
    const emulator = await start({ functions: paged, schema });
    emulator.deployment.load('notes', [{ n: 3 }, { n: 1 }, { n: 7 }]);
    const { value } = await pageOf(emulator, null);
    const other = await pageOf(emulator, value.continueCursor, 2, { from: 2 });
    expect(other.errorData).toEqual({ isConvexSystemError: true, paginationError: 'InvalidCursor' });
  });

  test('reading too much is an error of the function', async () => {
    const emulator = await start({ functions: FUNCTIONS, limits: { bytesRead: 200 } });
    emulator.deployment.load('notes', [{ text: 'x'.repeat(90) }, { text: 'x'.repeat(90) }]);
    expect(await said(emulator, '/api/query', { path: 'notes:all', args: {} })).toContain(
      'Uncaught Error: Too many bytes read in a single function execution (limit: 200 bytes).',
    );
  });
});
