import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';

const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/airbyte-protocol.json'), 'utf8')) as {
  definitions: Record<string, Record<string, unknown>>;
};
// strict: an unknown or misplaced keyword in the schema itself is an error. Type unions are meant (null for absent).
const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
ajv.addSchema(schema, 'protocol');

/** Whether a message satisfies a definition of the protocol's schema. */
function valid(definition: string, message: unknown): boolean {
  const validate = ajv.getSchema(`protocol#/definitions/${definition}`);
  if (!validate) throw new Error(`The schema has no definition ${definition}`);
  return validate(message) as boolean;
}

const record = { stream: 'users', namespace: 'app', data: { _id: 'k57', n: 1 }, emitted_at: 1767225600000 };
const state = {
  type: 'STREAM',
  stream: {
    stream_descriptor: { name: 'users' },
    stream_state: { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: '1724283181123456789' },
  },
};
const status = {
  type: 'STREAM_STATUS',
  emitted_at: 1767225600000.0,
  stream_status: {
    stream_descriptor: { name: 'users' },
    status: 'RUNNING',
    reasons: [{ type: 'RATE_LIMITED', rate_limited: { quota_reset: 1767225660000 } }],
  },
};
const stream = {
  name: 'users',
  json_schema: { type: 'object', properties: { _id: { type: 'string' } } },
  supported_sync_modes: ['full_refresh', 'incremental'],
  source_defined_cursor: true,
  default_cursor_field: ['_ts'],
  source_defined_primary_key: [['_id']],
  is_resumable: true,
};
const configured = {
  stream,
  sync_mode: 'incremental',
  cursor_field: ['_ts'],
  primary_key: [['_id']],
  destination_sync_mode: 'append_dedup',
  generation_id: 4,
  minimum_generation_id: 0,
  sync_id: 812,
};

const changes = [{ field: 'blob', change: 'NULLED', reason: 'SOURCE_FIELD_SIZE_LIMITATION' }];

test('the schema is a valid draft-07 schema', () => {
  expect(ajv.validateSchema(schema)).toBe(true);
});

describe('outbound', () => {
  test.each<[string, object]>([
    ['RECORD', { type: 'RECORD', record }],
    ['RECORD with changes', { type: 'RECORD', record: { ...record, meta: { changes } } }],
    ['STATE of a stream', { type: 'STATE', state: { ...state, sourceStats: { recordCount: 1000.0 } } }],
    [
      'STATE, echoed',
      { type: 'STATE', state: { ...state, destinationStats: { recordCount: 999, rejectedRecordCount: 1 } } },
    ],
    [
      'STATE, global',
      { type: 'STATE', state: { type: 'GLOBAL', global: { shared_state: {}, stream_states: [state.stream] } } },
    ],
    ['LOG', { type: 'LOG', log: { level: 'WARN', message: 'slow' } }],
    [
      'TRACE ERROR',
      {
        type: 'TRACE',
        trace: {
          type: 'ERROR',
          emitted_at: 1767225600000,
          error: { message: 'no', failure_type: 'config_error', stream_descriptor: { name: 'users' } },
        },
      },
    ],
    [
      'TRACE ESTIMATE',
      {
        type: 'TRACE',
        trace: { type: 'ESTIMATE', emitted_at: 1, estimate: { name: 'users', type: 'STREAM', row_estimate: 7 } },
      },
    ],
    ['TRACE STREAM_STATUS', { type: 'TRACE', trace: status }],
    ['TRACE ANALYTICS', { type: 'TRACE', trace: { type: 'ANALYTICS', emitted_at: 1, analytics: { type: 'a' } } }],
    [
      'CONTROL',
      { type: 'CONTROL', control: { type: 'CONNECTOR_CONFIG', emitted_at: 1, connectorConfig: { config: { a: 1 } } } },
    ],
    ['CONNECTION_STATUS', { type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED', message: 'why' } }],
    ['SPEC', { type: 'SPEC', spec: { connectionSpecification: {} } }],
    ['CATALOG', { type: 'CATALOG', catalog: { streams: [stream] } }],
    [
      'DESTINATION_CATALOG',
      {
        type: 'DESTINATION_CATALOG',
        destination_catalog: { operations: [{ object_name: 'o', sync_mode: 'update', json_schema: {} }] },
      },
    ],
  ])('%s is valid', (_name, message) => {
    expect(valid('OutboundMessage', message)).toBe(true);
  });

  test.each<[string, object]>([
    ['an unknown type', { type: 'NEWS', news: {} }],
    ['a payload under the name of another type', { type: 'RECORD', state }],
    ['a payload beside the right one', { type: 'RECORD', record, state }],
    ['a misspelled key', { type: 'RECORD', record: { ...record, emittedAt: 1 } }],
    ['an empty record', { type: 'RECORD', record: { ...record, data: {} } }],
    ['a null namespace', { type: 'RECORD', record: { ...record, namespace: null } }],
    ['a record time in fractions of a millisecond', { type: 'RECORD', record: { ...record, emitted_at: 1.5 } }],
    ['a state without a type', { type: 'STATE', state: { stream: state.stream } }],
    ['a legacy state', { type: 'STATE', state: { type: 'LEGACY', data: {} } }],
    [
      'a trace without a time',
      { type: 'TRACE', trace: { type: 'STREAM_STATUS', stream_status: status.stream_status } },
    ],
    ['a status of another protocol', { type: 'CONNECTION_STATUS', connectionStatus: { status: 'OK' } }],
    [
      'a stream without sync modes',
      { type: 'CATALOG', catalog: { streams: [{ ...stream, supported_sync_modes: [] }] } },
    ],
    [
      'a resumable stream that leaves its cursor open',
      {
        type: 'CATALOG',
        catalog: {
          streams: [{ name: 'a', json_schema: {}, supported_sync_modes: ['full_refresh'], is_resumable: true }],
        },
      },
    ],
  ])('%s is not', (_name, message) => {
    expect(valid('OutboundMessage', message)).toBe(false);
  });
});

describe('inbound', () => {
  test.each<[string, string, unknown]>([
    ['a configured catalog', 'ConfiguredAirbyteCatalog', { streams: [configured] }],
    [
      'a configured catalog with unknown keys and explicit nulls',
      'ConfiguredAirbyteCatalog',
      {
        news: 1,
        streams: [
          { ...configured, stream: { ...stream, namespace: null, news: 1 }, cursor_field: null, sync_id: null },
        ],
      },
    ],
    ['a record', 'InboundMessage', { type: 'RECORD', record }],
    [
      'a record with every other field of the envelope null',
      'InboundMessage',
      {
        type: 'RECORD',
        log: null,
        state: null,
        record: { ...record, namespace: null, meta: null, file_reference: null },
      },
    ],
    ['an empty record', 'InboundMessage', { type: 'RECORD', record: { ...record, data: {} } }],
    ['a state with the id that the platform adds', 'InboundMessage', { type: 'STATE', state: { ...state, id: 3 } }],
    [
      'a state that clears a stream',
      'InboundMessage',
      { type: 'STATE', state: { type: 'STREAM', stream: { ...state.stream, stream_state: null } } },
    ],
    ['a stream status', 'InboundMessage', { type: 'TRACE', trace: status }],
    ['a list of states', 'InboundStateFile', [{ ...state, global_: null, data: null }]],
    ['no states', 'InboundStateFile', []],
    ['an empty state', 'InboundStateFile', {}],
    ['a single global state', 'InboundStateFile', { type: 'GLOBAL', global_: { stream_states: [state.stream] } }],
  ])('%s is valid', (_name, definition, value) => {
    expect(valid(definition, value)).toBe(true);
  });

  test.each<[string, string, unknown]>([
    ['a catalog without streams', 'ConfiguredAirbyteCatalog', {}],
    ['an unknown sync mode', 'ConfiguredAirbyteCatalog', { streams: [{ ...configured, sync_mode: 'INVALID' }] }],
    [
      'a stream without a name',
      'ConfiguredAirbyteCatalog',
      { streams: [{ ...configured, stream: { json_schema: {} } }] },
    ],
    ['a record without data', 'InboundMessage', { type: 'RECORD', record: { stream: 'users' } }],
    ['states of an unknown type', 'InboundStateFile', [{ type: 'NEWS' }]],
  ])('%s is not', (_name, definition, value) => {
    expect(valid(definition, value)).toBe(false);
  });
});

test('outbound types are closed, inbound types open', () => {
  const fromOutbound = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('$ref' in node && typeof node.$ref === 'string') {
      const name = node.$ref.replace('#/definitions/', '');
      if (!fromOutbound.has(name)) {
        fromOutbound.add(name);
        visit(schema.definitions[name]);
      }
    }
    Object.values(node).forEach(visit);
  };
  visit({ $ref: '#/definitions/OutboundMessage' });

  const objects = Object.entries(schema.definitions).filter(([, definition]) => 'properties' in definition);
  expect(objects.length).toBeGreaterThan(40);
  for (const [name, definition] of objects) {
    expect.soft(definition['additionalProperties'], name).toBe(!fromOutbound.has(name));
  }
});
