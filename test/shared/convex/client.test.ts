import { gzipSync } from 'node:zlib';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { ConvexApiError } from '../../../shared/convex/errors.ts';
import { ConvexClient, TIMEOUTS, type HttpOptions, type RetryNotice } from '../../../shared/convex/client.ts';
import { TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const GET = { method: 'GET', path: '/api/x' } as const;
const LIMITS = { attempts: 3, maxTime: 60_000, minDelay: 1, maxDelay: 5 };

function client(
  server: TestServer,
  options: Partial<HttpOptions> = {},
): { http: ConvexClient; notices: RetryNotice[] } {
  const notices: RetryNotice[] = [];
  const http = new ConvexClient({
    origin: server.url,
    key: 'prod:happy-otter-123|secret',
    client: 'airbyte-export-1.2.3',
    userAgent: 'airbyte-convex/1.2.3',
    retries: LIMITS,
    onRetry: (notice) => notices.push(notice),
    ...options,
  });
  return { http, notices };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers one request after the other with these, the last one for ever. */
async function answering(...answers: Answer[]): Promise<TestServer & { requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = await TestServer.start((request, response) => {
    requests.push(request);
    request.resume();
    const answer = answers[Math.min(requests.length, answers.length) - 1]!;
    request.on('end', () => {
      answer(request, response);
    });
  });
  return Object.assign(server, { requests });
}

const ok: Answer = (_request, response) => response.end('"fine"');
const failure = async (promise: Promise<unknown>): Promise<ConvexApiError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConvexApiError);
  return error as ConvexApiError;
};

describe('a request', () => {
  test('carries the key, the name by which Convex counts it, and its own', async () => {
    await using server = await answering(ok);
    await client(server).http.text({ ...GET, query: { a: '1 2' } });
    const [request] = server.requests;
    expect(request?.url).toBe('/api/x?a=1+2');
    expect(request?.headers).toMatchObject({
      authorization: 'Convex prod:happy-otter-123|secret',
      'convex-client': 'airbyte-export-1.2.3',
      'user-agent': 'airbyte-convex/1.2.3',
      accept: 'application/json',
    });
    expect(request?.headers['content-type']).toBeUndefined();
  });

  test.each(['GET', 'POST', 'PUT'] as const)('%s may have a body, with its length and its type', async (method) => {
    let body = '';
    await using server = await TestServer.start((request, response) => {
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => response.end(JSON.stringify(request.headers)));
    });
    const text = await client(server).http.text({ method, path: '/api/x', body: '{"snapshot":1790000000124494963}' });
    expect(body).toBe('{"snapshot":1790000000124494963}');
    expect(JSON.parse(text)).toMatchObject({ 'content-type': 'application/json', 'content-length': '32' });
  });

  test('uses the connection of the one before it', async () => {
    await using server = await answering(ok);
    const { http } = client(server);
    for (let i = 0; i < 5; i++) await http.text(GET);
    expect(new Set(server.requests.map(({ socket }) => socket)).size).toBe(1);
  });

  test('that finds its connection closed meanwhile is sent again', async () => {
    await using server = await answering(ok, (request) => request.socket.resetAndDestroy(), ok);
    const { http, notices } = client(server);
    await http.text(GET);
    expect(await http.text(GET)).toBe('"fine"');
    expect(notices.map(({ error }) => [error.code, error.reason, error.maybeDone])).toEqual([
      ['ECONNRESET', 'transient', true],
    ]);
  });

  test('is never repeated at another host: a redirect is an error', async () => {
    await using elsewhere = await answering(ok);
    await using server = await answering((_request, response) =>
      response.writeHead(307, { location: `${elsewhere.url}/api/x` }).end(),
    );
    const error = await failure(client(server).http.text(GET));
    expect(error).toMatchObject({ reason: 'not-convex', retry: false, status: 307 });
    expect(error.message).toBe(`/api/x was redirected to ${elsewhere.url.slice('http://'.length)}`);
    expect(elsewhere.requests).toHaveLength(0);
  });
});

describe('a 404 with an empty body', () => {
  const missing: Answer = (_request, response) => response.writeHead(404).end();
  const patient = { retries: { ...LIMITS, attempts: 10 } };

  test('is a missing route after three tries', async () => {
    await using server = await answering(missing);
    const error = await failure(client(server, patient).http.text(GET));
    expect(error).toMatchObject({ reason: 'not-convex', emptyNotFound: true, tries: 3 });
  });

  test('is a missing route after three tries also where such an answer is accepted', async () => {
    await using server = await answering(missing);
    const { http } = client(server, patient);
    const accepts = (status: number): boolean => status === 404;
    await http.exchange({ ...GET, accepts });
    expect(await failure(http.text(GET))).toMatchObject({ emptyNotFound: true, tries: 3 });
  });

  test('S13: is an ingress that passes where the route has answered before', async () => {
    await using server = await answering(ok, ...Array.from({ length: 8 }, () => missing), ok);
    const { http, notices } = client(server, patient);
    await http.text(GET);
    expect(await http.text(GET)).toBe('"fine"');
    expect(notices).toHaveLength(8);
  });
});

describe('an answer', () => {
  test('may be compressed', async () => {
    await using server = await answering((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":"ä"}')),
    );
    expect(await client(server).http.text(GET)).toBe('{"a":"ä"}');
  });

  test.each<[string, Answer]>([
    [
      'is shorter than its length',
      (_, response) => response.writeHead(200, { 'content-length': 9 }).write('"fi', () => response.destroy()),
    ],
    ['ends without its last chunk', (_, response) => response.writeHead(200).write('"fi', () => response.destroy())],
    [
      'is reset in the middle',
      (request, response) => response.writeHead(200).write('"fi', () => request.socket.resetAndDestroy()),
    ],
    ['is reset before it begins', (request) => request.socket.resetAndDestroy()],
    ['never begins: the connection is closed', (request) => request.socket.destroy()],
    [
      'is compressed and broken',
      (_, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(999)).subarray(0, 15)),
    ],
    [
      'is compressed and garbage',
      (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip at all'),
    ],
  ])('that %s is asked for again', async (_what, broken) => {
    await using server = await answering(broken, ok);
    const { http, notices } = client(server);
    expect(await http.text(GET)).toBe('"fine"');
    expect(notices.map(({ error }) => error.reason)).toEqual(['transient']);
  });

  test.each<[string, Answer]>([
    ['does not begin', () => undefined],
    ['stops in the middle', (_, response) => void response.writeHead(200).write('"fi')],
    [
      'stops after a second part',
      (_, response) => {
        response.writeHead(200).write('"f');
        setTimeout(() => response.write('i'), 30);
      },
    ],
    ['is an error that stops in the middle', (_, response) => void response.writeHead(503).write('{"co')],
  ])('that %s is not waited for without end', async (_what, stuck) => {
    await using server = await answering(stuck, ok);
    const { http, notices } = client(server, { timeouts: { connect: 1000, response: 150, idle: 150 } });
    expect(await http.text(GET)).toBe('"fine"');
    expect(notices).toHaveLength(1);
    expect(notices[0]!.error).toMatchObject({ reason: 'transient', retry: true });
  });

  test('whose reader takes its time is no answer that stops', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    await using server = await answering((_request, response) => response.end(body));
    const { http } = client(server, { timeouts: { connect: 1000, response: 1000, idle: 100 } });
    let length = 0;
    for await (const chunk of http.body(GET)) {
      if (length === 0) await new Promise((resolve) => setTimeout(resolve, 400));
      length += chunk.length;
    }
    expect(length).toBe(body.length);
  });

  test('that its reader leaves is not read to its end', async () => {
    await using server = await answering((_request, response) => {
      response.writeHead(200);
      const more = (): void => void response.write(Buffer.alloc(65536), (error) => (error ? undefined : more()));
      more();
    });
    for await (const _chunk of client(server).http.body(GET)) break;
    await until('the connection is closed', () => server.connections === 0);
  });

  test('that changes to another protocol is none of Convex', async () => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n';
    await using server = await answering(({ socket }) => socket.write(switching));
    const error = await failure(client(server).http.text(GET));
    expect(error).toMatchObject({ reason: 'not-convex', retry: false, status: 101 });
  });

  test('that is followed by a reset was still an answer', async () => {
    await using server = await answering((request, response) => {
      response.writeHead(200, { 'content-length': 6 }).end('"fine"', () => request.socket.resetAndDestroy());
    });
    const { http } = client(server);
    for (let i = 0; i < 20; i++) expect(await http.text(GET)).toBe('"fine"');
  });

  test('of an error says what Convex said, in one line, and nothing of what was sent', async () => {
    await using server = await answering((_request, response) =>
      response
        .writeHead(400)
        .end('{"code":"BadQueryArgs","message":"first line\\nsecond line {\\"name\\":\\"Ada\\"}"}'),
    );
    const error = await failure(client(server).http.text(GET));
    expect(error).toMatchObject({
      reason: 'refused',
      status: 400,
      code: 'BadQueryArgs',
      detail: 'first line',
      tries: 1,
    });
    expect(error.message).toBe('/api/x answered 400 BadQueryArgs');
  });

  test('of an error that breaks off before its code is asked for again', async () => {
    const body = '{"code":"IndexBackfillingError","message":"x"}';
    await using server = await answering((_request, response) => {
      response.writeHead(400, { 'content-length': body.length });
      response.write(body.slice(0, 12), () => response.destroy());
    }, ok);
    expect(await client(server).http.text(GET)).toBe('"fine"');
  });

  test('of an error may be long', async () => {
    await using server = await answering((_request, response) => response.writeHead(404).end('x'.repeat(3_000_000)));
    expect(await failure(client(server).http.text(GET))).toMatchObject({ reason: 'not-convex', status: 404 });
  });
});

test('an answer is waited for longer than the server works on it, a connection not for long', () => {
  expect(TIMEOUTS.response).toBeGreaterThan(300_000);
  expect(TIMEOUTS.connect).toBeLessThan(30_000);
});

describe('trying again', () => {
  const down: Answer = (_request, response) => response.writeHead(503).end();

  test('ends after the last try, and says how many there were', async () => {
    await using server = await answering(down);
    const { http, notices } = client(server);
    const error = await failure(http.text(GET));
    expect(error).toMatchObject({ reason: 'transient', status: 503, tries: 3 });
    expect(server.requests).toHaveLength(3);
    expect(notices.map(({ path, failures, attempts }) => [path, failures, attempts])).toEqual([
      ['/api/x', 1, 3],
      ['/api/x', 2, 3],
    ]);
  });

  test('ends where the next wait would go beyond the time: no try is made before its time', async () => {
    await using server = await answering(down);
    const retries = { attempts: 100, maxTime: 1000, minDelay: 5000, maxDelay: 5000 };
    const { http, notices } = client(server, { retries });
    await failure(http.text(GET));
    expect(server.requests).toHaveLength(1);
    expect(notices).toEqual([]);
  });

  test('counts its time from the first failure, not from the beginning of a long answer', async () => {
    await using server = await answering((request, response) => {
      response.writeHead(200).write('"fi');
      setTimeout(() => request.socket.resetAndDestroy(), 300);
    }, ok);
    const { http } = client(server, { retries: { attempts: 3, maxTime: 200, minDelay: 1, maxDelay: 1 } });
    expect(await http.text(GET)).toBe('"fine"');
  });

  test('waits for as long as the answer asks', async () => {
    await using server = await answering(
      (_request, response) => response.writeHead(429, { 'retry-after': '0.3' }).end(),
      ok,
    );
    const { http, notices } = client(server);
    const started = performance.now();
    await http.text(GET);
    expect(performance.now() - started).toBeGreaterThan(290);
    expect(notices).toMatchObject([{ delay: 300 }]);
  });

  test('gives up at once where the answer asks for longer than there is time', async () => {
    await using server = await answering((_request, response) =>
      response.writeHead(429, { 'retry-after': '3600' }).end(),
    );
    const { http, notices } = client(server);
    expect(await failure(http.text(GET))).toMatchObject({ status: 429, retryAfter: 3_600_000, tries: 1 });
    expect(notices).toEqual([]);
  });

  test('is not done for a defect', async () => {
    await using server = await answering(ok);
    const { http } = client(server);
    let tries = 0;
    const broken = http.retrying('/api/x', () => {
      tries++;
      throw new TypeError('fetch failed');
    });
    await expect(broken).rejects.toThrow(TypeError);
    expect(tries).toBe(1);
  });
});
