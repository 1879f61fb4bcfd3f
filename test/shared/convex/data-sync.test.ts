import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../../emulator/index.ts';
import { DataSync, type Changes, type DataSyncPage, type DataSyncStart } from '../../../shared/convex/data-sync.ts';
import { ConvexApiError } from '../../../shared/convex/errors.ts';
import { ExportValues } from '../../../shared/convex/export-values.ts';
import { GrowingBuffer } from '../../../shared/json/growing-buffer.ts';
import { ConvexClient } from '../../../shared/convex/client.ts';
import { selectTables } from '../../../shared/convex/selection.ts';
import { StreamingExport } from '../../../shared/convex/streaming-export.ts';
import { TestServer } from '../../support/server.ts';

const TS = '1790000000124969419';
const LATER = '1790000000124969420';
const STATUS = `{"type":"stale","snapshotTs":${TS}}`;
const SELECTION = selectTables([{ component: '', table: 't' }]);
const PATH = '/api/v1/data/sync';

const change = (n: number, more = ''): string =>
  `{"component":"","table":"t","ts":${TS},"deleted":false,"value":{"_id":"j57${n}","text":"${'é'.repeat(n * 9)}"}${more}}`;
const CHANGES = [1, 2, 3, 4, 5].map((n) => change(n));

interface PageParts {
  status?: string;
  truncates?: string;
  values?: readonly string[];
  syncId?: string;
  pagination?: string;
}

function page({
  status = STATUS,
  truncates = '[]',
  values = CHANGES,
  syncId = '"airbyte-1"',
  pagination = '{"hasMore":true,"nextCursor":"01ff"}',
}: PageParts = {}): Buffer {
  return Buffer.from(
    `{"status":${status},"truncates":${truncates},"values":[${values.join(',')}],"syncId":${syncId},"pagination":${pagination}}`,
  );
}

function clientOf(url: string, attempts = 10): { http: ConvexClient; retries: () => number } {
  let retries = 0;
  const http = new ConvexClient({
    origin: url,
    key: 'k',
    client: 'airbyte-export-1.2.3',
    userAgent: 'x',
    retries: { attempts, maxTime: 60_000, minDelay: 1, maxDelay: 1 },
    onRetry: () => retries++,
  });
  return { http, retries: () => retries };
}

/** What one answer of the server is: a body, cut off after some bytes, or anything else. */
type Answer = Buffer | { body: Buffer; bytes: number } | ((response: ServerResponse) => void);

interface Scripted extends AsyncDisposable {
  url: string;
  requests: { path: string; body: string }[];
}

/** Gives these answers, one after another, the last one for ever. */
async function scripted(...answers: Answer[]): Promise<Scripted> {
  const requests: Scripted['requests'] = [];
  const server = await TestServer.start((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const answer = answers[Math.min(requests.length, answers.length - 1)]!;
      requests.push({ path: request.url ?? '', body });
      if (typeof answer === 'function') return answer(response);
      if (Buffer.isBuffer(answer)) return void response.end(answer);
      response.writeHead(200, { 'content-length': answer.body.length });
      response.write(answer.body.subarray(0, answer.bytes), () => response.destroy());
      response.flushHeaders();
    });
  });
  return { url: server.url, requests, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

interface Read {
  /** `start …` with status and truncates, then each change: table, ts, whether deleted, value. */
  events: string[];
  page: DataSyncPage;
}

async function readAll(pages: AsyncGenerator<DataSyncStart | Changes, DataSyncPage>): Promise<Read> {
  const events: string[] = [];
  let step = await pages.next();
  for (; step.done !== true; step = await pages.next()) {
    const part = step.value;
    if (part.kind === 'start') {
      events.push(
        `start${part.again ? ' again' : ''} ${JSON.stringify(part.status)} ${JSON.stringify(part.truncates)}`,
      );
      continue;
    }
    while (part.next()) events.push(textOf(part));
  }
  return { events, page: step.value };
}

function textOf({ component, table, ts, deleted, buffer, start, end }: Changes): string {
  const value = buffer.toString('utf8', start, end);
  return `${component}/${table} ${ts} ${deleted ? 'deleted' : 'live'} ${value}`;
}

async function readFrom(
  answers: readonly Answer[],
  { cursor = null as string | null, attempts = 10 } = {},
): Promise<Read & { requests: Scripted['requests'] }> {
  await using server = await scripted(...answers);
  const read = await readAll(new DataSync(clientOf(server.url, attempts).http).page({ cursor, selection: SELECTION }));
  return { ...read, requests: server.requests };
}

async function failureOf(promise: Promise<unknown>): Promise<ConvexApiError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConvexApiError);
  return error as ConvexApiError;
}

const value = (n: number): string => `{"_id":"j57${n}","text":"${'é'.repeat(n * 9)}"}`;
const live = (n: number): string => `/t ${TS} live ${value(n)}`;
const START = `start {"type":"stale","snapshotTs":"${TS}"} []`;

describe('a page', () => {
  test('gives status and truncates, then its changes, then the cursor', async () => {
    const truncates = '[{"component":"","table":"t"},{"component":"a/b","table":"u"}]';
    const values = [
      CHANGES[0]!,
      `{"component":"a/b","table":"u","ts":${LATER},"deleted":true,"value":{"_id":"x"}}`,
      CHANGES[1]!,
    ];
    const { events, page: end, requests } = await readFrom([page({ truncates, values })], { cursor: 'aa' });
    expect(events).toEqual([
      `start {"type":"stale","snapshotTs":"${TS}"} ${truncates}`,
      live(1),
      `a/b/u ${LATER} deleted {"_id":"x"}`,
      live(2),
    ]);
    expect(end).toMatchObject({ syncId: 'airbyte-1', nextCursor: '01ff', changes: 3 });
    expect(requests).toEqual([
      {
        path: PATH,
        body: '{"cursor":"aa","selection":{"_other":"excluded","":{"_other":"excluded","t":{"_other":"included"}}}}',
      },
    ]);
  });

  test.each([
    ['{"type":"snapshotting"}', { type: 'snapshotting' }],
    [`{"type":"upToDate","snapshotTs":${LATER}}`, { type: 'upToDate', snapshotTs: LATER }],
  ])('without changes, of status %s', async (status, expected) => {
    const { events, page: end } = await readFrom([page({ status, values: [] })]);
    expect(events).toEqual([`start ${JSON.stringify(expected)} []`]);
    expect(end).toMatchObject({ status: expected, changes: 0 });
  });

  test('members in another order, blanks, and members of tomorrow', async () => {
    const values = [
      `{ "ts" : ${TS} , "value" : {"_id":"a"} , "table" : "t" , "deleted" : false , "component" : "" }`,
      ...[1, 2].map((n) => change(n)),
      // After the value: not part of it, although the change begins as the one before.
      change(3, ',"more":{"x":1}'),
      change(4),
    ];
    const { events } = await readFrom([page({ values })]);
    expect(events.slice(1)).toEqual([`/t ${TS} live {"_id":"a"}`, live(1), live(2), live(3), live(4)]);
  });

  test('10,000 truncates and a cursor of as many tables come before the first change', async () => {
    const tables = Array.from({ length: 10_000 }, (_, i) => ({ component: '', table: `table_${i}_${'x'.repeat(50)}` }));
    const nextCursor = 'ab'.repeat(1_000_000);
    const pagination = JSON.stringify({ hasMore: true, nextCursor });
    const { events, page: end } = await readFrom([page({ truncates: JSON.stringify(tables), pagination })]);
    expect(events).toHaveLength(6);
    expect(end.truncates).toEqual(tables);
    expect(end.nextCursor).toBe(nextCursor);
  });
});

describe('a page that breaks off', () => {
  test('at every byte is requested again from the same cursor, with another start', async () => {
    const body = page();
    for (let bytes = 0; bytes < body.length; bytes++) {
      const { events, requests, page: end } = await readFrom([{ body, bytes }, body], { cursor: 'aa' });
      const starts = events.filter((event) => event.startsWith('start'));
      // All changes come after the last start, those before it are some of them.
      const last = events.slice(events.lastIndexOf(starts.at(-1)!) + 1);
      expect(last, `after ${bytes} bytes`).toEqual([1, 2, 3, 4, 5].map(live));
      expect(starts).toEqual(starts.length === 1 ? [START] : [START, START.replace('start', 'start again')]);
      expect(new Set(requests.map((request) => request.body)).size).toBe(1);
      expect([requests.length, end.nextCursor]).toEqual([2, '01ff']);
    }
  });

  test('and has another status, another cursor and more changes then', async () => {
    const first = page();
    const second = page({
      status: `{"type":"upToDate","snapshotTs":${LATER}}`,
      truncates: '[{"component":"","table":"u"}]',
      values: [...CHANGES, change(6)],
      pagination: '{"hasMore":true,"nextCursor":"02"}',
    });
    const { events, page: end } = await readFrom([{ body: first, bytes: first.indexOf('j575') }, second]);
    const again = `start again {"type":"upToDate","snapshotTs":"${LATER}"} [{"component":"","table":"u"}]`;
    expect(events).toEqual([START, ...[1, 2, 3, 4].map(live), again, ...[1, 2, 3, 4, 5, 6].map(live)]);
    expect(end).toEqual({
      status: { type: 'upToDate', snapshotTs: LATER },
      truncates: [{ component: '', table: 'u' }],
      syncId: 'airbyte-1',
      nextCursor: '02',
      changes: 6,
    });
  });

  test('always at one place is given up', async () => {
    const body = page();
    const answer = { body, bytes: body.indexOf('j573') };
    await using server = await scripted(answer);
    const pages = new DataSync(clientOf(server.url).http).page({ cursor: null, selection: SELECTION });
    const error = await failureOf(readAll(pages));
    expect(error).toMatchObject({ reason: 'transient', retry: false });
    expect(error.message).toMatch(/10 times at or before one place of a page$/);
    expect(server.requests).toHaveLength(10);
  });

  test('a little later each time is read to its end', async () => {
    const values = Array.from({ length: 15 }, (_, i) => change(i + 1));
    const body = page({ values });
    const answers = values.map((_, i) => ({ body, bytes: body.indexOf(`"j57${i + 1}","t`) + 1 }));
    const { events, requests } = await readFrom([...answers, body]);
    expect(requests).toHaveLength(16);
    expect(events.slice(-15)).toEqual(values.map((_, i) => live(i + 1)));
  });
});

describe('what no deployment answers', () => {
  test.each<[what: string, body: Buffer, message: string]>([
    [
      'values before the truncates',
      Buffer.from(
        `{"status":${STATUS},"values":[${CHANGES[0]}],"truncates":[],"syncId":"a","pagination":{"nextCursor":"01"}}`,
      ),
      'does not give "status" and "truncates" before its values',
    ],
    ['no status', page({ status: 'null' }), 'has a status of an unknown type'],
    ['a status of another type', page({ status: '{"type":"done"}' }), 'has a status of an unknown type'],
    ['a status without a timestamp', page({ status: '{"type":"stale"}' }), 'has a status without a timestamp'],
    [
      'a timestamp as text',
      page({ status: `{"type":"stale","snapshotTs":"${TS}"}` }),
      'has a status without a timestamp',
    ],
    [
      'a rounded timestamp',
      page({ status: '{"type":"stale","snapshotTs":1.79e18}' }),
      'has a status without a timestamp',
    ],
    ['a timestamp of 20 digits', page({ status: `{"type":"stale","snapshotTs":${TS}0}` }), 'has a status without'],
    ['truncates that are no list', page({ truncates: '{}' }), 'has no list of truncates'],
    ['a truncate without a table', page({ truncates: '[{"component":""}]' }), 'has a truncate without a table'],
    ['no cursor', page({ pagination: '{"hasMore":true}' }), 'has no cursor'],
    ['an empty cursor', page({ pagination: '{"hasMore":true,"nextCursor":""}' }), 'has no cursor'],
    ['a cursor that is no hex', page({ pagination: '{"hasMore":true,"nextCursor":"xyz0"}' }), 'has no cursor'],
    ['the cursor that was given', page({ pagination: '{"nextCursor":"aa"}' }), 'gives the cursor back'],
    ['no sync id', page({ syncId: '""' }), 'has no "syncId"'],
    [
      'a change without a table',
      page({ values: [`{"component":"","ts":${TS},"deleted":false,"value":{}}`] }),
      'lacks one of',
    ],
    [
      'a change without a value',
      page({ values: [`{"component":"","table":"t","ts":${TS},"deleted":false}`] }),
      'lacks one of',
    ],
    [
      'a change whose value is none',
      page({ values: [change(1).replace(/"value":.*/, '"value":5}')] }),
      'is no document',
    ],
    ['a change whose ts is text', page({ values: [change(1).replace(TS, `"${TS}"`)] }), '"ts" that is no timestamp'],
    [
      'a second change whose ts is a float',
      page({ values: [change(1), change(2).replace(TS, '1.5')] }),
      '"ts" that is no',
    ],
    ['a change that may be deleted', page({ values: [change(1).replace('false', 'null')] }), 'neither true nor false'],
  ])('%s', async (_what, body, message) => {
    const error = await failureOf(readFrom([body], { cursor: 'aa' }));
    expect(error).toMatchObject({ reason: 'not-convex', retry: false });
    expect(error.message).toContain(message);
  });

  test('a web page is asked for again', async () => {
    const { events } = await readFrom([Buffer.from('<html></html>'), page()]);
    expect(events).toEqual([START, ...[1, 2, 3, 4, 5].map(live)]);
  });
});

describe('a route that is missing', () => {
  const missing: Answer = (response) => void response.writeHead(404).end();
  const routes: [path: string, call: (sync: DataSync) => Promise<unknown>][] = [
    [PATH, (sync) => readAll(sync.page({ cursor: null, selection: SELECTION }))],
    ['/api/data_sync_cursor_from_deltas', (sync) => sync.cursorFromDeltas({ ts: TS, selection: SELECTION })],
    ['/api/v1/data/list_active_syncs', (sync) => sync.activeSync('airbyte-1')],
  ];

  test.each(routes)('%s: is asked for three times', async (path, call) => {
    await using server = await scripted(missing);
    const error = await failureOf(call(new DataSync(clientOf(server.url).http)));
    expect(error).toMatchObject({ reason: 'no-route', retry: false, status: 404, message: `it has no ${path}` });
    expect(server.requests).toHaveLength(3);
  });

  test.each(routes)('%s: also where fewer tries are allowed', async (_path, call) => {
    await using server = await scripted(missing);
    const error = await failureOf(call(new DataSync(clientOf(server.url, 2).http)));
    expect(error.reason).toBe('no-route');
  });

  test('is another thing than an ingress whose backend restarts', async () => {
    const ingress: Answer = (response) => void response.writeHead(404).end('404 page not found\n');
    const { events } = await readFrom([missing, missing, ingress, ingress, ingress, page()]);
    expect(events).toEqual([START, ...[1, 2, 3, 4, 5].map(live)]);
  });
});

describe('against an emulated deployment', () => {
  async function start(
    options: EmulatorOptions = {},
  ): Promise<AsyncDisposable & { emulator: Emulator; sync: DataSync; exporting: StreamingExport }> {
    const emulator = await startEmulator(options);
    const http = new ConvexClient({
      origin: emulator.url,
      key: emulator.readOnlyKey,
      client: 'airbyte-export-1.2.3',
      userAgent: 'x',
      retries: { attempts: 5, maxTime: 60_000, minDelay: 1, maxDelay: 1 },
      onRetry: () => undefined,
    });
    return {
      emulator,
      sync: new DataSync(http),
      exporting: new StreamingExport(http, 'json'),
      [Symbol.asyncDispose]: () => emulator.close(),
    };
  }

  test('changes after a position of the change log, in the bytes of the value format', async () => {
    await using running = await start();
    const { emulator, sync, exporting } = running;
    emulator.deployment.load('t', [{ n: 1n }, { n: 2 }]);
    const ts = await exporting.pin();
    const cursor = await sync.cursorFromDeltas({ ts, selection: SELECTION });
    const [first] = [...emulator.deployment.documents('t')];
    emulator.deployment.transaction((tx) => {
      tx.insert('t', { big: 9007199254740993n, bytes: new Uint8Array([1, 2]).buffer, nan: NaN, zero: -0 });
      tx.delete(first!._id);
    });
    const values = new ExportValues('json');
    const changed = new Map<string, string | undefined>();
    const pages = sync.page({ cursor, selection: SELECTION });
    let step = await pages.next();
    for (; step.done !== true; step = await pages.next()) {
      const part = step.value;
      if (part.kind === 'start') continue;
      while (part.next()) {
        const out = new GrowingBuffer();
        values.writeMembers(out, part.buffer, part.start, part.end);
        const text = `{${out.buffer.toString('utf8', 0, out.length)}`;
        changed.set((JSON.parse(text) as { _id: string })._id, part.deleted ? undefined : text);
      }
    }
    expect(step.value.status.type).toBe('upToDate');
    expect(step.value.syncId).toMatch(/^airbyte-/);
    expect(changed.size).toBe(2);
    const truth = emulator.deployment.encoded('t', '', 'json');
    for (const [id, text] of changed) expect(text).toBe(truth.get(id));
    const active = await sync.activeSync(step.value.syncId);
    expect(active).toMatchObject({ totalTables: 1 });
    expect(await sync.activeSync('airbyte-unknown')).toBeUndefined();
  });

  test('a whole sync from scratch, its truncate first', async () => {
    await using running = await start({ limits: { dataSyncPage: 4 } });
    const { emulator, sync } = running;
    emulator.deployment.load(
      't',
      Array.from({ length: 10 }, (_, n) => ({ n })),
    );
    const seen = new Set<string>();
    let cursor: string | null = null;
    let type = '';
    for (let i = 0; type !== 'upToDate' && i < 20; i++) {
      const { events, page: end }: Read = await readAll(sync.page({ cursor, selection: SELECTION }));
      if (i === 0) expect(events[0]).toContain('[{"component":"","table":"t"}]');
      for (const event of events.slice(1)) seen.add(event);
      cursor = end.nextCursor;
      type = end.status.type;
    }
    expect(type).toBe('upToDate');
    expect(seen.size).toBe(10);
  });

  test('cursors that lead nowhere', async () => {
    await using running = await start({ limits: { retention: 1_000_000_000n } });
    const { emulator, sync } = running;
    emulator.deployment.load('t', [{ n: 1 }]);
    const read = (cursor: string) => failureOf(readAll(sync.page({ cursor, selection: SELECTION })));
    expect(await read('00ff')).toMatchObject({ reason: 'bad-position', code: 'InvalidDataSyncCursor', retry: false });
    const old = sync.cursorFromDeltas({ ts: '1000000000000000001', selection: SELECTION });
    expect(await failureOf(old)).toMatchObject({ reason: 'expired', code: 'DataSyncCursorExpired', retry: false });
    const ahead = sync.cursorFromDeltas({ ts: '9000000000000000001', selection: SELECTION });
    expect(await failureOf(ahead)).toMatchObject({ reason: 'bad-position', retry: false });
  });

  test('one that is older than Data Sync', async () => {
    await using running = await start({ deltasOfRootOnly: true });
    expect(await failureOf(running.sync.activeSync('one'))).toMatchObject({ reason: 'no-route' });
    await using newer = await start();
    expect(await newer.sync.activeSync('one')).toBeUndefined();
  });
});
