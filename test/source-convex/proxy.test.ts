/** Networks from which nothing gets out but through a proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as other programs know them. */
import { request as send } from 'node:http';
import { type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { messagesOfType } from '../support/messages.ts';
import { TestServer } from '../support/server.ts';
import { Source } from './setup.ts';

/** No name server knows it: whoever reaches it has asked the proxy. */
const HOST = 'deployment.invalid';

/** A forward proxy that knows one host, and what it was asked for. */
async function startForwardProxy(target: string): Promise<TestServer & { asked: string[] }> {
  const asked: string[] = [];
  const proxy = await TestServer.start((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { pathname, search, hostname } = new URL(incoming.url!);
    if (hostname !== HOST) return void outgoing.writeHead(502).end();
    const { method = 'GET', headers } = incoming;
    incoming.pipe(
      send(`${target}${pathname}${search}`, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      }),
    );
  });
  return Object.assign(proxy, { asked });
}

test('a deployment behind a proxy is read through it', async () => {
  await using source = await Source.start();
  await using proxy = await startForwardProxy(source.emulator.url);
  source.deployment.transaction((tx) => {
    for (let n = 0; n < 3000; n++) tx.insert('notes', { text: `number ${n}` });
  });
  const deployment_url = `http://${HOST}`;
  const env = { HTTP_PROXY: proxy.url };
  const lines = await source.readAll({ streams: ['notes'], config: { deployment_url }, env });
  expect(messagesOfType(lines, 'RECORD')).toHaveLength(3000);
  expect(proxy.asked.length).toBeGreaterThan(3);
  expect(proxy.asked.every((line) => line.includes(` http://${HOST}/api/`))).toBe(true);
});

test('a deployment that is no matter of the proxy is read without it', async () => {
  await using source = await Source.start();
  await using proxy = await startForwardProxy(source.emulator.url);
  const { lines } = await source.check({}, { http_proxy: proxy.url, no_proxy: '127.0.0.1' });
  expect(messagesOfType(lines, 'CONNECTION_STATUS')[0]!.connectionStatus).toEqual({ status: 'SUCCEEDED' });
  expect(proxy.asked).toEqual([]);
});

test('a proxy that lets nothing through to the cloud sees no key, and the message names what failed', async () => {
  await using source = await Source.start();
  await using proxy = await TestServer.start(() => undefined);
  let tunnel = '';
  proxy.server.on('connect', ({ method, url, rawHeaders }, socket: Socket) => {
    tunnel = [method, url, ...rawHeaders].join(' ');
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
  });
  const { lines, stderr } = await source.check(
    { deployment_url: 'https://murky-swan-635.convex.cloud', access_key: 'prod:murky-swan-635|eyJ2MiI6IjEifQ==' },
    { HTTPS_PROXY: proxy.url },
  );
  expect(tunnel).toContain('CONNECT murky-swan-635.convex.cloud:443');
  expect(tunnel).not.toContain('eyJ2');
  const { status, message } = messagesOfType(lines, 'CONNECTION_STATUS')[0]!.connectionStatus;
  expect(status).toBe('FAILED');
  expect(message).toMatch(
    /^murky-swan-635\.convex\.cloud could not be reached \(ERR_PROXY_TUNNEL: the proxy 127\.0\.0\.1:\d+ answered CONNECT with 403\).* The environment names a proxy \(HTTPS_PROXY: 127\.0\.0\.1:\d+\): check that it is right/,
  );
  expect(stderr).toBe('');
});
