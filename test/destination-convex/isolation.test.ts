/** A request is refused: how the record at fault is found, with how many requests, and when the server is at fault. */
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import { append, countsOf, dedup, Destination, IMPORT, record, state, statesIn, type Wanted } from './setup.ts';

const SKIP = { on_rejected_record: 'Skip and report' };
/** Convex answers 400 for it: too deep for a document. */
const deep = (id: string) => record('t', `{"id":"${id}","x":${'['.repeat(20)}${']'.repeat(20)}}`);
/** Convex answers 500 for it each time: it can give `_x` no free name. */
const poisoned = (id: string) =>
  record('t', `{"id":"${id}","_x":1,"source_x":2,"source_source_x":3,"source_source_source_x":4}`);
const good = (id: string) => record('t', { id });
const STREAMS: [string, Wanted][] = [
  ['deduplicated', dedup('t', ['id'])],
  ['appended', append('t')],
];

describe.each(STREAMS)('D9: among %s records', (_, stream) => {
  test('eight that Convex fails on are found among 2000 with few requests', async () => {
    await using destination = await Destination.start();
    const bad = new Set([17, 230, 555, 901, 902, 1400, 1803, 1999]);
    const lines = Array.from({ length: 2000 }, (_, n) => (bad.has(n) ? poisoned(`${n}`) : good(`${n}`)));
    const finished = await destination.write({ streams: [stream], config: SKIP }, [...lines, state('t', 1)]);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(countsOf(finished.lines)).toEqual(['1992/8']);
    expect(destination.rows('t')).toHaveLength(1992);
    // Ten or so to find each, and seven to know that it is not the server. It took 230.
    expect(destination.emulator.journal.count(IMPORT)).toBeLessThan(165);
  });

  test('a server that begins to fail while the record at fault is looked for is not mistaken for bad records', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({ kind: 'status', status: 500, path: IMPORT, after: 2, times: 1_000 });
    const lines = Array.from({ length: 8 }, (_, n) => (n === 6 ? deep(`${n}`) : good(`${n}`)));
    const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '4' };
    const finished = await destination.write({ streams: [stream], config: SKIP, env }, [...lines, state('t', 1)]);
    expect(errorsOf(finished.lines), finished.lines.join('\n')).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(statesIn(finished.lines)).toEqual([]);
    // The first half was accepted, and what comes after is written by the next attempt.
    expect(destination.rows('t').map(({ id }) => id)).toEqual(['0', '1', '2', '3']);
    expect(logsOf(finished.lines).join('\n')).not.toContain('was refused');
    // The batch, its halves, a quarter, four tries of a record, and three to ask whether the server is sound.
    expect(destination.emulator.journal.count(IMPORT)).toBe(11);
  });

  test('a single record is not refused if the server fails on every import', async () => {
    await using destination = await Destination.start();
    destination.emulator.faults.add({ kind: 'status', status: 500, path: IMPORT, times: 1_000 });
    const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '4' };
    const finished = await destination.write({ streams: [stream], config: SKIP, env }, [good('a'), state('t', 1)]);
    expect(errorsOf(finished.lines), finished.lines.join('\n')).toMatchObject([{ failure_type: 'transient_error' }]);
    expect(statesIn(finished.lines)).toEqual([]);
  });

  test('a single record that Convex fails on is refused', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [stream], config: SKIP }, [poisoned('a'), state('t', 1)]);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(countsOf(finished.lines)).toEqual(['0/1']);
    expect(destination.rows('t')).toEqual([]);
  });
});
