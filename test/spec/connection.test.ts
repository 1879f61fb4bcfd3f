import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';

type Json = Record<string, unknown>;

const read = (file: string): Json =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../spec', file), 'utf8')) as Json;
const protocol = new Ajv({ strict: false }).addSchema(read('airbyte-protocol.json'), 'protocol');

/** Every object of a schema with its path, the root included. */
function* nodes(node: unknown, path = '$'): Generator<[string, Json]> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) yield [path, node as Json];
  for (const [key, value] of Object.entries(node)) yield* nodes(value, `${path}.${key}`);
}

const SECRET_NAMES =
  /^(.*_)?(token|secret|password|key|certificate|jwt|credentials|app_?id|tenant_id|service_account(_info)?)$/;
const FORBIDDEN = [
  '$ref',
  'not',
  'anyOf',
  'patternProperties',
  'prefixItems',
  'allOf',
  'if',
  'then',
  'else',
  'dependentSchemas',
  'dependentRequired',
];

// The rules that Airbyte's acceptance tests apply to a specification (TestSpec), as far as they concern ours.
describe.each(['source-convex.json', 'destination-convex.json'])('%s', (file) => {
  // Query streams may be all that a source reads, and they may be anybody's to call.
  const keyless = file === 'source-convex.json';
  const specification = read(file);
  const schema = specification['connectionSpecification'] as Json;
  const properties = Object.entries(schema['properties'] as Record<string, Json>);
  /** The properties of the form, and of each group of it. */
  const levels = [...nodes(schema)].flatMap(([, node]) =>
    node['type'] === 'object' ? [Object.entries(node['properties'] as Record<string, Json>)] : [],
  );
  const accepts = (config: unknown): boolean => new Ajv({ strict: false }).compile(schema)(config);
  const config = { deployment_url: 'https://murky-swan-635.convex.cloud', access_key: 'prod:murky-swan-635|x' };

  test('is a ConnectorSpecification', () => {
    const validate = protocol.getSchema('protocol#/definitions/ConnectorSpecification');
    expect(validate?.(specification), JSON.stringify(validate?.errors)).toBe(true);
  });

  test('holds a valid draft-07 schema of an object', () => {
    expect(new Ajv({ strict: false }).validateSchema(schema)).toBe(true);
    expect(schema['$schema']).toBe('http://json-schema.org/draft-07/schema#');
    expect(schema['type']).toBe('object');
  });

  test('requires what users have stored, and no more', () => {
    expect(schema['required']).toEqual(keyless ? ['deployment_url'] : ['deployment_url', 'access_key']);
    expect(accepts(config)).toBe(true);
    expect(accepts({ deployment_url: config.deployment_url })).toBe(keyless);
    expect(accepts({ ...config, left_over_from_another_version: 1 })).toBe(true);
  });

  test.each([
    'https://murky-swan-635.convex.cloud/',
    'https://murky-swan-635.convex.cloud//',
    '  https://murky-swan-635.convex.cloud ',
    'https://murky-swan-635.convex.cloud\n',
    'HTTPS://murky-swan-635.convex.cloud',
    'http://127.0.0.1:3210',
    'http://convex.internal/backend/',
    'https://[::1]:3210',
  ])('accepts the URL %j', (deployment_url) => {
    expect(accepts({ ...config, deployment_url })).toBe(true);
  });

  // The connector understands some of these, and says of the others what is wrong with them; a form could only show its pattern.
  test.each(['murky-swan-635', 'murky-swan-635.convex.cloud', 'ftp://murky-swan-635.convex.cloud', 'https://'])(
    'S13: leaves %j as URL to the connector',
    (deployment_url) => {
      expect(accepts({ ...config, deployment_url })).toBe(true);
    },
  );

  test.each(['', '  '])('refuses %j as URL', (deployment_url) => {
    expect(accepts({ ...config, deployment_url })).toBe(false);
  });

  test('patterns mean the same in JavaScript and in Python', () => {
    const patterns = properties.flatMap(([, property]) =>
      typeof property['pattern'] === 'string' ? [property['pattern']] : [],
    );
    expect(patterns.length).toBeGreaterThan(0);
    // Anchors, classes, quantifiers, \s and \S: nothing beyond is needed, and these are common to both.
    for (const pattern of patterns) expect(pattern).toMatch(/^\^?([\w:/?*+]|\[\w+\]|\\[sS])+\$?$/);
  });

  test('uses no forbidden keyword, and no reference', () => {
    for (const [path, node] of nodes(schema)) {
      expect
        .soft(
          Object.keys(node).filter((key) => FORBIDDEN.includes(key)),
          path,
        )
        .toEqual([]);
    }
  });

  test('gives every property a single type, a title, a description and its own order', () => {
    for (const level of levels) {
      for (const [name, property] of level) {
        expect.soft(['string', 'integer', 'number', 'boolean', 'array', 'object'], name).toContain(property['type']);
        expect.soft(property['title'], name).toEqual(expect.any(String));
        expect.soft(property['description'], name).toMatch(/\.$/);
      }
      const orders = level.map(([, property]) => property['order']);
      expect(orders).toEqual(level.map((_, index) => index));
    }
  });

  test('says what lists hold and what objects have', () => {
    for (const [name, property] of levels.flat()) {
      if (property['type'] === 'array')
        expect
          .soft((property['items'] as Json | undefined)?.['type'], name)
          .toMatch(/^(object|string|number|integer)$/);
      if (property['type'] === 'object') expect.soft(Object.keys(property['properties'] as Json), name).not.toEqual([]);
    }
  });

  test('declares what it requires', () => {
    expect(properties.map(([name]) => name)).toEqual(expect.arrayContaining(schema['required'] as string[]));
  });

  test('marks what looks like a secret as one, with a boolean, and nothing else', () => {
    const secrets = levels.flat().filter(([name]) => SECRET_NAMES.test(name) && name !== 'primary_key');
    expect(secrets.map(([name]) => name)).toEqual(['access_key', keyless ? 'user_token' : 'secret']);
    for (const [name, property] of levels.flat()) {
      const isSecret = secrets.some(([secret]) => secret === name);
      expect.soft(property['airbyte_secret'], name).toBe(isSecret ? true : undefined);
    }
  });

  test('has enums of distinct values, whose default is one of them', () => {
    const enums = properties.filter(([, property]) => 'enum' in property);
    expect(enums.length).toBeGreaterThan(0);
    for (const [name, property] of enums) {
      const values = property['enum'] as unknown[];
      expect.soft(new Set(values).size, name).toBe(values.length);
      expect.soft(property['default'], name).toBe(values[0]);
    }
  });

  test('sets additionalProperties only to true', () => {
    expect(schema['additionalProperties']).toBe(true);
    for (const [path, node] of nodes(schema)) expect.soft(node['additionalProperties'] ?? true, path).toBe(true);
  });
});

test('the destination offers overwrite, append and append_dedup', () => {
  const specification = read('destination-convex.json');
  expect(specification['supportsIncremental']).toBe(true);
  expect(specification['supported_destination_sync_modes']).toEqual(['overwrite', 'append', 'append_dedup']);
});

test('each form names the permission that its key needs', () => {
  const description = (file: string): string =>
    JSON.stringify((read(file)['connectionSpecification'] as { properties: Json }).properties['access_key']);
  expect(description('source-convex.json')).toContain('deployment:data:view');
  expect(description('destination-convex.json')).toContain('deployment:backups:import');
});
