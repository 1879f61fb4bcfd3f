/** From the Python source: its configuration and its states, as it leaves them, in both phases, are where our source goes on. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { Folder } from '../support/folder.ts';
import { errorsOf, messagesOfType, parseExactly, statesOf, statusesOf } from '../support/messages.ts';
import { startConnector, type Finished } from '../support/process.ts';

let emulator: Emulator;
let folder: Folder;

beforeEach(async () => {
  emulator = await startEmulator({ limits: { snapshotPage: 4, deltaRows: 3 } });
  for (const table of ['users', 'orders'])
    emulator.deployment.load(
      table,
      Array.from({ length: 10 }, (_, n) => ({ table, n })),
      { perTransaction: 3 },
    );
  folder = new Folder();
});

afterEach(async () => {
  await emulator.close();
  folder.remove();
});

type Document = Record<string, unknown> & { _id: string; _deleted?: boolean };

/** What a destination with dedup has, by `_id`. */
class Copy {
  readonly rows = new Map<string, number>();

  apply(documents: Iterable<Document>): void {
    for (const document of documents) {
      if (document._deleted === true) this.rows.delete(document._id);
      else this.rows.set(document._id, Number(document['n']));
    }
  }
}

/** A request as the Python source made it: one table, with its name in the query. */
async function ask(
  path: string,
  query: Record<string, string>,
): Promise<{ text: string; values: Document[]; cursor: unknown }> {
  const url = `${emulator.url}/api/${path}?${new URLSearchParams({ ...query, format: 'json' }).toString()}`;
  const headers = { Authorization: `Convex ${emulator.key}`, 'Convex-Client': 'airbyte-export-0.4.0' };
  const text = await (await fetch(url, { headers })).text();
  return { text, ...(parseExactly(text) as { values: Document[]; cursor: unknown }) };
}

/** The Python source's reading of the first page of a table, and the state that it left: the snapshot's timestamp as an integer. */
async function firstPage(table: string, copy: Copy): Promise<string> {
  const { text, values, cursor } = await ask('list_snapshot', { tableName: table });
  copy.apply(values);
  const snapshot = /"snapshot":(\d+)/.exec(text)?.[1] ?? '';
  expect(snapshot).toHaveLength(19);
  return `{"snapshot_cursor": ${JSON.stringify(cursor)}, "snapshot_has_more": true, "delta_cursor": ${snapshot}}`;
}

/** The state after its last page: what is left are the changes. */
function finished(state: string): string {
  return state.replace(
    /"snapshot_cursor": .*?, "snapshot_has_more": true/,
    '"snapshot_cursor": null, "snapshot_has_more": false',
  );
}

/** A whole snapshot of a table, by the Python source. */
async function wholeSnapshot(table: string, copy: Copy): Promise<string> {
  const first = await firstPage(table, copy);
  let { snapshot_cursor: cursor } = JSON.parse(first) as { snapshot_cursor: string | null };
  const snapshot = /\d{19}/.exec(first)?.[0] ?? '';
  while (cursor !== null) {
    const page = await ask('list_snapshot', { tableName: table, cursor, snapshot });
    copy.apply(page.values);
    cursor = page.cursor as string | null;
  }
  return finished(first);
}

async function read(states: Record<string, string>): Promise<Finished> {
  // Its configuration, to the letter.
  const config = folder.write('config.json', `{"deployment_url": "${emulator.url}", "access_key": "${emulator.key}"}`);
  const catalog = folder.write('catalog.json', {
    streams: Object.keys(states).map((name) => ({
      stream: { name, json_schema: {}, supported_sync_modes: ['full_refresh', 'incremental'] },
      sync_mode: 'incremental',
      cursor_field: ['_ts'],
      destination_sync_mode: 'append_dedup',
      primary_key: [['_id']],
    })),
  });
  const entries = Object.entries(states).map(
    ([name, state]) =>
      `{"type": "STREAM", "stream": {"stream_descriptor": {"name": "${name}"}, "stream_state": ${state}}}`,
  );
  const state = folder.write('state.json', `[${entries.join(', ')}]`);
  return startConnector('source-convex', ['read', '--config', config, '--catalog', catalog, '--state', state]).finished;
}

function documentsOf({ lines }: Finished, stream: string): Document[] {
  return messagesOfType(lines, 'RECORD').flatMap(({ record }) =>
    record.stream === stream ? [record.data as Document] : [],
  );
}

function change(): void {
  for (const table of ['users', 'orders']) {
    const ids = [...emulator.deployment.documents(table)].map(({ _id }) => _id);
    emulator.deployment.transaction((tx) => {
      tx.delete(ids[0] ?? '');
      tx.delete(ids[9] ?? '');
      tx.patch(ids[1] ?? '', { n: 101 });
      tx.patch(ids[8] ?? '', { n: 108 });
      tx.insert(table, { n: 200 });
    });
  }
}

function expectWhole(table: string, copy: Copy): void {
  const originals = [...emulator.deployment.documents(table)].map(({ _id, n }) => [_id, Number(n)]);
  expect(Object.fromEntries(copy.rows)).toEqual(Object.fromEntries(originals));
}

test('long after the snapshot: only what has changed since', async () => {
  const copy = new Copy();
  const state = await wholeSnapshot('users', copy);
  expect(copy.rows.size).toBe(10);
  change();
  const run = await read({ users: state });
  expect(run.code).toBe(0);
  expect(documentsOf(run, 'users')).toHaveLength(5);
  copy.apply(documentsOf(run, 'users'));
  expectWhole('users', copy);
});

test('in the middle of a snapshot: the rest of it, then what has changed since', async () => {
  const copy = new Copy();
  const state = await firstPage('users', copy);
  expect(copy.rows.size).toBe(4);
  change();
  const run = await read({ users: state });
  expect(run.code).toBe(0);
  // The six that were left, and the five changes.
  expect(documentsOf(run, 'users')).toHaveLength(6 + 5);
  copy.apply(documentsOf(run, 'users'));
  expectWhole('users', copy);
});

test('one stream in each phase, at instants of their own', async () => {
  const users = new Copy();
  const orders = new Copy();
  const states = { users: await wholeSnapshot('users', users), orders: '' };
  emulator.deployment.systemWrite(5);
  states.orders = await firstPage('orders', orders);
  change();
  const run = await read(states);
  expect(errorsOf(run.lines)).toEqual([]);
  expect(statusesOf(run.lines)).toEqual(expect.arrayContaining(['users COMPLETE', 'orders COMPLETE']));
  users.apply(documentsOf(run, 'users'));
  orders.apply(documentsOf(run, 'orders'));
  expectWhole('users', users);
  expectWhole('orders', orders);
});

test('the state that we leave has the keys of theirs, with every digit of the timestamp as text', async () => {
  const copy = new Copy();
  const { lines } = await read({ users: await wholeSnapshot('users', copy) });
  const last = statesOf(lines).at(-1);
  expect(last).toMatchObject({
    type: 'STREAM',
    stream: {
      stream_state: {
        snapshot_cursor: null,
        snapshot_has_more: false,
        delta_cursor: expect.stringMatching(/^\d{19}$/) as string,
      },
    },
  });
});
