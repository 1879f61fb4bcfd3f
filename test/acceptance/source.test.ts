/**
 * Connector acceptance tests of sources, other than those of the specification: each named after its original. What the original asks of a
 * deployment with data, an emulated one answers; what it asks of an image is in test/registry and test/docker.
 */
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { addSampleData } from '../../emulator/sample-data.ts';
import type {
  AirbyteCatalog,
  AirbyteRecord,
  AirbyteStream,
  OutboundMessage,
  StreamState,
} from '../../shared/airbyte/protocol.generated.ts';
import { metadata, text } from '../registry/support.ts';
import { Folder } from '../support/folder.ts';
import { errorsOf, messagesOf, messagesOfType, statesOf, statusesOf, streamName } from '../support/messages.ts';
import { startConnector, type Finished } from '../support/process.ts';

let emulator: Emulator;
let folder: Folder;
let catalog: AirbyteCatalog;
let discovered: Finished;
/** Two reads, one after the other, of everything. */
let reads: [Finished, Finished];
let incremental: Finished;

beforeAll(async () => {
  emulator = await startEmulator({ limits: { snapshotPage: 2, deltaRows: 2 } });
  addSampleData(emulator.deployment);
  folder = new Folder();
  folder.write('config', { deployment_url: emulator.url, access_key: emulator.readOnlyKey });
  discovered = await run('discover');
  catalog = messagesOfType(discovered.lines, 'CATALOG')[0]?.catalog ?? { streams: [] };
  reads = [await read('full_refresh'), await read('full_refresh')];
  incremental = await read('incremental');
});

afterAll(async () => {
  await emulator.close();
  folder.remove();
});

async function run(verb: string, ...args: string[]): Promise<Finished> {
  const config = args.includes('--config') ? [] : ['--config', `${folder.path}/config`];
  const env = { CONVEX_CONNECTOR_RETRY_MIN_MS: '1', CONVEX_CONNECTOR_CHECKPOINT_MS: '0' };
  return startConnector('source-convex', [verb, ...config, ...args], { env }).finished;
}

/** Reads all streams. `state`: what a state file holds. */
async function read(mode: string, state?: unknown): Promise<Finished> {
  const streams = catalog.streams.map((stream) => ({ stream, sync_mode: mode, destination_sync_mode: 'append' }));
  const states = state === undefined ? [] : ['--state', folder.write('state', state)];
  return run('read', '--catalog', folder.write('catalog', { streams }), ...states);
}

/** States; every one has to be a stream's. */
function streamStatesOf(lines: readonly string[]): StreamState[] {
  return statesOf(lines).map((state) => {
    if (state.type !== 'STREAM') throw new Error(`a state of the type ${state.type}`);
    return state;
  });
}

const recordsOf = ({ lines }: Finished): AirbyteRecord[] => messagesOfType(lines, 'RECORD').map(({ record }) => record);
const recordsOfStream = (finished: Finished, stream: AirbyteStream): AirbyteRecord[] =>
  recordsOf(finished).filter(
    (record) => record.stream === stream.name && (record.namespace ?? undefined) === stream.namespace,
  );
/** A record as the one line that it is, without when it was emitted. */
const contents = (finished: Finished): string[] =>
  finished.lines
    .filter((line) => line.startsWith('{"type":"RECORD"'))
    .map((line) => line.replace(/"emitted_at":\d+/, ''))
    .sort();
const latestStates = (finished: Finished): unknown[] => [
  ...new Map(
    streamStatesOf(finished.lines).map((state) => [streamName(state.stream.stream_descriptor), state]),
  ).values(),
];

describe('TestConnection', () => {
  test('test_check: succeed', async () => {
    const { code, lines } = await run('check');
    expect(code).toBe(0);
    expect(messagesOfType(lines, 'CONNECTION_STATUS')).toEqual([
      { type: 'CONNECTION_STATUS', connectionStatus: { status: 'SUCCEEDED' } },
    ]);
  });

  test.each<[string, object]>([
    ['a wrong key', { access_key: 'prod:happy-otter-123|wr0ng' }],
    ['a URL of nothing', { deployment_url: 'http://127.0.0.1:9' }],
    ['an invalid URL', { deployment_url: 'happy-otter-123' }],
    ["the configuration of the original's failing test", { deployment_url: undefined, instance_name: 'x' }],
  ])('test_check: failed: %s', async (_name, wrong) => {
    const config = { deployment_url: emulator.url, access_key: emulator.readOnlyKey, ...wrong };
    const { code, lines } = await run('check', '--config', folder.write('wrong', config));
    expect(code).toBe(0);
    const [status, ...more] = messagesOfType(lines, 'CONNECTION_STATUS');
    expect(more).toEqual([]);
    expect(status?.connectionStatus.status).toBe('FAILED');
    expect(status?.connectionStatus.message).toMatch(/\w{4}/);
    expect(lines.join()).not.toContain('wr0ng');
  });
});

describe('TestDiscovery', () => {
  const each = (assert: (stream: AirbyteStream) => void): void => {
    catalog.streams.forEach(assert);
  };
  const schemaOf = (stream: AirbyteStream) =>
    stream.json_schema as { properties: Record<string, { type: string | string[] }> };

  test('test_discover', () => {
    expect(discovered.code).toBe(0);
    expect(messagesOfType(discovered.lines, 'CATALOG')).toHaveLength(1);
    expect(catalog.streams.map(streamName)).toEqual(['drafts', 'orders', 'products', 'users', 'helpdesk.tickets']);
  });

  test('test_duplicated_streams', () => {
    expect(new Set(catalog.streams.map(streamName)).size).toBe(catalog.streams.length);
  });

  test('test_streams_have_valid_json_schemas', () => {
    each((stream) => expect(new Ajv({ strict: false }).validateSchema(stream.json_schema as object)).toBe(true));
  });

  test('test_defined_cursors_exist_in_schema', () => {
    each((stream) => {
      expect(stream.source_defined_cursor).toBe(true);
      for (const field of stream.default_cursor_field ?? []) expect(schemaOf(stream).properties).toHaveProperty(field);
    });
  });

  test('test_defined_refs_exist_in_schema, test_defined_keyword_exist_in_schema', () => {
    for (const keyword of ['$ref', 'allOf', 'not']) expect(JSON.stringify(catalog)).not.toContain(`"${keyword}":`);
  });

  test('test_primary_keys_exist_in_schema, test_primary_keys_data_type', () => {
    each((stream) => {
      for (const [field = ''] of stream.source_defined_primary_key ?? [])
        expect(['string', 'integer', 'number', 'boolean']).toContain(schemaOf(stream).properties[field]?.type);
    });
  });

  test('test_streams_has_sync_modes', () => {
    each((stream) => expect(stream.supported_sync_modes.length).toBeGreaterThan(0));
  });

  test('test_additional_properties_is_true', () => {
    expect(JSON.stringify(catalog)).not.toContain('"additionalProperties":false');
  });

  test('test_backward_compatibility: with the Python connector', () => {
    // It named the root tables as streams, keyed by _id, with the source-defined cursor _ts.
    each((stream) => {
      expect(stream.source_defined_primary_key).toEqual([['_id']]);
      expect(stream.default_cursor_field).toEqual(['_ts']);
    });
    for (const column of ['_ab_cdc_lsn', '_ab_cdc_updated_at', '_ab_cdc_deleted_at'])
      each((stream) => expect(schemaOf(stream).properties).toHaveProperty(column));
  });
});

describe('TestBasicRead', () => {
  test('test_read: records of every stream that is not empty', () => {
    expect(reads[0].code).toBe(0);
    for (const stream of catalog.streams)
      expect(recordsOfStream(reads[0], stream).length > 0, streamName(stream)).toBe(stream.name !== 'drafts');
  });

  test('test_read: records match their schemas, and have no columns beyond them', () => {
    const ajv = new Ajv({ strict: false });
    for (const stream of catalog.streams) {
      const schema = stream.json_schema as { properties: object };
      const valid = ajv.compile(schema);
      for (const { data } of [...recordsOfStream(reads[0], stream), ...recordsOfStream(incremental, stream)]) {
        const plain = JSON.parse(
          JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
        ) as object;
        expect(valid(plain), JSON.stringify(valid.errors)).toBe(true);
        expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(plain)));
      }
    }
  });

  test('test_read: primary keys are there', () => {
    for (const { data } of recordsOf(reads[0])) expect(data['_id']).toMatch(/^[0-9a-z]{31,37}$/);
  });

  test('test_read: statuses', () => {
    for (const { lines } of reads) {
      const statuses = statusesOf(lines);
      for (const name of catalog.streams.map(streamName)) {
        const own = statuses.filter((status) => status.startsWith(`${name} `)).map((status) => status.split(' ')[1]);
        expect(own).toEqual(['STARTED', 'RUNNING', 'COMPLETE']);
      }
    }
  });

  test('test_read: states, with their counts', () => {
    for (const { lines } of [...reads, incremental]) {
      const states = streamStatesOf(lines);
      for (const state of states) {
        expect(state.type).toBe('STREAM');
        expect(state.sourceStats?.recordCount).toBeTypeOf('number');
        expect(state.stream.stream_state).toBeTruthy();
      }
      for (const name of catalog.streams.map(streamName))
        expect(states.some(({ stream }) => streamName(stream.stream_descriptor) === name)).toBe(true);
    }
  });

  test('test_read: no errors, and nothing but messages', () => {
    for (const { lines, stderr, rest } of [...reads, incremental]) {
      expect(errorsOf(lines)).toEqual([]);
      expect(stderr + rest).toBe('');
      expect(messagesOf(lines).length).toBe(lines.length);
    }
  });

  test('test_catalog_with_an_invalid_stream: fails with a trace', async () => {
    const streams = [
      {
        stream: {
          name: '__AIRBYTE__stream_that_does_not_exist',
          json_schema: {},
          supported_sync_modes: ['full_refresh'],
        },
        sync_mode: 'INVALID',
        destination_sync_mode: 'overwrite',
      },
    ];
    const { code, lines } = await run('read', '--catalog', folder.write('bad', { streams }));
    expect(code).toBe(1);
    expect(errorsOf(lines).length).toBeGreaterThan(0);
    expect(errorsOf(lines)[0]?.failure_type).toBe('config_error');
  });

  test('test_secret_never_in_the_output', () => {
    for (const { lines, stderr } of [discovered, ...reads, incremental])
      expect(lines.join() + stderr).not.toContain(emulator.readOnlyKey.split('|')[1]);
  });
});

describe('TestFullRefresh', () => {
  test('test_sequential_reads: the second has all that the first had', () => {
    expect(contents(reads[1])).toEqual(expect.arrayContaining(contents(reads[0])));
    expect(contents(reads[0]).length).toBeGreaterThan(5);
    const times = (finished: Finished) => recordsOf(finished).map(({ emitted_at }) => emitted_at);
    expect(Math.min(...times(reads[1]))).toBeGreaterThan(Math.max(...times(reads[0])));
  });
});

describe('TestIncremental', () => {
  const timestamps = (finished: Finished, stream: AirbyteStream): bigint[] =>
    recordsOfStream(finished, stream).map(({ data }) => BigInt(data['_ts'] as bigint));

  test('test_two_sequential_reads: the second has nothing from before the first one', async () => {
    const states = latestStates(incremental);
    expect(recordsOf(await read('incremental', states))).toEqual([]);

    const [user] = emulator.deployment.documents('users');
    emulator.deployment.transaction((tx) => {
      tx.patch(user?._id ?? '', { admin: null });
      tx.insert('drafts', { title: 'new' });
    });
    const second = await read('incremental', states);
    expect(recordsOf(second)).toHaveLength(2);
    for (const stream of catalog.streams) {
      const newest = timestamps(incremental, stream).reduce((a, b) => (a > b ? a : b), 0n);
      for (const ts of timestamps(second, stream)) expect(ts > newest).toBe(true);
    }
  });

  test('test_read_sequential_slices: from every state, what is left, and with what was read before, all', async () => {
    const all = new Set(contents(incremental).map(idOf));
    const messages = messagesOf(incremental.lines);
    const positions = messages.flatMap(({ type }, at) => (type === 'STATE' ? [at] : []));
    // One state in three is enough to be anywhere.
    for (const at of positions.filter((_position, n) => n % 3 === 0)) {
      const before = messages.slice(0, at + 1);
      const rest = await read('incremental', statesUpTo(before));
      const ids = [
        ...before.filter(({ type }) => type === 'RECORD').map((message) => idOf(JSON.stringify(message, bigints))),
        ...contents(rest).map(idOf),
      ];
      // A stream without a state is read anew, and has the latest revisions only.
      expect(latest(ids)).toEqual(latest([...all, ...contents(rest).map(idOf)]));
    }
  });

  test('test_state_with_abnormally_large_values: no records, and a state all the same', async () => {
    const states = catalog.streams.map(({ name, namespace }) => ({
      type: 'STREAM',
      stream: {
        stream_descriptor: namespace === undefined ? { name } : { name, namespace },
        // As the Python connector saved it: an integer.
        stream_state: { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: 'FUTURE' },
      },
    }));
    const future = JSON.stringify(states).replaceAll('"FUTURE"', '2652635567679741986');
    const finished = await read('incremental', future);
    expect(finished.code).toBe(0);
    expect(recordsOf(finished)).toEqual([]);
    expect(streamStatesOf(finished.lines).length).toBeGreaterThanOrEqual(catalog.streams.length);
  });
});

describe('TestConnectorAttributes', () => {
  test('test_streams_define_primary_key', () => {
    for (const stream of catalog.streams) expect(stream.source_defined_primary_key).toBeTruthy();
  });

  test('test_certified_connector_has_allowed_hosts', () => {
    expect(metadata('source').data.allowedHosts.hosts).not.toEqual([]);
  });
});

describe('TestConnectorDocumentation', () => {
  test.each(['source', 'destination'])('test_docs_structure: docs/%s-convex.md', (side) => {
    const headings = [...text(`docs/${side}-convex.md`).matchAll(/^(#+) (.*)$/gm)].map(([heading]) => heading);
    const expected = [
      '# Convex',
      '## Prerequisites',
      '## Setup guide',
      '## Supported sync modes',
      side === 'source' ? '## Supported Streams' : '## Output schema',
      '## Data type map',
      '## Limitations & Troubleshooting',
      '## Changelog',
    ];
    expect(headings.filter((heading) => expected.includes(heading))).toEqual(expected);
  });
});

const bigints = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** Which document, in which revision. */
function idOf(record: string): string {
  return `${/"_id":"(\w+)"/.exec(record)?.[1] ?? ''} ${/"_ts":"?(\d+)/.exec(record)?.[1] ?? ''}`;
}

/** The latest revision of each document, of the texts that `idOf` makes. */
function latest(revisions: Iterable<string>): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const revision of revisions) {
    const [id = '', ts = '0'] = revision.split(' ');
    const before = found.get(id) ?? 0n;
    found.set(id, BigInt(ts) > before ? BigInt(ts) : before);
  }
  return found;
}

function statesUpTo(messages: OutboundMessage[]): unknown[] {
  const latest = new Map<string, unknown>();
  for (const message of messages)
    if (message.type === 'STATE' && message.state.type === 'STREAM')
      latest.set(streamName(message.state.stream.stream_descriptor), message.state);
  return [...latest.values()];
}
