import { describe, expect, test } from 'vitest';
import { call, deploy, get, importRecords, outcome, post, rows, snapshotPage } from './client.ts';

const PATH = '/api/test_streaming_export_connection';
const APPEND = { primaryKey: null };

describe('faults before anything is done', () => {
  const statuses: [status: number, expected: string][] = [
    [408, '408'],
    [425, '425 TooEarly'],
    [429, '429 TooManyConcurrentRequests'],
    [500, '500 InternalServerError'],
    [502, '502'],
    [503, '503 InternalServerError'],
    [504, '504'],
  ];
  test.each(statuses)('status %d', async (status, expected) => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'status', status });
    const reply = await importRecords(emulator, { t: APPEND }, [['t', {}]]);
    expect(outcome(reply)).toBe(expected);
    expect(emulator.deployment.tables()).toEqual([]);
    expect((await importRecords(emulator, { t: APPEND }, [['t', {}]])).status).toBe(200);
    expect(emulator.faults.fired).toBe(1);
  });

  test('a status with a code, a message and headers of its own', async () => {
    const emulator = await deploy();
    emulator.faults.add({
      kind: 'status',
      status: 503,
      code: 'CommitterFullError',
      message: 'Busy.',
      headers: { 'x-edge': 'yes' },
    });
    const reply = await get(emulator, PATH);
    expect(reply.json()).toEqual({ code: 'CommitterFullError', message: 'Busy.' });
    expect(reply.headers['x-edge']).toBe('yes');
  });

  test('a page of a proxy', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'html', status: 504 });
    const reply = await get(emulator, PATH);
    expect(reply.status).toBe(504);
    expect(reply.headers['content-type']).toBe('text/html');
    expect(reply.text).toMatch(/^<html>/);
    emulator.faults.add({ kind: 'html', status: 200, body: '<html>captive portal</html>' });
    expect(await get(emulator, PATH)).toMatchObject({ status: 200, text: '<html>captive portal</html>' });
  });

  test('a reset', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'reset-before' });
    await expect(importRecords(emulator, { t: APPEND }, [['t', {}]])).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect(emulator.deployment.tables()).toEqual([]);
  });

  test('hanging until the server gives up, or the client', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'hang', ms: 50 });
    expect(await get(emulator, PATH)).toMatchObject({ status: 408, text: '' });
    emulator.faults.add({ kind: 'hang' });
    const given = fetch(emulator.url + PATH, { signal: AbortSignal.timeout(100) });
    await expect(given).rejects.toThrow();
    await expect.poll(() => emulator.journal.entries.at(-1)?.endedAt).toBeTypeOf('number');
  });
});

describe('faults after the work is done', () => {
  test('a reset without an answer', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'reset-after-commit' });
    await expect(importRecords(emulator, { t: APPEND }, [['t', {}]])).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect(rows(emulator, 't')).toHaveLength(1);
  });

  test('an empty 408, which is what a timeout looks like', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'status-after-commit', status: 408 });
    expect(await importRecords(emulator, { t: APPEND }, [['t', {}]])).toMatchObject({ status: 408, text: '' });
    expect(rows(emulator, 't')).toHaveLength(1);
  });

  test('an answer that breaks off in the middle', async () => {
    const emulator = await deploy();
    emulator.deployment.load(
      't',
      Array.from({ length: 100 }, (_, n) => ({ n })),
    );
    emulator.faults.add({ kind: 'truncate-body', bytes: 1000 });
    await expect(post(emulator, '/api/list_snapshot', {})).rejects.toThrow();
    emulator.faults.add({ kind: 'truncate-body', bytes: 1000 });
    const response = await fetch(`${emulator.url}/api/list_snapshot`, {
      headers: { authorization: `Convex ${emulator.key}` },
    });
    expect(response.status).toBe(200);
    let received = 0;
    const read = async () => {
      for await (const chunk of response.body ?? []) received += (chunk as Uint8Array).length;
    };
    await expect(read()).rejects.toThrow();
    expect(received).toBe(1000);
  });

  test('an answer that trickles in, whole', async () => {
    const emulator = await deploy();
    emulator.deployment.load(
      't',
      Array.from({ length: 20 }, (_, n) => ({ n })),
    );
    emulator.faults.add({ kind: 'slow-body', bytes: 400, ms: 1 });
    expect((await snapshotPage(emulator)).values).toHaveLength(20);
  });

  test('latency', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'latency', ms: 80 });
    expect((await get(emulator, PATH)).status).toBe(200);
    const [entry] = emulator.journal.entries;
    expect((entry?.endedAt ?? 0) - (entry?.startedAt ?? 0)).toBeGreaterThanOrEqual(79);
  });
});

describe('which requests are hit', () => {
  async function statuses(emulator: Awaited<ReturnType<typeof deploy>>, count: number, path = PATH): Promise<number[]> {
    const replies: number[] = [];
    for (let n = 0; n < count; n++) replies.push((await get(emulator, path)).status);
    return replies;
  }

  test('so many times, after so many', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'status', status: 503, times: 2, after: 1 });
    expect(await statuses(emulator, 5)).toEqual([200, 503, 503, 200, 200]);
  });

  test('by path, pattern and method', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'status', status: 500, path: PATH });
    emulator.faults.add({ kind: 'status', status: 501, path: /schemas$/, times: Infinity });
    emulator.faults.add({ kind: 'status', status: 502, method: 'post', path: '/api/list_snapshot', times: Infinity });
    expect(await statuses(emulator, 2, '/api/json_schemas')).toEqual([501, 501]);
    expect(await statuses(emulator, 1, '/api/list_snapshot')).toEqual([200]);
    expect((await post(emulator, '/api/list_snapshot', {})).status).toBe(502);
    expect(await statuses(emulator, 2)).toEqual([500, 200]);
  });

  test('one after the other, and until they are taken away', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'status', status: 500 });
    const remove = emulator.faults.add({ kind: 'status', status: 503, times: Infinity });
    expect(await statuses(emulator, 3)).toEqual([500, 503, 503]);
    remove();
    emulator.faults.add({ kind: 'status', status: 502, times: Infinity });
    expect(await statuses(emulator, 1)).toEqual([502]);
    emulator.faults.clear();
    expect(await statuses(emulator, 1)).toEqual([200]);
  });

  test('by chance, the same requests for the same seed', async () => {
    const pattern = async (seed: number) => {
      const emulator = await deploy({ seed });
      emulator.faults.add({ kind: 'status', status: 503, times: Infinity, probability: 0.4 });
      return (await statuses(emulator, 40)).join(' ');
    };
    const first = await pattern(7);
    expect(first).toMatch(/503/);
    expect(first).toMatch(/200/);
    expect(await pattern(7)).toBe(first);
    expect(await pattern(8)).not.toBe(first);
  });
});

describe('the journal', () => {
  test('tells what was asked, by whom, and how it went, but no key', async () => {
    const emulator = await deploy();
    await call(emulator, 'POST', '/api/list_snapshot?adminKey=x&a=b', {
      raw: '{"tableName":"t"}',
      headers: { 'convex-client': 'airbyte-export-1.2.3', 'user-agent': 'me' },
    });
    expect(emulator.journal.entries).toEqual([
      {
        method: 'POST',
        path: '/api/list_snapshot',
        query: { a: 'b' },
        body: '{"tableName":"t"}',
        bodyBytes: 17,
        client: 'airbyte-export-1.2.3',
        userAgent: 'me',
        status: 200,
        fault: undefined,
        startedAt: expect.any(Number) as number,
        endedAt: expect.any(Number) as number,
        concurrent: 1,
      },
    ]);
    expect(JSON.stringify(emulator.journal.entries)).not.toContain(emulator.key);
    expect(emulator.journal.count('/api/list_snapshot')).toBe(1);
    expect(emulator.journal.count(/deltas/)).toBe(0);
    emulator.journal.clear();
    expect(emulator.journal.count()).toBe(0);
  });

  test('knows which requests overlapped', async () => {
    const emulator = await deploy();
    for (let n = 0; n < 3; n++) await get(emulator, PATH);
    expect(emulator.journal.maxConcurrent()).toBe(1);
    emulator.faults.add({ kind: 'latency', ms: 100, times: 3 });
    await Promise.all([get(emulator, PATH), get(emulator, PATH), get(emulator, PATH)]);
    expect(emulator.journal.maxConcurrent(PATH)).toBe(3);
    expect(emulator.journal.entries.map(({ concurrent }) => concurrent)).toContain(3);
  });

  test('names the fault of a request, and leaves the status of a cut one open', async () => {
    const emulator = await deploy();
    emulator.faults.add({ kind: 'reset-after-commit' });
    await expect(get(emulator, PATH)).rejects.toThrow();
    await expect.poll(() => emulator.journal.entries[0]?.endedAt).toBeTypeOf('number');
    expect(emulator.journal.entries[0]).toMatchObject({ fault: 'reset-after-commit', status: undefined });
  });
});

test('more requests than the server takes at a time wait in line', async () => {
  const emulator = await deploy({ limits: { concurrency: 1 }, snapshotInitialiseMs: 300 });
  emulator.deployment.createTable('t');
  const slow = post(emulator, '/api/list_snapshot', {});
  await expect.poll(() => emulator.journal.count('/api/list_snapshot')).toBe(1);
  const quick = get(emulator, PATH);
  expect((await Promise.all([slow, quick])).map(({ status }) => status)).toEqual([200, 200]);
  const [first, second] = emulator.journal.entries;
  expect(second?.startedAt ?? 0).toBeLessThan(first?.endedAt ?? 0);
  expect(second?.endedAt ?? 0).toBeGreaterThanOrEqual(first?.endedAt ?? Infinity);
});
