import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planKey, type KeyPlan } from '../../destination-convex/keys.ts';
import { RecordScanner, valueAt } from '../../destination-convex/record.ts';
import { parseJson } from '../../emulator/values/json-parse.ts';
import { sanitiseFields } from '../../emulator/values/sanitise.ts';
import { QuietKeys } from '../../shared/json/wasm/keys.ts';
import type { ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { catalogOf, dedup, type Wanted } from './setup.ts';

function plan(key: Wanted['key'], properties: object = {}): KeyPlan {
  const catalog = catalogOf([dedup('t', key, { schema: { properties } })]) as { streams: ConfiguredAirbyteStream[] };
  return planKey(catalog.streams[0]!, new Map());
}

const quiet = new QuietKeys();

function scan(key: KeyPlan, text: string) {
  const scanner = new RecordScanner(key);
  const bytes = Buffer.from(`  ${text},"emitted_at":1}}`);
  // Twice, since roles are remembered from record to record.
  scanner.scan(bytes, 2, bytes.length, quiet);
  const after = scanner.scan(bytes, 2, bytes.length, quiet);
  expect(after).toBe(2 + Buffer.byteLength(text));
  const { tombstone, markerStart, markerEnd, problem } = scanner;
  return { tombstone, marker: tombstone ? bytes.toString('utf8', markerStart, markerEnd) : undefined, problem };
}

describe('where a key is stored', () => {
  test.each([
    [['id'], {}, [['id']]],
    [['_id'], {}, [['source_id']]],
    [['_id'], { source_id: {} }, [['source_source_id']]],
    [['_id'], { source_id: {}, source_source_id: {} }, [['source_source_source_id']]],
    [[['a', '_b']], { a: { properties: { source_b: {} } } }, [['a', 'source_source_b']]],
    [[['_a', 'b'], '$c'], {}, [['source_a', 'b'], ['source_c']]],
  ] as const)('%j with %j: %j', (key, properties, stored) => {
    expect(plan(key as unknown as Wanted['key'], properties).fields.map((field) => field.stored)).toEqual(stored);
  });

  test('a key is refused where the deployment tries no further name (C38)', () => {
    const properties = { source_id: {}, source_source_id: {}, source_source_source_id: {} };
    expect(() => plan(['_id'], properties)).toThrow('has the primary key "_id", which Convex cannot index');
    const names = ['_id', ...Object.keys(properties)].map((name) => [name, 1]);
    expect(() => sanitiseFields(parseJson(JSON.stringify(Object.fromEntries(names))))).toThrow();
  });
});

describe('a deletion', () => {
  test.each([
    ['{"id":1,"_ab_cdc_deleted_at":"x"}', '"x"'],
    ['{"id":1,"_ab_cdc_deleted_at":0}', '0'],
    ['{"id":1, "_ab_cdc_deleted_at" : {"a":[1]} }', '{"a":[1]}'],
    ['{"id":1,"\\u005fab_cdc_deleted_at":true}', 'true'],
    ['{"id":1,"_ab_cdc_deleted_at":null,"_ab_cdc_deleted_at":1}', '1'],
    // These get, or have, the same name in the server.
    ['{"id":1,"__ab_cdc_deleted_at":1}', '1'],
    ['{"id":1,"$AB-cdc.Deleted at":1}', '1'],
    ['{"id":1,"source_ab_cdc_deleted_at":1}', '1'],
    // The first one has it, so the other one gets another name.
    ['{"id":1,"source_ab_cdc_deleted_at":1,"_ab_cdc_deleted_at":null}', '1'],
    ['{"id":1,"source_ab_cdc_deleted_at":null,"_ab_cdc_deleted_at":1}', undefined],
    ['{"id":1,"_ab_cdc_deleted_at":1,"source_ab_cdc_deleted_at":null}', undefined],
    ['{"id":1,"_ab_cdc_deleted_at":null}', undefined],
    ['{"id":1,"inner":{"_ab_cdc_deleted_at":1}}', undefined],
    ['{"id":1,"ab_cdc_deleted_at":1}', undefined],
    ['{"id":1,"text":"\\"_ab_cdc_deleted_at\\":1"}', undefined],
    ['{"id":1}', undefined],
  ])('%s: %s', (text, marker) => {
    expect(scan(plan(['id']), text)).toMatchObject({ marker, tombstone: marker !== undefined, problem: undefined });
  });
});

describe('the field of a key', () => {
  test.each([
    ['_id', '{"_id":1}', undefined],
    ['_id', '{"\\u005fid":1,"x":2}', undefined],
    ['_id', '{"x":{"source_id":1},"_id":1}', undefined],
    ['_id', '{"x":1}', 'missing'],
    ['_id', '{"_id":1,"source_id":2}', 'ambiguous'],
    ['_id', '{"$id":1,"_id":2}', 'ambiguous'],
    ['_id', '{"_ID":1,"_id":2}', 'ambiguous'],
    // Not renamed: nothing can get in its way.
    ['id', '{"_id":1,"id":2,"source_id":3}', undefined],
    ['source_id', '{"source_id":1,"_id":2}', undefined],
    // Without it another field would take its place.
    ['source_id', '{"_id":2}', 'missing'],
    // The server says so itself, but not where a table is replaced at once.
    ['id', '{"x":1}', 'missing'],
    ['id', '{}', 'missing'],
  ])('%s in %s: %s', (key, text, problem) => {
    expect(scan(plan([key]), text).problem).toEqual(problem && { kind: problem, field: key });
  });

  test('inside other objects', () => {
    const key = plan([
      ['meta', '_id'],
      ['meta', '_b'],
    ]);
    expect(scan(key, '{"meta":{"_id":1,"_b":2}}').problem).toBeUndefined();
    expect(scan(key, '{"meta":{"_id":1,"_b":2,"source_b":1}}').problem).toEqual({
      kind: 'ambiguous',
      field: 'meta._b',
    });
    expect(scan(key, '{"meta":{"_b":1}}').problem).toEqual({ kind: 'missing', field: 'meta._id' });
    expect(scan(plan([['meta', 'id']]), '{"meta":{}}').problem).toEqual({ kind: 'missing', field: 'meta.id' });
    expect(scan(key, '{"meta":5}').problem).toEqual({ kind: 'missing', field: 'meta' });
    expect(scan(key, '{"_id":1}').problem).toEqual({ kind: 'missing', field: 'meta' });
  });

  test('in data that are no JSON, with brackets that match', () => {
    expect(scan(plan(['_id']), '{"_id" 1}').problem).toBe('not-json');
    expect(scan(plan(['_id']), '{"_id":1,}').problem).toBe('not-json');
  });
});

describe('a key that Convex would round', () => {
  test.each([
    ['9007199254740992', undefined],
    ['9007199254740993', 'rounded'],
    ['-9007199254740993', 'rounded'],
    ['1786000000123456789', 'rounded'],
    ['1786000000000000000', undefined],
    [`1${'0'.repeat(400)}`, 'rounded'],
    ['"1786000000123456789"', undefined],
    ['1.78600000012345678e18', 'rounded'],
    ['1.786000000123456789e18', 'rounded'],
    ['0.12345678901234567890', 'rounded'],
    ['[9007199254740993]', 'rounded'],
  ])('%s: %s', (value, problem) => {
    expect(scan(plan(['id']), `{"id":${value}}`).problem).toEqual(problem && { kind: problem, field: 'id' });
    expect(scan(plan([['a', '_b']]), `{"a":{"_b":${value}}}`).problem).toEqual(
      problem && { kind: problem, field: 'a._b' },
    );
  });

  test('is one of the key, not of any other field', () => {
    expect(scan(plan(['id']), '{"_ts":1786000000123456789,"n":1786000000123456789,"id":1}').problem).toBeUndefined();
    expect(scan(plan(['id', '_ts']), '{"_ts":1786000000123456789,"id":1}').problem).toEqual({
      kind: 'rounded',
      field: '_ts',
    });
  });
});

test('a key that passes is stored where the index looks for it, whatever other fields there are', () => {
  const field = fc.constantFrom(
    '_id',
    'source_id',
    'source_source_id',
    '$id',
    '_source_id',
    '_ID',
    'id',
    'x',
    '__id',
    '_\u0001id',
  );
  const object = fc.uniqueArray(field, { maxLength: 6 });
  fc.assert(
    fc.property(
      object,
      fc.uniqueArray(fc.constantFrom('source_id', 'source_source_id'), { maxLength: 2 }),
      fc.constantFrom('_id', 'source_id'),
      (fields, declared, name) => {
        const text = JSON.stringify(Object.fromEntries(fields.map((key) => [key, `value of ${key}`])));
        const key = plan([name], Object.fromEntries([name, ...declared].map((property) => [property, {}])));
        const stored = key.fields[0]!.stored[0]!;
        let document: { get(name: string): unknown };
        try {
          document = sanitiseFields(parseJson(text)) as unknown as typeof document;
        } catch {
          return;
        }
        const { problem } = scan(key, text);
        if (problem === undefined) expect(document.get(stored), text).toBe(`value of ${name}`);
        // And what is fine is not refused: it stands there, and no other field's name has anything to do with it.
        const alone = fields.every((other) => other === name || ['x', 'id'].includes(other));
        if (alone && fields.includes(name) && declared.length === 0) expect(problem).toBeUndefined();
      },
    ),
    { numRuns: 2_000 },
  );
});

test('what is remembered of the records before changes nothing', () => {
  const name = fc.oneof(
    fc.constantFrom(
      '_id',
      'source_id',
      '$id',
      'id',
      '_ab_cdc_deleted_at',
      '__ab_cdc_deleted_at',
      '_deleted',
      '_ts',
      'a',
      'ab',
    ),
    fc.string({ unit: fc.constantFrom('a', '_', '"', '\\', 'é', ' ', 'x'.repeat(29)), maxLength: 4 }),
    fc.nat(200).map((n) => `field${n}`),
  );
  const value = fc.constantFrom(null, 1, true, 'text', '},"_id":1', '9007199254740993', [1, { _id: 2 }], {
    id: { _id: 3 },
  });
  const written = fc.constantFrom(
    (members: [string, string][]) => members.map(([key, text]) => `${key}:${text}`).join(','),
    (members: [string, string][]) => members.map(([key, text]) => `${key}: ${text}`).join(', '),
    (members: [string, string][]) => members.map(([key, text]) => `\t${key} :\r${text} `).join(','),
  );
  const record = fc
    .tuple(fc.array(fc.tuple(name, value), { maxLength: 40 }), written, fc.constantFrom('9007199254740993', '"x"', '7'))
    .map(([members, join, id]) => {
      const texts = members.map(([key, content]): [string, string] => [JSON.stringify(key), JSON.stringify(content)]);
      return `{${join([...texts.slice(0, 2), ['"_id"', id], ...texts.slice(2), ['"id"', id]])}}`;
    });
  const facts = (scanner: RecordScanner, text: string) => {
    const bytes = Buffer.from(`${text},"emitted_at":1}}`);
    const end = scanner.scan(bytes, 0, bytes.length, quiet);
    const { problem, tombstone, markerStart, markerEnd } = scanner;
    return { end, problem, tombstone, marker: tombstone && [markerStart, markerEnd] };
  };
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 2, maxLength: 12 }),
      fc.constantFrom(['_id'], ['id'], ['id', '_id']),
      (texts, names) => {
        const key = plan([...names]);
        const scanner = new RecordScanner(key);
        for (const text of texts) expect(facts(scanner, text), text).toEqual(facts(new RecordScanner(key), text));
      },
    ),
    { numRuns: 500 },
  );
});

test('a value is found by its path', () => {
  const data = Buffer.from('{"a":{"b.c":{"\\u0064":[1, 2]}},"a2":null,"x":1,"x":2}');
  expect(valueAt(data, ['a', 'b.c', 'd'])).toBe('[1, 2]');
  expect(valueAt(data, ['a2'])).toBe('null');
  expect(valueAt(data, ['x'])).toBe('2');
  expect(valueAt(data, ['a', 'no'])).toBeUndefined();
  expect(valueAt(data, ['x', 'no'])).toBeUndefined();
});
