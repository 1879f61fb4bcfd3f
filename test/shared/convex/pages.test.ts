import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { ConvexApiError } from '../../../shared/convex/errors.ts';
import { ConvexClient } from '../../../shared/convex/client.ts';
import { readPage, type RawPage } from '../../../shared/convex/pages.ts';
import { TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const DOCUMENTS = Array.from({ length: 5 }, (_, i) => `{"_id":"j57${i}","text":"${'é'.repeat(i * 9)}"}`);
const page = (documents: readonly string[] = DOCUMENTS, end = '"cursor":178,"hasMore":false'): Buffer =>
  Buffer.from(`{"values":[${documents.join(',')}],${end}}`);

/** What one try of the server's does: the page, cut off after some bytes, or anything else. */
type Try = Buffer | { body: Buffer; bytes: number } | ((response: ServerResponse) => void);

interface Result {
  documents: string[];
  page: RawPage | undefined;
  error: ConvexApiError | undefined;
  requests: number;
}

async function readFrom(tries: readonly Try[], attempts = 10): Promise<Result> {
  let requests = 0;
  await using server = await TestServer.start((request, response) => {
    request.resume();
    const now = tries[Math.min(requests++, tries.length - 1)]!;
    if (typeof now === 'function') return now(response);
    if (Buffer.isBuffer(now)) return void response.end(now);
    response.writeHead(200, { 'content-length': now.body.length });
    response.write(now.body.subarray(0, now.bytes), () => response.destroy());
    response.flushHeaders();
  });
  const http = new ConvexClient({
    origin: server.url,
    key: 'k',
    client: 'airbyte-export-1.2.3',
    userAgent: 'x',
    retries: { attempts, maxTime: 60_000, minDelay: 1, maxDelay: 1 },
    onRetry: () => undefined,
  });
  const documents: string[] = [];
  const result: Result = { documents, page: undefined, error: undefined, requests: 0 };
  try {
    const batches = readPage(http, { method: 'POST', path: '/api/list_snapshot', body: '{}' });
    let step = await batches.next();
    for (; !step.done; step = await batches.next()) {
      const { buffers, starts, ends, length } = step.value;
      for (let i = 0; i < length; i++) documents.push(buffers[i]!.toString('utf8', starts[i], ends[i]));
    }
    result.page = step.value;
  } catch (error) {
    if (!(error instanceof ConvexApiError)) throw error;
    result.error = error;
  }
  return { ...result, requests };
}

describe('a page that breaks off', () => {
  test('at every byte: each document comes once', async () => {
    const body = page();
    for (let bytes = 0; bytes < body.length; bytes++) {
      const { documents, page: read, requests } = await readFrom([{ body, bytes }, body]);
      expect(documents, `after ${bytes} bytes`).toEqual(DOCUMENTS);
      expect(Object.fromEntries(read!.members)).toEqual({ cursor: '178', hasMore: 'false' });
      expect([read!.documents, requests]).toEqual([5, 2]);
    }
  });

  test('again and again, a little further each time, for more tries than a page without progress gets', async () => {
    const body = page();
    const offsets = DOCUMENTS.map((document) => body.indexOf(document) + Buffer.byteLength(document));
    const { documents, requests } = await readFrom([...offsets.map((bytes) => ({ body, bytes })), body], 2);
    expect(documents).toEqual(DOCUMENTS);
    expect(requests).toBe(6);
  });

  test('again and again at the same place is given up', async () => {
    const body = page();
    const { documents, error, requests } = await readFrom([{ body, bytes: 60 }], 3);
    expect(documents).toHaveLength(1);
    expect(requests).toBe(3);
    expect(error).toMatchObject({ reason: 'transient', tries: 3 });
  });

  test('with another end the next time: only its documents have to be the same', async () => {
    const first = page();
    for (let back = 1; back < 30; back++) {
      const second = page(DOCUMENTS, '"cursor":179,"hasMore":true');
      const { documents, page: read } = await readFrom([{ body: first, bytes: first.length - back }, second]);
      expect(documents).toEqual(DOCUMENTS);
      expect(read!.members.get('cursor')).toBe('179');
    }
  });

  test('with more documents the next time', async () => {
    const body = page();
    const more = [...DOCUMENTS, '{"_id":"new"}'];
    expect((await readFrom([{ body, bytes: body.length - 5 }, page(more)])).documents).toEqual(more);
  });

  test.each([
    ['another document', [DOCUMENTS[0]!, '{"_id":"other"}', ...DOCUMENTS.slice(2)]],
    ['fewer documents', DOCUMENTS.slice(0, 1)],
    ['no documents', []],
    ['the same ones in another order', [DOCUMENTS[1]!, DOCUMENTS[0]!, ...DOCUMENTS.slice(2)]],
  ])('with %s the next time: it is given up rather than guessed at', async (_what, documents) => {
    const body = page();
    const bytes = body.indexOf(DOCUMENTS[2]!) - 1;
    const result = await readFrom([{ body, bytes }, page(documents)]);
    expect(result.documents).toEqual(DOCUMENTS.slice(0, 2));
    expect(result.error).toMatchObject({
      reason: 'transient',
      retry: false,
      message: '/api/list_snapshot gave another page than before its connection broke off',
    });
    expect(result.requests).toBe(2);
  });
});

describe('a page that is none', () => {
  const html = Buffer.from('<html><body>502 Bad Gateway</body></html>');

  test('is asked for again', async () => {
    expect((await readFrom([html, Buffer.from(''), Buffer.from('{"values":[]}x'), page()])).documents).toEqual(
      DOCUMENTS,
    );
  });

  test('in the middle of which something else begins: its documents so far are kept', async () => {
    const body = page();
    for (let bytes = 0; bytes < body.length; bytes += 7) {
      const broken = Buffer.concat([body.subarray(0, bytes), html]);
      const { documents, error } = await readFrom([broken, body]);
      // Inside a string a web page looks like text, until its end is missing: then nothing of it was a document.
      expect(error).toBeUndefined();
      expect(documents).toEqual(DOCUMENTS);
    }
  });

  test('for ever is an error', async () => {
    const { error, requests } = await readFrom([html], 3);
    expect(error).toMatchObject({ reason: 'not-convex', tries: 3 });
    expect(error!.message).toBe('/api/list_snapshot: byte 0 of the response should be a JSON object');
    expect(requests).toBe(3);
  });

  test('since its server refuses', async () => {
    const { error, requests } = await readFrom([
      (response) => response.writeHead(403).end('{"code":"OperationNotPermitted","message":"no"}'),
    ]);
    expect(error).toMatchObject({ reason: 'not-permitted', status: 403, tries: 1 });
    expect(requests).toBe(1);
  });
});

test('a reader that stops early ends the request, and the page is not requested again', async () => {
  let requests = 0;
  let closed = 0;
  await using server = await TestServer.start((request, response) => {
    request.resume();
    requests++;
    response.on('close', () => closed++);
    response.write(page().subarray(0, -1));
  });
  const http = new ConvexClient({
    origin: server.url,
    key: 'k',
    client: 'a-1.0.0',
    userAgent: 'x',
    retries: { attempts: 5, maxTime: 1000, minDelay: 1, maxDelay: 1 },
    onRetry: () => undefined,
  });
  for await (const batch of readPage(http, { method: 'GET', path: '/' })) {
    expect(batch.length).toBe(5);
    break;
  }
  await until('the request ends', () => closed === 1);
  expect(requests).toBe(1);
});
