/** Our client of the Functions API against the published one, and what ours does beyond it. */
import { ConvexHttpClient } from 'convex/browser';
import { makeFunctionReference } from 'convex/server';
import { ConvexError as AppError, jsonToConvex, type JSONValue, type Value } from 'convex/values';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  startEmulator,
  type Emulator,
  type EmulatorOptions,
  type Functions as AppFunctions,
} from '../../../emulator/index.ts';
import { decoded, type FunctionResult } from '../../../shared/convex/function-result.ts';
import { Functions, MAX_FUNCTION_BODY } from '../../../shared/convex/functions.ts';
import { ConvexClient, type HttpOptions, type RetryNotice } from '../../../shared/convex/client.ts';
import { TestServer } from '../../support/server.ts';

const APP: AppFunctions = {
  'values:echo': { type: 'query', handler: (_ctx, args: object) => args },
  'values:nothing': { type: 'query', handler: () => undefined },
  'values:talk': {
    type: 'query',
    handler: (ctx) => {
      ctx.console.log('one', { two: 2n });
      return 'said';
    },
  },
  'notes:add': { type: 'mutation', handler: (ctx, args: object) => ctx.db.insert('notes', args) },
  'notes:count': { type: 'query', handler: async (ctx) => (await ctx.db.query('notes').collect()).length },
  'notes:fromAction': { type: 'action', handler: (ctx, args: object) => ctx.runMutation('notes:add', args) },
  'admin/tools:whoami': { type: 'query', handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null },
  'admin/tools:hidden': { type: 'query', visibility: 'internal', handler: () => 'inside' },
  'fails:error': {
    type: 'query',
    handler: () => {
      throw new TypeError('not like this');
    },
  },
  'fails:convexError': {
    type: 'mutation',
    handler: (ctx) => {
      ctx.console.error('about to fail');
      throw new AppError({ code: 7n, bytes: new ArrayBuffer(2), text: 'no' });
    },
  },
  'fails:textError': {
    type: 'action',
    handler: () => {
      throw new AppError('just a text');
    },
  },
  'fails:nullError': {
    type: 'query',
    handler: () => {
      throw new AppError(null);
    },
  },
};

const LIMITS = { attempts: 4, maxTime: 60_000, minDelay: 1, maxDelay: 2 };

function clientOf(url: string, options: Partial<HttpOptions> = {}, format?: 'convex_encoded_json') {
  const notices: RetryNotice[] = [];
  const http = new ConvexClient({
    origin: url,
    key: undefined,
    client: 'airbyte-export-1.2.3',
    userAgent: 'airbyte-convex/1.2.3',
    retries: LIMITS,
    onRetry: (notice) => notices.push(notice),
    ...options,
  });
  return { functions: new Functions(http, format), notices };
}

const start = (options: EmulatorOptions = {}) => startEmulator({ functions: APP, ...options });

/** An outcome in the terms of the published client, whose values are decoded and whose errors are thrown. */
type Seen = { value: Value } | { message: string; data: Value | undefined; isAppError: boolean };

function seenByOurs(result: FunctionResult): Seen {
  if (result.status === 'success') return { value: jsonToConvex(decoded(result.value) as JSONValue) };
  const { errorMessage, errorData } = result;
  const data = errorData === undefined ? undefined : jsonToConvex(JSON.parse(errorData) as JSONValue);
  return { message: withoutId(errorMessage), data, isAppError: errorData !== undefined };
}

async function seenByTheirs(promise: Promise<unknown>): Promise<Seen> {
  try {
    return { value: (await promise) as Value };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const data = error instanceof AppError ? (error.data as Value) : undefined;
    return { message: withoutId(error.message), data, isAppError: error instanceof AppError };
  }
}

const withoutId = (message: string) => message.replace(/Request ID: [0-9a-f]{16}/, 'Request ID: x');

describe('the published client and ours give the same for the same call', () => {
  let emulator: Emulator;
  beforeAll(async () => {
    emulator = await start();
  });
  afterAll(() => emulator.close());

  const VALUES = {
    int: -9223372036854775807n,
    float: 1.5,
    whole: 3,
    minusZero: -0,
    infinite: Infinity,
    bytes: new Uint8Array([1, 2, 255]).buffer,
    text: '\u{1F600} "\\ \n',
    list: [null, true, [], {}],
    nested: { a: { b: 1n } },
  } satisfies Record<string, Value>;

  const calls: [kind: 'query' | 'mutation' | 'action', path: string, args: string][] = [
    [
      'query',
      'values:echo',
      `{"int":{"$integer":"AQAAAAAAAIA="},"float":1.5,"whole":3,"minusZero":{"$float":"AAAAAAAAAIA="},"infinite":{"$float":"AAAAAAAA8H8="},"bytes":{"$bytes":"AQL/"},"text":"\u{1F600} \\"\\\\ \\n","list":[null,true,[],{}],"nested":{"a":{"b":{"$integer":"AQAAAAAAAAA="}}}}`,
    ],
    ['query', 'values:nothing', '{}'],
    ['query', 'values:talk', '{}'],
    ['query', 'fails:error', '{}'],
    ['query', 'fails:nullError', '{}'],
    ['mutation', 'fails:convexError', '{}'],
    ['action', 'fails:textError', '{}'],
    ['query', 'nowhere:nothing', '{}'],
    ['query', 'notes:add', '{}'],
    ['mutation', 'values:talk', '{}'],
    ['query', 'admin/tools:hidden', '{}'],
    ['query', 'admin/tools:whoami', '{}'],
  ];
  test.each(calls)('%s %s', async (kind, path, args) => {
    const { functions } = clientOf(emulator.url, {}, 'convex_encoded_json');
    const ours = seenByOurs(await functions.call(kind, path, args));
    const published = new ConvexHttpClient(emulator.url, { logger: false });
    const theirArgs = jsonToConvex(JSON.parse(args) as JSONValue) as Record<string, Value>;
    const call = (): Promise<unknown> => {
      if (kind === 'query') return published.query(makeFunctionReference<'query'>(path), theirArgs);
      if (kind === 'mutation') return published.mutation(makeFunctionReference<'mutation'>(path), theirArgs);
      return published.action(makeFunctionReference<'action'>(path), theirArgs);
    };
    const theirs = await seenByTheirs(call());
    expect(ours).toEqual(theirs);
    if (path === 'values:echo') expect(ours).toEqual({ value: VALUES });
  });

  test('in the name of a user, and with a deploy key', async () => {
    const token = emulator.keys.makeUserToken('ada');
    const published = new ConvexHttpClient(emulator.url, { logger: false, auth: token });
    const whoami = makeFunctionReference<'query'>('admin/tools:whoami');
    const ours = clientOf(emulator.url, { key: token, scheme: 'Bearer' }).functions;
    expect(seenByOurs(await ours.call('query', 'admin/tools:whoami'))).toEqual(
      await seenByTheirs(published.query(whoami)),
    );
    expect(seenByOurs(await ours.call('query', 'admin/tools:whoami'))).toEqual({ value: 'ada' });
    const admin = clientOf(emulator.url, { key: emulator.key }).functions;
    expect(seenByOurs(await admin.call('query', 'admin/tools:hidden'))).toEqual({ value: 'inside' });
  });

  test('a key that does not hold is an exception, not a result', async () => {
    const published = new ConvexHttpClient(emulator.url, { logger: false, auth: 'nonsense' });
    const theirs = await seenByTheirs(published.query(makeFunctionReference<'query'>('values:talk')));
    expect(theirs).toMatchObject({ message: expect.stringContaining('InvalidAuthHeader') as string });
    const ours = clientOf(emulator.url, { key: 'nonsense', scheme: 'Bearer' }).functions;
    await expect(ours.call('query', 'values:talk')).rejects.toMatchObject({
      reason: 'bad-key',
      status: 401,
      code: 'InvalidAuthHeader',
    });
  });
});

describe('a result', () => {
  let emulator: Emulator;
  beforeEach(async () => {
    emulator = await start();
    return () => emulator.close();
  });

  test('is the bytes that came, in the format of the documents', async () => {
    const { functions } = clientOf(emulator.url);
    const result = await functions.call('query', 'values:echo', { n: 1, text: 'é' });
    if (result.status === 'error') throw new Error(result.errorMessage);
    const { buffer, start: from, end } = result.value;
    expect(buffer.toString('utf8', from, end)).toBe('{"n":1.0,"text":"é"}');
    expect(emulator.journal.of('/api/query')[0]).toMatchObject({
      method: 'POST',
      client: 'airbyte-export-1.2.3',
      body: '{"path":"values:echo","args":{"n":1,"text":"é"},"format":"json"}',
    });
  });

  test('has the data of an error that the app threw', async () => {
    const { functions } = clientOf(emulator.url);
    expect(await functions.call('mutation', 'fails:convexError')).toMatchObject({
      status: 'error',
      errorData: '{"bytes":"AAA=","code":"7","text":"no"}',
    });
  });

  test('arguments that are text are sent as they are', async () => {
    const { functions } = clientOf(emulator.url);
    await functions.call('query', 'values:echo', '{ "n" : 1786000000123456789 }');
    expect(emulator.journal.of('/api/query')[0]?.body).toBe(
      '{"path":"values:echo","args":{ "n" : 1786000000123456789 },"format":"json"}',
    );
  });
});

describe('limits', () => {
  test('a path that names no function is refused before anything is sent', async () => {
    const { functions } = clientOf('http://127.0.0.1:1');
    await expect(functions.call('query', 'messages.list')).rejects.toThrow('is not the path of a function');
  });

  test('so are arguments that the deployment would not read', async () => {
    const emulator = await start();
    const { functions } = clientOf(emulator.url);
    const room = MAX_FUNCTION_BODY - Buffer.byteLength('{"path":"values:echo","args":{"text":""},"format":"json"}');
    const fits = await functions.call('query', 'values:echo', { text: 'x'.repeat(room) });
    // It arrives, and is more than 16 MiB as Convex counts.
    expect(fits).toMatchObject({ status: 'error' });
    expect(emulator.journal.count()).toBe(1);
    await expect(functions.call('query', 'values:echo', { text: 'x'.repeat(room + 1) })).rejects.toThrow(
      'the arguments of values:echo make a request of 16779217 bytes; Convex takes arguments of up to 16 MiB',
    );
    expect(emulator.journal.count()).toBe(1);
    await emulator.close();
  });
});

describe('what is tried again', () => {
  let emulator: Emulator;
  beforeEach(async () => {
    emulator = await start();
    return () => emulator.close();
  });
  const notes = () => [...emulator.deployment.documents('notes')].length;

  test.each([
    ['reset-before', {}],
    ['reset-after-commit', {}],
    ['status', { status: 503 }],
    ['status', { status: 500 }],
    ['status', { status: 408 }],
    ['html', { status: 502 }],
    ['truncate-body', {}],
    ['status', { status: 429 }],
  ] as const)('a query, after %s %j', async (kind, more) => {
    emulator.faults.add({ kind, times: 2, ...more });
    const { functions, notices } = clientOf(emulator.url);
    expect(await functions.call('query', 'notes:count')).toMatchObject({ status: 'success' });
    expect(notices).toHaveLength(2);
  });

  const maybeRun: [kind: 'reset-after-commit' | 'status-after-commit' | 'truncate-body' | 'html', more: object][] = [
    ['reset-after-commit', {}],
    ['status-after-commit', { status: 408 }],
    ['status-after-commit', { status: 500 }],
    ['truncate-body', { bytes: 3 }],
    ['html', { status: 502 }],
    ['html', { status: 200 }],
  ];
  test.each(maybeRun)('a mutation that may have run is repeated, after %s %j', async (kind, more) => {
    emulator.faults.add({ kind, ...more });
    const { functions, notices } = clientOf(emulator.url);
    expect(await functions.call('mutation', 'notes:add', {})).toMatchObject({ status: 'success' });
    expect(notices).toHaveLength(1);
    expect(notes()).toBe(kind === 'html' ? 1 : 2);
  });

  test('a function that failed has given its result', async () => {
    const { functions, notices } = clientOf(emulator.url);
    expect(await functions.call('query', 'fails:error')).toMatchObject({ status: 'error' });
    expect(notices).toEqual([]);
    expect(emulator.journal.count()).toBe(1);
  });
});

describe('answers as the OpenAPI document has them', () => {
  const RESULT = '{"status":"error","errorMessage":"no such function","logLines":["a"]}';

  test.each([400, 401, 404, 560])('a result with status %i', async (status) => {
    await using server = await TestServer.start((_request, response) => response.writeHead(status).end(RESULT));
    const { functions } = clientOf(server.url);
    expect(await functions.call('query', 'messages:list')).toEqual({
      status: 'error',
      errorMessage: 'no such function',
      errorData: undefined,
    });
  });

  test.each([
    [400, '{"code":"BadJsonBody","message":"x"}', { reason: 'refused', code: 'BadJsonBody' }],
    [401, '', { reason: 'bad-key' }],
    [404, '', { reason: 'not-convex' }],
    [404, '<html></html>', { reason: 'not-convex' }],
    [403, '{"code":"OperationNotPermitted","message":"x"}', { reason: 'not-permitted' }],
  ])('no result with status %i: %s', async (status, body, expected) => {
    // An answer to half a request races with the rest of it, which then has nowhere to go.
    await using server = await TestServer.start((request, response) => {
      request.resume().on('end', () => response.writeHead(status).end(body));
    });
    await expect(clientOf(server.url).functions.call('query', 'messages:list')).rejects.toMatchObject({
      status,
      ...expected,
    });
  });

  test.each([
    '',
    '<html></html>',
    'null',
    '[]',
    '{}',
    '{"status":"success"}',
    '{"status":"error"}',
    '{"status":"other","value":1}',
    '{"status":"success","value":1',
    '{"status":"success","value":1}}',
    Buffer.from([...Buffer.from('{"status":"success","value":"'), 0xff, ...Buffer.from('"}')]),
  ])('no result with status 200: %s', async (body) => {
    await using server = await TestServer.start((_request, response) => response.end(body));
    const { functions, notices } = clientOf(server.url);
    await expect(functions.call('query', 'messages:list')).rejects.toMatchObject({ reason: 'not-convex', tries: 4 });
    expect(notices).toHaveLength(3);
  });
});
