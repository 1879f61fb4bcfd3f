/** What keeps a connection from standing: proxies, names, addresses, TLS. Each ends within its limit, and says what to look at. */
import { spawn } from 'node:child_process';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { selfSigned } from '../support/certificate.ts';
import { errorsOf, messagesOfType } from '../support/messages.ts';
import type { Finished } from '../support/process.ts';
import { startConnector } from '../support/process.ts';
import { until } from '../support/until.ts';
import { people, recordsOf, Source } from './setup.ts';

const QUICK = { CONVEX_CONNECTOR_CONNECT_MS: '300', CONVEX_CONNECTOR_RETRY_ATTEMPTS: '2' };
const NETWORK =
  'Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that this machine may connect to it (firewall, allow list).';

function failureOf({ code, lines, stderr }: Finished): string {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { status, message } = messagesOfType(lines, 'CONNECTION_STATUS')[0]!.connectionStatus;
  expect(status).toBe('FAILED');
  // How long it took depends on the machine.
  return message!.replace(/over \d+ s/, 'over N s');
}

class RawServer {
  readonly server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    });
  }

  static async start(server: Server): Promise<RawServer> {
    const made = new RawServer(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Accepts, and answers what comes first with `answer`, if anything. */
const silent = (answer?: string) =>
  RawServer.start(
    createServer((socket) => {
      socket.once('data', () => {
        if (answer !== undefined) socket.write(answer);
      });
    }),
  );

/** Speaks TLS with a certificate of its own, and hands on what comes to the deployment. */
const tlsBefore = (source: Source, certificate = selfSigned()) =>
  RawServer.start(
    createTlsServer(certificate, (socket) => {
      const target = connect(source.emulator.port, '127.0.0.1');
      target.on('error', () => socket.destroy());
      socket.on('error', () => target.destroy());
      socket.pipe(target).pipe(socket);
    }),
  );

describe('S2: a request whose connection does not come about ends', () => {
  test.each([
    ['never answers CONNECT', undefined],
    ['answers 200 to CONNECT and nothing more', 'HTTP/1.1 200 Connection established\r\n\r\n'],
    ['answers half a head', 'HTTP/1.1 200 Connection'],
  ])('S2: at a proxy that %s, whose password stays unsaid', async (_what, answer) => {
    await using source = await Source.start();
    await using proxy = await silent(answer);
    const HTTPS_PROXY = `http://me:hunter2@127.0.0.1:${proxy.port}`;
    const deployment_url = 'https://murky-swan-635.convex.cloud';
    const run = await source.check({ deployment_url }, { ...QUICK, HTTPS_PROXY });
    expect(failureOf(run)).toBe(
      `murky-swan-635.convex.cloud could not be reached (ETIMEDOUT: the proxy 127.0.0.1:${proxy.port} opened no tunnel within 0.3 s), although it was tried 2 times over N s. ${NETWORK} The environment names a proxy (HTTPS_PROXY: 127.0.0.1:${proxy.port}): check that it is right and lets this connection through, or list the host in NO_PROXY.`,
    );
    expect(run.lines.join('\n')).not.toContain('hunter2');
  });

  test('S2: in a sync, as a failure that may pass', async () => {
    await using source = await Source.start();
    await using proxy = await silent();
    const env = { ...QUICK, HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${proxy.port}` };
    const config = { deployment_url: 'https://murky-swan-635.convex.cloud' };
    const { code, lines } = await source.read({ streams: ['a'], config, env });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(errorsOf(lines)[0]?.message).toContain(`the proxy 127.0.0.1:${proxy.port} opened no tunnel within 0.3 s`);
    expect(lines.join('\n')).not.toContain('hunter2');
  });

  test('S2: at a proxy that refuses, in a sync: its answer is named, its password is not', async () => {
    await using source = await Source.start();
    await using proxy = await silent('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
    const env = { ...QUICK, HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${proxy.port}` };
    const config = { deployment_url: 'https://murky-swan-635.convex.cloud' };
    const { lines } = await source.read({ streams: ['a'], config, env });
    expect(errorsOf(lines)[0]?.message).toContain(`the proxy 127.0.0.1:${proxy.port} answered CONNECT with 407`);
    expect(lines.join('\n')).not.toContain('hunter2');
  });

  test('S2: at a server that begins no TLS', async () => {
    await using source = await Source.start();
    await using server = await silent();
    const run = await source.check({ deployment_url: `https://127.0.0.1:${server.port}` }, QUICK);
    expect(failureOf(run)).toBe(
      `127.0.0.1 could not be reached (ETIMEDOUT: the TLS handshake did not end within 0.3 s), although it was tried 2 times over N s. ${NETWORK}`,
    );
  });

  test('S2: at a server that hangs up during TLS', async () => {
    await using source = await Source.start();
    await using server = await RawServer.start(createServer((socket) => socket.once('data', () => socket.end())));
    const run = await source.check({ deployment_url: `https://127.0.0.1:${server.port}` }, QUICK);
    expect(failureOf(run)).toBe(
      `127.0.0.1 could not be reached (ECONNRESET: the connection was closed during the TLS handshake), although it was tried 2 times over N s. ${NETWORK}`,
    );
  });

  test('S2: at a name server that never answers', async () => {
    await using source = await Source.start();
    const run = await checkWith(source, 'dns.lookup = () => {};', 'https://murky-swan-635.convex.cloud', QUICK);
    expect(failureOf(run)).toBe(
      `murky-swan-635.convex.cloud could not be reached (ETIMEDOUT: the DNS lookup did not end within 0.3 s), although it was tried 2 times over N s. ${NETWORK}`,
    );
  });

  test('S2: at a proxy for http that says nothing, which is named', async () => {
    await using source = await Source.start();
    await using proxy = await silent();
    const env = {
      ...QUICK,
      HTTP_PROXY: `http://me:hunter2@127.0.0.1:${proxy.port}`,
      CONVEX_CONNECTOR_RESPONSE_MS: '300',
    };
    const run = await source.check({ deployment_url: 'http://convex.internal' }, env);
    expect(failureOf(run)).toContain(`The environment names a proxy (HTTP_PROXY: 127.0.0.1:${proxy.port})`);
    expect(run.lines.join('\n')).not.toContain('hunter2');
  });

  test('S2: an answer that takes longer than a connection may, through a proxy for http', async () => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'latency', ms: 1000 });
    await using proxy = await RawServer.start(
      createServer((socket) => {
        const target = connect(source.emulator.port, '127.0.0.1');
        socket.pipe(target).pipe(socket);
      }),
    );
    // Node hands the whole URL to a proxy; the emulator takes its path, as every server has to.
    const env = { ...QUICK, HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
    const { lines } = await source.check({ deployment_url: 'http://convex.internal' }, env);
    expect(lines.join('\n')).not.toContain('ETIMEDOUT');
  });

  test('S2: a proxy that is no URL is refused, and not repeated', async () => {
    await using source = await Source.start();
    const run = await source.check(
      { deployment_url: 'https://murky-swan-635.convex.cloud' },
      { HTTPS_PROXY: 'http://me:hunter2@proxy:port' },
    );
    expect(failureOf(run)).toBe(
      'The environment variable HTTPS_PROXY is not the URL of a proxy. It should look like http://proxy.example.com:3128.',
    );
    expect(run.lines.join('\n')).not.toContain('hunter2');
  });
});

/** A check of a source in whose process `code` has run before anything else; `dns` and `net` are Node's. */
async function checkWith(
  source: Source,
  code: string,
  deployment_url: string,
  env: Record<string, string> = {},
): Promise<Finished> {
  const preload = source.folder.write('preload.cjs', `const dns = require('node:dns');\n${code}\n`);
  const config = source.folder.write('preloaded.json', source.config({ deployment_url }));
  return startConnector('source-convex', ['check', '--config', config], {
    node: ['--require', preload],
    env: { CONVEX_CONNECTOR_RETRY_MIN_MS: '1', ...env },
  }).finished;
}

/**
 * Hands connections on to a port, in a process of its own. While that is stopped and its queue is full, the system drops what comes: a
 * handshake then takes until the client has repeated its first packet, a second later.
 */
const FRONT = `
  const net = require('node:net');
  const server = net.createServer((socket) => {
    const target = net.connect(Number(process.argv[1]), '127.0.0.1');
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
    socket.pipe(target).pipe(socket);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;

async function startSlowFront(target: number): Promise<{ port: number; resume: () => void; end: () => void }> {
  const child = spawn(process.execPath, ['-e', FRONT, String(target)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until('the front listens', () => said.includes('\n'));
  const port = Number(said);
  child.kill('SIGSTOP');
  const fillers: Socket[] = [];
  // Two connections wait in the queue; of those beyond, the handshake does not end.
  for (let i = 0; i < 6; i++) fillers.push(connect(port, '127.0.0.1').on('error', () => undefined));
  await until('two are in the queue', () => fillers.filter(({ connecting }) => !connecting).length >= 2);
  return {
    port,
    resume: () => child.kill('SIGCONT'),
    end: () => {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
    },
  };
}

describe('addresses', () => {
  test('S3: a host with two addresses is reached although the handshake takes longer than 250 ms', async () => {
    await using source = await Source.start();
    const front = await startSlowFront(source.emulator.port);
    const addresses = "[{ address: '127.0.0.1', family: 4 }, { address: '2001:db8::1', family: 6 }]";
    const code = `dns.lookup = (host, options, done) => { done(null, ${addresses}); };`;
    const run = checkWith(source, code, `http://dual.test:${front.port}`, { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '1' });
    // Longer than Node waits for one address, and the client has not repeated its packet yet.
    await new Promise((resolve) => setTimeout(resolve, 700));
    front.resume();
    const { lines } = await run;
    front.end();
    expect(messagesOfType(lines, 'CONNECTION_STATUS')[0]?.connectionStatus).toEqual({ status: 'SUCCEEDED' });
  });

  test('S5: a firewall that drops packets: could not be reached', async () => {
    await using source = await Source.start();
    const front = await startSlowFront(source.emulator.port);
    const run = await source.check({ deployment_url: `http://127.0.0.1:${front.port}` }, QUICK);
    front.end();
    expect(failureOf(run)).toBe(
      `127.0.0.1 could not be reached (ETIMEDOUT: no connection came about within 0.3 s), although it was tried 2 times over N s. ${NETWORK}`,
    );
  });

  test('S5: the same in a sync may pass', async () => {
    await using source = await Source.start();
    const front = await startSlowFront(source.emulator.port);
    const config = { deployment_url: `http://127.0.0.1:${front.port}` };
    const { lines } = await source.read({ streams: ['a'], config, env: QUICK });
    front.end();
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(errorsOf(lines)[0]?.message).toContain(`no connection came about within 0.3 s`);
  });
});

describe('TLS', () => {
  test('S5: a certificate of an authority that is not known', async () => {
    await using source = await Source.start();
    await using server = await tlsBefore(source);
    const deployment_url = `https://localhost:${server.port}`;
    expect(failureOf(await source.check({ deployment_url }, QUICK))).toBe(
      'localhost could not be reached (DEPTH_ZERO_SELF_SIGNED_CERT), although it was tried 2 times over N s. The TLS certificate of the server was issued by an authority that this machine does not know. Name the file of its certificate (PEM) in the environment variable NODE_EXTRA_CA_CERTS: the authority of a self-hosted deployment, or that of a proxy that looks into TLS.',
    );
    const { lines } = await source.read({ streams: ['a'], config: { deployment_url }, env: QUICK });
    expect(errorsOf(lines)).toMatchObject([
      { failure_type: 'transient_error', message: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string },
    ]);
  });

  test('S5: the same with the authority in NODE_EXTRA_CA_CERTS', async () => {
    await using source = await Source.start();
    source.deployment.load('a', people(3));
    const certificate = selfSigned();
    await using server = await tlsBefore(source, certificate);
    const env = { NODE_EXTRA_CA_CERTS: source.folder.write('ca.pem', certificate.cert) };
    const config = { deployment_url: `https://localhost:${server.port}` };
    expect(recordsOf(await source.readAll({ streams: ['a'], config, env }))).toHaveLength(3);
  });

  test('S5: one that has expired', async () => {
    await using source = await Source.start();
    const certificate = selfSigned(-0.01);
    await using server = await tlsBefore(source, certificate);
    const env = { ...QUICK, NODE_EXTRA_CA_CERTS: source.folder.write('ca.pem', certificate.cert) };
    expect(failureOf(await source.check({ deployment_url: `https://localhost:${server.port}` }, env))).toBe(
      'localhost could not be reached (CERT_HAS_EXPIRED), although it was tried 2 times over N s. The TLS certificate of the server is not valid today: renew it, or set the clock of this machine.',
    );
  });

  test('S5: one of another host', async () => {
    await using source = await Source.start();
    const certificate = selfSigned();
    await using server = await tlsBefore(source, certificate);
    const env = { ...QUICK, NODE_EXTRA_CA_CERTS: source.folder.write('ca.pem', certificate.cert) };
    const code = "dns.lookup = (host, options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);";
    expect(failureOf(await checkWith(source, code, `https://convex.test:${server.port}`, env))).toBe(
      'convex.test could not be reached (ERR_TLS_CERT_ALTNAME_INVALID), although it was tried 2 times over N s. The TLS certificate of the server is for another host: use the host that it names in the deployment URL.',
    );
  });

  test('S5: http:// at a port for TLS, which answers with an alert', async () => {
    await using source = await Source.start();
    await using server = await RawServer.start(
      createServer((socket) => socket.once('data', () => socket.end(Buffer.from('15030100020246', 'hex')))),
    );
    expect(failureOf(await source.check({ deployment_url: `http://127.0.0.1:${server.port}` }, QUICK))).toBe(
      '127.0.0.1 could not be reached (HPE_INVALID_CONSTANT), although it was tried 2 times over N s. The server wants TLS: write the deployment URL with https:// instead of http://.',
    );
  });

  test('S5: http:// at a port for TLS, which hangs up', async () => {
    await using source = await Source.start();
    await using server = await tlsBefore(source);
    expect(failureOf(await source.check({ deployment_url: `http://127.0.0.1:${server.port}` }, QUICK))).toBe(
      '127.0.0.1 does not answer as it should at the moment, although it was tried 2 times over N s: /api/test_streaming_export_connection broke off (ECONNRESET). Try again in a few minutes. If the server wants TLS, write the deployment URL with https:// instead of http://.',
    );
  });

  test.each([
    ['nginx', '<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>'],
    ['a server in Go', 'Client sent an HTTP request to an HTTPS server.\n'],
  ])('S5: http:// at a port for TLS of %s, which says so', async (_what, body) => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'html', status: 400, body });
    expect(failureOf(await source.check())).toBe(
      '127.0.0.1 answered, but /api/test_streaming_export_connection answered 400. The server wants TLS: write the deployment URL with https:// instead of http://.',
    );
  });

  test('S5: http:// where https is redirected to', async () => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'html', status: 308, headers: { location: 'https://127.0.0.1/' } });
    expect(failureOf(await source.check())).toBe(
      '127.0.0.1 answered, but /api/test_streaming_export_connection was redirected to 127.0.0.1. The server wants TLS: write the deployment URL with https:// instead of http://.',
    );
  });

  test('S5: https:// at a port without TLS', async () => {
    await using source = await Source.start();
    const deployment_url = source.emulator.url.replace('http:', 'https:');
    expect(failureOf(await source.check({ deployment_url }, QUICK))).toMatch(
      /^127\.0\.0\.1 could not be reached \(\w+\), .* The server does not speak TLS at this port: check the port, or, for a self-hosted deployment without TLS, write the deployment URL with http:\/\/ instead of https:\/\/\.$/,
    );
  });
});
