import { describe, expect, test } from 'vitest';
import { validate } from '../../../shared/airbyte/validate.ts';

const SCHEMA = {
  type: 'object',
  required: ['url', 'key'],
  properties: {
    url: { type: 'string', pattern: '^https://', pattern_descriptor: 'https://<host>', order: 0 },
    key: { type: 'string', minLength: 3, airbyte_secret: true },
    name: { type: 'string', pattern: '^[a-z]+$' },
    mode: { type: 'string', enum: ['Fail', 'Go on'], default: 'Fail' },
    nested: { type: 'object', required: ['a'], properties: { a: { type: 'integer' } }, additionalProperties: false },
  },
};
const GOOD = { url: 'https://x', key: 'secret' };

test('what is right passes, with keys that nobody knows', () => {
  expect(() => {
    validate('configuration', SCHEMA, { ...GOOD, mode: 'Go on', more: 1 });
  }).not.toThrow();
});

describe('what is wrong is said, without the value', () => {
  test.each<[unknown, string]>([
    [{}, 'url is missing; key is missing'],
    [7, 'it must be object'],
    [null, 'it must be object'],
    [{ ...GOOD, url: 'SECRET' }, 'url must look like https://<host>'],
    [{ ...GOOD, name: 'SECRET' }, 'name does not have the expected form'],
    [{ ...GOOD, key: 7 }, 'key must be string'],
    [{ ...GOOD, key: 'a' }, 'key must NOT have fewer than 3 characters'],
    [{ ...GOOD, mode: 'SECRET' }, 'mode must be one of "Fail", "Go on"'],
    [{ ...GOOD, nested: {} }, 'nested.a is missing'],
    [{ ...GOOD, nested: { a: 'SECRET' } }, 'nested.a must be integer'],
    [{ ...GOOD, nested: { a: 1, b: 2 } }, 'nested.b is not known'],
    [
      { url: 'SECRET', mode: 'SECRET' },
      'key is missing; url must look like https://<host>; mode must be one of "Fail", "Go on"',
    ],
  ])('%j', (value, problems) => {
    expect(() => {
      validate('configuration', SCHEMA, value);
    }).toThrow(`The configuration is not valid: ${problems}.`);
  });
});
