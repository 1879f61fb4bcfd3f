/** check and discover of query streams, and what is wrong with a configuration of them. */
import { describe, expect, test } from 'vitest';
import type { Functions, PaginationOptions } from '../../../emulator/index.ts';
import { logsOf, messagesOfType } from '../../support/messages.ts';
import type { Finished } from '../../support/process.ts';
import type { Source } from '../setup.ts';
import { appOf, callsOf, CHANGED, configOf, PAGE } from './setup.ts';

function statusOf({ lines, code }: Finished): string {
  const [message] = messagesOfType(lines, 'CONNECTION_STATUS');
  if (message === undefined || code !== 0) throw new Error(lines.join('\n'));
  const { status, message: text } = message.connectionStatus;
  return text === undefined ? status : `${status}: ${text}`;
}

const check = async (source: Source, streams: Parameters<typeof configOf>[1], more: object = {}) =>
  statusOf(await source.run('check', configOf(source, streams, more)));

function streamsOf({ lines, code }: Finished) {
  const [message] = messagesOfType(lines, 'CATALOG');
  if (message === undefined || code !== 0) throw new Error(lines.join('\n'));
  return message.catalog.streams;
}

describe('check', () => {
  test('calls every query, for one record where it is paginated', async () => {
    await using source = await appOf();
    expect(await check(source, [PAGE, { name: 'all', query: 'notes:all', paginated: false }])).toBe('SUCCEEDED');
    expect(callsOf(source).map(({ path, args }) => [path, args])).toEqual([
      ['notes:page', { paginationOpts: { numItems: 1, cursor: null } }],
      ['notes:all', {}],
    ]);
  });

  test('neither tables nor query streams', async () => {
    await using source = await appOf();
    const missing = 'FAILED: The configuration is not valid: access_key is missing.';
    expect(statusOf(await source.run('check', { deployment_url: source.emulator.url }))).toBe(missing);
    expect(await check(source, [])).toBe(missing);
  });

  test('a query that is not there, a key that is none, a token that is none', async () => {
    await using source = await appOf();
    expect(await check(source, [{ name: 'x', query: 'nowhere:nothing' }])).toBe(
      'FAILED: Query stream "x": the query nowhere:nothing cannot be read: Could not find public function for \'nowhere:nothing\'. Check its path and that it is deployed. Internal queries can only be called with a deploy key, and without a user token.',
    );
    expect(await check(source, [{ name: 'x', query: 'notes:add' }])).toBe(
      'FAILED: Query stream "x": the query notes:add cannot be read: Trying to execute notes.js:add as Query, but it is defined as Mutation. Query streams are read by queries only.',
    );
    expect(await check(source, [PAGE], { user_token: 'nonsense' })).toMatch(
      /^FAILED: 127\.0\.0\.1 does not accept the user token \(401 InvalidAuthHeader\)\./,
    );
    expect(await check(source, [PAGE], { user_token: ' ' })).toBe('FAILED: The user token is empty.');
    expect(await check(source, [PAGE], { access_key: 'prod:happy-otter-123|d3Jvbmc=' })).toMatch(
      /^FAILED: 127\.0\.0\.1 does not accept the deploy key \(401 BadAdminKey\)\./,
    );
    const hidden = { name: 'x', query: 'notes:hidden', paginated: false };
    expect(await check(source, [hidden], { access_key: source.emulator.importOnlyKey })).toMatch(
      /^FAILED: The deploy key is valid for 127\.0\.0\.1 but lacks the permission deployment:functions:runInternalQueries/,
    );
  });

  test.each([true, false])('a deploy key, on a plan with streaming export: %s', async (streamingExport) => {
    await using source = await appOf({ streamingExport });
    const finished = await source.run('check', configOf(source, [PAGE], { access_key: source.emulator.readOnlyKey }));
    expect(statusOf(finished)).toBe('SUCCEEDED');
    const warnings = logsOf(finished.lines).filter((line) => line.startsWith('WARN'));
    expect(warnings).toEqual(
      streamingExport
        ? []
        : [
            'WARN Only query streams can be read: the plan of 127.0.0.1 does not include streaming export, which tables need.',
          ],
    );
  });
});

describe('a configuration that cannot be meant so', () => {
  const S = { name: 's', query: 'notes:page' };
  test.each<[what: string, streams: object[], expected: string]>([
    ['no name', [{ query: 'notes:page' }], 'query_streams.0.name is missing'],
    ['an empty name', [{ ...S, name: ' ' }], 'A query stream has no name.'],
    ['no query', [{ name: 's' }], 'query_streams.0.query is missing'],
    ['a path of another form', [{ ...S, query: 'notes.page' }], 'query_streams.0.query must look like file:function'],
    [
      'a path that is none',
      [{ ...S, query: 'a//b:c' }],
      'Query stream "s": "a//b:c" has a "/" where no folder or file is named.',
    ],
    ['the same name twice', [S, S], 'There are two query streams "s".'],
    [
      'arguments that are no JSON',
      [{ ...S, args: '{since: 1}' }],
      'Query stream "s": its arguments are not a JSON object, such as {"region": "eu"}.',
    ],
    ['arguments that are a list', [{ ...S, args: '[1]' }], 'Query stream "s": its arguments are not a JSON object'],
    ['arguments for pages', [{ ...S, args: '{"paginationOpts": {}}' }], 'leave paginationOpts out of the arguments'],
    ['a cursor argument alone', [{ ...S, cursor_argument: 'since' }], 'a cursor argument needs a cursor field'],
    [
      'a cursor argument that is taken',
      [{ ...S, cursor_field: 'a', cursor_argument: 'paginationOpts' }],
      'paginationOpts cannot be the cursor argument',
    ],
    ['a key twice', [{ ...S, primary_key: ['a', 'a'] }], 'the primary key names a field twice'],
    ['a page of nothing', [{ ...S, page_size: 0 }], 'query_streams.0.page_size must be >= 1'],
  ])('%s', async (_what, streams, expected) => {
    await using source = await appOf();
    expect(await check(source, streams as never)).toContain(expected);
    expect(source.emulator.journal.count()).toBe(0);
  });

  test.each([
    ['notes.js:page', 'notes:page'],
    [' notes:page ', 'notes:page'],
  ])('%j is understood', async (query, path) => {
    await using source = await appOf();
    expect(await check(source, [{ name: 's', query, args: ' ' }])).toBe('SUCCEEDED');
    expect(callsOf(source)[0]?.path).toBe(path);
  });
});

describe('discover', () => {
  test('a stream is described by its first page', async () => {
    await using source = await appOf();
    source.deployment.load('notes', [
      { rev: 1, text: 'a', tags: ['x'], place: { lat: 1.5 } },
      { rev: 2, text: null, tags: [], place: { lat: 1, name: 'here' }, done: true },
      { rev: 3, tags: [1, null], mixed: 'x' },
      { rev: 4, mixed: 5, int: 5n },
    ]);
    const [stream] = streamsOf(await source.run('discover', configOf(source, [CHANGED])));
    const any = (...types: string[]) => ({ type: ['null', ...types] });
    expect(stream).toEqual({
      name: 'notes',
      json_schema: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        properties: {
          _id: { type: 'string', description: 'The id of the document.' },
          _creationTime: any('number'),
          place: {
            ...any('object'),
            properties: { lat: any('number'), name: any('string') },
            additionalProperties: true,
          },
          rev: any('number'),
          tags: { ...any('array'), items: any('number', 'string') },
          text: any('string'),
          done: any('boolean'),
          mixed: any('number', 'string'),
          int: any('string'),
        },
        additionalProperties: true,
      },
      supported_sync_modes: ['full_refresh', 'incremental'],
      source_defined_cursor: true,
      default_cursor_field: ['rev'],
      source_defined_primary_key: [['_id']],
      is_resumable: true,
    });
  });

  test('integers of export_json, and the wrapped ones', async () => {
    await using source = await appOf();
    source.deployment.load('notes', [{ int: 5n, whole: 5 }]);
    const fields = async (value_format: string) => {
      const [stream] = streamsOf(await source.run('discover', configOf(source, [PAGE], { value_format })));
      return stream?.json_schema['properties'] as Record<string, object>;
    };
    expect(await fields('export_json')).toMatchObject({
      int: { type: ['null', 'integer'] },
      whole: { type: ['null', 'number'] },
    });
    expect(await fields('convex_encoded_json')).toMatchObject({
      int: { type: ['null', 'object'], properties: { $integer: { type: ['null', 'string'] } } },
    });
  });

  test('one without records, without a key, without a cursor, not paginated', async () => {
    await using source = await appOf();
    const [stream] = streamsOf(
      await source.run('discover', configOf(source, [{ name: 'n', query: 'notes:all', paginated: false }])),
    );
    expect(stream).toEqual({
      name: 'n',
      json_schema: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        properties: {},
        additionalProperties: true,
      },
      supported_sync_modes: ['full_refresh'],
      source_defined_cursor: false,
      is_resumable: false,
    });
    const [keyed] = streamsOf(
      await source.run('discover', configOf(source, [{ ...CHANGED, primary_key: ['_id', 'place'] }])),
    );
    expect(Object.entries(keyed?.json_schema['properties'] as object)).toEqual([
      ['_id', { type: 'string', description: 'The id of the document.' }],
      ['place', { type: ['boolean', 'number', 'string'] }],
      ['rev', { type: ['null', 'boolean', 'number', 'string'] }],
    ]);
  });

  test('S10: one whose first pages are empty, since the query filters them', async () => {
    const odd: Functions = {
      'notes:odd': {
        type: 'query',
        handler: async (ctx, { paginationOpts }: { paginationOpts: PaginationOptions }) => {
          const result = await ctx.db.query('notes').paginate(paginationOpts);
          return { ...result, page: result.page.filter(({ n }) => Number(n) >= 9) };
        },
      },
    };
    await using source = await appOf({ functions: odd });
    source.deployment.load(
      'notes',
      Array.from({ length: 12 }, (_, n) => ({ n })),
    );
    const [stream] = streamsOf(await source.run('discover', configOf(source, [{ ...PAGE, query: 'notes:odd' }])));
    expect(Object.keys(stream?.json_schema['properties'] as object)).toEqual(['_id', '_creationTime', 'n']);
    expect(callsOf(source)).toHaveLength(3);
  });

  test('S10: one without records at all ends with its last page', async () => {
    const none: Functions = {
      'notes:none': {
        type: 'query',
        handler: async (ctx, { paginationOpts }: { paginationOpts: PaginationOptions }) => ({
          ...(await ctx.db.query('notes').paginate(paginationOpts)),
          page: [],
        }),
      },
    };
    await using source = await appOf({ functions: none });
    source.deployment.load('notes', [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }]);
    const [stream] = streamsOf(await source.run('discover', configOf(source, [{ ...PAGE, query: 'notes:none' }])));
    expect(Object.keys(stream?.json_schema['properties'] as object)).toEqual(['_id']);
  });

  test('S10: one of a module whose name has a period', async () => {
    const dotted: Functions = { 'reports.v2.js:all': { type: 'query', handler: () => [{ _id: 'a', n: 1 }] } };
    await using source = await appOf({ functions: dotted });
    const config = configOf(source, [{ name: 'v2', query: 'reports.v2:all', paginated: false }]);
    const [stream] = streamsOf(await source.run('discover', config));
    expect(Object.keys(stream?.json_schema['properties'] as object)).toEqual(['_id', 'n']);
  });

  test('besides the tables, after them', async () => {
    await using source = await appOf({ streamingExport: true });
    source.deployment.load('notes', [{ n: 1 }]);
    const config = configOf(source, [{ ...PAGE, name: 'view' }], { access_key: source.emulator.readOnlyKey });
    expect(streamsOf(await source.run('discover', config)).map(({ name }) => name)).toEqual(['notes', 'view']);
  });

  test('one that is called as a table is', async () => {
    await using source = await appOf({ streamingExport: true });
    source.deployment.load('notes', [{ n: 1 }]);
    const config = configOf(source, [PAGE], { access_key: source.emulator.readOnlyKey });
    const { code, lines } = await source.run('discover', config);
    expect(code).toBe(1);
    expect(lines.join('\n')).toContain('The query stream \\"notes\\" has the name of a table.');
  });

  test('one that fails is listed without its columns; the others have theirs', async () => {
    await using source = await appOf();
    source.deployment.load('notes', [{ n: 1 }]);
    const finished = await source.run(
      'discover',
      configOf(source, [{ ...CHANGED, name: 'x', query: 'no:where' }, PAGE]),
    );
    const [broken, fine] = streamsOf(finished);
    expect(Object.keys(broken?.json_schema['properties'] as object)).toEqual(['_id', 'rev']);
    expect(Object.keys(fine?.json_schema['properties'] as object)).toEqual(['_id', '_creationTime', 'n']);
    expect(logsOf(finished.lines).filter((line) => line.startsWith('WARN'))).toEqual([
      expect.stringContaining("Could not find public function for 'no:where'") as string,
    ]);
  });

  test('a token that does not hold ends it', async () => {
    await using source = await appOf();
    const { code, lines } = await source.run('discover', configOf(source, [PAGE], { user_token: 'nonsense' }));
    expect(code).toBe(1);
    expect(lines.join('\n')).toContain('does not accept the user token');
  });
});
