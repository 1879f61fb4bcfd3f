import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import { append, dedup, Destination, IMPORT, record, state, type Wanted } from './setup.ts';

describe('a table', () => {
  test('is named as the Python destination and the server named it', async () => {
    await using destination = await Destination.start();
    const streams: [Wanted, string][] = [
      [append('users'), 'users'],
      [append('users', { namespace: 'public' }), 'public_users'],
      [append('Users'), 'Users'],
      [append('_leading'), 'source_leading'],
      [append('with.dots', { namespace: 'a b' }), 'source_a_b_with_dots'],
      [append('2024'), 'source_2024'],
      [append('select'), 'select'],
      [append('naïve'), 'source_naive'],
      [append('Straße'), 'source_strasse'],
      [append('x'.repeat(63)), 'x'.repeat(63)],
      [append('y'.repeat(60), { namespace: 'abc' }), `abc_${'y'.repeat(60)}`],
    ];
    const lines = streams.map(([{ name, namespace }], n) => record(name, { n }, namespace));
    const finished = await destination.write({ streams: streams.map(([stream]) => stream) }, lines);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    for (const [n, [, table]] of streams.entries()) expect(destination.rows(table), table).toEqual([{ n }]);
    expect(destination.tables().sort()).toEqual(streams.map(([, table]) => table).sort());
    // The valid names are sent: nothing depends on what the server makes of the others.
    const sent = [
      ...destination.emulator.journal
        .of(IMPORT)
        .at(-1)!
        .body.matchAll(/"tableName":"([^"]*)"/g),
    ];
    expect(sent.map(([, table]) => table)).toEqual(streams.map(([, table]) => table));
  });

  test.each([
    ['namespace and name', append('b_c', { namespace: 'a' }), append('c', { namespace: 'a_b' }), 'a_b_c'],
    ['special characters', append('my table'), append('my-table'), 'source_my_table'],
    ['capitals', append('_Users'), append('_users'), 'source_users'],
    ['an underscore', append('_users'), append('source_users'), 'source_users'],
    ['letters beyond ASCII', append('été'), append('ètè'), 'source_ete'],
    ['letters beyond ASCII and a plain name', append('été'), append('source_ete'), 'source_ete'],
  ])('for two streams is refused before anything is written: %s', async (_, one, other, table) => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [one, append('fine'), other] }, [record('fine', { n: 1 })]);
    expect(finished.code).toBe(1);
    const [error] = errorsOf(finished.lines);
    expect(error).toMatchObject({ failure_type: 'config_error' });
    expect(error!.message).toContain(`would both be written to the table "${table}"`);
    expect(error!.message).toContain('Rename one of the streams');
    expect(destination.tables()).toEqual([]);
  });

  test.each([
    ['65 characters', append('x'.repeat(65)), /whose name has 72 characters; Convex allows 64/],
    [
      '58 characters and a reserved beginning',
      append(`_${'x'.repeat(58)}`),
      /whose name has 65 characters; Convex allows 64/,
    ],
    ['a long namespace', append('x'.repeat(40), { namespace: 'y'.repeat(40) }), /Convex allows 64/],
    ['many letters beyond ASCII', append('é'.repeat(60)), /too long once it is written in ASCII letters/],
  ])('whose name is too long is refused with what to do: %s', async (_, stream, message) => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [stream] }, []);
    expect(finished.code).toBe(1);
    const [error] = errorsOf(finished.lines);
    expect(error).toMatchObject({ failure_type: 'config_error' });
    expect(error!.message).toMatch(message);
    expect(error!.message).toContain('Rename the stream, or choose a shorter namespace or prefix');
    expect(destination.tables()).toEqual([]);
  });
});

describe('a primary key', () => {
  test.each([
    ['none', dedup('t', []), 'has no primary key'],
    ['an empty path', dedup('t', [[]]), 'has no primary key'],
    [
      '16 fields',
      dedup(
        't',
        Array.from({ length: 16 }, (_, n) => `f${n}`),
      ),
      'of 16 fields; a Convex index can hold 15',
    ],
    ['a blank', dedup('t', ['first name']), '"first name" does not consist of letters, digits and underscores only'],
    ['a dot', dedup('t', [['a', 'b.c']]), '"b.c" does not consist'],
    ['a leading digit', dedup('t', ['2024']), '"2024" does not consist'],
    ['an empty name', dedup('t', ['']), '"" does not consist'],
    ['65 characters', dedup('t', ['x'.repeat(65)]), 'does not consist'],
    ['a field that is not stored', dedup('t', ['_ab_cdc_lsn']), 'which is not stored'],
    ['a field twice', dedup('t', ['a', 'a']), 'has the field "a" twice'],
    ['two fields of one name', dedup('t', ['_a', 'source_a']), 'has the field "source_a" twice'],
  ])('that cannot be indexed is refused with the reason: %s', async (_, stream, message) => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [stream] }, []);
    expect(finished.code).toBe(1);
    const [error] = errorsOf(finished.lines);
    expect(error).toMatchObject({ failure_type: 'config_error', stream_descriptor: { name: 't' } });
    expect(error!.message).toContain('Stream "t"');
    expect(error!.message).toContain(message);
    expect(destination.emulator.journal.entries).toEqual([]);
  });

  test('may have fifteen fields, 64 characters, nested and renamed ones, and letters beyond ASCII', async () => {
    await using destination = await Destination.start();
    const names = ['_id', '$b', 'naïve', 'x'.repeat(64), ...Array.from({ length: 10 }, (_, n) => `f${n}`)];
    const document = { ...Object.fromEntries(names.map((name) => [name, 1])), deep: { _x: { É: 1 } } };
    const streams = [dedup('t', [...names, ['deep', '_x', 'É']])];
    const finished = await destination.write({ streams }, [
      record('t', { ...document, v: 1 }),
      record('t', { ...document, v: 2 }),
      record('t', { ...document, naïve: 2, v: 3 }),
      state('t', 1),
    ]);
    expect(
      finished.code,
      logsOf(finished.lines).join('\n') +
        errorsOf(finished.lines)
          .map(({ message }) => message)
          .join(),
    ).toBe(0);
    expect(destination.rows('t').map(({ v, source_naive: naive }) => [v, naive])).toEqual([
      [2, 1],
      [3, 2],
    ]);
  });
});

test('streams with hostile names end in their own tables, or in an error that says why', async () => {
  const names = [
    'a',
    '__',
    '_a',
    'a b',
    'a.b',
    '"quoted"',
    "it's",
    'ÄÖ',
    '日本',
    '😀',
    '1a',
    'null',
    'constructor',
    '__proto__',
    'a/b',
    'A',
    '\\',
    'x'.repeat(63),
    'x'.repeat(65),
    '_system',
    'tab\t',
  ];
  await using destination = await Destination.start();
  const fates = new Map<string, string>();
  for (const name of names) {
    const stream = dedup(name, ['_id']);
    const running = await destination.write({ streams: [stream] }, [record(name, { _id: name, from: name })]);
    if (running.code !== 0) {
      expect(errorsOf(running.lines)).toMatchObject([{ failure_type: 'config_error' }]);
      fates.set(name, 'error');
    }
  }
  const byStream = new Map(
    destination
      .tables()
      .flatMap((table) => destination.rows(table).map((row) => [String(row['from']), table] as const)),
  );
  for (const name of names) expect(fates.get(name) ?? byStream.get(name), name).toBeDefined();
  expect(fates.get('x'.repeat(65))).toBe('error');
  // Those whose tables differ, all at once: none goes to the table of another. With the rest, the run says which two would.
  const one = new Map([...byStream].map(([name, table]) => [table, name]));
  const write = (streams: string[]) =>
    destination.write(
      { streams: streams.map((name) => dedup(name, ['_id'])) },
      streams.map((name) => record(name, { _id: 'again', from: name })),
    );
  expect((await write([...one.values()])).code).toBe(0);
  for (const [table, name] of one)
    expect(destination.rows(table).find((row) => row['source_id'] === 'again')).toMatchObject({ from: name });
  expect(one.size).toBeLessThan(byStream.size);
  const all = await write([...byStream.keys()]);
  expect(errorsOf(all.lines)[0]?.message).toContain('would both be written to the table');
});
