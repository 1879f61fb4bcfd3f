/** Columns that the catalog does not select. */
import { describe, expect, test } from 'vitest';
import type { AirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { deselectedColumns } from '../../source-convex/columns.ts';
import { MADE_UP_NOW, startFakeDeployment } from '../support/fake-deployment.ts';
import { errorsOf, logsOf, messagesOfType } from '../support/messages.ts';
import { recordsOf, savedStates, Source, type Wanted } from './setup.ts';

const SSN = '078-05-1120';

/** What discover gives of `users`, configured as a platform does it: without the deselected properties. */
async function select(source: Source, deselected: readonly string[], mode = 'incremental'): Promise<Wanted> {
  const { lines } = await source.discover();
  const { streams } = messagesOfType(lines, 'CATALOG')[0]!.catalog;
  const stream = streams.find(({ name }) => name === 'users') as AirbyteStream;
  const properties = { ...(stream.json_schema['properties'] as object) } as Record<string, unknown>;
  for (const name of deselected) {
    expect(properties).toHaveProperty([name]);
    delete properties[name];
  }
  return { name: 'users', mode, extra: { stream: { ...stream, json_schema: { ...stream.json_schema, properties } } } };
}

const columnsOf = (lines: readonly string[]): string[][] =>
  recordsOf(lines).map(({ document }) => Object.keys(JSON.parse(document) as object).sort());

/** The selections that the deployment was asked for. */
function selectionsOf({ emulator }: Source): [string, unknown][] {
  return emulator.journal.entries.flatMap(({ path, body }) =>
    /list_snapshot|document_deltas/.test(path)
      ? [[path, (JSON.parse(body) as { selection: unknown }).selection] as [string, unknown]]
      : [],
  );
}

const WITHOUT_SSN = { _other: 'excluded', '': { _other: 'excluded', users: { _other: 'included', ssn: 'excluded' } } };

describe('S12: a column that is not selected', () => {
  test('S12: is neither requested nor emitted, in the snapshot and in the change log; a field that appears later is', async () => {
    await using source = await Source.start();
    const { deployment } = source;
    deployment.load('users', [
      { name: 'Ada', ssn: SSN },
      { name: 'Bob', ssn: SSN },
    ]);
    const users = await select(source, ['ssn']);
    source.emulator.journal.clear();
    const first = await source.readAll({ streams: [users] });
    const [ada, bob] = [...deployment.documents('users')].map(({ _id }) => _id);
    deployment.transaction((tx) => {
      tx.patch(ada!, { name: 'Ada L.', phone: '555' });
      tx.insert('users', { name: 'Cy', ssn: SSN, phone: '556' });
    });
    deployment.transaction((tx) => {
      tx.delete(bob!);
    });
    const second = await source.readAll({ streams: [users], state: savedStates(first) });

    const known = ['_creationTime', '_id', 'name'];
    expect(columnsOf(first)).toEqual([known, known]);
    expect(columnsOf(second)).toEqual([[...known, 'phone'], [...known, 'phone'], ['_id']]);
    expect([...first, ...second].join('\n')).not.toContain(SSN);
    const pages = selectionsOf(source).filter(([, selection]) => JSON.stringify(selection).includes('users'));
    expect(new Set(pages.map(([path]) => path))).toEqual(new Set(['/api/list_snapshot', '/api/document_deltas']));
    for (const [, selection] of pages) expect(selection).toEqual(WITHOUT_SSN);
    expect(logsOf(first)).toContain('INFO 1 column of users is not selected, so it is not read: ssn.');
  });

  test('S12: a full refresh of a table that shares a request with a table of all columns', async () => {
    await using source = await Source.start();
    source.deployment.load('users', [{ name: 'Ada', ssn: SSN, town: 'London' }]);
    source.deployment.load('posts', [{ ssn: 'a field of the same name' }]);
    const users = await select(source, ['ssn', 'town', '_creationTime'], 'full_refresh');
    const lines = await source.readAll({ streams: [users, 'posts'] });
    expect(columnsOf(lines)).toEqual(
      expect.arrayContaining([
        ['_id', 'name'],
        ['_creationTime', '_id', 'ssn'],
      ]),
    );
    expect(lines.join('\n')).not.toContain(SSN);
    expect(lines.join('\n')).not.toContain('London');
  });

  test.each([
    ['all columns are selected', []],
    ['columns that are always there are deselected', ['_id', '_ts', '_table', '_ab_cdc_lsn']],
  ])('S12: everything comes where %s', async (_title, deselected) => {
    await using source = await Source.start();
    source.deployment.load('users', [{ name: 'Ada', ssn: SSN }]);
    const users = await select(source, deselected);
    source.deployment.load('users', [{ name: 'Bob', later: 1 }]);
    const lines = await source.readAll({ streams: [users] });
    // In the order of the ids, which are random.
    expect(columnsOf(lines).sort()).toEqual([
      ['_creationTime', '_id', 'later', 'name'],
      ['_creationTime', '_id', 'name', 'ssn'],
    ]);
  });
});

const schema = (offered: unknown, ...properties: string[]): object => ({
  'x-convex-columns': offered,
  properties: Object.fromEntries(properties.map((name) => [name, {}])),
});

test.each<[string, unknown, string[]]>([
  ['no schema', undefined, []],
  ['an empty schema', {}, []],
  ['a list, but no properties', { 'x-convex-columns': ['a'] }, []],
  ['no list: an older catalog', { properties: { a: {} } }, []],
  ['a list that is none', schema('a', 'b'), []],
  ['everything selected', schema(['_creationTime', 'a', 'b'], '_id', '_creationTime', 'a', 'b'), []],
  ['some selected', schema(['_creationTime', 'a', 'b', 'c'], '_id', '_creationTime', 'b'), ['a', 'c']],
  ['nothing selected', schema(['_creationTime', 'a']), ['_creationTime', 'a']],
  ['a property that the list lacks', schema(['a'], 'a', 'b'), []],
  ['names of every object', schema(['constructor', '__proto__', 'toString'], 'a'), ['constructor', 'toString']],
  ['blanks, dots, nothing', schema(['a b', 'a.b', '']), ['a b', 'a.b', '']],
  ['what the deployment would refuse', schema(['_id', '_ts', '$a', 'ä', 7, null]), []],
  ['a name twice', schema(['a', 'a']), ['a']],
])('deselected: %s', (_title, jsonSchema, expected) => {
  expect(deselectedColumns(jsonSchema)).toEqual(expected);
});

test('a document that is no JSON, with a deselected column: nothing of it is written, and the failure is told', async () => {
  await using source = await Source.start();
  const head = `"_component":"","_table":"t","_ts":${MADE_UP_NOW},"_creationTime":1.5`;
  const snapshot = [`{${head},"_id":"j57a","b":1,"c":2}`, `{${head},"_id":"j57b","b":2,"c" 1}`];
  await using server = await startFakeDeployment({ snapshot });
  const stream = { name: 't', json_schema: { properties: {}, 'x-convex-columns': ['b'] } };
  const streams = [
    { name: 't', extra: { stream: { ...stream, supported_sync_modes: ['full_refresh', 'incremental'] } } },
  ];
  const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '1' };
  const { code, lines } = await source.read({ streams, env, config: { deployment_url: server.url } });
  expect(code).toBe(1);
  expect(recordsOf(lines).map(({ id }) => id)).toEqual(['j57a']);
  expect(errorsOf(lines).map(({ failure_type }) => failure_type)).toContain('transient_error');
  for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
});
