/** What is tried again, when, and how often. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import { startProxy } from '../support/proxy.ts';
import { recordsOf, replay, Source, people } from './setup.ts';

const SNAPSHOT = '/api/list_snapshot';

describe('trying again', () => {
  test.each([
    ['408', { kind: 'status', status: 408 }, `${SNAPSHOT} answered 408`],
    ['425', { kind: 'status', status: 425 }, `${SNAPSHOT} answered 425 TooEarly`],
    ['429', { kind: 'status', status: 429 }, `${SNAPSHOT} answered 429 TooManyConcurrentRequests`],
    ['500', { kind: 'status', status: 500 }, `${SNAPSHOT} answered 500 InternalServerError`],
    ['503', { kind: 'status', status: 503, code: 'CommitterFullError' }, `${SNAPSHOT} answered 503 CommitterFullError`],
    ["a proxy's 502", { kind: 'html', status: 502 }, `${SNAPSHOT} answered 502`],
    ["a proxy's 504", { kind: 'html', status: 504, body: '' }, `${SNAPSHOT} answered 504`],
    ["S13: an ingress' 404", { kind: 'html', status: 404 }, `${SNAPSHOT} answered 404`],
    ["S13: an ingress' 403", { kind: 'html', status: 403, body: '' }, `${SNAPSHOT} answered 403`],
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
    ['a date of before', 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['nonsense', 'soon', 0],
    ['nothing', '', 0],
    ['no number', 'NaN', 0],
    ['less than nothing', '-5', 0],
  ])('after the time that Retry-After asks for: %s', async (_what, header, least) => {
    await using source = await Source.start();
    source.deployment.load('t', people(1));
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

  test('after the time that Retry-After asks for: a date', async () => {
    await using source = await Source.start();
    source.deployment.load('t', people(1));
    let refused = false;
    await using proxy = await startProxy(source.emulator.url, {
      request: ({ path }) => {
        if (path !== SNAPSHOT || refused) return undefined;
        refused = true;
        // In whole seconds: one to two from now.
        return { status: 503, headers: { 'retry-after': new Date(Date.now() + 2000).toUTCString() }, body: '' };
      },
    });
    const lines = await source.readAll({ streams: ['t'], config: { deployment_url: proxy.url } });
    expect(recordsOf(lines)).toHaveLength(1);
    const [warning] = logsOf(lines).filter((line) => line.startsWith('WARN'));
    expect(Number(/trying again in (\d+\.\d) s/.exec(warning!)?.[1])).toBeGreaterThan(0.2);
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
    // The request is repeated exactly: only then does the server go on with what it has begun (C58).
    const [, page, again] = source.emulator.journal.of(SNAPSHOT);
    expect(again?.body).toBe(page?.body);
    expect(page?.body).toMatch(/^\{"snapshot":\d{19},/);
  });
});
