/** The schemas of `discover` against what `read` emits: an oracle for both, over documents of all types of Convex. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Functions } from '../../emulator/index.ts';
import type { AirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { messagesOfType } from '../support/messages.ts';
import { Source } from './setup.ts';

const key = fc.constantFrom('a', 'b', '_c', 'constructor');
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(null, null, true, 'text', '', 1, -0, 1.5, NaN, Infinity, 5n, -(2n ** 63n)),
    fc.constant(new ArrayBuffer(3)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
    // More fields than Convex's schemas list: a record.
    fc.constant(Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`k${n}`, n % 2 === 0 ? n : 'x']))),
  ),
}));
const field = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const document = fc.dictionary(field, value, { maxKeys: 8 }) as fc.Arbitrary<object>;

const functions: Functions = {
  'all:all': {
    type: 'query',
    handler: async (ctx) => [...(await ctx.db.query('few').collect()), ...(await ctx.db.query('many').collect())],
  },
};

const CONFIG = { query_streams: [{ name: 'view', query: 'all:all', paginated: false, primary_key: ['_id'] }] };
/** Because of one table, Convex describes none (C80). */
const ODD = [Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`f${n}`, n]))];

async function discovered(source: Source, more: object = {}): Promise<AirbyteStream[]> {
  const { lines } = await source.discover({ access_key: source.emulator.key, ...CONFIG, ...more });
  return messagesOfType(lines, 'CATALOG')[0]!.catalog.streams;
}

/** What is wrong with the records of these streams. */
async function misfits(source: Source, streams: readonly AirbyteStream[], more: object = {}): Promise<string[]> {
  const ajv = new Ajv({ strict: false, ownProperties: true });
  const checks = new Map(streams.map(({ name, json_schema }) => [name, ajv.compile(json_schema)]));
  const config = { access_key: source.emulator.key, ...CONFIG, ...more };
  const { code, lines } = await source.startRead({ streams: [...checks.keys()], config }).finished;
  expect(code).toBe(0);
  const wrong = new Set<string>();
  for (const line of lines.filter((one) => one.startsWith('{"type":"RECORD"'))) {
    const { stream, data } = (JSON.parse(line) as { record: { stream: string; data: object } }).record;
    const check = checks.get(stream)!;
    if (!check(data))
      for (const { instancePath, message } of check.errors!) wrong.add(`${stream} ${instancePath} ${message}`);
  }
  return [...wrong];
}

describe.each([false, true])('where Convex describes no table: %s', (odd) => {
  test.each(['json', 'convex_encoded_json', 'export_json'])(
    'records have the types of discover, as %s',
    async (format) => {
      await using source = await Source.start({ functions });
      const samples = (numRuns: number, seed: number) => fc.sample(document, { numRuns, seed });
      for (const n of [1, 2, 3, 4, 5]) source.deployment.load(`some${n}`, samples(3, n));
      source.deployment.load('few', samples(5, 11));
      source.deployment.load('many', samples(300, 12));
      if (odd) source.deployment.load('odd', ODD);
      const streams = await discovered(source, { value_format: format });
      expect(streams).toHaveLength(odd ? 9 : 8);
      expect(await misfits(source, streams, { value_format: format })).toEqual([]);
    },
  );

  test('a field that was always null may hold anything later', async () => {
    await using source = await Source.start({ functions });
    const load = (rows: object[]) => ['few', 'many'].forEach((table) => source.deployment.load(table, rows));
    load([{ at: null, list: [null], nested: { at: null } }]);
    if (odd) source.deployment.load('odd', ODD);
    const streams = await discovered(source);
    load([{ at: 5, list: ['x'], nested: { at: { a: true } } }]);
    expect(await misfits(source, streams)).toEqual([]);
  });

  test('the keys of records are data, not fields', async () => {
    await using source = await Source.start({ functions });
    const rows = Array.from({ length: 20 }, (_, n) => ({
      votes: Object.fromEntries(Array.from({ length: 5 }, (_, k) => [`user_${n}_${k}`, k])),
      list: Array.from({ length: 80 }, (_, k) => ({ [`user_${n}_${k}`]: k })),
    }));
    for (const table of ['few', 'many']) source.deployment.load(table, rows);
    if (odd) source.deployment.load('odd', ODD);
    const streams = await discovered(source);
    expect(JSON.stringify(streams)).not.toContain('user_');
    expect(await misfits(source, streams)).toEqual([]);
  });
});
