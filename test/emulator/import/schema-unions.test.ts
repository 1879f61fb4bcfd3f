import { describe, expect, test } from 'vitest';
import type { SchemaJson } from '../../../emulator/index.ts';
import { deploy, importRecords, outcome } from '../client.ts';

/**
 * `v.union(v.object({ a: v.float64() }), v.object({ b: v.string() }))` as a table's validator. The answers without schema
 * validation are those of a real backend (get-convex/convex-backend 94a42c3db); with it,
 * crates/common/src/schemas/mod.rs checks the document against the union.
 */
const union = (schemaValidation: boolean): SchemaJson => ({
  schemaValidation,
  tables: [
    {
      tableName: 'users',
      documentType: {
        type: 'union',
        value: [
          { type: 'object', value: { a: { fieldType: { type: 'number' }, optional: false } } },
          { type: 'object', value: { b: { fieldType: { type: 'string' }, optional: false } } },
        ],
      },
    },
  ],
});

const cases: [data: object, withoutValidation: string, withValidation: string][] = [
  [{ a: 1 }, '200', '200'],
  [{ b: 'x' }, '200', '200'],
  [{ b: 1 }, '200', '400 SchemaEnforcementError'],
  [{}, '200', '400 SchemaEnforcementError'],
  [{ a: 1, b: 'x' }, '200', '400 SchemaEnforcementError'],
];

describe.each(cases)('%j', (data, without, withValidation) => {
  test.each([
    [false, without],
    [true, withValidation],
  ])('schema validation %s: %s', async (schemaValidation, expected) => {
    const emulator = await deploy({ schema: union(schemaValidation) });
    expect(outcome(await importRecords(emulator, { users: {} }, [['users', data]]))).toBe(expected);
  });
});
