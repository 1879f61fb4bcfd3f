import { describe, expect, test } from 'vitest';
import { clearTables, deltasPage, deploy, rows, walk } from '../client.ts';
import { importFile, lines, perform, replaceLines, rowOf, until, upload } from './import-client.ts';

/** Imports take time: what others see meanwhile, and what becomes of one that is interrupted. */

const REPLACE = { tableName: 't', format: 'jsonLines', mode: 'replace' };
const SMALL = { limits: { documentsWritten: 4 }, importBackoffMs: 1 };

describe('readers', () => {
  test('a reader that lists the table without pause sees all old or all new rows', async () => {
    const emulator = await deploy({ limits: { documentsWritten: 40, snapshotPage: 50 } });
    emulator.deployment.load(
      't',
      Array.from({ length: 120 }, (_, n) => ({ old: n })),
    );
    let over = false;
    const done = replaceLines(emulator, lines(300)).finally(() => {
      over = true;
    });
    const seen = new Set<string>();
    let reads = 0;
    for (let last = false; !last;) {
      last = over;
      const values = (await walk(emulator, '"tableName":"t"')).flatMap((page) => page.values);
      const old = values.filter((value) => 'old' in value).length;
      seen.add(`${old} old, ${values.length - old} new`);
      reads++;
    }
    expect((await done).state).toBe('completed');
    expect(reads).toBeGreaterThan(2);
    expect([...seen].sort()).toEqual(['0 old, 300 new', '120 old, 0 new']);
  });

  test('the log shows the rows before the swap, and goes on showing them when the import fails', async () => {
    const emulator = await deploy(SMALL);
    emulator.deployment.load('t', [{ old: true }]);
    const before = emulator.deployment.now();
    const log = async () => (await deltasPage(emulator, before, '"tableName":"t"')).values.map(({ n }) => n).sort();
    const hold = emulator.imports.hold('batch');
    const done = replaceLines(emulator, `${lines(5)}{"$":1}\n`);
    expect(await hold.reached).toMatchObject({ table: 't', rowsWritten: 3 });
    expect(await log()).toEqual([0, 1, 2]);
    expect(rows(emulator, 't')).toEqual([{ old: true }]);
    hold.release();
    expect((await done).state).toBe('failed');
    expect(await log()).toEqual([0, 1, 2]);
    expect(rows(emulator, 't')).toEqual([{ old: true }]);
  });

  test('rows keep the _ts of their batch, which is older than the swap', async () => {
    const emulator = await deploy(SMALL);
    const { timestamp } = await replaceLines(emulator, lines(7));
    const values = (await walk(emulator, '"tableName":"t"')).flatMap((page) => page.values);
    const times = new Set(values.map((value) => value['_ts'] as string));
    expect(times.size).toBe(3);
    for (const ts of times) expect(BigInt(ts)).toBeLessThan(BigInt(timestamp!));
  });
});

describe('writers', () => {
  test('what is written to the table meanwhile is lost at the swap, and clear_tables is undone', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    const hold = emulator.imports.hold('swap');
    const done = replaceLines(emulator, lines(2));
    await hold.reached;
    emulator.deployment.load('t', [{ meanwhile: true }]);
    expect((await clearTables(emulator, ['t'])).status).toBe(200);
    emulator.deployment.load('t', [{ meanwhile: true }]);
    hold.release();
    expect((await done).state).toBe('completed');
    expect(rows(emulator, 't')).toEqual([{ n: 0 }, { n: 1 }]);
  });

  test('of append into a table that is there nothing is lost, and its rows are seen batch by batch', async () => {
    const emulator = await deploy(SMALL);
    emulator.deployment.load('t', [{ old: true }]);
    const hold = emulator.imports.hold('batch');
    const done = importFile(emulator, lines(4), { ...REPLACE, mode: 'append' });
    await hold.reached;
    expect(rows(emulator, 't')).toHaveLength(4);
    emulator.deployment.load('t', [{ meanwhile: true }]);
    hold.release();
    expect((await done).num_rows_written).toBe('4');
    expect(rows(emulator, 't')).toHaveLength(6);
  });
});

describe('progress', () => {
  test('of a table in batches', async () => {
    const emulator = await deploy(SMALL);
    const id = await upload(emulator, lines(7), REPLACE);
    await until(emulator, id, 'waiting_for_confirmation');
    const hold = emulator.imports.hold('batch', 1);
    await perform(emulator, id);
    await hold.reached;
    const row = await rowOf(emulator, id);
    expect(row.state).toEqual({
      state: 'in_progress',
      progress_message: 'Importing "t" (5 documents)',
      checkpoint_messages: [],
    });
    expect(row.checkpoints?.[0]).toMatchObject({ num_rows_written: '5', total_num_rows_to_write: '7' });
    expect(row.checkpoints?.[0]?.['tablet_id']).toEqual(expect.any(String));
    const swap = emulator.imports.hold('swap');
    hold.release();
    await swap.reached;
    expect((await rowOf(emulator, id)).state.checkpoint_messages).toEqual(['Imported "t" (7 documents)']);
    swap.release();
    const { checkpoints } = await until(emulator, id, 'completed');
    expect(checkpoints?.[0]?.['num_rows_written']).toBe('7');
  });
});

describe('the one worker', () => {
  test('runs confirmed imports in order of creation, not of confirmation', async () => {
    const emulator = await deploy();
    const first = await upload(emulator, lines(1), REPLACE);
    const second = await upload(emulator, lines(1, 100), REPLACE);
    const third = await upload(emulator, lines(1, 200), REPLACE);
    for (const id of [first, second, third]) await until(emulator, id, 'waiting_for_confirmation');
    const hold = emulator.imports.hold('start');
    await perform(emulator, second);
    expect((await hold.reached).importId).toBe(second);
    const next = emulator.imports.hold('start');
    await perform(emulator, third);
    await perform(emulator, first);
    hold.release();
    expect((await next.reached).importId).toBe(first);
    expect((await rowOf(emulator, second)).state.state).toBe('completed');
    next.release();
    await until(emulator, third, 'completed');
    expect(rows(emulator, 't')).toEqual([{ n: 200 }]);
  });

  test('parses uploads before it takes the next import', async () => {
    const emulator = await deploy();
    const first = await upload(emulator, lines(1), REPLACE);
    const second = await upload(emulator, lines(1), REPLACE);
    for (const id of [first, second]) await until(emulator, id, 'waiting_for_confirmation');
    const hold = emulator.imports.hold('swap');
    await perform(emulator, first);
    await hold.reached;
    const parse = emulator.imports.hold('parse');
    await perform(emulator, second);
    const third = await upload(emulator, lines(1), REPLACE);
    hold.release();
    expect((await parse.reached).importId).toBe(third);
    expect((await rowOf(emulator, second)).state.progress_message).toBe('Importing');
    parse.release();
    await until(emulator, second, 'completed');
  });

  test('parses no upload while an import runs', async () => {
    const emulator = await deploy();
    const first = await upload(emulator, lines(1), REPLACE);
    await until(emulator, first, 'waiting_for_confirmation');
    const hold = emulator.imports.hold('swap');
    await perform(emulator, first);
    await hold.reached;
    const second = await upload(emulator, lines(1), REPLACE);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect((await rowOf(emulator, second)).state.state).toBe('uploaded');
    hold.release();
    await until(emulator, second, 'waiting_for_confirmation');
  });

  test('is blocked by a row that fails for an internal reason, until it has tried six times', async () => {
    const emulator = await deploy({ importBackoffMs: 20 });
    emulator.deployment.load('t', [{ old: true }]);
    const bad = await upload(emulator, '{"_creationTime":-1}\n', REPLACE);
    await until(emulator, bad, 'waiting_for_confirmation');
    await perform(emulator, bad);
    const started = performance.now();
    const next = await upload(emulator, lines(1), { ...REPLACE, tableName: 'u' });
    const { state } = await until(emulator, bad, 'failed');
    expect(state.error_message).toBe("Your request couldn't be completed. Try again later.");
    // 20, 40, 80, 160 and 200 milliseconds
    expect(performance.now() - started).toBeGreaterThan(450);
    expect(rows(emulator, 't')).toEqual([{ old: true }]);
    await until(emulator, next, 'waiting_for_confirmation');
  });
});

describe('a server that is killed', () => {
  test('parses an upload again, at once', async () => {
    const emulator = await deploy({ importBackoffMs: 600_000 });
    const hold = emulator.imports.hold('parse');
    const id = await upload(emulator, lines(1), REPLACE);
    await hold.reached;
    hold.kill();
    await until(emulator, id, 'waiting_for_confirmation');
  });

  test.each(['start', 'batch', 'swap', 'swapped'] as const)(
    'at the point "%s" goes on with a replace, to exactly the rows of the file',
    async (point) => {
      const emulator = await deploy(SMALL);
      emulator.deployment.load('t', [{ old: true }]);
      const hold = emulator.imports.hold(point);
      const done = replaceLines(emulator, lines(8));
      await hold.reached;
      hold.kill();
      expect(await done).toMatchObject({ state: 'completed', num_rows_written: '8' });
      expect(rows(emulator, 't')).toEqual(Array.from({ length: 8 }, (_, n) => ({ n })));
    },
  );

  test('starts an append into a table that is there again: rows are doubled', async () => {
    const emulator = await deploy(SMALL);
    emulator.deployment.load('t', [{ old: true }]);
    const hold = emulator.imports.hold('batch');
    const done = importFile(emulator, lines(4), { ...REPLACE, mode: 'append' });
    await hold.reached;
    hold.kill();
    expect((await done).state).toBe('completed');
    expect(rows(emulator, 't')).toHaveLength(1 + 3 + 4);
  });

  test('cannot go on with an append into a new table', async () => {
    const emulator = await deploy(SMALL);
    const hold = emulator.imports.hold('batch');
    const done = importFile(emulator, lines(4), { ...REPLACE, mode: 'append' });
    await hold.reached;
    hold.kill();
    expect((await done).error_message).toBe("Your request couldn't be completed. Try again later.");
    expect(rows(emulator, 't')).toEqual([]);
  });

  test('and one that fails for a moment tries again', async () => {
    const emulator = await deploy(SMALL);
    const hold = emulator.imports.hold('batch');
    const done = replaceLines(emulator, lines(8));
    await hold.reached;
    hold.fail();
    expect((await done).state).toBe('completed');
    expect(rows(emulator, 't')).toHaveLength(8);
  });
});
