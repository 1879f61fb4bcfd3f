import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sampleSchema, streamSchema, type JsonSchema } from '../../source-convex/streaming-export/schema.ts';

const ANY = ['null', 'boolean', 'number', 'string', 'object', 'array'];
const AROUND = [
  ...['_id', '_creationTime', '_ts', '_table', '_component', '_deleted'],
  ...['_ab_cdc_lsn', '_ab_cdc_updated_at', '_ab_cdc_deleted_at'],
];

/** The schema of one field `f` that Convex describes so. */
function fieldSchema(field: unknown): JsonSchema | undefined {
  const { properties } = streamSchema({ type: 'object', properties: { f: field }, required: ['f'] });
  return properties?.['f'];
}

describe('one field', () => {
  test.each<[string, unknown, JsonSchema]>([
    ['string', { type: 'string' }, { type: ['null', 'string'] }],
    ['boolean', { type: 'boolean' }, { type: ['null', 'boolean'] }],
    ['float64', { type: 'number' }, { type: ['null', 'number'] }],
    ['null, which the next document may not hold', { type: 'null' }, { type: ANY }],
    ['id', { $description: 'Id(users)', type: 'string' }, { type: ['null', 'string'], description: 'Id(users)' }],
    [
      'int64, plain',
      { $description: 'int64 represented as base10 string', type: 'string' },
      { type: ['null', 'string'], description: 'int64 represented as base10 string' },
    ],
    ['int64, exported', { $description: 'int64', type: 'number' }, { type: ['null', 'number'], description: 'int64' }],
    [
      'int64, wrapped',
      { $description: 'int64', type: 'object', properties: { $integer: { type: 'string' } } },
      {
        type: ['null', 'object'],
        description: 'int64',
        properties: { $integer: { type: ['null', 'string'] } },
        additionalProperties: true,
      },
    ],
    [
      'float64 with special values',
      { $description: 'float64', anyOf: [{ type: 'number' }, { type: 'string', $description: '-inf, inf, or NaN' }] },
      { type: ['null', 'number', 'string'], description: 'float64' },
    ],
    ['anything', {}, { type: ANY }],
    ['nothing at all', false, { type: ANY }],
    [
      'an array',
      { type: 'array', items: { type: 'string' } },
      { type: ['null', 'array'], items: { type: ['null', 'string'] } },
    ],
    ['an array that was always empty', { type: 'array', items: false }, { type: ['null', 'array'], items: {} }],
    [
      'an object',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false, required: ['a'] },
      { type: ['null', 'object'], properties: { a: { type: ['null', 'string'] } }, additionalProperties: true },
    ],
    [
      'a record, whose schema is no JSON Schema',
      {
        type: 'object',
        $description: 'Record with keys of type v.string()',
        additionalProperties: { type: { type: 'number' } },
      },
      {
        type: ['null', 'object'],
        description: 'Record with keys of type v.string()',
        properties: {},
        additionalProperties: true,
      },
    ],
    [
      'a union',
      { anyOf: [{ type: 'string' }, { type: 'null' }, { type: 'boolean' }] },
      { type: ['null', 'boolean', 'string'] },
    ],
    [
      'a union of ids',
      {
        anyOf: [
          { type: 'string', $description: 'Id(a)' },
          { type: 'string', $description: 'Id(b)' },
        ],
      },
      { type: ['null', 'string'], description: 'Id(a), or Id(b)' },
    ],
    [
      'a union of objects',
      {
        anyOf: [
          { type: 'object', properties: { kind: { type: 'string' }, a: { type: 'number' } } },
          { type: 'object', properties: { kind: { type: 'number' }, b: { type: 'boolean' } } },
        ],
      },
      {
        type: ['null', 'object'],
        properties: {
          kind: { type: ['null', 'number', 'string'] },
          a: { type: ['null', 'number'] },
          b: { type: ['null', 'boolean'] },
        },
        additionalProperties: true,
      },
    ],
    [
      'a union of arrays, one of them always empty',
      { anyOf: [{ type: 'array', items: false }, { type: 'array', items: { type: 'number' } }, { type: 'string' }] },
      { type: ['null', 'string', 'array'], items: { type: ['null', 'number'] } },
    ],
    [
      'a union in a union',
      { anyOf: [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, { type: 'null' }] },
      { type: ['null', 'number', 'string'] },
    ],
    ['an empty union', { anyOf: [] }, { type: ANY }],
    [
      'a union of anything with an object and an array',
      { anyOf: [{ type: 'object', properties: { a: { type: 'string' } } }, {}, { type: 'array', items: {} }] },
      { type: ANY },
    ],
    ['a type that is not known yet', { type: 'decimal' }, { type: ANY }],
  ])('%s', (_what, convex, airbyte) => {
    expect(fieldSchema(convex)).toEqual(airbyte);
  });
});

describe('a table', () => {
  test('keeps its fields in order, between the columns of the export and those of the source', () => {
    const schema = streamSchema({
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: {
        _creationTime: { type: 'number' },
        _deleted: { type: 'boolean' },
        _id: { type: 'string', $description: 'Id(users)' },
        _table: { type: 'string' },
        _ts: { type: 'integer' },
        b: { type: 'string' },
        a: { type: 'number' },
      },
      additionalProperties: false,
      required: ['_creationTime', '_id', 'b'],
    });
    expect(Object.keys(schema.properties!)).toEqual([...AROUND.slice(0, 6), 'b', 'a', ...AROUND.slice(6)]);
    expect(schema.properties).toMatchObject({
      _id: { type: 'string', description: 'Id(users)' },
      _creationTime: { type: ['null', 'number'] },
      _ts: { type: 'integer' },
      _deleted: { type: 'boolean' },
      _ab_cdc_lsn: { type: 'integer' },
      _ab_cdc_updated_at: { type: 'string' },
      _ab_cdc_deleted_at: { type: ['null', 'string'] },
    });
    expect(schema).toMatchObject({ type: 'object', additionalProperties: true });
    expect(schema).not.toHaveProperty('required');
  });

  test.each([[{}], [false], [null], [{ type: 'object' }], ['nonsense'], [{ anyOf: [] }]])(
    'of which nothing is known: %j',
    (table) => {
      expect(Object.keys(streamSchema(table).properties!)).toEqual(AROUND);
    },
  );

  test('may have fields that are called as what every object has', () => {
    const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
    const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
    const schema = streamSchema({ type: 'object', properties });
    for (const name of names) {
      expect(Object.getOwnPropertyDescriptor(schema.properties, name)?.value).toEqual({ type: ['null', 'string'] });
    }
  });

  test('may have a field __proto__ in a union of objects', () => {
    const union = JSON.parse(
      '{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}}},{"type":"object","properties":{"__proto__":{"type":"number"}}},{"type":"object","properties":{"__proto__":{"type":"string"}}}]}',
    ) as unknown;
    expect(JSON.stringify(fieldSchema(union))).toBe(
      '{"type":["null","object"],"properties":{"a":{"type":["null","string"]},"__proto__":{"type":["null","number","string"]}},"additionalProperties":true}',
    );
  });

  test('of which only the columns are known may hold anything in them', () => {
    const schema = sampleSchema({}, ['_creationTime', '_id', 'name']);
    expect(Object.keys(schema.properties!)).toEqual([...AROUND.slice(0, 6), 'name', ...AROUND.slice(6)]);
    expect(schema.properties!['name']).toEqual({ type: ANY });
    expect(schema.properties!['_id']).toMatchObject({ type: 'string' });
  });
});

// What Convex could send, and worse.
const convexSchema = fc.letrec((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(
      {},
      false,
      { type: 'null' },
      { type: 'string' },
      { type: 'number' },
      { type: 'boolean' },
      { type: 'string', $description: 'Id(users)' },
    ),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ anyOf: fc.array(tie('schema'), { maxLength: 4 }) }),
    fc.record({
      type: fc.constant('object'),
      properties: fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '_id')),
        tie('schema'),
        { maxKeys: 4 },
      ),
      additionalProperties: fc.constantFrom<unknown>(false, { type: { type: 'string' } }),
      required: fc.constant([]),
    }),
  ),
})).schema;

test('whatever Convex sends becomes what the acceptance tests take', () => {
  const ajv = new Ajv({ strict: false });
  fc.assert(
    fc.property(convexSchema, (convex) => {
      const schema = streamSchema({ type: 'object', properties: { f: convex } });
      expect(ajv.validateSchema(schema)).toBe(true);
      expectPlain(schema);
    }),
  );
});

/** No keyword that destinations or acceptance tests stumble over, at any depth; every part of a document may be missing or null. */
function expectPlain(schema: JsonSchema): void {
  const known = ['type', 'description', 'properties', 'items', 'additionalProperties', '$schema', 'x-convex-columns'];
  for (const key of Object.keys(schema)) expect(known).toContain(key);
  if (schema.properties !== undefined) expect(schema.additionalProperties).toBe(true);
  for (const property of Object.values(schema.properties ?? {})) expectPlain(property);
  if (schema.items !== undefined) expectPlain(schema.items);
}
