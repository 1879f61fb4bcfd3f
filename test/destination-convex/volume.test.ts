import { createServer, type Server } from 'node:http';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { listen, measuredWrite, MEMORY_LIMIT } from './measured-write.ts';
import { append, countsOf, dedup, IMPORT, state, type Wanted } from './setup.ts';

/**
 * A deployment that takes everything, and hands each import's body to the test: the emulator would keep all documents in the memory of
 * the tests.
 */
async function takeAll(take: (body: Buffer) => void): Promise<Server & AsyncDisposable> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === IMPORT) take(Buffer.concat(chunks));
      response.setHeader('content-type', 'application/json');
      response.end(request.url?.endsWith('ready') ? '{"indexesReady":true}' : '');
    });
  });
  return listen(server);
}

async function write(stream: Wanted, lines: Iterable<Buffer>, take: (body: Buffer) => void) {
  await using server = await takeAll(take);
  return await measuredWrite(server, [stream], lines);
}

test('a million small records pass within 256 MiB', async () => {
  const total = 1_000_000;
  function* lines(): Generator<Buffer> {
    let text = '';
    for (let n = 1; n <= total; n++) {
      text += `{"type":"RECORD","record":{"stream":"t","data":{"_id":"k${n}","n":${n},"_ab_cdc_deleted_at":null},"emitted_at":1767225600000}}\n`;
      if (n % 10_000 === 0) {
        text += `${state('t', n)}\n`;
        yield Buffer.from(text);
        text = '';
      }
    }
  }
  let next = 1;
  let wrong = 0;
  const { lines: output, peak } = await write(dedup('t'), lines(), (body) => {
    for (const [, n] of body.toString().matchAll(/"n":(\d+)/g)) if (Number(n) !== next++) wrong++;
  });
  expect(next - 1).toBe(total);
  expect(wrong).toBe(0);
  expect(countsOf(output)).toEqual(Array.from({ length: 100 }, () => '10000'));
  expect(peak).toBeLessThan(MEMORY_LIMIT);
});

test('500 records of 1 MB pass within 256 MiB', async () => {
  const padding = JSON.stringify('x"\\é😀 '.repeat(75_000)).slice(0, -1);
  const head = (n: number) => `{"n":${n},"text":`;
  const text = Buffer.from(`${padding}${'y'.repeat(999_950 - Buffer.byteLength(padding))}"}`);
  function* lines(): Generator<Buffer> {
    for (let n = 0; n < 500; n++) {
      yield Buffer.from(`{"type":"RECORD","record":{"stream":"t","data":${head(n)}`);
      yield text;
      yield Buffer.from(',"emitted_at":1767225600000}}\n');
    }
  }
  let next = 0;
  let bytes = 0;
  const { peak } = await write(append('t'), lines(), (body) => {
    const start = Buffer.from(`{"messages":[{"tableName":"t","data":${head(next++)}`);
    expect(body.subarray(0, start.length).equals(start)).toBe(true);
    expect(body.subarray(start.length, start.length + text.length).equals(text)).toBe(true);
    bytes += body.length;
  });
  expect(next).toBe(500);
  expect(bytes).toBeGreaterThan(500_000_000);
  expect(peak).toBeLessThan(MEMORY_LIMIT);
});

test('lines of 20 MB pass within 256 MiB', async () => {
  const text = Buffer.alloc(19_900_000, 'some text ');
  const checksum = crc32(text);
  function* lines(): Generator<Buffer> {
    for (let n = 0; n < 12; n++) {
      yield Buffer.from(`{"type":"RECORD","record":{"stream":"t","data":{"n":${n},"text":"`);
      yield text;
      yield Buffer.from('"},"emitted_at":1767225600000}}\n');
    }
  }
  let records = 0;
  const { peak } = await write(append('t'), lines(), (body) => {
    const start = body.indexOf('"text":"') + 8;
    expect(crc32(body.subarray(start, start + text.length))).toBe(checksum);
    expect(body.toString('latin1', 0, start)).toBe(`{"messages":[{"tableName":"t","data":{"n":${records++},"text":"`);
  });
  expect(records).toBe(12);
  expect(peak).toBeLessThan(MEMORY_LIMIT);
});
