/** Counts by stream, and the layout of the live view: tables of cases. */
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { cut, finalTable, liveLines, phaseOf, type LiveStream } from '../../pipeline/live-layout.ts';
import { StreamsOfSync } from '../../pipeline/streams.ts';
import type { ConfiguredAirbyteCatalog } from '../../shared/airbyte/protocol.generated.ts';

const catalog = (...names: [name: string, namespace?: string][]): ConfiguredAirbyteCatalog => ({
  streams: names.map(([name, namespace]) => ({
    stream: { name, json_schema: {}, supported_sync_modes: ['full_refresh'], ...(namespace ? { namespace } : {}) },
    sync_mode: 'full_refresh',
    destination_sync_mode: 'append',
  })),
});

describe('the stream of a record', () => {
  const two = catalog(['users'], ['users', 'crm'], ['a "b" ü']);
  test.each<[what: string, line: string, label: string | undefined]>([
    [
      'as source-convex writes it',
      '{"type":"RECORD","record":{"stream":"users","namespace":"crm","data":{}}}',
      'crm.users',
    ],
    ['without a namespace', '{"type":"RECORD","record":{"stream":"users","data":{}}}', 'users'],
    [
      'a namespace behind the data',
      '{"type":"RECORD","record":{"stream":"users","data":{},"namespace":"crm"}}',
      'crm.users',
    ],
    [
      'blanks, as Python writes them',
      '{"type": "RECORD", "record": {"namespace": "crm", "stream": "users", "data": {}}}',
      'crm.users',
    ],
    ['members in another order', '{"record":{"data":{"stream":"x"},"stream":"users"},"type":"RECORD"}', 'users'],
    ['an escaped name', '{"type":"RECORD","record":{"stream":"a \\"b\\" ü","data":{}}}', 'a "b" ü'],
    ['a stream that nobody asked for', '{"type":"RECORD","record":{"stream":"other","data":{}}}', undefined],
    ['no JSON', '{"type":"RECORD","record":{', undefined],
  ])('%s', (_, line, label) => {
    const streams = new StreamsOfSync(two);
    for (let times = 0; times < 2; times++) streams.record(Buffer.from(line));
    expect(streams.all.filter(({ read }) => read > 0).map((stream) => [stream.label, stream.read])).toEqual(
      label === undefined ? [] : [[label, 2]],
    );
  });

  test('a record after one of another stream is counted for its own', () => {
    const streams = new StreamsOfSync(two);
    for (const namespace of ['', ',"namespace":"crm"', '', '']) {
      streams.record(Buffer.from(`{"type":"RECORD","record":{"stream":"users"${namespace},"data":{}}}`));
    }
    expect(streams.all.map(({ read }) => read)).toEqual([3, 1, 0]);
  });
});

test.each<[data: string, deleted: number]>([
  ['{"_ab_cdc_deleted_at":"2026-01-01T00:00:00Z"}', 1],
  ['{"_ab_cdc_deleted_at": "2026-01-01T00:00:00Z"}', 1],
  ['{"_ab_cdc_deleted_at":null}', 0],
  ['{"_ab_cdc_deleted_at": null}', 0],
  ['{"a":{"_ab_cdc_deleted_at":"x"},"_ab_cdc_deleted_at":null}', 0],
  ['{"a":{"_ab_cdc_deleted_at":null},"_ab_cdc_deleted_at":"x"}', 1],
  ['{"text":"\\"_ab_cdc_deleted_at\\":\\"x\\""}', 0],
  ['{}', 0],
])('%s counts as %i deletions', (data, deleted) => {
  const streams = new StreamsOfSync(catalog(['users']));
  streams.record(Buffer.from(`{"type":"RECORD","record":{"stream":"users","data":${data}}}`));
  expect(streams.all[0]?.readDeleted).toBe(deleted);
});

test('a state that comes back commits the records in front of it, of all streams', () => {
  const streams = new StreamsOfSync(catalog(['a'], ['b']));
  const record = (name: string): void => {
    streams.record(Buffer.from(`{"type":"RECORD","record":{"stream":"${name}","data":{}}}`));
  };
  const committed = (): number[] => streams.all.map((stream) => stream.committed);
  record('a');
  record('b');
  streams.state();
  record('b');
  streams.state();
  record('b');
  streams.committed({ name: 'a' }, 0);
  expect(committed()).toEqual([1, 1]);
  streams.committed({ name: 'b' }, 1);
  expect(committed()).toEqual([1, 2]);
  expect(streams.all.map(({ rejected, states }) => [rejected, states])).toEqual([
    [0, 1],
    [1, 1],
  ]);
});

test.each([
  [{ read: 0, committed: 0 }, 'waiting'],
  [{ read: 1, committed: 0 }, 'reading'],
  [{ status: 'STARTED', read: 0, committed: 0 }, 'waiting'],
  [{ status: 'COMPLETE', read: 2, committed: 1 }, 'writing'],
  [{ status: 'COMPLETE', read: 2, committed: 2 }, 'done'],
  [{ status: 'INCOMPLETE', read: 2, committed: 2 }, 'failed'],
] as const)('phase of %j: %s', (counts, phase) => {
  expect(phaseOf(counts)).toBe(phase);
});

describe('the live area', () => {
  const stream = (label: string, phase: LiveStream['phase'] = 'reading', read = 1_234_567): LiveStream => ({
    label,
    phase,
    read,
    committed: Math.floor(read / 2),
    rate: read / 10,
  });

  test('a few streams, at 80 columns', () => {
    expect(liveLines([stream('users'), stream('orders', 'waiting', 0)], { columns: 80, rows: 23 })).toEqual([
      'stream  phase        records   records/s    committed',
      'users   reading    1,234,567     123,457      617,283',
      'orders  waiting            0                        0',
      'total              1,234,567     123,457      617,283',
    ]);
  });

  test.each([
    [1, 80, 23],
    [3, 80, 23],
    [21, 80, 23],
    [22, 80, 23],
    [300, 80, 23],
    [300, 40, 10],
    [300, 20, 3],
    [5, 80, 4],
  ])('%i streams fit into %i columns and %i rows', (number, columns, rows) => {
    const names = ['x'.repeat(100), '表'.repeat(60), 'evil\u001b[2J\nname', 'users'];
    const streams = Array.from({ length: number }, (_, at) =>
      stream(names[at % names.length] ?? '', at % 2 ? 'done' : 'reading'),
    );
    const lines = liveLines(streams, { columns, rows });
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) {
      expect(stringWidth(line)).toBeLessThanOrEqual(columns);
      // eslint-disable-next-line no-control-regex
      expect(line).not.toMatch(/[\u0000-\u001f]/);
    }
    expect(lines.at(-1)).toMatch(/^total/);
  });

  test('of many streams the active ones are shown and the others summed up', () => {
    const streams = Array.from({ length: 300 }, (_, at) =>
      stream(`table_${at}`, at === 7 ? 'reading' : at < 7 ? 'done' : 'waiting', at <= 7 ? 10 : 0),
    );
    const lines = liveLines(streams, { columns: 80, rows: 23 });
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^table_7 +reading/);
    expect(lines[2]).toBe('and 299 more: 292 waiting, 7 done');
    const before = streams.map(({ label }) => stream(label, 'waiting', 0));
    expect(liveLines(before, { columns: 80, rows: 23 }).slice(0, 2)).toEqual([
      'stream  phase        records   records/s    committed',
      '300 streams: 300 waiting',
    ]);
  });

  test.each([
    ['users', 5, 'users'],
    ['users', 4, 'use…'],
    ['表表表', 5, '表表…'],
    ['表表表', 4, '表…'],
  ])('%s in %i columns: %s', (text, columns, expected) => {
    expect(cut(text, columns)).toBe(expected);
  });
});

test('the final table: what was read, what is durable, and what the state file holds', () => {
  const streams = new StreamsOfSync(catalog(['a'], ['b', 'crm'], ['c']));
  const [a, b] = streams.all;
  Object.assign(a!, { read: 1000, committed: 1000, deleted: 3, rejected: 1, states: 1 });
  Object.assign(b!, { read: 5, committed: 2, states: 1 });
  expect(finalTable(streams.all, true, 80)).toBe(
    [
      'stream   read  written  deleted  rejected   state',
      '──────  ─────  ───────  ───────  ────────  ──────',
      'a       1,000      999        3         1   saved',
      'crm.b       5        2        0         0  partly',
      'c           0        0        0         0    none',
      '',
    ].join('\n'),
  );
  expect(finalTable(streams.all, false, 80)).not.toContain('saved');
});
