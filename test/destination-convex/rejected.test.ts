import { describe, expect, test } from 'vitest';
import type { SchemaJson } from '../../emulator/index.ts';
import { errorsOf, logsOf } from '../support/messages.ts';
import { append, countsOf, dedup, Destination, IMPORT, record, state, statesIn } from './setup.ts';

const SKIP = { on_rejected_record: 'Skip and report' };
const SECRET = 'content-that-nobody-may-see';

/** Nested deeper than documents may be: refused as a document, with a message that prints all of it. */
const deep = (id: string) => ({
  id,
  text: SECRET,
  deep: JSON.parse('{"a":'.repeat(20) + '1' + '}'.repeat(20)) as object,
});
const good = (id: string) => record('t', { id, text: 'fine' });

describe('a record that Convex refuses', () => {
  test('with "Fail sync": the others are written, STATEs before it are echoed, and the failure names it', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [dedup('t', ['id']), append('u')] }, [
      good('a'),
      state('t', 1),
      record('u', { n: 1 }),
      record('t', deep('bad')),
      state('t', 2),
      good('c'),
      record('u', { n: 2 }),
      state('u', 1),
      state('t', 3),
    ]);
    expect(finished.code).toBe(1);
    expect(destination.rows('t').map(({ id }) => id)).toEqual(['a', 'c']);
    expect(destination.rows('u')).toHaveLength(2);
    // The state of u covers no refused record.
    expect(
      statesIn(finished.lines).map((line) =>
        /"name":"(\w)"\},"stream_state":\{"cursor":(\d)/.exec(line)?.slice(1).join(''),
      ),
    ).toEqual(['t1', 'u1']);
    const [error, ...more] = errorsOf(finished.lines);
    expect(more).toEqual([]);
    expect(error).toMatchObject({ failure_type: 'config_error' });
    expect(error!.message).toContain('Convex refused a record. A record of stream "t" with id = "bad" was refused:');
    expect(error!.message).toContain('InvalidDocumentError');
    expect(error!.message).toContain('"Skip and report"');
    expect(finished.lines.join('\n')).not.toContain(SECRET);
  });

  test('with "Skip and report": it is counted and named in the log, and the sync goes on', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [dedup('t', ['id'])], config: SKIP }, [
      good('a'),
      record('t', deep('bad1')),
      state('t', 1),
      record('t', deep('bad2')),
      good('b'),
      state('t', 2),
    ]);
    expect(finished.code).toBe(0);
    expect(countsOf(finished.lines)).toEqual(['1/1', '1/1']);
    expect(destination.rows('t').map(({ id }) => id)).toEqual(['a', 'b']);
    const warnings = logsOf(finished.lines).filter((line) => line.startsWith('WARN'));
    expect(warnings.filter((line) => line.includes('was refused'))).toHaveLength(2);
    expect(warnings.at(-1)).toBe('WARN Records that Convex refused: t: 2.');
    expect(logsOf(finished.lines).join('\n')).toContain('Records written: t: 2.');
    expect(finished.lines.join('\n')).not.toContain(SECRET);
  });

  test('is not counted as written in a GLOBAL STATE', async () => {
    await using destination = await Destination.start();
    const global = '{"type":"STATE","state":{"type":"GLOBAL","global":{"stream_states":[]}}}';
    const finished = await destination.write({ streams: [append('t'), append('u')], config: SKIP }, [
      record('u', { n: 1 }),
      record('t', deep('bad')),
      global,
      record('u', { n: 2 }),
      global,
    ]);
    expect(countsOf(finished.lines)).toEqual(['1/1', '1']);
  });

  test('is found among many with few requests', async () => {
    await using destination = await Destination.start();
    const lines = Array.from({ length: 1000 }, (_, n) => (n === 617 ? record('t', deep('bad')) : good(`${n}`)));
    const finished = await destination.write({ streams: [dedup('t', ['id'])], config: SKIP }, [
      ...lines,
      state('t', 1),
    ]);
    expect(countsOf(finished.lines)).toEqual(['999/1']);
    expect(destination.rows('t')).toHaveLength(999);
    expect(destination.emulator.journal.count(IMPORT)).toBeLessThanOrEqual(21);
  });

  test('does not duplicate appended records during the search', async () => {
    await using destination = await Destination.start();
    const lines = Array.from({ length: 300 }, (_, n) => (n % 50 === 7 ? record('t', deep('bad')) : record('t', { n })));
    const finished = await destination.write({ streams: [append('t')], config: SKIP }, [...lines, state('t', 1)]);
    expect(countsOf(finished.lines)).toEqual(['294/6']);
    expect(destination.rows('t').map(({ n }) => n)).toEqual(
      Array.from({ length: 300 }, (_, n) => n).filter((n) => n % 50 !== 7),
    );
  });

  test.each([
    [
      'over 1 MiB',
      record('t', { id: 'bad', text: SECRET.repeat(50_000) }),
      'it has 1.29 MiB as Convex counts, of which 1.29 MiB are in its field "text", and a document may have 1 MiB (ValueTooLargeError).',
    ],
    [
      'too many fields',
      record('t', { id: 'bad', ...Object.fromEntries(Array.from({ length: 1100 }, (_, n) => [`f${n}`, SECRET])) }),
      'it has 1101 fields, and Convex takes 1022 (TooManyFieldsError).',
    ],
    [
      'too many fields in an object',
      record('t', { id: 'bad', map: Object.fromEntries(Array.from({ length: 1100 }, (_, n) => [SECRET + n, n])) }),
      'an object in its field "map" has 1100 fields, and Convex takes 1024 (TooManyFieldsError).',
    ],
    [
      'too long a list',
      record('t', { id: 'bad', list: Array(9000).fill(SECRET) }),
      'its field "list" holds a list of 9000 elements, and Convex takes 8192 (ArrayTooLong).',
    ],
    [
      'too much nesting',
      record('t', deep('bad')),
      'its field "deep" is nested too deeply: the record has 21 levels, and Convex takes 16 (InvalidDocumentError).',
    ],
    [
      'nesting that no value may have',
      record('t', `{"id":"bad","x":${'['.repeat(70)}${']'.repeat(70)}}`),
      'its field "x" is nested too deeply: the record has 71 levels, and Convex takes 16 (TooNestedError).',
    ],
    ['no key', record('t', { text: SECRET }), 'it has no value for the primary key field "id"'],
    [
      'a key that would be rounded',
      record('t', '{"id":1786000000123456789}'),
      'holds a number that Convex does not keep exactly',
    ],
    [
      'a number beyond doubles',
      record('t', '{"id":"bad","n":1e400}'),
      'its field "n" holds a number beyond the range of 64-bit floating point (1.8e308) (BadJsonBody).',
    ],
    [
      'a number beyond doubles inside an object',
      record('t', `{"id":"bad","map":{"${SECRET}":[1,-1e400]}}`),
      'something in its field "map" holds a number beyond the range of 64-bit floating point (1.8e308) (BadJsonBody).',
    ],
    [
      'half a surrogate pair',
      record('t', '{"id":"bad","s":"\\ud83d"}'),
      'its field "s" holds half of a surrogate pair, which is not Unicode (BadJsonBody).',
    ],
    ['NaN', record('t', '{"id":"bad","n":NaN}'), 'its field "n" holds NaN, which JSON does not have (BadJsonBody).'],
    [
      'Infinity inside an object',
      record('t', `{"id":"bad","map":{"${SECRET}":-Infinity}}`),
      'its field "map" holds Infinity, which JSON does not have (BadJsonBody).',
    ],
    ['brackets of the wrong kind', record('t', '{"id":"bad","n":[1}}'), 'its field "n" is not valid JSON'],
    ['a field without a value', record('t', '{"id":"bad","n"}'), 'its data are not valid JSON.'],
    [
      'more than a request may have',
      record('t', { id: 'bad', text: 'x'.repeat(21_000_000) }),
      'more than Convex takes in one request (20971520)',
    ],
    [
      'a name that is too long',
      record('t', { id: 'bad', ['n'.repeat(1100)]: SECRET }),
      `the name of its field "${'n'.repeat(60)}…" has 1100 characters, and Convex takes 1024, its prefix "source_" included (InternalServerError).`,
    ],
    [
      'a name that is too long inside an object',
      record('t', { id: 'bad', map: { [SECRET.repeat(50)]: 1 } }),
      `the name of a field inside its field "map" has 1350 characters, and Convex takes 1024, its prefix "source_" included (InternalServerError).`,
    ],
    [
      'more equal fields than the server tells apart',
      record('t', '{"id":"bad","_x":1,"source_x":2,"source_source_x":3,"source_source_source_x":4}'),
      'Convex cannot store its field "_x": the names that it would give the field, "source_x" and those with "source_" before it, are those of other fields (InternalServerError).',
    ],
  ])('D5: for %s', async (_, line, reason) => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [dedup('t', ['id'])], config: SKIP }, [
      good('a'),
      line,
      good('b'),
      state('t', 1),
    ]);
    expect(finished.code, finished.lines.join('\n').slice(0, 5000)).toBe(0);
    expect(countsOf(finished.lines)).toEqual(['2/1']);
    expect(destination.rows('t').map(({ id }) => id)).toEqual(['a', 'b']);
    expect(logsOf(finished.lines).join('\n')).toContain(reason);
    expect(finished.lines.join('\n')).not.toContain(SECRET);
  });

  test('because the table holds two documents with its key', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [append('t')] }, [good('twice'), good('twice'), good('once')]);
    const finished = await destination.write({ streams: [dedup('t', ['id'])], config: SKIP }, [
      good('once'),
      good('twice'),
      state('t', 1),
    ]);
    expect(countsOf(finished.lines)).toEqual(['1/1']);
    expect(logsOf(finished.lines).join('\n')).toContain(
      'with id = "twice" was refused: Convex fails on it with an internal error every time, and its data break no known rule. The known cause is that the table holds several documents with this primary key, from earlier appends (InternalServerError).',
    );
  });

  test('by a schema: the field is named, what is in it is not', async () => {
    const schema: SchemaJson = {
      schemaValidation: true,
      tables: [
        {
          tableName: 't',
          documentType: {
            type: 'object',
            value: {
              id: { fieldType: { type: 'string' }, optional: false },
              kind: { fieldType: { type: 'literal', value: 'user' }, optional: true },
            },
          },
        },
      ],
    };
    await using destination = await Destination.start({ schema });
    const finished = await destination.write({ streams: [dedup('t', ['id'])], config: SKIP }, [
      record('t', { id: 'a', kind: 'user' }),
      record('t', { id: 'b', kind: SECRET }),
      record('t', { id: 'c', extra: SECRET }),
      state('t', 1),
    ]);
    expect(countsOf(finished.lines)).toEqual(['1/2']);
    const log = logsOf(finished.lines).join('\n');
    expect(log).toMatch(/with id = "b" was refused: .*because it does not match the schema \(SchemaEnforcementError\)/);
    expect(log).toMatch(
      /with id = "c" was refused: .*Object contains extra field `extra` that is not in the validator \(Schema/,
    );
    expect(log).not.toContain(SECRET);
  });

  test('with "Fail sync" the search ends after a hundred refused records', async () => {
    await using destination = await Destination.start();
    const lines = Array.from({ length: 800 }, (_, n) => record('t', deep(`${n}`)));
    const finished = await destination.write({ streams: [append('t')] }, [...lines, state('t', 1)]);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)[0]!.message).toContain('Convex refused 100 records.');
    expect(errorsOf(finished.lines)[0]!.message).toContain('And 95 more.');
    expect(statesIn(finished.lines)).toEqual([]);
    expect(destination.emulator.journal.count(IMPORT)).toBeLessThan(230);
  });

  test('is named with a limited part of its key', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write(
      { streams: [append('t', { key: [['id'], ['a', 'b'], 'o', 'l', 'no'] })], config: SKIP },
      [record('t', { ...deep('x'.repeat(500)), a: { b: 5 }, o: { secret: SECRET }, l: [SECRET] }), state('t', 1)],
    );
    expect(logsOf(finished.lines).join('\n')).toContain(
      `with id = "${'x'.repeat(99)}…, a.b = 5, o = (an object), l = (a list), no = (missing) was refused`,
    );
    expect(finished.lines.join('\n')).not.toContain(SECRET);
  });
});

test.each([
  ['everything', {}],
  ['every import', { path: IMPORT }],
])('a server that fails on %s is not mistaken for bad records', async (_, where) => {
  await using destination = await Destination.start();
  destination.emulator.faults.add({ kind: 'status', status: 500, times: 1_000, ...where });
  const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '4' };
  const finished = await destination.write({ streams: [append('t')], config: SKIP, env }, [
    record('t', { n: 1 }),
    record('t', { n: 2 }),
    record('t', { n: 3 }),
    state('t', 1),
  ]);
  expect(finished.code).toBe(1);
  expect(errorsOf(finished.lines)).toMatchObject([{ failure_type: 'transient_error' }]);
  expect(statesIn(finished.lines)).toEqual([]);
  expect(destination.emulator.journal.count(IMPORT)).toBeLessThan(50);
});
