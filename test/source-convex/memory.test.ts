/** Pages have no byte cap: what is kept of one is a document at most. */
import { describe, expect, test } from 'vitest';
import { startFakeDeployment } from '../support/fake-deployment.ts';
import { until } from '../support/until.ts';
import { Source } from './setup.ts';

const MIB = 1024 * 1024;
const LIMIT = 256 * MIB;

/** `count` documents of a mebibyte each, made when they are asked for. */
function* documents(count: number, text: string): Generator<Buffer> {
  const filling = Buffer.from(text.repeat(Math.floor((MIB - 200) / text.length)));
  for (let i = 0; i < count; i++) {
    yield Buffer.concat([
      Buffer.from(`{"_component":"","_table":"t","_ts":1790000000124494963,"_id":"j57${i}","text":"`),
      filling,
      Buffer.from('"}'),
    ]);
  }
}

/** Counts lines and bytes of an output that is not kept. */
class Counter {
  lines = 0;
  bytes = 0;
  take = (chunk: Buffer): void => {
    this.bytes += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) this.lines++;
  };
}

describe('a page of 1024 documents of a mebibyte passes within 256 MiB', () => {
  test.each([
    ['plain', 'x'],
    ['of escapes', '\\u0000'],
    ['of quotes', '\\"'],
  ])('%s', async (_what, text) => {
    await using source = await Source.start();
    await using server = await startFakeDeployment({ snapshot: { [Symbol.iterator]: () => documents(1024, text) } });
    const counter = new Counter();
    const config = { deployment_url: server.url };
    const run = source.startRead({ streams: ['t'], config }, { onChunk: counter.take });
    const { code } = await run.finished;
    expect(code).toBe(0);
    expect(counter.bytes).toBeGreaterThan(1023 * MIB);
    expect(counter.lines).toBeGreaterThan(1024);
    expect(run.peak).toBeGreaterThan(30 * MIB);
    expect(run.peak).toBeLessThan(LIMIT);
  });

  test('before a reader that stops for a while', async () => {
    await using source = await Source.start();
    let sent = 0;
    const counted = function* (): Generator<Buffer> {
      for (const document of documents(400, 'x')) {
        sent++;
        yield document;
      }
    };
    await using server = await startFakeDeployment({ snapshot: { [Symbol.iterator]: counted } });
    const counter = new Counter();
    const config = { deployment_url: server.url };
    const run = source.startRead({ streams: ['t'], config }, { paused: true });
    let last = { sent: -1, at: 0 };
    await until('the server to be held back', () => {
      if (sent !== last.sent) last = { sent, at: performance.now() };
      return sent > 1 && performance.now() - last.at > 1000;
    });
    // What is on its way is in the pipe, the sockets and the source's queue.
    expect(sent).toBeLessThan(100);
    run.child.stdout.on('data', counter.take);
    const { code } = await run.finished;
    expect(code).toBe(0);
    expect(counter.bytes).toBeGreaterThan(399 * MIB);
    expect(run.peak).toBeLessThan(LIMIT);
  });
});
