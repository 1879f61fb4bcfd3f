import { describe, expect, test } from 'vitest';
import { runAnswer } from './answers.ts';
import { EARLIER, NOW, syncChange, syncPage, type Lie } from './lying-server.ts';
import { BEGINNINGS, COMPARISONS, SYNC_PAGES, SYNC_WALKS } from './data-sync.cases.ts';

const MAX_MEMORY = 256 * 1024 * 1024;

describe.each([
  ['a page of Data Sync', SYNC_PAGES],
  ['a walk through Data Sync', SYNC_WALKS],
  ['the beginning of a chain', BEGINNINGS],
  ['a comparison', COMPARISONS],
])('%s: an answer that lies', (_what, cases) => {
  test.each(cases)('$name', async (one) => {
    const { kind = 'transient_error', message, records = 0, readUpTo = one.from } = one;
    const result = await runAnswer({ ...one, kind, message });
    expect({ kind: result.kind, message: result.message, readUpTo: result.readUpTo }).toEqual({
      kind,
      message,
      readUpTo,
    });
    if (records === 'many') expect(result.records).toBeGreaterThan(0);
    else expect(result.records).toBe(records);
    expect(result.peak).toBeLessThan(MAX_MEMORY);
  });
});

/** Fewer than the times after which a page that breaks off at one place is given up. */
const AT_A_TIME = 8;
/** Bytes between two ends. All of them are tried where the reader is tested without a process. */
const STEP = 13;

describe.each(['with the connection', 'as if it were complete'])('a page that ends early, %s', (how) => {
  const whole = Buffer.from(syncPage({ values: [syncChange(), syncChange({ n: 2 })] }));

  test('at every 13th byte', async () => {
    for (let from = 0; from < whole.length; from += AT_A_TIME * STEP) {
      const sync: Lie = (n, _body, response) => {
        const end = from + STEP * (n - 1);
        if (n > AT_A_TIME || end >= whole.length) return whole;
        if (how === 'as if it were complete') return whole.subarray(0, end);
        response.writeHead(200, { 'content-length': whole.length }).write(whole.subarray(0, end), () => {
          response.destroy();
        });
        return undefined;
      };
      const one = { from: EARLIER, chain: true, attempts: 20, lies: { sync } } as const;
      const result = await runAnswer({ ...one, name: how, kind: 'ok', message: '' });
      expect({ from, kind: result.kind, readUpTo: result.readUpTo }).toEqual({ from, kind: 'ok', readUpTo: NOW });
      expect(result.records).toBeGreaterThanOrEqual(2);
    }
  }, 120_000);
});

test('a page that is requested again begins with a change of another table, at the timestamp of the cursor', async () => {
  const before = syncPage({ values: [syncChange(), syncChange({ n: 2 })] });
  const again = syncPage({
    values: [syncChange({}, { table: 'other', ts: EARLIER }), syncChange()],
  });
  const sync: Lie = (n, _body, response) => {
    if (n > 1) return again;
    const end = before.indexOf(syncChange({ n: 2 })) + 10;
    response.writeHead(200, { 'content-length': before.length }).write(before.slice(0, end), () => {
      response.destroy();
    });
    return undefined;
  };
  const one = { from: EARLIER, chain: true, lies: { sync } } as const;
  const result = await runAnswer({ ...one, name: 'another table', kind: 'ok', message: '' });
  expect(result).toMatchObject({ kind: 'ok', message: '', readUpTo: NOW, records: 2 });
});
