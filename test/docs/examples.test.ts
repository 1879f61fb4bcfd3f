/** The examples of docs/functions.md, run as they stand: an app's functions, the source that reads them, the destination that calls them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { functionsOf, type SchemaJson } from '../../emulator/index.ts';
import http from '../../docs/examples/convex/http.ts';
import * as orders from '../../docs/examples/convex/orders.ts';
import schema from '../../docs/examples/convex/schema.ts';
import * as sync from '../../docs/examples/convex/sync.ts';
import { append, Destination, record, state } from '../destination-convex/setup.ts';
import { dataOf } from '../source-convex/query-streams/setup.ts';
import { savedStates, Source, type Wanted } from '../source-convex/setup.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/functions.md'), 'utf8');
/** The JSON of the page, by what it configures. */
const blocks = [...page.matchAll(/```json\n([^]*?)```/g)].map(
  ([, text = '']) => JSON.parse(text) as Record<string, unknown>,
);
const blockWith = (name: string, kind?: string) => {
  const found = blocks.find(
    (block) => name in block && (kind === undefined || (block[name] as { kind?: string }).kind === kind),
  );
  if (found === undefined) throw new Error(`the page has no example with ${name} ${kind ?? ''}`);
  return found;
};

const APP = {
  functions: functionsOf({ orders, sync }),
  httpActions: http as never,
  schema: JSON.parse((schema as unknown as { export: () => string }).export()) as SchemaJson,
  streamingExport: false,
};

describe('query streams', () => {
  let source: Source;
  beforeEach(async () => {
    source = await Source.start(APP);
    return () => source[Symbol.asyncDispose]();
  });

  const read = (streams: Wanted[], configured: Record<string, unknown>, given?: unknown[]) =>
    source.startRead({
      streams,
      config: {
        ...configured,
        deployment_url: source.emulator.url,
        access_key: 'access_key' in configured ? source.emulator.key : undefined,
      },
      ...(given === undefined ? {} : { state: given }),
    }).finished;

  const fill = () => {
    let ada = '';
    source.deployment.transaction((tx) => {
      ada = tx.insert('customers', { name: 'Ada' });
    });
    source.deployment.transaction((tx) => {
      const order = (region: string, status: string, updatedAt: number) =>
        tx.insert('orders', { customer: ada, region, status, total: 5, updatedAt });
      order('eu', 'open', 1_786_000_000_000);
      order('eu', 'shipped', 1_786_000_100_000);
      order('us', 'open', 1_786_000_200_000);
    });
  };

  test('a view, for everybody', async () => {
    fill();
    const { code, lines } = await read([{ name: 'open_orders_eu', mode: 'full_refresh' }], blockWith('query_streams'));
    expect(code).toBe(0);
    const records = dataOf(lines, 'open_orders_eu').map((text) => JSON.parse(text) as object);
    expect(records).toEqual([expect.objectContaining({ customerName: 'Ada', region: 'eu', status: 'open' })]);
  });

  test('the changes, with a deploy key', async () => {
    fill();
    const configured = blocks.find((block) => 'query_streams' in block && 'access_key' in block)!;
    const first = await read(['orders'], configured);
    expect(first.code).toBe(0);
    expect(dataOf(first.lines, 'orders')).toHaveLength(3);
    source.deployment.transaction((tx) => {
      const ada = tx.insert('customers', { name: 'Grace' });
      tx.insert('orders', { customer: ada, region: 'eu', status: 'open', total: 1, updatedAt: 1_786_000_150_000 });
    });
    const second = await read(['orders'], configured, savedStates(first.lines));
    // What was committed late is within the margin, and the newest comes again.
    expect(dataOf(second.lines, 'orders').map((text) => (JSON.parse(text) as { updatedAt: number }).updatedAt)).toEqual(
      [1_786_000_150_000, 1_786_000_200_000],
    );
  });
});

describe('after a sync', () => {
  let destination: Destination;
  beforeEach(async () => {
    process.env['ARRIVED_SECRET'] = 'the-secret-of-the-example';
    destination = await Destination.start(APP);
    return () => destination[Symbol.asyncDispose]();
  });
  afterEach(() => {
    delete process.env['ARRIVED_SECRET'];
  });

  test.each(['mutation', 'action', 'HTTP action'])('by a %s', async (kind) => {
    const { after_sync } = blockWith('after_sync', kind) as { after_sync: Record<string, string> };
    const at =
      kind === 'HTTP action'
        ? { path: `${destination.emulator.siteUrl}${after_sync['path']}`, secret: 'the-secret-of-the-example' }
        : {};
    const config = {
      access_key: destination.emulator.key,
      after_sync: { ...after_sync, ...at, on_failure: 'Fail sync' },
    };
    const { code } = await destination.write({ streams: [append('cities', { sync: 812 })], config }, [
      record('cities', { name: 'Oslo' }),
      state('cities', 1),
    ]);
    expect(code).toBe(0);
    expect(destination.rows('syncs')).toEqual([
      expect.objectContaining({ syncId: '812', records: 1, tables: ['cities'] }),
    ]);
  });
});

test('the page shows the files as they are', () => {
  const shown = [...page.matchAll(/```ts\n\/\/ convex\/(\w+\.ts)\n([^]*?)```/g)];
  expect(shown.map(([, name]) => name)).toEqual(['orders.ts', 'sync.ts', 'http.ts']);
  for (const [, name = '', text = ''] of shown) {
    const file = readFileSync(join(import.meta.dirname, '../../docs/examples/convex', name), 'utf8');
    expect(text.trim(), name).toBe(file.trim());
  }
});
