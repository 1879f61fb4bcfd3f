import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import { TestServer } from './server.ts';

/** A deployment that is not one: it answers with exactly these texts, whether a deployment would or not. */
export interface FakeDeployment {
  /** The documents of the one page of the snapshot, braces included; taken as fast as they are sent. */
  snapshot?: Iterable<string | Buffer>;
  /** The documents of the one page of the change log. */
  deltas?: Iterable<string | Buffer>;
  /** Bytes of the parts in which a page is sent; without, as they come. */
  partBytes?: number;
}

/** The timestamp of its snapshot; that of its change log is one later. */
export const MADE_UP_NOW = '1790000000124969419';
const LATER = '1790000000124969420';

/** Its only table is called `t`. */
export async function startFakeDeployment({
  snapshot = [],
  deltas = [],
  partBytes,
}: FakeDeployment): Promise<TestServer> {
  return TestServer.start((request, response) => {
    request.resume();
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => void answer(request.url ?? '', body, response).catch(() => response.destroy()));
  });

  async function answer(url: string, body: string, response: ServerResponse): Promise<void> {
    response.setHeader('content-type', 'application/json');
    if (url.startsWith('/api/get_table_column_names')) {
      response.end('{"byComponent":{"":[{"name":"t","columns":["_creationTime","_id"]}]}}');
    } else if (url === '/api/list_snapshot' && !body.startsWith('{"snapshot"')) {
      response.end(`{"values":[],"snapshot":${MADE_UP_NOW},"cursor":null,"hasMore":false}`);
    } else if (url === '/api/list_snapshot') {
      await send(response, snapshot, `"snapshot":${MADE_UP_NOW},"cursor":null,"hasMore":false`);
    } else if (url === '/api/document_deltas') {
      await send(response, deltas, `"cursor":${LATER},"hasMore":false`);
    } else {
      response.writeHead(404).end();
    }
  }

  async function send(response: ServerResponse, documents: Iterable<string | Buffer>, rest: string): Promise<void> {
    const write = async (bytes: string | Buffer): Promise<void> => {
      const whole = Buffer.from(bytes);
      for (let at = 0; at < whole.length; at += partBytes ?? whole.length) {
        if (!response.write(whole.subarray(at, at + (partBytes ?? whole.length)))) await once(response, 'drain');
        // Parts stay parts: what is written in one turn would be sent together.
        if (partBytes !== undefined) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await write('{"values":[');
    let first = true;
    for (const document of documents) {
      if (!first) await write(',');
      await write(document);
      first = false;
    }
    await write(`],${rest}}`);
    response.end();
  }
}
