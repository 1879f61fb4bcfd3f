import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { listen, measuredWrite, MEMORY_LIMIT } from '../measured-write.ts';
import { dedup, Destination, overwrite, record, state, statesIn, status, text, type Wanted } from '../setup.ts';
import { configOf, REPLACED } from './setup.ts';

const MEBIBYTE = 1024 * 1024;
const GONE = ',"_ab_cdc_deleted_at":"2026-01-01T00:00:00Z"';

/** The answer to the question for the generation of a table that has none. */
const NO_INDEX = '{"code":"IndexNotFoundError","message":"none"}';

/** Counts rows of uploads, and forgets them: the emulator would keep all documents in the memory of the tests. */
class Counter {
  /** By table. */
  readonly rows = new Map<string, number>();
  readonly parts: number[] = [];
  /** Messages of streaming import. A deletion is two: the row is made first. */
  readonly imported = { upserted: 0, deleted: 0 };
  readonly #uploads: number[] = [];
  readonly #imports: { table: string; upload: number; isDone: boolean }[] = [];

  answer(url: URL, body: Buffer): string {
    switch (url.pathname) {
      case '/api/import/start_upload':
        return JSON.stringify({ uploadToken: String(this.#uploads.push(0) - 1) });
      case '/api/import/upload_part': {
        let rows = 0;
        for (const byte of body) if (byte === 0x0a) rows++;
        this.#uploads[Number(url.searchParams.get('uploadToken'))]! += rows;
        this.parts.push(body.length);
        return '"p"';
      }
      case '/api/import/finish_upload': {
        const { uploadToken, import: given } = JSON.parse(body.toString()) as {
          uploadToken: string;
          import: { tableName: string };
        };
        const upload = Number(uploadToken);
        return JSON.stringify({
          importId: String(this.#imports.push({ table: given.tableName, upload, isDone: false }) - 1),
        });
      }
      case '/api/perform_import': {
        const made = this.#imports[Number((JSON.parse(body.toString()) as { importId: string }).importId)]!;
        made.isDone = true;
        this.rows.set(made.table, this.#uploads[made.upload]!);
        return '';
      }
      case '/api/streaming_import/import_airbyte_records':
        return this.#import(body.toString());
      case '/api/query':
        return `{"status":"success","value":${this.#stateOf(body)}}`;
      case '/api/streaming_import/get_schema':
        return 'null';
      default:
        return url.pathname.endsWith('ready') ? '{"indexesReady":true}' : '';
    }
  }

  #import(body: string): string {
    if (body.includes('"question"')) return NO_INDEX;
    const deleted = body.split(GONE).length - 1;
    this.imported.deleted += deleted;
    this.imported.upserted += body.split('"tableName":"t"').length - 1 - 2 * deleted;
    return '';
  }

  #stateOf(body: Buffer): string {
    const { args } = JSON.parse(body.toString()) as { args: { importId?: string } };
    if (args.importId === undefined) return '[]';
    const { upload, isDone } = this.#imports[Number(args.importId)]!;
    const rows = String(this.#uploads[upload]!);
    return JSON.stringify({
      checkpoints: [{ total_num_rows_to_write: rows, num_rows_written: rows }],
      state: isDone ? { state: 'completed', num_rows_written: rows } : { state: 'waiting_for_confirmation' },
    });
  }
}

async function write(streams: readonly Wanted[], lines: Iterable<string>) {
  const counter = new Counter();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      response.setHeader('content-type', 'application/json');
      if (request.url === '/api/cancel_import')
        response.writeHead(400).end('{"code":"InvalidImport","message":"none"}');
      else {
        const answer = counter.answer(new URL(request.url!, 'http://x'), body);
        response.writeHead(answer === NO_INDEX ? 400 : 200).end(answer);
      }
    });
  });
  await listen(server);
  const written = await measuredWrite(server, streams, lines, { overwrite_method: 'Replace at once' });
  server.close();
  return { counter, ...written };
}

test('a million records replace a table within 256 MiB', async () => {
  const total = 1_000_000;
  function* lines(): Generator<string> {
    for (let n = 0; n < total; n += 10_000) {
      const rows = Array.from({ length: 10_000 }, (_, i) =>
        record('t', `{"_id":"k${n + i}","n":${n + i},"text":"some words"}`),
      );
      yield `${rows.join('\n')}\n${state('t', n)}\n`;
    }
  }
  const { counter, lines: output, peak } = await write([overwrite('t')], lines());
  expect(counter.rows.get('t')).toBe(total);
  expect(statesIn(output)).toHaveLength(100);
  // S3 refuses smaller parts, but for the last one.
  expect(Math.min(...counter.parts.slice(0, -1))).toBeGreaterThanOrEqual(5 * MEBIBYTE);
  expect(Math.max(...counter.parts)).toBeLessThan(6 * MEBIBYTE);
  expect(peak).toBeLessThan(MEMORY_LIMIT);
});

test('a million rows with keys replace a table within 256 MiB, and those that come again follow', async () => {
  const total = 1_000_000;
  const key = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const again = 20_000;
  function* lines(): Generator<string> {
    for (let n = 0; n < total + again; n += 10_000) {
      const rows = Array.from({ length: 10_000 }, (_, i) =>
        // Each hundredth row comes again, some of them as deletions.
        n < total
          ? record('t', `{"_id":"${key(n + i)}","n":${n + i},"text":"some words"}`)
          : record('t', `{"_id":"${key((n - total + i) * 50)}","text":"other"${i % 4 === 0 ? GONE : ''}}`),
      );
      yield `${rows.join('\n')}\n${state('t', n)}\n`;
    }
    yield `${status('t', 'COMPLETE')}\n`;
  }
  const stream = dedup('t', ['_id'], { generation: 7, minimum: 7, sync: 12 });
  const { counter, lines: output, peak } = await write([stream], lines());
  // The rows that come again and still wait in memory are put into their places there.
  const last = counter.rows.get('t')!;
  expect(last).toBeGreaterThan(total - again / 10);
  expect(last).toBeLessThanOrEqual(total);
  const waiting = again - counter.imported.upserted - counter.imported.deleted;
  expect(waiting).toBeLessThan(again / 10);
  expect(counter.imported.deleted).toBeGreaterThan(again / 5);
  expect(statesIn(output).length).toBeGreaterThan(0);
  expect(peak).toBeLessThan(MEMORY_LIMIT);
});

test('50 streams that arrive in turns replace their tables within 256 MiB', async () => {
  const names = Array.from({ length: 50 }, (_, n) => `t${n}`);
  const each = 4_500;
  function* lines(): Generator<string> {
    for (let n = 0; n < each; n++) {
      const words = Array.from({ length: 90 }, (_, i) => `word${(n * i) % 977}`).join(' ');
      yield `${names.map((name) => record(name, { n, words })).join('\n')}\n`;
    }
    yield `${names.map((name) => status(name, 'COMPLETE')).join('\n')}\n`;
  }
  const { counter, peak } = await write(
    names.map((name) => overwrite(name)),
    lines(),
  );
  expect([...counter.rows.values()]).toEqual(names.map(() => each));
  expect(peak).toBeLessThan(MEMORY_LIMIT);
});

test('50 streams of which a few rows come again replace their tables within 256 MiB', async () => {
  const names = Array.from({ length: 50 }, (_, n) => `t${n}`);
  const words = Array.from({ length: 900 }, (_, i) => `word${(i * i) % 977}`).join(' ');
  const each = 690;
  function* lines(): Generator<string> {
    for (let n = 0; n < each + 10; n++)
      yield `${names.map((name) => record(name, { id: n % each, words })).join('\n')}\n`;
    yield `${names.map((name) => status(name, 'COMPLETE')).join('\n')}\n`;
  }
  const streams = names.map((name) => dedup(name, ['id'], REPLACED));
  const { counter, peak } = await write(streams, lines());
  expect([...counter.rows.values()]).toEqual(names.map(() => each));
  expect(peak).toBeLessThan(MEMORY_LIMIT);
});

test('deletions that wait for a record to be checked do not take all memory', async () => {
  await using destination = await Destination.start();
  const documentType = { type: 'any' } as const;
  destination.emulator.deployment.setSchema({ schemaValidation: true, tables: [{ tableName: 'd', documentType }] });
  const deleted = `"row":"${'x'.repeat(190_000)}"${GONE}`;
  const deletions = Array.from({ length: 1_000 }, (_, id) => record('d', `{"id":${id},${deleted}}`));
  const input = text([record('d', '{"id":-1}'), ...deletions, status('d', 'COMPLETE')]);
  const config = configOf(destination);
  const running = destination.start({ streams: [dedup('d', ['id'], REPLACED)], config }, { input });
  expect((await running.finished).code).toBe(0);
  expect(destination.rows('d')).toEqual([{ id: -1 }]);
  expect(running.peak).toBeLessThan(MEMORY_LIMIT);
});
