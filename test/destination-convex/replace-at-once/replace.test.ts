/** `Replace at once` through the front door: the destination as a process, and a reader that looks at the table all the time. */
import { describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { append, Destination, overwrite, record, state, statesIn, status, T1, text, type Wanted } from '../setup.ts';
import { configOf, ENV, linesOf, NEW, OLD, REPLACED, same, started } from './setup.ts';

/** Looks at the table in every turn of the event loop, until it is stopped: says what was seen, each change once. */
function reader(destination: Destination, table = 't'): () => string[] {
  const seen: string[] = [];
  let isStopped = false;
  const look = () => {
    if (isStopped) return;
    const rows = destination.rows(table);
    const what = same(rows, OLD) ? 'old' : same(rows, NEW) ? 'new' : `a mix of ${rows.length} rows`;
    if (seen.at(-1) !== what) seen.push(what);
    setImmediate(look);
  };
  look();
  return () => {
    isStopped = true;
    return seen;
  };
}

describe('a reader sees all old rows or all new ones', () => {
  test.each<[string, Wanted]>([
    ['an overwrite without a generation', overwrite('t')],
    ['an overwrite', overwrite('t', REPLACED)],
    ['a refresh that appends', append('t', REPLACED)],
  ])('%s', async (_, stream) => {
    await using destination = await started({ importBatchDelayMs: 1, limits: { documentsWritten: 16 } });
    const stop = reader(destination);
    const lines = linesOf('t');
    const { code, lines: output } = await destination.write(
      { streams: [stream], config: configOf(destination), env: ENV },
      lines,
    );
    expect(code, output.join('\n')).toBe(0);
    expect(stop()).toEqual(['old', 'new']);
    expect(statesIn(output)).toHaveLength(4);
    expect(destination.emulator.journal.count('/api/import/upload_part')).toBeGreaterThan(10);
    expect(destination.emulator.journal.maxConcurrent(/\/api\/import/)).toBe(1);
  });

  test('several streams that arrive in turns, one of them without records', async () => {
    await using destination = await started();
    destination.insert('u', ...OLD);
    destination.insert('e', ...OLD);
    const turns = NEW.flatMap((row) => [record('t', row), record('u', row)]);
    const ends = ['t', 'u', 'e'].flatMap((name) => [state(name, T1), status(name, 'COMPLETE')]);
    const streams = [overwrite('t', REPLACED), overwrite('u'), overwrite('e', REPLACED)];
    const stops = [reader(destination, 't'), reader(destination, 'u')];
    const { code, lines } = await destination.write({ streams, config: configOf(destination), env: ENV }, [
      ...turns,
      ...ends,
    ]);
    expect(code, lines.join('\n')).toBe(0);
    expect(stops.map((stop) => stop())).toEqual([
      ['old', 'new'],
      ['old', 'new'],
    ]);
    expect(destination.rows('e')).toEqual([]);
    expect(statesIn(lines)).toHaveLength(3);
  });
});

describe('a sync that fails leaves the old rows', () => {
  const refused = { n: 1, deep: Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], 1) };

  test.each<[string, string[], string]>([
    [
      'a source that does not come to the end',
      linesOf('t').slice(0, -1).concat(status('t', 'INCOMPLETE')),
      'Stream t was not reported complete.*except those of t: these tables are replaced when a whole sync succeeds',
    ],
    [
      'a broken message',
      [...linesOf('t').slice(0, 20), '{"type":"RECORD","record":'],
      'broken message|breaks off|not valid JSON',
    ],
    ['a record that is refused', [record('t', { id: 'k1', ...refused }), ...linesOf('t')], 'nested too deeply'],
  ])('%s', async (_, lines, message) => {
    await using destination = await started();
    const stop = reader(destination);
    const { code, lines: output } = await destination.write(
      { streams: [overwrite('t', REPLACED)], config: configOf(destination), env: ENV },
      lines,
    );
    expect(code).toBe(1);
    expect(output.join('\n')).toMatch(new RegExp(message));
    expect(statesIn(output)).toEqual([]);
    expect(stop()).toEqual(['old']);
  });

  test('a refused record is left out where that is asked for, and the others are there', async () => {
    await using destination = await started();
    const config = { ...configOf(destination), on_rejected_record: 'Skip and report' };
    const lines = [record('t', refused), ...linesOf('t')];
    const { code, lines: output } = await destination.write(
      { streams: [overwrite('t', REPLACED)], config, env: ENV },
      lines,
    );
    expect(code, output.join('\n')).toBe(0);
    expect(same(destination.rows('t'), NEW)).toBe(true);
    expect(output.join('\n')).toContain('"rejectedRecordCount":1');
  });

  test("the deployment's schema is asked for each record, before anything is uploaded", async () => {
    await using destination = await started();
    destination.emulator.deployment.setSchema({
      schemaValidation: true,
      tables: [
        {
          tableName: 't',
          documentType: {
            type: 'object',
            value: {
              old: { fieldType: { type: 'number' }, optional: true },
              n: { fieldType: { type: 'number' }, optional: true },
              at: { fieldType: { type: 'string' }, optional: true },
            },
          },
        },
      ],
    });
    const bad = linesOf('t', [...NEW.slice(0, 20), { n: 'secret content' }, ...NEW.slice(20)]);
    const failed = await destination.write(
      { streams: [overwrite('t', REPLACED)], config: configOf(destination), env: ENV },
      bad,
    );
    expect(failed.code).toBe(1);
    expect(failed.lines.join('\n')).toContain('does not match the schema');
    expect(failed.lines.join('\n')).not.toContain('secret content');
    expect(same(destination.rows('t'), OLD)).toBe(true);
    const { code, lines } = await destination.write(
      { streams: [overwrite('t', REPLACED)], config: configOf(destination), env: ENV },
      linesOf('t'),
    );
    expect(code, lines.join('\n')).toBe(0);
    expect(same(destination.rows('t'), NEW)).toBe(true);
  });

  test('a part that is stored twice is noticed before the table is replaced', async () => {
    await using destination = await started();
    destination.emulator.faults.add({ kind: 'reset-after-commit', path: '/api/import/upload_part', after: 3 });
    const { code, lines } = await destination.write(
      { streams: [overwrite('t')], config: configOf(destination), env: ENV },
      linesOf('t'),
    );
    expect(code).toBe(1);
    expect(lines.join('\n')).toContain('the part was stored twice');
    expect(same(destination.rows('t'), OLD)).toBe(true);
  });

  test('where the answer to the first part is lost, the upload is begun anew', async () => {
    await using destination = await started();
    destination.emulator.faults.add({ kind: 'reset-after-commit', path: '/api/import/upload_part' });
    const { code } = await destination.write(
      { streams: [overwrite('t')], config: configOf(destination), env: ENV },
      linesOf('t'),
    );
    expect(code).toBe(0);
    expect(same(destination.rows('t'), NEW)).toBe(true);
  });

  test.each<[string, boolean, number]>([
    ['at the end', false, 0],
    ['at any time', true, 1],
  ])('a deployment that does not say %s how many rows it has', async (_, never, expected) => {
    await using destination = await started();
    const { rows } = destination.emulator.imports;
    const move = rows.move.bind(rows);
    rows.move = (row, state, checkpoints) => {
      const { num_rows_written: _written, ...silent } = { num_rows_written: 0n, ...state };
      move(row, silent as typeof state, never ? undefined : checkpoints);
    };
    const { code, lines } = await destination.write(
      { streams: [overwrite('t')], config: configOf(destination), env: ENV },
      linesOf('t'),
    );
    expect(code, lines.join('\n')).toBe(expected);
    expect(same(destination.rows('t'), NEW)).toBe(true);
    const message = 'Table t was replaced. 40 rows were sent, and Convex does not say how many it wrote.';
    if (never) expect(lines.join('\n')).toContain(message);
  });
});

describe('a kill at any request', () => {
  test.each<[string, Wanted]>([
    ['without a generation', overwrite('t')],
    ['with a generation', overwrite('t', REPLACED)],
  ])('%s', { timeout: 240_000 }, async (_, stream) => {
    for (let at = 1; ; at++) {
      await using destination = await started({ importBatchDelayMs: 1, limits: { documentsWritten: 16 } });
      const env = { ...ENV, CONVEX_CONNECTOR_PART_BYTES: '600' };
      const stop = reader(destination);
      const options = { streams: [stream], config: configOf(destination), env };
      const running = destination.start(options, { input: text(linesOf('t')) });
      let ended = false;
      void running.finished.then(() => (ended = true));
      const { journal } = destination.emulator;
      await until(`request ${at}`, () => ended || journal.entries.length >= at);
      if (ended && journal.entries.length < at) {
        expect(stop()).toEqual(['old', 'new']);
        expect(at).toBeGreaterThan(10);
        return;
      }
      running.kill();
      const { lines } = await running.finished;
      const isGivenBack = statesIn(lines).length > 0;
      const isRemembered = journal.count(/add_primary_key_indexes/) > 0;
      if (isGivenBack || isRemembered) {
        // The table is replaced for good; what an attempt after it sends comes on top of it.
        await until('the new rows', () => same(destination.rows('t'), NEW));
      } else {
        const again = await destination.write(options, linesOf('t'));
        expect(again.code, `killed at request ${at}: ${again.lines.join('\n')}`).toBe(0);
        expect(same(destination.rows('t'), NEW)).toBe(true);
      }
      expect(stop().join(' '), `killed at request ${at}`).toMatch(/^old new$/);
    }
  });
});

describe('what the deployment and the key have to be able to do', () => {
  test('a backend without snapshot imports', async () => {
    await using destination = await started({ withoutSnapshotImport: true });
    for (const { code, lines } of [
      await destination.check(configOf(destination)),
      await destination.write({ streams: [overwrite('t')], config: configOf(destination) }, linesOf('t')),
    ]) {
      expect(lines.join('\n')).toContain('has no snapshot import');
      expect(code === 1 || lines.join('\n').includes('FAILED')).toBe(true);
    }
    expect(same(destination.rows('t'), OLD)).toBe(true);
  });

  test('check succeeds and changes nothing', async () => {
    await using destination = await started();
    const { lines } = await destination.check(configOf(destination));
    expect(lines.join('\n')).toContain('SUCCEEDED');
    expect(lines.join('\n')).not.toContain('backups:view');
    expect(destination.emulator.imports.rows.newest(1)).toEqual([]);
  });

  test('a key that cannot poll: check says so, and one request replaces the table', async () => {
    await using destination = await started();
    const config = configOf(destination, ['deployment:backups:import']);
    const { lines } = await destination.check(config);
    expect(lines.join('\n')).toMatch(/SUCCEEDED.*lacks the permission deployment:backups:view/);
    const stop = reader(destination);
    const { code, lines: output } = await destination.write(
      { streams: [overwrite('t')], config, env: ENV },
      linesOf('t'),
    );
    expect(code, output.join('\n')).toBe(0);
    expect(stop()).toEqual(['old', 'new']);
    expect(destination.requests().filter((line) => line.startsWith('POST import '))).toEqual(['POST import 200']);
  });
});
