/** Connector acceptance tests, TestSpec: each named after its original. For both connectors, as the rules hold for both. */
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { messagesOf } from '../support/messages.ts';
import { startConnector } from '../support/process.ts';
import { SIDES, text } from '../registry/support.ts';

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  oneOf?: Schema[];
  items?: Schema;
  enum?: unknown[];
  [keyword: string]: unknown;
}

interface Spec {
  documentationUrl: string;
  connectionSpecification: Schema;
}

/** All schemas in a schema, with the names of the properties that lead to them. */
function* schemas(schema: Schema, path: string[] = []): Generator<{ path: string[]; schema: Schema }> {
  yield { path, schema };
  for (const [name, inner] of Object.entries(schema.properties ?? {})) yield* schemas(inner, [...path, name]);
  for (const inner of schema.oneOf ?? []) yield* schemas(inner, path);
  if (schema.items !== undefined) yield* schemas(schema.items, path);
}

/** Names of secrets; `primary_key` is the name of a field. */
const SECRET_NAMES =
  /^(?!primary_key$)(.*_)?(token|secret|password|key|service_account(_info)?|tenant_id|certificate|jwt|credentials|app_?id)$/i;
const CONFIG = { deployment_url: 'https://happy-otter-123.convex.cloud', access_key: 'prod:happy-otter-123|s3cret' };

describe.each(SIDES)('%s-convex', async (side) => {
  const { code, lines } = await startConnector(`${side}-convex`, ['spec']).finished;
  const { spec } = messagesOf(lines)[0] as unknown as { spec: Spec };
  const schema = spec.connectionSpecification;
  const all = [...schemas(schema)];
  const properties = all.filter(({ path }) => path.length > 0);

  test('test_match_expected', () => {
    expect(code).toBe(0);
    expect(lines).toHaveLength(1);
    expect(spec).toEqual(JSON.parse(text(`spec/${side}-convex.json`)));
  });

  test('test_config_match_spec', () => {
    const valid = new Ajv({ strict: false }).compile(schema);
    expect(valid(CONFIG)).toBe(true);
    expect(valid({ access_key: CONFIG.access_key })).toBe(false);
  });

  test('test_enum_usage', () => {
    for (const { schema } of all) if (schema.enum) expect(new Set(schema.enum).size).toBe(schema.enum.length);
  });

  test('test_oneof_usage', () => {
    for (const { schema } of all.filter(({ schema }) => schema.oneOf)) {
      expect(schema.type).toBe('object');
      const constants = (schema.oneOf ?? []).map(({ properties = {} }) =>
        Object.keys(properties).filter((name) => properties[name]?.['const'] !== undefined),
      );
      const shared = constants.reduce((a, b) => a.filter((name) => b.includes(name)));
      expect(shared).toHaveLength(1);
    }
  });

  test('test_required', () => {
    for (const { schema } of all)
      for (const name of schema.required ?? []) expect(schema.properties).toHaveProperty(name);
  });

  test('test_optional_properties_are_typed', () => {
    for (const { schema } of properties) {
      const types = [schema.type].flat();
      expect(types[0]).toBeTypeOf('string');
      expect(types.filter((type) => type !== 'null')).toHaveLength(1);
    }
  });

  test('test_secret_never_in_the_output', () => {
    // The specification is the only output without a configuration; source.test.ts looks at the others.
    expect(lines.join()).not.toContain('s3cret');
  });

  test('test_secret_is_properly_marked', () => {
    const secret = properties.filter(
      ({ path, schema }) => SECRET_NAMES.test(path.at(-1) ?? '') && schema.type !== 'boolean' && !('const' in schema),
    );
    expect(secret.map(({ path }) => path.join('.'))).toContain('access_key');
    for (const { path, schema } of secret) expect(schema['airbyte_secret'], path.join('.')).toBe(true);
  });

  test('test_forbidden_keywords', () => {
    const forbidden =
      'not anyOf patternProperties prefixItems allOf if then else dependentSchemas dependentRequired'.split(' ');
    for (const { schema } of all) for (const keyword of forbidden) expect(schema).not.toHaveProperty(keyword);
  });

  test('test_property_type_is_not_array, test_array_type, test_object_not_empty', () => {
    for (const { schema } of all) {
      if (schema.type === 'array') expect(['object', 'string', 'number', 'integer']).toContain(schema.items?.type);
      if (schema.type === 'object') expect(schema.oneOf ?? Object.keys(schema.properties ?? {})).not.toHaveLength(0);
    }
  });

  test('test_date_pattern, test_date_format', () => {
    for (const { schema } of properties)
      if (/^date/.test(String(schema['format']))) expect(schema['pattern']).toBeDefined();
  });

  test('test_duplicate_order', () => {
    for (const { schema } of all) {
      const orders = Object.values(schema.properties ?? {}).map((property) => property['order']);
      expect(new Set(orders).size).toBe(orders.length);
    }
  });

  test('test_nested_group, test_display_type', () => {
    for (const { path, schema } of properties) {
      if (path.length > 1) expect(schema).not.toHaveProperty('group');
      if ('display_type' in schema) {
        expect(['dropdown', 'radio']).toContain(schema['display_type']);
        expect(schema.oneOf).toBeDefined();
      }
    }
  });

  test('test_defined_refs_exist_in_json_spec_file, test_oauth_flow_parameters', () => {
    expect(JSON.stringify(spec)).not.toContain('"$ref"');
    expect(spec).not.toHaveProperty('advanced_auth');
  });

  test('test_additional_properties_is_true', () => {
    for (const { schema } of all)
      if ('additionalProperties' in schema) expect(schema['additionalProperties']).toBe(true);
  });

  test('test_backward_compatibility: with the Python connector', () => {
    // Its configuration: two required strings, and nothing else.
    for (const name of schema.required ?? []) expect(['deployment_url', 'access_key']).toContain(name);
    for (const name of ['deployment_url', 'access_key']) expect(schema.properties?.[name]?.type).toBe('string');
    for (const value of ['https://happy-otter-123.convex.cloud', 'https://happy-otter-123.convex.cloud/'])
      expect(new Ajv({ strict: false }).validate(schema, { ...CONFIG, deployment_url: value })).toBe(true);
  });
});
