import { describe, expect, test } from 'vitest';
import { call, deploy, importRecords, outcome } from '../client.ts';

/** Messages and limits of imports, as a real backend has them (get-convex/convex-backend 94a42c3db). */

const IMPORT = '/api/streaming_import/import_airbyte_records';

describe('limits of values', () => {
  const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)]);

  test.each([63, 64, 100])('%i arrays around an empty one: 65 levels, however deep', async (depth) => {
    const emulator = await deploy();
    const reply = await importRecords(emulator, { t: {} }, [['t', { v: nested(depth) }]]);
    expect([reply.status, reply.json()]).toEqual([
      400,
      { code: 'TooNestedError', message: 'Value is too nested (nested 65 levels deep > maximum nesting 64)' },
    ]);
  });

  test.each([1023, 1024])('%i fields: one too many at the first that does not fit', async (count) => {
    const emulator = await deploy();
    const data = Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]));
    const reply = await importRecords(emulator, { t: {} }, [['t', data]]);
    expect([reply.status, reply.json()]).toEqual([
      400,
      { code: 'TooManyFieldsError', message: 'Object has too many fields (1025 > maximum number 1024)' },
    ]);
  });

  test('a document that is just too large', async () => {
    const emulator = await deploy();
    const reply = await importRecords(emulator, { t: {} }, [['t', { pad: 'x'.repeat(1 << 20) }]]);
    expect(reply.json()['message']).toBe('Value is too large (1.00 MiB > maximum size 1 MiB)');
  });
});

describe('documents in messages', () => {
  test('names are not quoted', async () => {
    const emulator = await deploy();
    const reply = await importRecords(emulator, { t: {} }, [
      ['t', { a: Array.from({ length: 16 }).reduce((v) => [v], 1) }],
    ]);
    expect(reply.json()['message']).toMatch(/^Document\(value: \{_id: "[^"]+", _creationTime: [0-9.]+, a: \[/);
  });

  test('nor where the schema refuses them', async () => {
    const documentType = { type: 'object' as const, value: {} };
    const emulator = await deploy({ schema: { schemaValidation: true, tables: [{ tableName: 't', documentType }] } });
    const reply = await importRecords(emulator, { t: {} }, [['t', { 'a b': 1 }]]);
    expect(reply.json()['message']).toContain('\nObject: {a b: 1.0}\n');
  });
});

describe('errors in JSON', () => {
  const head = '{"tables":{"t":{"jsonSchema":{}}},"messages":[{"tableName":"t","data":';
  const bodies: [raw: string, message: RegExp][] = [
    [`${head}{"a":1e400}}]}`, /JSON: messages\[0\]\.data\.a: number out of range at /],
    [`${head}{"a":"\\ud800"}}]}`, /unexpected end of hex escape at /],
    ['{"tables":{"t":{"jsonSchema":{},"jsonSchema":{}}},"messages":[]}', /type: duplicate field `jsonSchema` at /],
    ['{"tables":{},"tables":{},"messages":[]}', /type: duplicate field `tables` at /],
    ['{"tables":1E2,"messages":[]}', /floating point `100\.0`/],
    ['{"tables":-0,"messages":[]}', /floating point `-0\.0`/],
  ];
  test.each(bodies)('%s', async (raw, message) => {
    const emulator = await deploy();
    const reply = await call(emulator, 'POST', IMPORT, { raw });
    expect(outcome(reply)).toBe('400 BadJsonBody');
    expect(reply.json()['message']).toMatch(message);
  });
});
