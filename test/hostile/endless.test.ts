/** Deployments that never rest. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Source, lastState, recordsOf, replay, savedStates } from '../source-convex/setup.ts';
import { logsOf } from '../support/messages.ts';

const PAGE = 8;

let source: Source;
let revision = 0;
beforeEach(async () => {
  source = await Source.start({ limits: { snapshotPage: PAGE, deltaRows: PAGE } });
  source.deployment.load(
    'users',
    Array.from({ length: 40 }, (_, n) => ({ n })),
    { perTransaction: 5 },
  );
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
});

/** For every page that is asked for, three pages of changes are made: whoever reads falls behind for ever. */
function neverRest(): void {
  const { journal } = source.emulator;
  const begin = journal.begin.bind(journal);
  journal.begin = (entry) => {
    for (let i = 0; i < 3 * PAGE; i += 2) {
      source.deployment.transaction((tx) => {
        tx.insert('users', { revision: ++revision });
        const [first] = source.deployment.documents('users');
        tx.patch(first!._id, { revision: ++revision });
      });
    }
    return begin(entry);
  };
}

describe('a deployment that writes three times as fast as it is read', () => {
  test('lets a sync of its log end, and the next one go on where it ended', async () => {
    const first = await source.read({ streams: ['users'] });
    neverRest();
    let { lines } = first;
    const records = recordsOf(lines);
    let read = 0;
    for (let sync = 0; sync < 3; sync++) {
      const unread = revision - read;
      const run = await source.read({ streams: ['users'], state: savedStates(lines) });
      expect(run.code).toBe(0);
      const found = recordsOf(run.lines);
      // All that there was when it began, and what came before it had asked for the time; what came while it was reading is the next one's.
      expect(found.length).toBeGreaterThanOrEqual(unread);
      expect(found.length).toBeLessThanOrEqual(unread + 4 * 3 * PAGE);
      expect(revision - read).toBeGreaterThan(3 * found.length);
      read += found.length;
      records.push(...found);
      ({ lines } = run);
    }
    // At rest, one more sync catches up.
    delete (source.emulator.journal as Partial<typeof source.emulator.journal>).begin;
    const last = await source.read({ streams: ['users'], state: savedStates(lines) });
    expect(replay([...records, ...recordsOf(last.lines)], 'users')).toEqual(source.truth('users'));
  });

  test('S11: lets a run with a snapshot end, with what was committed when the snapshot was finished', async () => {
    neverRest();
    const { code, lines } = await source.read({ streams: ['users'] });
    expect(code).toBe(0);
    const end = lastState(lines, 'users')?.['delta_cursor'] as string;
    const records = recordsOf(lines);
    // The head is pinned once, when the snapshot is finished: what is written while the log is read makes this run no longer.
    const { journal } = source.emulator;
    const pins = journal.of('/api/list_snapshot').filter(({ body }) => !body.includes('"snapshot":'));
    expect(pins).toHaveLength(2);
    expect(journal.of('/api/list_snapshot').at(-1)).toEqual(pins[1]);
    expect(journal.count('/api/document_deltas')).toBeGreaterThan(0);
    for (const { ts } of records) expect(BigInt(ts)).toBeLessThanOrEqual(BigInt(end));
    // Up to the second pin, and a page beyond it. Far more than that was written.
    const before = journal.count() - journal.count('/api/document_deltas');
    expect(records.length).toBeLessThan(40 + (before + 2) * 3 * PAGE);
    expect(revision).toBeGreaterThan(2 * records.length);
  });

  test('says how far it is while it reads', async () => {
    const { lines } = await source.read({ streams: ['users'] });
    for (let n = 0; n < 30; n++) source.deployment.load('users', [{ n }], { perTransaction: 1 });
    neverRest();
    const env = { CONVEX_CONNECTOR_PROGRESS_MS: '0' };
    const run = await source.read({ streams: ['users'], state: savedStates(lines), env });
    const told = logsOf(run.lines).filter((line) => line.startsWith('INFO Changes: '));
    expect(told.length).toBeGreaterThan(2);
    expect(told[0]).toMatch(/1 page, \d+ records? \([\d,]+ records\/s\), /);
  });
});
