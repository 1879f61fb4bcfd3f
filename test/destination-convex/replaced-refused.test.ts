/** Field report D6: what a replacement leaves behind whose records are refused. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import { append, CLEAR, dedup, Destination, overwrite, record, state, statesIn, status } from './setup.ts';

const SKIP = { on_rejected_record: 'Skip and report' };
/** Deeper than the 16 levels that a document may have: only the deployment refuses it. */
const deep = JSON.stringify(Array.from({ length: 20 }).reduce((inner) => ({ a: inner }), 1 as unknown));
const lines = [record('t', deep), record('t', deep), state('t', 2), status('t', 'COMPLETE')];
/** Without their primary key: refused before they are sent. */
const keyless = [record('t', { n: 1 }), record('t', { n: 2 }), state('t', 2), status('t', 'COMPLETE')];
const refreshed = dedup('t', ['_id'], { generation: 5, minimum: 5, sync: 90 });

describe('D6: all records are refused', () => {
  test('by Convex, which fails the sync: the message says that the table was emptied', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    const finished = await destination.write({ streams: [overwrite('t')] }, lines);
    expect(finished.code).toBe(1);
    const { message } = errorsOf(finished.lines)[0]!;
    expect(message).toContain('Table t had been emptied for the new records of stream "t", none of which is known to');
    expect(message).not.toContain('The records around them were written');
    expect(statesIn(finished.lines)).toEqual([]);
  });

  test('by Convex, some of them: the message says that the others were written', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [overwrite('t')] }, [record('t', { n: 1 }), ...lines]);
    expect(errorsOf(finished.lines)[0]!.message).toContain('The records around them were written');
    expect(destination.rows('t')).toEqual([{ n: 1 }]);
  });

  test('before they are sent, which fails the sync: the table is left as it was, and the message says so', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    const finished = await destination.write({ streams: [refreshed] }, keyless);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)[0]!.message).toContain('its table t was not emptied');
    expect(destination.rows('t')).toEqual([{ old: 1 }]);
    expect(destination.emulator.journal.count(CLEAR)).toBe(0);
  });

  test('before they are sent, and skipped: the table is left as it was, and a warning says so', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    const finished = await destination.write({ streams: [refreshed], config: SKIP }, keyless);
    expect(finished.code).toBe(0);
    expect(logsOf(finished.lines).filter((line) => line.includes('Its table t was not emptied'))).toHaveLength(1);
    expect(destination.rows('t')).toEqual([{ old: 1 }]);
    expect(statesIn(finished.lines)).toHaveLength(1);
  });

  test('before they are sent, and others come after the stream was complete: no state comes back too early', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    const other = append('other');
    const options = { streams: [refreshed, other], config: SKIP };
    const good = [record('t', { _id: 'a' }), state('t', 3), record('other', { n: 1 }), status('other', 'INCOMPLETE')];
    const first = await destination.write(options, [...keyless, ...good]);
    expect(first.code).toBe(1);
    expect(statesIn(first.lines)).toHaveLength(2);
    expect(logsOf(first.lines).filter((line) => line.includes('was refused before it was sent'))).toEqual([]);
    // The source goes on from the last state.
    const rest = [record('t', { _id: 'b' }), ...['t', 'other'].map((name) => status(name, 'COMPLETE'))];
    const second = await destination.write(options, rest);
    expect(second.code).toBe(0);
    expect(destination.rows('t')).toEqual([{ source_id: 'a' }, { source_id: 'b' }]);
  });

  test('by Convex, and skipped: a warning says that the table is empty', async () => {
    await using destination = await Destination.start();
    destination.insert('t', { old: 1 });
    const finished = await destination.write({ streams: [overwrite('t')], config: SKIP }, lines);
    expect(finished.code).toBe(0);
    expect(logsOf(finished.lines).join('\n')).toContain('its table t is empty now');
    expect(destination.rows('t')).toEqual([]);
  });
});
