import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import type { AirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { errorsOf, logsOf, messagesOf, messagesOfType } from '../support/messages.ts';
import type { Finished } from '../support/process.ts';
import { TestServer } from '../support/server.ts';
import { Source } from './setup.ts';

const ANY = ['null', 'boolean', 'number', 'string', 'object', 'array'];

function streamsOf({ code, lines, stderr }: Finished): AirbyteStream[] {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [catalog, ...more] = messagesOfType(lines, 'CATALOG');
  expect(more).toEqual([]);
  return catalog!.catalog.streams;
}

/** `namespace.name` of every stream, in order. */
const namesOf = (streams: readonly AirbyteStream[]): string[] =>
  streams.map(({ name, namespace }) => (namespace === undefined ? name : `${namespace}.${name}`));

function columnsOf(stream: AirbyteStream | undefined): Record<string, unknown> {
  const all = stream?.json_schema['properties'] as Record<string, unknown>;
  return Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('_')));
}

test('a deployment: its tables, those of its components with the path as namespace, in a fixed order', async () => {
  await using source = await Source.start();
  const { deployment } = source;
  deployment.load('users', [{ name: 'Ada', age: 36, admin: true, balance: 5n }]);
  const [user] = deployment.documents('users');
  deployment.load('posts', [{ author: user!._id, tags: ['a'], meta: { likes: 3 } }]);
  deployment.createTable('drafts');
  deployment.load('users', [{ email: 'x' }], { component: 'betterAuth' });
  deployment.load('zones', [{ z: 1 }], { component: 'billing/eu' });
  deployment.mountComponent('withoutTables');

  const run = await source.discover();
  const streams = streamsOf(run);
  expect(namesOf(streams)).toEqual(['drafts', 'posts', 'users', 'betterAuth.users', 'billing/eu.zones']);
  expect(run.lines).toHaveLength(1);
  expect(streams[2]).toEqual({
    name: 'users',
    json_schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: {
        _id: { type: 'string', description: 'Id(users)' },
        _creationTime: {
          type: ['null', 'number'],
          description: 'When the document was created: milliseconds since 1970. Null for deleted documents.',
        },
        _ts: { type: 'integer', description: 'When this revision was committed: nanoseconds since 1970.' },
        _table: { type: 'string', description: 'The name of the table.' },
        _component: { type: 'string', description: 'The path of the component; empty for the app itself.' },
        _deleted: { type: 'boolean', description: 'Whether the document was deleted.' },
        admin: { type: ['null', 'boolean'] },
        age: { type: ['null', 'number'] },
        balance: { type: ['null', 'string'], description: 'int64 represented as base10 string' },
        name: { type: ['null', 'string'] },
        _ab_cdc_lsn: { type: 'integer', description: 'The same as _ts: nanoseconds since 1970.' },
        _ab_cdc_updated_at: { type: 'string', description: 'When the document was written: UTC, to the microsecond.' },
        _ab_cdc_deleted_at: {
          type: ['null', 'string'],
          description: 'When the document was deleted: UTC, to the microsecond; null if it was not.',
        },
      },
      additionalProperties: true,
      'x-convex-columns': ['_creationTime', 'admin', 'age', 'balance', 'name'],
    },
    supported_sync_modes: ['full_refresh', 'incremental'],
    source_defined_cursor: true,
    default_cursor_field: ['_ts'],
    source_defined_primary_key: [['_id']],
    is_resumable: true,
  });
  expect(columnsOf(streams[1])).toEqual({
    author: { type: ['null', 'string'], description: 'Id(users)' },
    meta: { type: ['null', 'object'], properties: { likes: { type: ['null', 'number'] } }, additionalProperties: true },
    tags: { type: ['null', 'array'], items: { type: ['null', 'string'] } },
  });
  expect(columnsOf(streams[0])).toEqual({});
  // The same again, byte for byte: Airbyte would take another order for a change.
  expect((await source.discover()).lines).toEqual(run.lines);
});

test('tables of components that were uninstalled are not offered', async () => {
  await using source = await Source.start();
  source.deployment.load('users', [{ a: 1 }]);
  source.deployment.load('gone', [{ a: 1 }], { component: 'old' });
  source.deployment.unmountComponent('old');
  expect(namesOf(streamsOf(await source.discover()))).toEqual(['users']);
});

test('the schemas are those of the format in which values will be written', async () => {
  await using source = await Source.start();
  source.deployment.load('t', [{ n: 5n }]);
  const [wrapped] = streamsOf(await source.discover({ value_format: 'convex_encoded_json' }));
  expect(columnsOf(wrapped)).toEqual({
    n: {
      type: ['null', 'object'],
      description: 'int64',
      properties: { $integer: { type: ['null', 'string'], description: 'int64 -> little-endian -> base64' } },
      additionalProperties: true,
    },
  });
  const [bare] = streamsOf(await source.discover({ value_format: 'export_json' }));
  expect(columnsOf(bare)).toEqual({ n: { type: ['null', 'number'], description: 'int64' } });
});

test('a deployment without tables', async () => {
  await using source = await Source.start();
  const run = await source.discover();
  expect(streamsOf(run)).toEqual([]);
  expect(logsOf(run.lines)).toEqual(['WARN 127.0.0.1 has no tables yet, so there is nothing to select.']);
});

describe('a table whose documents Convex cannot describe', () => {
  const REST =
    "and gives no types for any table then. Columns and types are taken from the first documents of each table; later documents may have other fields and types. A definition of that table in the app's schema.ts, as one object type, brings the types of all documents back.";
  test('S6: costs neither columns nor types: the only one that can be meant is named', async () => {
    await using source = await Source.start();
    source.deployment.load('odd', [{ 'first name': 'Ada' }]);
    source.deployment.load('users', [{ name: 'Ada', age: 36 }]);
    source.deployment.load('invoices', [{ total: 1 }], { component: 'billing' });
    const run = await source.discover();
    const streams = streamsOf(run);
    expect(namesOf(streams)).toEqual(['odd', 'users', 'billing.invoices']);
    expect(streams.map(columnsOf)).toEqual([
      { 'first name': { type: ['null', 'string'] } },
      { age: { type: ['null', 'number'] }, name: { type: ['null', 'string'] } },
      { total: { type: ['null', 'number'] } },
    ]);
    expect(logsOf(run.lines)).toEqual([
      `WARN Convex cannot describe the documents of the table odd (400 NoSchemaForExport), ${REST}`,
    ]);
  });

  test('S6: keeps the names of columns where no documents can be read, and says so', async () => {
    await using source = await Source.start();
    source.deployment.load('odd', [{ 'first name': 'Ada' }]);
    source.deployment.load('users', [{ name: 'Ada' }]);
    source.emulator.faults.add({
      kind: 'status',
      status: 400,
      code: 'Refused',
      path: '/api/list_snapshot',
      times: Infinity,
    });
    const run = await source.discover();
    expect(streamsOf(run).map(columnsOf)).toEqual([{}, { name: { type: ANY } }]);
    expect(logsOf(run.lines).join()).toContain('Of 2 of 2 tables no documents were read');
  });

  test('S6: has documents read of 200 tables; of the others only the names of columns are known, which is said', async () => {
    await using source = await Source.start();
    source.deployment.load('odd', [{ 'first name': 'Ada' }]);
    const names = Array.from({ length: 201 }, (_, i) => `t${String(i).padStart(3, '0')}`);
    for (const name of names) source.deployment.load(name, [{ n: 1 }]);
    const run = await source.discover();
    const streams = streamsOf(run);
    expect(namesOf(streams)).toEqual(['odd', ...names]);
    expect(streams.slice(0, 200).map(columnsOf)).toEqual([
      { 'first name': { type: ['null', 'string'] } },
      ...names.slice(0, 199).map(() => ({ n: { type: ['null', 'number'] } })),
    ]);
    expect(streams.slice(200).map(columnsOf)).toEqual([{ n: { type: ANY } }, { n: { type: ANY } }]);
    expect(logsOf(run.lines).join()).toContain('Of 2 of 202 tables no documents were read');
    expect(source.emulator.journal.count('/api/list_snapshot')).toBe(201);
  });

  test('S6: has no further tables read when the time is over', async () => {
    await using source = await Source.start();
    source.deployment.load('odd', [{ 'first name': 'Ada' }]);
    for (const name of ['a', 'b']) source.deployment.load(name, [{ n: 1 }]);
    // The timestamp, and the page of the first table, which takes longer than all tables may.
    source.emulator.faults.add({ kind: 'latency', ms: 3_000, path: '/api/list_snapshot', after: 1, times: Infinity });
    const run = await source.discover({}, { CONVEX_CONNECTOR_SAMPLE_MS: '2500' });
    const streams = streamsOf(run);
    expect(namesOf(streams)).toEqual(['a', 'b', 'odd']);
    expect(streams.map(columnsOf)).toEqual([{ n: { type: ['null', 'number'] } }, { n: { type: ANY } }, {}]);
    expect(logsOf(run.lines).join()).toContain('Of 2 of 3 tables no documents were read (a limit of time or number');
    expect(source.emulator.journal.count('/api/list_snapshot')).toBe(2);
  });

  test('is one of those that are named, where several could be meant', async () => {
    await using source = await Source.start();
    source.deployment.load('odd', [Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`c${i}`, i]))]);
    source.deployment.createTable('empty');
    source.deployment.load('users', [{ name: 'Ada' }]);
    source.deployment.load(
      'strange',
      [{ ä: 1 }, { ö: 1 }].map(() => ({ 'a b': 1 })),
      { component: 'comp' },
    );
    const run = await source.discover();
    expect(namesOf(streamsOf(run))).toEqual(['empty', 'odd', 'users', 'comp.strange']);
    expect(logsOf(run.lines)).toEqual([
      `WARN Convex cannot describe the documents of one of the tables empty, odd, comp.strange (400 NoSchemaForExport), ${REST}`,
    ]);
  });

  test('is named by Convex where the app has a schema without it', async () => {
    await using source = await Source.start({ schema: { tables: [], schemaValidation: false } });
    source.deployment.load('odd', [{ 'first name': 'Ada' }]);
    source.deployment.createTable('empty');
    const run = await source.discover();
    expect(namesOf(streamsOf(run))).toEqual(['empty', 'odd']);
    expect(logsOf(run.lines)).toEqual([
      `WARN Convex cannot describe the documents of the table odd (400 NoTableDefinitionForExport), ${REST}`,
    ]);
  });

  test('is described by the schema of the app where that can be', async () => {
    const documentType = {
      type: 'object' as const,
      value: { nickname: { fieldType: { type: 'string' as const }, optional: true } },
    };
    await using source = await Source.start({
      schema: { tables: [{ tableName: 'odd', indexes: [], documentType }], schemaValidation: false },
    });
    source.deployment.load('odd', [{ 'first name': 'Ada' }]);
    const run = await source.discover();
    expect(streamsOf(run).map(columnsOf)).toEqual([{ nickname: { type: ['null', 'string'] } }]);
    expect(run.lines).toHaveLength(1);
  });

  test('ends the discovery where the backend is too old to list its columns', async () => {
    await using source = await Source.start();
    source.deployment.load('odd', [{ 'first name': 'Ada' }]);
    source.emulator.faults.add({
      kind: 'html',
      status: 404,
      body: '',
      path: '/api/get_table_column_names',
      times: Infinity,
    });
    const { code, lines } = await source.discover();
    expect(code).toBe(1);
    expect(errorsOf(lines)).toEqual([
      {
        failure_type: 'config_error',
        message:
          '127.0.0.1 refused a request: /api/json_schemas answered 400 NoSchemaForExport: There is no active schema, which is needed for streaming export.',
      },
    ]);
  });
});

describe('a deployment that cannot answer', () => {
  test('yet, since it has just been started, is asked again', async () => {
    await using source = await Source.start();
    source.deployment.load('users', [{ name: 'Ada' }]);
    source.emulator.faults.add({
      kind: 'status',
      status: 503,
      code: 'TableSummariesUnavailable',
      message: 'Table summaries are unavailable.',
      times: 2,
    });
    const run = await source.discover();
    expect(namesOf(streamsOf(run))).toEqual(['users']);
    expect(logsOf(run.lines)).toEqual([
      'WARN 127.0.0.1: /api/json_schemas answered 503 TableSummariesUnavailable. Try 1 of 8; trying again in 0.0 s.',
      'WARN 127.0.0.1: /api/json_schemas answered 503 TableSummariesUnavailable. Try 2 of 8; trying again in 0.0 s.',
    ]);
  });

  test('for as long as anybody waits is told of', async () => {
    await using source = await Source.start();
    source.emulator.faults.add({ kind: 'status', status: 503, code: 'TableSummariesUnavailable', times: Infinity });
    const { code, lines } = await source.discover();
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([
      {
        failure_type: 'transient_error',
        message:
          '127.0.0.1 does not answer as it should at the moment, although it was tried 8 times over 1 s: /api/json_schemas answered 503 TableSummariesUnavailable. Try again in a few minutes.',
      },
    ]);
    expect(source.emulator.journal.count()).toBe(8);
  });

  test('a wrong key', async () => {
    await using source = await Source.start();
    const { code, lines, stderr } = await source.discover({ access_key: 'prod:happy-otter-123|wrong-secret' });
    expect(code).toBe(1);
    expect(errorsOf(lines)).toMatchObject([{ failure_type: 'config_error' }]);
    expect(messagesOf(lines)).toHaveLength(1);
    expect(lines.join() + stderr).not.toContain('wrong-secret');
  });

  test('half an answer', async () => {
    await using source = await Source.start();
    source.deployment.load('users', [{ name: 'Ada' }]);
    source.emulator.faults.add({ kind: 'truncate-body' });
    expect(namesOf(streamsOf(await source.discover()))).toEqual(['users']);
    expect(source.emulator.journal.count()).toBe(2);
  });
});

test('a backend without components answers with the tables themselves', async () => {
  await using source = await Source.start();
  await using server = await TestServer.start((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"users":{"type":"object","properties":{"_id":{"type":"string"},"name":{"type":"string"}}}}');
  });
  const streams = streamsOf(await source.discover({ deployment_url: server.url }));
  expect(namesOf(streams)).toEqual(['users']);
  expect(columnsOf(streams[0])).toEqual({ name: { type: ['null', 'string'] } });
});

describe('what the acceptance tests ask of a catalog', () => {
  const FORBIDDEN = ['$ref', 'allOf', 'not', 'anyOf', 'oneOf'];

  test.each(['json', 'convex_encoded_json', 'export_json'])('with values as %s', async (value_format) => {
    await using source = await Source.start();
    const { deployment } = source;
    deployment.load('mixed', [
      { a: 1, b: 'x', c: null, d: [1], e: { f: 1n }, g: new ArrayBuffer(3), h: NaN, i: [], j: -0 },
      { a: 'x', b: 1, c: true, d: ['x'], e: { f: 'x', k: [{ l: 1 }] }, h: 1, i: [[]] },
      { a: { m: 1 }, e: [1], toString: 1, constructor: 'x' },
    ]);
    deployment.createTable('empty');
    const streams = streamsOf(await source.discover({ value_format }));
    const ajv = new Ajv({ strict: false });
    for (const { json_schema, default_cursor_field, source_defined_primary_key, supported_sync_modes } of streams) {
      expect(ajv.validateSchema(json_schema)).toBe(true);
      const properties = json_schema['properties'] as Record<string, { type: string }>;
      expect(properties).toHaveProperty(default_cursor_field!);
      expect(source_defined_primary_key).toEqual([['_id']]);
      expect(properties['_id']?.type).toBe('string');
      expect(supported_sync_modes).toEqual(['full_refresh', 'incremental']);
      for (const [key, value] of members(json_schema)) {
        expect(FORBIDDEN).not.toContain(key);
        if (key === 'additionalProperties') expect(value).toBe(true);
        if (key === 'items') expect(value).not.toBe(false);
      }
    }
    expect(new Set(namesOf(streams)).size).toBe(streams.length);
  });

  function* members(value: unknown): Generator<[string, unknown]> {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      yield [key, member];
      yield* members(member);
    }
  }
});
