import { convexToJson, jsonToConvex, type Value } from 'convex/values';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../emulator/index.ts';
import { call, deltasPage, deploy, outcome, post, snapshotPage } from './client.ts';

/** Formats of values (C41, C42), byte for byte. */

const bytes = (...values: number[]) => new Uint8Array(values).buffer;

async function fieldTexts(emulator: Emulator, format: string | undefined): Promise<string> {
  const body = format === undefined ? {} : { format };
  const reply = await post(emulator, '/api/list_snapshot', body);
  return /"_id":"[^"]*",?(.*)\}\],"snapshot"/s.exec(reply.text)?.[1] ?? reply.text;
}

describe('clean JSON loses types (C41)', () => {
  const values: [value: unknown, clean: string, encoded: string, exported: string][] = [
    [null, 'null', 'null', 'null'],
    [true, 'true', 'true', 'true'],
    [5n, '"5"', '{"$integer":"BQAAAAAAAAA="}', '5'],
    [-1n, '"-1"', '{"$integer":"//////////8="}', '-1'],
    [2n ** 63n - 1n, '"9223372036854775807"', '{"$integer":"/////////38="}', '9223372036854775807'],
    [-(2n ** 63n), '"-9223372036854775808"', '{"$integer":"AAAAAAAAAIA="}', '-9223372036854775808'],
    [1, '1.0', '1.0', '1.0'],
    [0, '0.0', '0.0', '0.0'],
    [-0, '-0.0', '{"$float":"AAAAAAAAAIA="}', '-0.0'],
    [-2.5, '-2.5', '-2.5', '-2.5'],
    [NaN, '"NaN"', '{"$float":"AAAAAAAA+H8="}', '{"$float":"AAAAAAAA+H8="}'],
    [Infinity, '"Infinity"', '{"$float":"AAAAAAAA8H8="}', '{"$float":"AAAAAAAA8H8="}'],
    [-Infinity, '"-Infinity"', '{"$float":"AAAAAAAA8P8="}', '{"$float":"AAAAAAAA8P8="}'],
    ['5', '"5"', '"5"', '"5"'],
    [
      '"\\\n\u0001\u007fé😀/',
      '"\\"\\\\\\n\\u0001\u007fé😀/"',
      '"\\"\\\\\\n\\u0001\u007fé😀/"',
      '"\\"\\\\\\n\\u0001\u007fé😀/"',
    ],
    [bytes(1, 2, 255, 0), '"AQL/AA=="', '{"$bytes":"AQL/AA=="}', '{"$bytes":"AQL/AA=="}'],
    [bytes(), '""', '{"$bytes":""}', '{"$bytes":""}'],
    [[], '[]', '[]', '[]'],
    [{}, '{}', '{}', '{}'],
    [[1n, [1]], '["1",[1.0]]', '[{"$integer":"AQAAAAAAAAA="},[1.0]]', '[1,[1.0]]'],
  ];
  test.each(values)('%#: %s', async (value, clean, encoded, exported) => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) => tx.insert('t', { v: value }));
    expect(await fieldTexts(emulator, undefined)).toBe(`"v":${clean}`);
    expect(await fieldTexts(emulator, 'json')).toBe(`"v":${clean}`);
    expect(await fieldTexts(emulator, 'convex_clean_json')).toBe(`"v":${clean}`);
    expect(await fieldTexts(emulator, 'convex_encoded_json')).toBe(`"v":${encoded}`);
    expect(await fieldTexts(emulator, 'convex_json')).toBe(`"v":${encoded}`);
    expect(await fieldTexts(emulator, 'export_json')).toBe(`"v":${exported}`);
  });

  test('int64, bytes and special floats look like strings', async () => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) =>
      tx.insert('t', { a: 5n, b: '5', c: NaN, d: 'NaN', e: bytes(77), f: 'TQ==' }),
    );
    expect(await fieldTexts(emulator, 'json')).toBe('"a":"5","b":"5","c":"NaN","d":"NaN","e":"TQ==","f":"TQ=="');
  });

  test('_creationTime is a fraction of milliseconds; documents of one commit are a step apart', async () => {
    const emulator = await deploy();
    const ts = emulator.deployment.transaction((tx) => {
      for (let n = 0; n < 3; n++) tx.insert('t', { n });
    });
    const times = [...emulator.deployment.documents('t')]
      .map(({ _creationTime }) => _creationTime)
      .sort((a, b) => a - b);
    expect(new Set(times).size).toBe(3);
    for (const time of times) {
      expect(Math.abs(time - Number(ts / 1_000_000n))).toBeLessThan(10);
      expect(Number.isInteger(time)).toBe(false);
    }
    const reply = await post(emulator, '/api/list_snapshot', {});
    expect(reply.text).toMatch(/"_creationTime":\d{13}\.\d+,/);
  });

  test('meta keys come first, then fields in the order of their bytes', async () => {
    const emulator = await deploy();
    const start = emulator.deployment.systemWrite(1);
    emulator.deployment.transaction((tx) =>
      tx.insert('t', { b: 1, a: { z: 1, Z: 1, 2: 1, 10: 1 }, Z: 1, 10: 1, 9: 1, 'a b': 1 }),
    );
    const order = ['10', '9', 'Z', '_creationTime', '_id', 'a', 'a b', 'b'];
    // JSON.parse would reorder keys that look like numbers.
    const names = (text: string) => [...text.matchAll(/[{,]"([^"]+)":/g)].map(([, name]) => name);
    const snapshot = await post(emulator, '/api/list_snapshot', {});
    const fields = [...order.slice(0, 6), '10', '2', 'Z', 'z', ...order.slice(6)];
    expect(names(snapshot.text)).toEqual(
      ['values', '_component', '_table', '_ts', ...fields, 'snapshot', 'cursor', 'hasMore'].slice(0),
    );
    const deltas = await call(emulator, 'POST', '/api/document_deltas', { raw: `{"cursor":${start}}` });
    expect(names(deltas.text)).toEqual([
      'values',
      '_component',
      '_table',
      '_ts',
      '_deleted',
      ...fields,
      'cursor',
      'hasMore',
    ]);
  });

  test('a tombstone has its id and nothing else', async () => {
    const emulator = await deploy();
    let id = '';
    const ts = emulator.deployment.transaction((tx) => (id = tx.insert('t', { n: 1 }, 'shop/eu')));
    const gone = emulator.deployment.transaction((tx) => {
      tx.delete(id);
    });
    const reply = await call(emulator, 'POST', '/api/document_deltas', { raw: `{"cursor":${ts}}` });
    expect(reply.text).toMatch(
      new RegExp(`^{"values":\\[{"_component":"shop/eu","_table":"t","_ts":${gone},"_deleted":true,"_id":"${id}"}\\],`),
    );
  });

  test('other names of formats are refused, after all other checks', async () => {
    const emulator = await deploy();
    for (const format of ['JSON', 'xml', '']) {
      expect(outcome(await post(emulator, '/api/list_snapshot', { format }))).toBe('200');
    }
    emulator.deployment.createTable('t');
    for (const format of ['JSON', 'xml', '']) {
      expect(outcome(await post(emulator, '/api/list_snapshot', { format }))).toBe('400 BadFormat');
      expect(outcome(await post(emulator, '/api/list_snapshot', { format, snapshot: 5 }))).toBe('400 SnapshotTooOld');
    }
    expect(outcome(await post(emulator, '/api/document_deltas', { format: 'xml' }))).toBe(
      '400 DocumentDeltasCursorRequired',
    );
    expect(outcome(await post(emulator, '/api/list_snapshot', { format: 5 }))).toBe('400 BadJsonBody');
  });
});

test('in export_json only the decimal point tells int64 from float64 (C42)', async () => {
  const emulator = await deploy();
  emulator.deployment.transaction((tx) => tx.insert('t', { float: 1, int: 1n, large: 9007199254740993n }));
  expect(await fieldTexts(emulator, 'export_json')).toBe('"float":1.0,"int":1,"large":9007199254740993');
  const parsed = JSON.parse(`{${await fieldTexts(emulator, 'export_json')}}`) as Record<string, number>;
  expect(parsed['float']).toBe(parsed['int']);
});

/** Any value that Convex can store, not too deep, with names that are hard on JavaScript. */
const name = fc.oneof(
  fc.string({
    minLength: 0,
    maxLength: 8,
    unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '10', '2', 'a b'),
);
const field = name.filter((text) => !text.startsWith('$'));
const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double(),
    fc.constantFrom(-0, NaN, Infinity, -Infinity, 1, 1e21, 1e-7, Number.MAX_SAFE_INTEGER + 2),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 20 }).map((array) => new Uint8Array(array).buffer),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(field, tie('value'), { maxKeys: 5, noNullPrototype: false }) as fc.Arbitrary<Value>,
  ),
}));
/** As the npm package sees it: no object with a key `__proto__`, which its own decoder loses. */
function hasProto(value: Value): boolean {
  if (typeof value !== 'object' || value === null || value instanceof ArrayBuffer) return false;
  if (Array.isArray(value)) return value.some(hasProto);
  return Object.entries(value).some(([key, element]) => key === '__proto__' || hasProto(element as Value));
}

/** `toEqual` takes any two ArrayBuffers for equal: their bytes are compared instead. */
function comparable(value: Value | undefined): unknown {
  if (value instanceof ArrayBuffer) return { bytes: [...new Uint8Array(value)] };
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([key, element]) => [key, comparable(element as Value)]);
}

function decoded(json: unknown): unknown {
  return comparable(jsonToConvex(json as Parameters<typeof jsonToConvex>[0]));
}

/** With the fields of objects in the order in which they are served. */
function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || value instanceof ArrayBuffer) return value;
  const entries = Object.entries(value) as [string, Value][];
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, element]) => [key, sorted(element)]),
  );
}

describe('the npm package convex agrees', () => {
  test('a field called __proto__ is a field like others', async () => {
    const emulator = await deploy();
    emulator.deployment.transaction((tx) =>
      tx.insert('t', JSON.parse('{"v":{"__proto__":1,"a":{"__proto__":{"x":2}}}}') as object),
    );
    expect(await fieldTexts(emulator, 'json')).toBe('"v":{"__proto__":1.0,"a":{"__proto__":{"x":2.0}}}');
  });

  test('jsonToConvex of what is served is what was stored, in snapshots and deltas', async () => {
    const emulator = await deploy();
    const start = emulator.deployment.systemWrite(1);
    let cursor = start;
    await fc.assert(
      fc.asyncProperty(
        anyValue.filter((value) => !hasProto(value)),
        async (value) => {
          emulator.deployment.transaction((tx) => tx.insert('t', { value }));
          const deltas = await deltasPage(emulator, cursor, '"format":"convex_encoded_json"');
          cursor = BigInt(deltas.cursor);
          expect(decoded(deltas.values[0]?.['value'])).toEqual(comparable(sorted(value)));
        },
      ),
      { numRuns: 300 },
    );
    const page = await snapshotPage(emulator, '{"format":"convex_encoded_json"}');
    const stored = new Map(
      [...emulator.deployment.documents('t')].map((document) => [document._id, document['value']]),
    );
    for (const served of page.values) {
      expect(decoded(served['value'])).toEqual(comparable(stored.get(String(served['_id'])) as Value));
    }
  });

  test('convexToJson of a document, written and read, comes back equal', async () => {
    const emulator = await deploy();
    await fc.assert(
      fc.asyncProperty(
        anyValue.filter((value) => !hasProto(value)),
        async (value) => {
          const start = emulator.deployment.now();
          emulator.deployment.transaction((tx) => tx.insert('t', { value: jsonToConvex(convexToJson(value)) }));
          const deltas = await deltasPage(emulator, start, '"format":"convex_encoded_json"');
          expect(deltas.values[0]?.['value']).toEqual(convexToJson(value));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('whatever has no int64 and no bytes survives an import, number by number', async () => {
    const emulator = await deploy();
    const plain = anyValue.filter((value) => !hasProto(value) && !/\$|_/.test(JSON.stringify(convexToJson(value))));
    await fc.assert(
      fc.asyncProperty(plain, async (value) => {
        const start = emulator.deployment.now();
        const body = {
          tables: { t: { jsonSchema: {} } },
          messages: [{ tableName: 't', data: { value: convexToJson(value) } }],
        };
        expect((await post(emulator, '/api/streaming_import/import_airbyte_records', body)).status).toBe(200);
        const deltas = await deltasPage(emulator, start, '"format":"convex_encoded_json"');
        expect(decoded(deltas.values[0]?.['value'])).toEqual(comparable(sorted(value)));
      }),
      { numRuns: 200 },
    );
  });
});
