/** `Replace at once` for streams with a primary key: what comes more than once, or is deleted, ends as with `Clear, then insert`. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EmulatorOptions } from '../../../emulator/index.ts';
import { until } from '../../support/until.ts';
import { dedup, Destination, IMPORT, INDEX, record, state, statesIn, status, T1, text, type Wanted } from '../setup.ts';
import { configOf, REPLACED } from './setup.ts';

const STREAM = dedup('d', ['id'], REPLACED);
/** Parts of a few rows, and requests of a few records. */
const SMALL = { CONVEX_CONNECTOR_PART_BYTES: '150', CONVEX_CONNECTOR_BATCH_RECORDS: '5' };
const OLD = Array.from({ length: 5 }, (_, n) => ({ id: n, old: true }));

const deleted = (row: object): object => ({ ...row, _ab_cdc_deleted_at: '2026-01-01T00:00:00Z' });
const complete = (name: string): string[] => [state(name, T1), status(name, 'COMPLETE')];

async function started(options: EmulatorOptions = {}): Promise<Destination> {
  const destination = await Destination.start({ importBatchDelayMs: 1, limits: { documentsWritten: 16 }, ...options });
  destination.insert('d', ...OLD);
  return destination;
}

/** Each row as a text, in an order of their own. */
function texts(rows: readonly object[]): string[] {
  const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
  const exact = (_: string, value: unknown) => (Object.is(value, -0) ? 'minus zero' : value);
  return rows.map((row) => JSON.stringify(Object.entries(row).sort(byName), exact)).sort();
}

/** Looks at the table in every turn of the event loop until it is stopped: says what was seen, each change once. */
function reader(destination: Destination, expected: readonly object[]): () => string[] {
  const seen: string[] = [];
  const [old, fresh] = [OLD, expected].map((rows) => JSON.stringify(texts(rows)));
  let isStopped = false;
  const look = () => {
    if (isStopped) return;
    const rows = JSON.stringify(texts(destination.rows('d')));
    const what = rows === old ? 'old' : rows === fresh ? 'new' : 'earlier versions';
    if (seen.at(-1) !== what) seen.push(what);
    setImmediate(look);
  };
  look();
  return () => {
    isStopped = true;
    return seen;
  };
}

/** 31 rows, of which 8 come again, 5 are deleted, and 2 of these come once more; and what must be there then. */
const RECORDS = [
  ...Array.from({ length: 30 }, (_, id) => ({ id, n: 1 })),
  ...Array.from({ length: 8 }, (_, id) => ({ id, n: 2 })),
  { id: 40, n: 1 },
  ...[40, 2, 9, 10, 11].map((id) => deleted({ id })),
  deleted({ id: 99 }),
  { id: 9, n: 3 },
  { id: 10, n: 3 },
];
const EXPECTED = Array.from({ length: 30 }, (_, id) => ({ id, n: id < 8 ? 2 : id === 9 || id === 10 ? 3 : 1 })).filter(
  ({ id }) => id !== 2 && id !== 11,
);
const LINES = [...RECORDS.map((row) => record('d', row)), ...complete('d')];

describe('keys that come more than once', () => {
  test('while the rows wait in memory: a reader sees all old rows or all new ones', async () => {
    await using destination = await started();
    const stop = reader(destination, EXPECTED);
    const { code, lines } = await destination.write({ streams: [STREAM], config: configOf(destination) }, LINES);
    expect(code, lines.join('\n')).toBe(0);
    expect(texts(destination.rows('d'))).toEqual(texts(EXPECTED));
    expect(stop()).toEqual(['old', 'new']);
    expect(statesIn(lines)).toHaveLength(1);
  });

  test('after their rows were uploaded: they follow the replacement, and deduplication goes on', async () => {
    await using destination = await started();
    const stop = reader(destination, EXPECTED);
    const { code, lines } = await destination.write(
      { streams: [STREAM], config: configOf(destination), env: SMALL },
      LINES,
    );
    expect(code, lines.join('\n')).toBe(0);
    expect(texts(destination.rows('d'))).toEqual(texts(EXPECTED));
    expect(stop()).toEqual(['old', 'earlier versions', 'new']);
    expect(lines.join('\n')).toMatch(/Updated [\d,]+ rows? of table d: newer versions came after their upload/);
    const next = [record('d', { id: 3, n: 4 }), record('d', deleted({ id: 4 })), ...complete('d')];
    const more = await destination.write({ streams: [dedup('d', ['id'])] }, next);
    expect(more.code, more.lines.join('\n')).toBe(0);
    const kept = EXPECTED.filter(({ id }) => id !== 4).map((row) => (row.id === 3 ? { id: 3, n: 4 } : row));
    expect(texts(destination.rows('d'))).toEqual(texts(kept));
  });

  test('only deletions leave an empty table', async () => {
    await using destination = await started();
    const lines = [record('d', deleted({ id: 1 })), ...complete('d')];
    const { code } = await destination.write({ streams: [STREAM], config: configOf(destination) }, lines);
    expect(code).toBe(0);
    expect(destination.rows('d')).toEqual([]);
  });

  test('without the permission to poll', async () => {
    await using destination = await started();
    const stop = reader(destination, EXPECTED);
    const config = configOf(destination, ['deployment:backups:import']);
    const { code, lines } = await destination.write({ streams: [STREAM], config, env: SMALL }, LINES);
    expect(code, lines.join('\n')).toBe(0);
    expect(stop()).toEqual(['old', 'new']);
  });

  test('a record that is refused changes nothing', async () => {
    await using destination = await started();
    const deep = Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], 1);
    const lines = [...LINES.slice(0, -2), record('d', { id: 3, deep }), ...LINES.slice(-2)];
    const options = { streams: [STREAM], config: configOf(destination), env: SMALL };
    const failed = await destination.write(options, lines);
    expect(failed.code).toBe(1);
    expect(failed.lines.join('\n')).toContain('with id = 3');
    expect(texts(destination.rows('d'))).toEqual(texts(OLD));
    const config = { ...options.config, on_rejected_record: 'Skip and report' };
    const skipped = await destination.write({ ...options, config }, lines);
    expect(skipped.code, skipped.lines.join('\n')).toBe(0);
    expect(texts(destination.rows('d'))).toEqual(texts(EXPECTED));
    expect(skipped.lines.join('\n')).toContain('"rejectedRecordCount":1');
  });

  test('of two fields that mark a deletion, the one that keeps its name counts', async () => {
    await using destination = await started();
    const kept = { id: 1, source_ab_cdc_deleted_at: null, _ab_cdc_deleted_at: 'x' };
    const gone = { id: 2, source_ab_cdc_deleted_at: 'x', _ab_cdc_deleted_at: null };
    const lines = [record('d', { id: 2 }), record('d', kept), record('d', gone), ...complete('d')];
    for (const config of [configOf(destination), {}]) {
      const { code, lines: output } = await destination.write({ streams: [STREAM], config }, lines);
      expect(code, output.join('\n')).toBe(0);
      expect(destination.rows('d')).toEqual([{ id: 1, source_source_ab_cdc_deleted_at: 'x' }]);
    }
  });

  test('a record without a key is refused, as an import would take it', async () => {
    await using destination = await started();
    const keyless = [{ n: 1 }, { n: 2 }, deleted({ n: 3 })].map((row) => record('d', row));
    const options = { streams: [STREAM], config: configOf(destination) };
    const failed = await destination.write(options, [...keyless, ...LINES]);
    expect(failed.code).toBe(1);
    expect(failed.lines.join('\n')).toContain('no value for the primary key field \\"id\\"');
    expect(texts(destination.rows('d'))).toEqual(texts(OLD));
    const config = { ...options.config, on_rejected_record: 'Skip and report' };
    const skipped = await destination.write({ ...options, config }, [...keyless, ...LINES]);
    expect(skipped.code, skipped.lines.join('\n')).toBe(0);
    expect(texts(destination.rows('d'))).toEqual(texts(EXPECTED));
    expect(skipped.lines.join('\n')).toContain('"rejectedRecordCount":3');
  });

  test('a schema of the deployment that allows no deleted rows', async () => {
    await using destination = await started();
    const number = { type: 'number' } as const;
    const value = {
      id: { fieldType: number, optional: false },
      n: { fieldType: number, optional: true },
      old: { fieldType: { type: 'boolean' } as const, optional: true },
    };
    destination.emulator.deployment.setSchema({
      schemaValidation: true,
      tables: [{ tableName: 'd', documentType: { type: 'object', value } }],
    });
    const lines = LINES.map((line) => line.replace('"_ab_cdc_deleted_at"', '"why":"gone","_ab_cdc_deleted_at"'));
    const { code, lines: output } = await destination.write(
      { streams: [STREAM], config: configOf(destination), env: SMALL },
      lines,
    );
    expect(code, output.join('\n')).toBe(0);
    expect(texts(destination.rows('d'))).toEqual(texts(EXPECTED));
  });

  test('more of them than memory has room for fail the sync, and nothing is changed', { timeout: 60_000 }, async () => {
    await using destination = await started();
    const big = 'x'.repeat(190_000);
    const rows = Array.from({ length: 220 }, (_, id) => ({ id, big }));
    const lines = [...rows, ...rows].map((row) => record('d', row));
    const { code, lines: output } = await destination.write({ streams: [STREAM], config: configOf(destination) }, [
      ...lines,
      ...complete('d'),
    ]);
    expect(code).toBe(1);
    expect(output.join('\n')).toMatch(/Too many rows of the stream .*d.* came again.*Clear, then insert.*config_error/);
    expect(texts(destination.rows('d'))).toEqual(texts(OLD));
  });
});

test('each row of a table that fits into memory comes again', { timeout: 60_000 }, async () => {
  await using destination = await Destination.start();
  const rows = Array.from({ length: 90_000 }, (_, id) => id);
  const lines = [1, 2].flatMap((n) => rows.map((id) => record('d', { id, n })));
  const { code, lines: output } = await destination.write({ streams: [STREAM], config: configOf(destination) }, [
    ...lines,
    ...complete('d'),
  ]);
  expect(code, output.join('\n')).toBe(0);
  expect(destination.rows('d')).toHaveLength(rows.length);
  expect(destination.rows('d').every(({ n }) => n === 2)).toBe(true);
});

test('no state comes back before the last row that came again is durable', async () => {
  const options = { streams: [STREAM], env: SMALL };
  await using whole = await started();
  expect((await whole.write({ ...options, config: configOf(whole) }, LINES)).code).toBe(0);
  const requests = whole.emulator.journal.count(IMPORT);
  await using destination = await started();
  destination.emulator.faults.add({ kind: 'hang', path: IMPORT, after: requests - 1, times: Infinity });
  const running = destination.start({ ...options, config: configOf(destination) }, { input: text(LINES) });
  await until('the last request', () => destination.emulator.journal.count(IMPORT) === requests);
  running.kill();
  const { lines } = await running.finished;
  expect(statesIn(lines)).toEqual([]);
  // Nor is it remembered that the table was replaced, which comes first.
  const paths = destination.emulator.journal.entries.map(({ path }) => path);
  expect(paths.slice(paths.lastIndexOf('/api/perform_import'))).not.toContain(INDEX);
  expect(paths).toContain('/api/perform_import');
});

test('a kill at any request: the next attempt leaves the right table', { timeout: 300_000 }, async () => {
  const options = { streams: [STREAM], env: { ...SMALL, CONVEX_CONNECTOR_PART_BYTES: '400' } };
  for (let at = 1; ; at++) {
    await using destination = await started();
    const config = configOf(destination);
    const stop = reader(destination, EXPECTED);
    const running = destination.start({ ...options, config }, { input: text(LINES) });
    let ended = false;
    void running.finished.then(() => (ended = true));
    const { journal } = destination.emulator;
    await until(`request ${at}`, () => ended || journal.entries.length >= at);
    if (ended && journal.entries.length < at) {
      expect(at).toBeGreaterThan(20);
      return;
    }
    running.kill();
    const { lines } = await running.finished;
    // What a state promises is there for good.
    if (statesIn(lines).length > 0) expect(texts(destination.rows('d')), `killed at ${at}`).toEqual(texts(EXPECTED));
    // An import that was confirmed goes on; the next one waits for it.
    const again = await destination.write({ ...options, config }, LINES);
    expect(again.code, `killed at request ${at}: ${again.lines.join('\n')}`).toBe(0);
    expect(texts(destination.rows('d')), `killed at request ${at}`).toEqual(texts(EXPECTED));
    const seen = stop();
    expect(seen[0], `killed at request ${at}`).toBe('old');
    expect(seen.lastIndexOf('old'), `killed at request ${at}: ${seen.join()}`).toBe(0);
    expect(journal.count(INDEX)).toBeGreaterThan(0);
  }
});

describe('both methods leave equal tables', () => {
  /** Values of keys: few, so that they come again, in several spellings of the same value. */
  const scalar = fc.constantFrom(
    '1',
    '1.0',
    '10e-1',
    '"1"',
    '0',
    '-0',
    '-0.0',
    'null',
    'true',
    '"a"',
    '"\\u0061"',
    '"é"',
    '""',
  );
  const nested = fc.constantFrom('[1]', '[1.0 ]', '{"a":1,"b":2}', '{"b":2.0, "a":1}', '{}', '[-0]', '[0]');
  const keys: { key: Wanted['key']; fields: fc.Arbitrary<string> }[] = [
    { key: ['id'], fields: fc.oneof(scalar, nested).map((value) => `"id":${value}`) },
    { key: ['_id'], fields: scalar.map((value) => `"_id":${value},"_ts":${T1}`) },
    { key: ['a', 'b'], fields: fc.tuple(scalar, scalar).map(([a, b]) => `"b":${b},"x":1,"\\u0061":${a}`) },
    { key: [['o', 'id'], 'n'], fields: fc.tuple(scalar, scalar).map(([a, b]) => `"o":{"id":${a},"n":5},"n":${b}`) },
    { key: ['id'], fields: fc.tuple(scalar, scalar).map(([a, b]) => `"id":${a},"id":${b}`) },
  ];
  const other = fc.constantFrom(
    '',
    ',"Größe":{"$é":1}',
    ',"_x":[1,{"_y":2}]',
    ',"big":"some more text in it"',
    ',"t":1E5 ',
  );
  const marker = fc.constantFrom(...['', '', ',"_ab_cdc_deleted_at":null', ',"_ab_cdc_deleted_at":"2026"']);
  const streams = fc.tuple(
    ...keys.map(({ fields }) =>
      fc.array(
        fc.tuple(fields, other, marker).map(([key, rest, mark]) => `{${key}${rest}${mark}}`),
        { minLength: 10, maxLength: 60, size: 'max' },
      ),
    ),
  );

  test('random records, with keys that come again and deletions', { timeout: 300_000 }, async () => {
    let corrected = 0;
    await fc.assert(
      fc.asyncProperty(streams, fc.integer({ min: 40, max: 1500 }), async (records, part) => {
        const wanted = keys.map(({ key }, n) => dedup(`s${n}`, key, REPLACED));
        const numbered = records.map((rows) => rows.map((row, n) => row.replace('{', `{"rev":${n},`)));
        const longest = Math.max(...numbered.map((rows) => rows.length));
        const turns = Array.from({ length: longest }, (_, at) =>
          numbered.flatMap((rows, n) => (rows[at] === undefined ? [] : [record(`s${n}`, rows[at])])),
        );
        const lines = [...turns.flat(), ...keys.flatMap((_, n) => complete(`s${n}`))];
        const env = { ...SMALL, CONVEX_CONNECTOR_PART_BYTES: String(part) };
        const tables: unknown[] = [];
        for (const isAtOnce of [true, false]) {
          await using destination = await Destination.start();
          const config = isAtOnce ? configOf(destination) : {};
          const { code, lines: output } = await destination.write({ streams: wanted, config, env }, lines);
          expect(code, output.join('\n')).toBe(0);
          tables.push(keys.map((_, n) => texts(destination.rows(`s${n}`))));
          if (isAtOnce && output.join('\n').includes('newer versions came after their upload')) corrected++;
        }
        expect(tables[0]).toEqual(tables[1]);
      }),
      { numRuns: 8 },
    );
    expect(corrected).toBeGreaterThan(3);
  });
});
