/** Incremental query streams: what goes on from the greatest value of the cursor field. */
import { describe, expect, test } from 'vitest';
import type { Functions } from '../../../emulator/index.ts';
import { errorsOf, logsOf, statusesOf } from '../../support/messages.ts';
import { lastState, savedStates, type Source } from '../setup.ts';
import { appOf, callsOf, CHANGED, dataOf, PAGE, readQueries, type QueryStreamConfig } from './setup.ts';

/** Reads with the last state of the lines before. */
async function next(source: Source, stream: QueryStreamConfig, lines: readonly string[], config: object = {}) {
  source.emulator.journal.clear();
  return readQueries(source, [stream], { state: savedStates(lines), config });
}

const add = (source: Source, ...rows: object[]) => source.deployment.load('notes', rows, { perTransaction: 1 });
const field = (lines: readonly string[], name = 'text') =>
  dataOf(lines).map((data) => (JSON.parse(data) as Record<string, unknown>)[name]);
const sinces = (source: Source) => callsOf(source).map(({ args }) => args['since']);

describe('the argument takes the greatest value, digit for digit', () => {
  test('numbers', async () => {
    await using source = await appOf();
    add(source, { rev: 1786000000123.4568, text: 'a' }, { rev: 9, text: 'b' }, { rev: 10, text: 'c' });
    const first = await readQueries(source, [CHANGED]);
    expect(field(first.lines)).toEqual(['b', 'c', 'a']);
    expect(sinces(source)).toEqual([undefined]);
    expect(lastState(first.lines, 'notes')).toMatchObject({ cursor: '1786000000123.4568', next_cursor: null });
    add(source, { rev: 1786000000123.457, text: 'd' }, { rev: 5, text: 'too old' });
    const second = await next(source, CHANGED, first.lines);
    expect(source.emulator.journal.entries[0]?.body).toContain('"since":1786000000123.4568,');
    // The query asks for this value and above, since others of the same value may have come meanwhile.
    expect(field(second.lines)).toEqual(['a', 'd']);
    const third = await next(source, CHANGED, second.lines);
    expect(field(third.lines)).toEqual(['d']);
    expect(statusesOf(third.lines)).toEqual(['notes STARTED', 'notes RUNNING', 'notes COMPLETE']);
  });

  test('texts, in the order that Convex has: by UTF-8, not by UTF-16', async () => {
    await using source = await appOf();
    add(source, { rev: '\uFFFD', text: 'a' }, { rev: '\u{1F600}', text: 'b' });
    const first = await readQueries(source, [CHANGED]);
    expect(lastState(first.lines, 'notes')).toMatchObject({ cursor: '"\u{1F600}"' });
    add(source, { rev: '\u{1F601} "x"\n', text: 'c' });
    const second = await next(source, CHANGED, first.lines);
    expect(field(second.lines)).toEqual(['b', 'c']);
    expect(field((await next(source, CHANGED, second.lines)).lines)).toEqual(['c']);
  });

  test.each(['convex_encoded_json', 'export_json'])('int64 beyond what a double holds, as %s', async (value_format) => {
    await using source = await appOf();
    const config = { value_format };
    add(
      source,
      { rev: 1786000000123456789n, text: 'a' },
      { rev: -5n, text: 'b' },
      { rev: 1786000000123456788n, text: 'c' },
    );
    const first = await readQueries(source, [CHANGED], { config });
    expect(field(first.lines)).toEqual(['b', 'c', 'a']);
    add(source, { rev: 1786000000123456790n, text: 'd' });
    const second = await next(source, CHANGED, first.lines, config);
    expect(sinces(source)[0]).toEqual({ $integer: 'Fc00mIklyRg=' });
    expect(field(second.lines)).toEqual(['a', 'd']);
    expect(field((await next(source, CHANGED, second.lines, config)).lines)).toEqual(['d']);
  });
});

describe('int64 values in `json`, where they are texts of digits', () => {
  const filtered = { ...PAGE, cursor_field: 'rev' };

  test.each([
    ['a cursor argument', CHANGED],
    ['none', filtered],
  ])('with %s: they are compared as numbers, and the argument is one', async (_what, stream) => {
    await using source = await appOf();
    add(source, { rev: 9n, text: 'a' }, { rev: 10n, text: 'b' });
    const first = await readQueries(source, [stream]);
    expect(dataOf(first.lines)[1]).toContain('"rev":"10"');
    add(source, { rev: 1786000000123456789n, text: 'c' });
    const second = await next(source, stream, first.lines);
    expect(field(second.lines)).toEqual(['b', 'c']);
    expect(second.code).toBe(0);
    const third = await next(source, stream, second.lines);
    expect(field(third.lines)).toContain('c');
    expect(lastState(third.lines, 'notes')).toMatchObject({
      [stream === CHANGED ? 'cursor' : 'floor_cursor']: '{"$integer":"Fc00mIklyRg="}',
    });
    // The state tells the type: no page is asked for twice.
    expect(callsOf(source)).toHaveLength(1);
  });

  test('a state from before the type was known', async () => {
    await using source = await appOf();
    add(source, { rev: 9n, text: 'a' }, { rev: 10n, text: 'b' });
    const first = await readQueries(source, [CHANGED]);
    const state = savedStates(
      first.lines.map((line) => line.replaceAll(/\{\\"\$integer\\":\\"[^"]+\\"\}/g, '\\"9\\"')),
    );
    expect(JSON.stringify(state)).not.toContain('integer');
    const second = await readQueries(source, [CHANGED], { state });
    expect(field(second.lines)).toEqual(['a', 'b']);
  });

  test('texts of digits stay texts', async () => {
    await using source = await appOf();
    add(source, { rev: '10', text: 'a' }, { rev: '9', text: 'b' });
    const first = await readQueries(source, [CHANGED]);
    add(source, { rev: '8', text: 'too old' }, { rev: '90', text: 'c' });
    const second = await next(source, CHANGED, first.lines);
    expect(field(second.lines)).toEqual(['b', 'c']);
    expect(lastState(second.lines, 'notes')).toMatchObject({ cursor: '"90"' });
  });
});

describe('the first value', () => {
  test('is what the arguments hold, if they do', async () => {
    await using source = await appOf();
    add(source, { rev: 1, text: 'a' }, { rev: 2, text: 'b' });
    const stream = { ...CHANGED, args: '{"since": 2}' };
    const first = await readQueries(source, [stream]);
    expect(field(first.lines)).toEqual(['b']);
    add(source, { rev: 3, text: 'c' });
    expect(field((await next(source, stream, first.lines)).lines)).toEqual(['b', 'c']);
    expect(sinces(source)).toEqual([2]);
  });

  test('stays where it is while there are no records', async () => {
    await using source = await appOf();
    const first = await readQueries(source, [CHANGED]);
    expect(lastState(first.lines, 'notes')).toMatchObject({ cursor: null });
    add(source, { rev: 1, text: 'a' });
    const second = await next(source, CHANGED, first.lines);
    expect(sinces(source)).toEqual([undefined]);
    expect(field(second.lines)).toEqual(['a']);
    source.deployment.clearTable('notes');
    const third = await next(source, CHANGED, second.lines);
    expect(field(third.lines)).toEqual([]);
    expect(lastState(third.lines, 'notes')).toMatchObject({ cursor: '1.0' });
  });
});

describe('without an argument', () => {
  const FILTERED = { ...PAGE, cursor_field: 'rev' };

  test('everything is read each time, and records from the last value on are passed on', async () => {
    await using source = await appOf();
    add(source, { rev: 3, text: 'a' }, { rev: 1, text: 'b' }, { text: 'without' }, { rev: null, text: 'null' });
    const first = await readQueries(source, [FILTERED]);
    expect(field(first.lines).sort()).toEqual(['a', 'b', 'null', 'without']);
    add(source, { rev: 3.0, text: 'same' }, { rev: 2.999999999, text: 'older' }, { rev: 4, text: 'newer' });
    const second = await next(source, FILTERED, first.lines);
    // What has no value cannot be told to be old.
    expect(field(second.lines).sort()).toEqual(['a', 'newer', 'null', 'same', 'without']);
    expect(callsOf(source)).toHaveLength(2);
  });

  test('a query that goes back a little by itself is left alone', async () => {
    const functions: Functions = {
      'notes:changed': {
        type: 'query',
        handler: async (ctx, { since }: { since?: number }) => {
          const rows = await ctx.db.query('notes').withIndex('by_rev').collect();
          return rows.filter(({ rev }) => since === undefined || Number(rev) >= since - 10);
        },
      },
    };
    await using source = await appOf({ functions });
    const stream = { ...CHANGED, paginated: false };
    add(source, { rev: 100, text: 'a' });
    const first = await readQueries(source, [stream]);
    add(source, { rev: 95, text: 'committed late' });
    const second = await next(source, stream, first.lines);
    expect(field(second.lines)).toEqual(['committed late', 'a']);
    expect(lastState(second.lines, 'notes')).toMatchObject({ cursor: '100.0' });
  });
});

describe('a field without an order', () => {
  test.each<[rows: object[], what: string]>([
    [[{ rev: 1 }, { rev: 'x' }], 'holds a text here and a number there'],
    [[{ rev: true }], 'holds a boolean'],
    [[{ rev: [1] }], 'holds a list'],
    [[{ rev: { a: 1 } }], 'holds a object'],
  ])('%j', async (rows, what) => {
    await using source = await appOf();
    add(source, ...rows);
    const { code, lines } = await readQueries(source, [CHANGED]);
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]).toMatchObject({
      failure_type: 'config_error',
      message: expect.stringContaining(
        `Query stream "notes": its cursor field "rev" ${what.replace('a object', 'an object')}.`,
      ) as string,
    });
  });
});

describe('what is asked for', () => {
  test('incremental without a cursor field: everything, each time', async () => {
    await using source = await appOf();
    add(source, { rev: 1, text: 'a' });
    const first = await readQueries(source, [PAGE]);
    const second = await next(source, PAGE, first.lines);
    expect(field(second.lines)).toEqual(['a']);
    expect(logsOf(second.lines)).toContain(
      'WARN Query stream "notes" has no cursor field, so every sync reads all of it.',
    );
  });

  test('incremental by a field that no record has: everything, each time, and it is said', async () => {
    await using source = await appOf();
    const stream = { ...CHANGED, query: 'notes:page', cursor_field: 'rve' };
    const { cursor_argument: _none, ...filtered } = stream;
    const empty = await readQueries(source, [filtered]);
    add(source, { rev: 1, text: 'a' });
    const full = await readQueries(source, [filtered]);
    const said = ({ lines }: { lines: readonly string[] }) => logsOf(lines).filter((line) => line.startsWith('WARN'));
    expect([said(empty), said(full)]).toEqual([
      [],
      [
        'WARN Query stream "notes": no record has a value in the cursor field "rve", so every sync reads all of it. Check the name of the field.',
      ],
    ]);
  });

  const refresh = (syncId: number) => [{ name: 'notes', mode: 'full_refresh', syncId }];

  test('a full refresh that an earlier attempt of the same sync has completed is not read again', async () => {
    await using source = await appOf();
    add(source, { rev: 1, text: 'a' });
    const first = await readQueries(source, [CHANGED], { wanted: refresh(7) });
    expect(lastState(first.lines, 'notes')).toMatchObject({ sync_id: 7 });
    source.emulator.journal.clear();
    const state = savedStates(first.lines);
    const same = await readQueries(source, [CHANGED], { wanted: refresh(7), state });
    expect(dataOf(same.lines)).toEqual([]);
    expect(source.emulator.journal.count()).toBe(0);
    expect(savedStates(same.lines)).toEqual(state);
    const other = await readQueries(source, [CHANGED], { wanted: refresh(8), state });
    expect(field(other.lines)).toEqual(['a']);
    expect(sinces(source)).toEqual([undefined]);
  });

  test.each([
    ['goes on in an attempt of the same sync', 7, 7, ['e']],
    ['S8: begins anew in another sync', 7, 8, ['a', 'b', 'c', 'd', 'e']],
    ['S8: begins anew where no sync is identified', 1, 1, ['a', 'b', 'c', 'd', 'e']],
  ])('a full refresh that was interrupted %s', async (_what, before, after, texts) => {
    await using source = await appOf();
    add(source, ...['a', 'b', 'c', 'd', 'e'].map((text, rev) => ({ rev, text })));
    const heal = source.emulator.faults.add({ kind: 'status', status: 401, code: 'BadAdminKey', after: 1 });
    const first = await readQueries(source, [CHANGED], { wanted: refresh(before) });
    heal();
    expect(lastState(first.lines, 'notes')).toMatchObject({ has_more: true });
    const second = await readQueries(source, [CHANGED], { wanted: refresh(after), state: savedStates(first.lines) });
    expect(field(second.lines)).toEqual(texts);
    expect(
      logsOf(second.lines).includes(
        'WARN Query stream "notes" is read from its beginning: its saved state is of a full refresh that another sync did not finish.',
      ),
    ).toBe(texts.length === 5);
  });

  test('PyAirbyte calls every sync 1', async () => {
    await using source = await appOf();
    add(source, { rev: 1, text: 'a' });
    const first = await readQueries(source, [CHANGED], { wanted: refresh(1) });
    const second = await readQueries(source, [CHANGED], { wanted: refresh(1), state: savedStates(first.lines) });
    expect(field(second.lines)).toEqual(['a']);
  });
});

describe('a state that does not fit', () => {
  test('the query or its arguments were changed: from the beginning, with a warning', async () => {
    await using source = await appOf();
    add(source, { rev: 1, text: 'a' });
    const first = await readQueries(source, [CHANGED]);
    const changed = { ...CHANGED, args: '{"since": 0}' };
    const second = await next(source, changed, first.lines);
    expect(sinces(source)).toEqual([0]);
    expect(logsOf(second.lines)).toContain(
      'WARN Query stream "notes" is read from its beginning: its query, its arguments or its cursor were changed since the last sync.',
    );
    // The size of pages is nothing that a position depends on.
    const third = await next(source, { ...CHANGED, page_size: 100 }, first.lines);
    expect(sinces(source)).toEqual([1]);
    expect(third.code).toBe(0);
  });

  test.each([
    [
      { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: '1786000000123456789' },
      'is not the state of a query stream',
    ],
    [{ fingerprint: 'x', has_more: false, cursor: 5 }, 'has a cursor that is no string'],
    [{ fingerprint: 'x', has_more: false, cursor: 'not json' }, 'has a cursor that is no value of a cursor'],
    [{ fingerprint: 'x', has_more: false, cursor: '{"a":1}' }, 'has a cursor that is no value of a cursor'],
    [[1], 'is not a JSON object'],
  ])('%j', async (content, what) => {
    await using source = await appOf();
    const state = [{ type: 'STREAM', stream: { stream_descriptor: { name: 'notes' }, stream_state: content } }];
    const { code, lines } = await readQueries(source, [CHANGED], { state });
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]).toMatchObject({
      failure_type: 'config_error',
      message: `The saved state of stream "notes" ${what}. Refresh (or clear) the stream to read it anew.`,
    });
    expect(source.emulator.journal.count()).toBe(0);
  });

  test.each([
    ['an argument', CHANGED],
    ['no argument', { ...PAGE, cursor_field: 'rev' }],
  ])('a value format that was changed, with %s: read from the beginning', async (_what, stream) => {
    await using source = await appOf();
    add(source, { rev: 9n, text: 'a' }, { rev: 10n, text: 'b' });
    const first = await readQueries(source, [stream]);
    const config = { value_format: 'export_json' };
    const second = await next(source, stream, first.lines, config);
    expect([second.code, field(second.lines)]).toEqual([0, ['a', 'b']]);
    expect(logsOf(second.lines)).toContain(
      'WARN Query stream "notes" is read from its beginning: the value format was changed since the last sync.',
    );
    expect(field((await next(source, stream, second.lines, config)).lines)).toEqual(['b']);
  });

  test('a state of another deployment', async () => {
    await using source = await appOf();
    const key = { access_key: source.emulator.key };
    const first = await readQueries(source, [CHANGED], { config: key });
    expect(lastState(first.lines, 'notes')).toMatchObject({ deployment: 'happy-otter-123' });
    await using other = await appOf({ instanceName: 'sad-fox-456' });
    const { code, lines } = await readQueries(other, [CHANGED], {
      config: { access_key: other.emulator.key },
      state: savedStates(first.lines),
    });
    expect(code).toBe(1);
    expect(errorsOf(lines)[0]?.message).toContain(
      'was saved from the deployment happy-otter-123, but this connection reads sad-fox-456',
    );
  });
});
