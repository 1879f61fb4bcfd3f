import { request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { TestServer } from './server.ts';

export interface Exchange {
  method: string;
  path: string;
  /** The body of the request; what is put here is sent on. */
  body: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** What stands between a connector and a deployment, and changes what passes: deployments of other days, proxies, lies. */
export interface Meddling {
  /** Sees a request before the deployment does; answers it itself where it gives back a reply, holds it back while it waits. */
  request?: (exchange: Exchange) => Reply | undefined | Promise<Reply | undefined>;
  /** Sees an answer before the connector does. */
  reply?: (exchange: Exchange, reply: Reply) => Reply;
}

/** A proxy before the server at `target`. */
export async function startProxy(target: string, meddling: Meddling): Promise<TestServer> {
  return TestServer.start((incoming, outgoing) => {
    void serve(target, meddling, incoming, outgoing).catch(() => outgoing.destroy());
  });
}

async function serve(
  target: string,
  { request, reply }: Meddling,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const url = incoming.url ?? '/';
  const exchange: Exchange = {
    method: incoming.method ?? 'GET',
    path: url.split('?', 1)[0]!,
    body: await textOf(incoming),
  };
  let answer = await request?.(exchange);
  if (answer === undefined) {
    answer = await forward(`${target}${url}`, incoming, exchange.body);
    answer = reply?.(exchange, answer) ?? answer;
  }
  outgoing.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
  outgoing.end(answer.body);
}

async function forward(url: string, { method, headers }: IncomingMessage, body: string): Promise<Reply> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const { host: _host, 'content-length': _length, 'transfer-encoding': _encoding, ...kept } = headers;
    const sent = send(url, { method, headers: { ...kept, 'content-length': Buffer.byteLength(body) } }, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
  const type = response.headers['content-type'];
  return {
    status: response.statusCode ?? 502,
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    body: await textOf(response),
  };
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
