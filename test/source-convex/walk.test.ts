/** One walk at a time, and as few requests as the server's pages allow. */
import { describe, expect, test } from 'vitest';
import type { JournalEntry } from '../../emulator/index.ts';
import { logsOf } from '../support/messages.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { recordsOf, replay, savedStates, Source, type Wanted } from './setup.ts';

const documents = (n: number): object[] => Array.from({ length: n }, (_, i) => ({ n: i }));
const WALKS = /^\/api\/(list_snapshot|document_deltas)$/;

/** Fails where two requests of any walk were under way at the same time. */
function expectOneAtATime(entries: readonly JournalEntry[]): void {
  for (const [i, entry] of entries.entries()) {
    const before = entries[i - 1];
    if (before !== undefined) expect(entry.startedAt).toBeGreaterThanOrEqual(before.endedAt ?? Infinity);
  }
}

describe('a snapshot', () => {
  test('takes the pin and the pages of the server, and no request more', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 10 } });
    const sizes = [0, 1, 9, 10, 11, 25, 30];
    for (const [i, size] of sizes.entries()) {
      source.deployment.createTable(`t${i}`);
      source.deployment.load(`t${i}`, documents(size));
    }
    source.deployment.load('unselected', documents(50));
    const lines = await source.readAll({ streams: sizes.map((_, i) => `t${i}`) });
    expect(recordsOf(lines)).toHaveLength(sizes.reduce((a, b) => a + b));
    // A table of a whole number of full pages ends with an empty one.
    const pages = sizes.map((size) => Math.floor(size / 10) + 1).reduce((a, b) => a + b);
    const { journal, work } = source.emulator;
    // The tables, a pin before the pages and one after them, and what was committed meanwhile.
    expect(journal.count('/api/list_snapshot')).toBe(1 + pages + 1);
    expect(journal.count('/api/document_deltas')).toBe(1);
    expect(journal.count()).toBe(1 + 1 + pages + 1 + 1);
    expectOneAtATime(journal.of(WALKS));
    // All at one timestamp; and the server found its iterator where it had left it, every time.
    const asked = journal
      .of('/api/list_snapshot')
      .slice(1, -1)
      .map(({ body }) => /^\{"snapshot":(\d{19}),/.exec(body)?.[1]);
    expect(new Set(asked).size).toBe(1);
    expect(work.snapshot).toMatchObject({ initialised: 1, resumed: pages - 1 });
  });

  test('has its next page asked for while this one is still being written', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 200 } });
    // Pages of some megabytes: more than a pipe holds, less than the source may hold back.
    source.deployment.load(
      't',
      Array.from({ length: 600 }, () => ({ text: 'x'.repeat(10_000) })),
    );
    const run = source.startRead({ streams: ['t'] }, { paused: true });
    // Nobody reads a byte of the first page.
    await until('the request for the second page', () => source.emulator.journal.count('/api/list_snapshot') >= 3);
    run.resume();
    const { code, lines } = await run.finished;
    expect(code).toBe(0);
    expect(replay(recordsOf(lines), 't')).toEqual(source.truth('t'));
    expectOneAtATime(source.emulator.journal.of(WALKS));
  });

  test('does not run ahead of a reader that does not read', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 100 } });
    source.deployment.load(
      't',
      Array.from({ length: 3000 }, () => ({ text: 'x'.repeat(10_000) })),
    );
    const run = source.startRead({ streams: ['t'] }, { paused: true });
    const { journal } = source.emulator;
    await until('some pages', () => journal.count('/api/list_snapshot') >= 5);
    // Then it waits: what it holds back is bounded. Thirty pages of a megabyte are there.
    await until('a standstill', () => performance.now() - journal.entries.at(-1)!.startedAt > 1000);
    expect(journal.count('/api/list_snapshot')).toBeLessThan(25);
    run.resume();
    const { code, lines } = await run.finished;
    expect(code).toBe(0);
    expect(recordsOf(lines)).toHaveLength(3000);
  });
});

describe('the change log', () => {
  test('is read once for 40 streams, not 40 times', async () => {
    await using source = await Source.start();
    const { deployment, emulator } = source;
    const tables = Array.from({ length: 40 }, (_, i) => `table${i}`);
    for (const table of tables) deployment.load(table, documents(2));
    const first = await source.readAll({ streams: tables });
    // Rows of every kind: of all tables, of tables that nobody selected, of the system.
    const before = deployment.log.rows.length;
    for (let i = 0; i < 500; i++) {
      deployment.transaction((tx) => {
        tx.insert(tables[i % 40]!, { round: i });
        if (i % 3 === 0) tx.insert('unselected', { round: i });
        if (i % 7 === 0) tx.systemWrite(5);
      });
    }
    const rows = deployment.log.rows.length - before;
    emulator.journal.clear();
    const second = await source.readAll({ streams: tables, state: savedStates(first) });
    expect(recordsOf(second)).toHaveLength(500);
    for (const table of tables) {
      expect(replay([...recordsOf(first), ...recordsOf(second)], table)).toEqual(source.truth(table));
    }
    expect(rows).toBeGreaterThan(900);
    // A page is a little longer than 128 rows where a transaction would be split.
    const requests = emulator.journal.count('/api/document_deltas');
    expect(requests).toBeLessThanOrEqual(Math.ceil(rows / 128));
    expect(requests).toBeGreaterThan(Math.ceil(rows / 140));
    // And beside it the list of tables and the pin.
    expect(emulator.journal.count()).toBe(requests + 2);
    expectOneAtATime(emulator.journal.of(WALKS));
  });

  test('without a row of any stream is walked through all the same', async () => {
    await using source = await Source.start({ limits: { deltaRows: 4 } });
    source.deployment.load('t', documents(1));
    const first = await source.readAll({ streams: ['t'] });
    for (let i = 0; i < 10; i++) source.deployment.systemWrite(4);
    source.emulator.journal.clear();
    const second = await source.readAll({ streams: ['t'], state: savedStates(first) });
    expect(recordsOf(second)).toEqual([]);
    expect(source.emulator.journal.count('/api/document_deltas')).toBe(10);
    source.deployment.load('t', documents(1));
    const third = await source.readAll({ streams: ['t'], state: savedStates(second) });
    expect(recordsOf(third)).toHaveLength(1);
  });

  test('has its next page asked for while this one is still being written', async () => {
    await using source = await Source.start({ limits: { deltaRows: 50 } });
    source.deployment.load('t', documents(1));
    const first = await source.readAll({ streams: ['t'] });
    source.deployment.load(
      't',
      Array.from({ length: 150 }, () => ({ text: 'x'.repeat(40_000) })),
      { perTransaction: 1 },
    );
    const run = source.startRead({ streams: ['t'], state: savedStates(first) }, { paused: true });
    await until('the request for the second page', () => source.emulator.journal.count('/api/document_deltas') >= 2);
    run.resume();
    const { code, lines } = await run.finished;
    expect(code).toBe(0);
    expect(recordsOf(lines)).toHaveLength(150);
    expectOneAtATime(source.emulator.journal.of(WALKS));
  });

  test('is read from the oldest position; what a stream has had already does not come again', async () => {
    await using source = await Source.start();
    source.deployment.load('a', documents(2));
    source.deployment.load('b', documents(2));
    const streams = ['a', 'b'];
    const first = await source.readAll({ streams });
    source.emulator.journal.clear();
    source.deployment.load('a', documents(3));
    source.deployment.load('b', documents(3));
    const onlyA = await source.readAll({ streams: ['a'], state: savedStates(first) });
    expect(recordsOf(onlyA)).toHaveLength(3);
    source.deployment.load('a', documents(1));
    const both = await source.readAll({ streams, state: savedStates(first, onlyA) });
    expect(recordsOf(both).map(({ stream }) => stream)).toEqual(['b', 'b', 'b', 'a']);
    expect(source.emulator.journal.count('/api/document_deltas')).toBe(2);
    // A page that is not the last one ends at its last document: then the position is the very timestamp of a document.
    const last = /"_ts":(\d{19})/.exec(onlyA.findLast((line) => line.startsWith('{"type":"RECORD"'))!)![1];
    const [, b] = savedStates(first);
    const a = JSON.stringify(savedStates(onlyA)[0]).replace(/("delta_cursor":"?)\d{19}/, `$1${last}`);
    const again = await source.readAll({ streams, state: `[${a},${JSON.stringify(b)}]` });
    expect(recordsOf(again).map(({ stream }) => stream)).toEqual(['b', 'b', 'b', 'a']);
  });
});

describe('whatever the server ignores', () => {
  const STREAMS: Wanted[] = ['users', { name: 'keys', namespace: 'comp' }];

  async function busy(): Promise<Source> {
    const source = await Source.start({ limits: { snapshotPage: 3, deltaRows: 5 } });
    source.deployment.load('users', documents(7));
    source.deployment.load('keys', documents(4));
    source.deployment.load('users', documents(5), { component: 'comp' });
    source.deployment.load('keys', documents(8), { component: 'comp' });
    return source;
  }

  function expectOnlySelected(source: Source, lines: readonly string[]): void {
    const records = recordsOf(lines);
    expect(new Set(records.map(({ stream }) => stream))).toEqual(new Set(['users', 'comp.keys']));
    expect(replay(records, 'users')).toEqual(source.truth('users'));
    expect(replay(records, 'comp.keys')).toEqual(source.truth('keys', 'comp'));
  }

  test('a backend that sends everything: documents go where they belong, and the rest nowhere', async () => {
    await using source = await busy();
    await using proxy = await startProxy(source.emulator.url, {
      request: (exchange) => {
        exchange.body = exchange.body.replace('"selection":', '"selected":');
        return undefined;
      },
    });
    const config = { deployment_url: proxy.url };
    const first = await source.readAll({ streams: STREAMS, config });
    expectOnlySelected(source, first);
    for (const component of ['', 'comp']) {
      source.deployment.load('users', documents(2), { component });
      source.deployment.load('keys', documents(2), { component });
    }
    const second = await source.readAll({ streams: STREAMS, config, state: savedStates(first) });
    expectOnlySelected(source, [...first, ...second]);
  });

  test('a backend of before components, which sends no _component and lists no tables', async () => {
    await using source = await Source.start();
    source.deployment.load('users', documents(3));
    await using proxy = await startProxy(source.emulator.url, {
      request: ({ path }) => (path === '/api/get_table_column_names' ? { status: 404, body: '' } : undefined),
      reply: (_exchange, reply) => ({ ...reply, body: reply.body.replaceAll('"_component":"",', '') }),
    });
    const config = { deployment_url: proxy.url };
    const { code, lines } = await source.startRead({ streams: ['users', 'missing'], config }).finished;
    expect(code).toBe(0);
    expect(lines.filter((line) => line.includes('"RECORD"'))).toHaveLength(3);
    // An empty 404 may be an ingress that restarts, so it is asked for a few times.
    const warnings = logsOf(lines).filter((line) => line.startsWith('WARN'));
    expect(warnings.filter((line) => line.includes('get_table_column_names answered 404'))).toHaveLength(2);
    expect(warnings[2]).toBe(
      'WARN This deployment cannot list its tables, so streams whose table is missing will look empty.',
    );
  });

  test('a name that no table can have does not reach a backend that cannot list its tables', async () => {
    await using source = await Source.start();
    source.deployment.load('users', documents(3));
    source.emulator.faults.add({ kind: 'html', status: 404, body: '', path: '/api/get_table_column_names' });
    const streams: Wanted[] = ['users', 'my-table', { name: 'users', namespace: 'a b' }];
    const { code, lines } = await source.read({ streams });
    expect(code).toBe(1);
    expect(recordsOf(lines)).toHaveLength(3);
    expect(logsOf(lines).at(-1)).toBe('ERROR Not read completely: my-table, a b.users.');
  });
});

describe('a server that contradicts itself is not believed', () => {
  const says = (what: string) =>
    `127.0.0.1 answered, but not as a Convex deployment does: ${what}. Check that the deployment URL is right (https://<deployment name>.convex.cloud) and that no proxy stands in between.`;

  test.each<[string, (body: string) => string, string]>([
    [
      'another snapshot',
      (body) => body.replace(/"snapshot":(\d{18})\d/, '"snapshot":$11'),
      'the answer of /api/list_snapshot answered with another snapshot than the one that was asked for',
    ],
    [
      'more, but not where',
      (body) => body.replace('"hasMore":false', '"hasMore":true'),
      'the answer of /api/list_snapshot says that there is more but not where, or the opposite',
    ],
    [
      'no flag',
      (body) => body.replace(',"hasMore":false', ''),
      'the answer of /api/list_snapshot has no flag "hasMore"',
    ],
    [
      'a document of later',
      (body) => body.replace(/"_ts":\d/g, '"_ts":9'),
      'a page of the snapshot holds a document that is newer than the snapshot',
    ],
  ])('a snapshot page: %s', async (_what, lie, message) => {
    await using source = await Source.start();
    source.deployment.load('t', documents(2));
    await using proxy = await startProxy(source.emulator.url, {
      reply: ({ path, body }, reply) =>
        path === '/api/list_snapshot' && body.startsWith('{"snapshot"') ? { ...reply, body: lie(reply.body) } : reply,
    });
    const { code, lines } = await source.read({ streams: ['t'], config: { deployment_url: proxy.url } });
    expect(code).toBe(1);
    expect(lines.join('\n')).toContain(message.replaceAll('"', '\\"'));
    expect(lines.join('\n')).toContain(says(message).slice(0, 50));
  });

  test.each<[string, (body: string) => string, string]>([
    [
      'more, without progress',
      () => '{"values":[],"cursor":1,"hasMore":true}',
      'says that there is more, but makes no progress',
    ],
    [
      'a cursor of before its documents',
      (body) => body.replace(/"cursor":\d+/, '"cursor":1'),
      'ends before its own documents',
    ],
    ['documents of before', (body) => body.replace(/"_ts":\d{19}/g, '"_ts":1000000000000000001'), 'goes back in time'],
    ['no cursor', (body) => body.replace('"cursor"', '"curser"'), 'has no timestamp \\"cursor\\"'],
  ])('a page of the change log: %s', async (_what, lie, message) => {
    await using source = await Source.start();
    source.deployment.load('t', documents(2));
    const first = await source.readAll({ streams: ['t'] });
    source.deployment.load('t', documents(2));
    await using proxy = await startProxy(source.emulator.url, {
      reply: ({ path }, reply) => (path === '/api/document_deltas' ? { ...reply, body: lie(reply.body) } : reply),
    });
    const config = { deployment_url: proxy.url };
    const { code, lines } = await source.read({ streams: ['t'], config, state: savedStates(first) });
    expect(code).toBe(1);
    expect(lines.join('\n')).toContain(message);
  });
});
