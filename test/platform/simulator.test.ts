/** The simulator itself: it notices what the platform would, with connectors that are made of shell commands. */
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Folder } from '../support/folder.ts';
import { Connection, type Outcome } from './index.ts';

const record = (data: object, stream = 'users'): string =>
  JSON.stringify({ type: 'RECORD', record: { stream, data, emitted_at: 1 } });
const state = (recordCount: number, extra: object = {}): string =>
  JSON.stringify({
    type: 'STATE',
    state: {
      type: 'STREAM',
      stream: { stream_descriptor: { name: 'users' }, stream_state: { n: 1 } },
      sourceStats: { recordCount },
      ...extra,
    },
  });
/** A destination that gives states back as they came, with the counts that the source has given. */
const ECHO = `sed -n -e '/"type":"STATE"/s/"sourceStats":\\({[^}]*}\\)/"destinationStats":\\1,&/p'`;

interface Run {
  outcome: Outcome;
  /** What the destination was given, as lines. */
  input: string[];
}

async function run(lines: string[], { destination = ECHO, supportsRefreshes = false, exit = 0 } = {}): Promise<Run> {
  const folder = new Folder();
  const source = folder.write('source.sh', `cat '${folder.write('out', `${lines.join('\n')}\n`)}'; exit ${exit}`);
  const input = folder.write('input', '');
  const script = folder.write('destination.sh', `tee '${input}' | ${destination}`);
  const side = { config: {} };
  const connection = new Connection({
    source: { ...side, entrypoint: `sh '${source}'` },
    destination: { ...side, entrypoint: `sh '${script}'` },
    supportsRefreshes,
  });
  onTestFinished(() => {
    connection[Symbol.dispose]();
    folder.remove();
  });
  const mode = 'incremental_append_dedup';
  connection.streams = [
    { name: 'users', mode, stream: {}, primaryKey: [['_id']], generation: 0, minimumGeneration: 0 },
  ];
  const job = await connection.sync();
  return { outcome: job.attempts[0] as Outcome, input: readFileSync(input, 'utf8').split('\n').slice(0, -1) };
}

test('records and states go through, the states with an id; nothing else does', async () => {
  const log = JSON.stringify({ type: 'LOG', log: { level: 'INFO', message: 'hello' } });
  const { outcome, input } = await run([log, record({ _id: 'a' }), state(1), record({ _id: 'b' }), state(1)]);
  expect(outcome).toMatchObject({ succeeded: true, unparsed: [], logs: ['source INFO hello'] });
  expect(outcome.books).toMatchObject({ forwarded: 2, committed: 2, acknowledged: [1, 2], mismatches: [] });
  expect(input.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
    'RECORD',
    'STATE',
    'RECORD',
    'STATE',
  ]);
  expect(input[1]).toContain('"id":1');
});

test('numbers keep every digit', async () => {
  const line =
    '{"type":"RECORD","record":{"stream":"users","data":{"_id":"a","n":1700000000123456789,"x":1.0},"emitted_at":1}}';
  const { input } = await run([line]);
  expect(input).toEqual([line]);
});

describe('COMPLETE', () => {
  test.each([
    [true, 0, 1],
    [true, 1, 0],
    [false, 0, 0],
  ])('refreshes supported: %s, exit code of the source %i: sent %i times', async (supportsRefreshes, exit, times) => {
    const { input, outcome } = await run([state(0)], { supportsRefreshes, exit });
    expect(input.filter((line) => line.includes('COMPLETE'))).toHaveLength(times);
    expect(outcome.succeeded).toBe(exit === 0);
  });
});

test('an empty record is dropped and not counted', async () => {
  const { outcome, input } = await run([record({}), state(0)]);
  expect(outcome).toMatchObject({ succeeded: true, dropped: 1 });
  expect(input).toHaveLength(1);
});

test('a line that is not a message is noticed', async () => {
  expect((await run(['Hello!'])).outcome.unparsed).toEqual(['Hello!']);
});

test.each<[string, string[], string | undefined, RegExp]>([
  ['a record of an unknown stream', [record({ _id: 'a' }, 'others')], undefined, /not in the catalog/],
  ['a record without a primary key', [record({ _id: null })], undefined, /without a primary key/],
  ['states of two types', [state(0), state(0, { type: 'GLOBAL' })], undefined, /mixed/],
  ['a state of the old type', [state(0, { type: undefined })], undefined, /LEGACY/],
  ['a state that comes back without its id', [state(0)], `sed 's/,"id":1//'`, /unknown id/],
  ['a state that comes back twice', [state(0)], 'sed p', /unknown id/],
  ['a destination that fails', [state(0)], '{ cat > /dev/null; exit 3; }', /exit code 3/],
])('%s fails the sync', async (_name, lines, destination, message) => {
  const { outcome } = await run(lines, destination === undefined ? {} : { destination });
  expect(outcome.succeeded).toBe(false);
  expect(outcome.failures[0]?.message).toMatch(message);
});

test.each<[string, string[], string | undefined, RegExp]>([
  ['the source counts otherwise', [record({ _id: 'a' }), state(2)], undefined, /check A/],
  [
    'the destination counts otherwise',
    [record({ _id: 'a' }), state(1)],
    `${ECHO} | sed 's/Stats":{"recordCount":1/Stats":{"recordCount":0/'`,
    /check B/,
  ],
  ['the destination counts nothing', [state(0)], 'cat', /without destinationStats/],
])('counts are compared: %s', async (_name, lines, destination, message) => {
  const { outcome } = await run(lines, destination === undefined ? {} : { destination });
  expect(outcome.books.mismatches.join()).toMatch(message);
});
