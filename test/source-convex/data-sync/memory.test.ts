/** Replaced tables of a million rows are compared within 256 MiB. */
import { describe, expect, test } from 'vitest';
import { runAnswer } from '../../hostile/answers.ts';
import {
  document,
  EARLIER,
  NOW,
  page,
  pinnedIn,
  status,
  syncChange,
  syncPage,
  type Lie,
} from '../../hostile/lying-server.ts';

const LIMIT = 256 * 1024 * 1024;
const PAGE = 8_192;
/** Milliseconds: a machine that does other things takes minutes for a million rows. */
const LONG = 300_000;

const truncates = JSON.stringify([{ component: '', table: 'users' }]);
const idAt = (n: number): string => `j57${String(n).padStart(29, '0')}`;

/** Pages of a table whose rows are those numbers below `end` that `has`. Ids alone, or documents. */
function table(end: number, has: (n: number, snapshot: string) => boolean, fields: object): Lie {
  return (_n, body) => {
    const snapshot = pinnedIn(body);
    let n = Number(/"cursor":"(\d+)"/.exec(body)?.[1] ?? 0);
    const rows: string[] = [];
    for (; n < end && rows.length < PAGE; n++)
      if (has(n, snapshot)) rows.push(document({ _id: idAt(n), ...fields }, { ts: snapshot }));
    return page(rows, n < end ? String(n) : null, snapshot);
  };
}

/** A run that begins with a table that was replaced. */
const compared = (lies: { sync?: Lie; snapshot: Lie; ids: Lie }) =>
  runAnswer({
    name: 'memory',
    kind: 'ok',
    message: '',
    from: EARLIER,
    chain: true,
    timeLimit: LONG,
    lies: { sync: (n) => syncPage(n === 1 ? { truncates } : {}), ...lies },
  });

describe('within 256 MiB', () => {
  test(
    'a million rows before and after, half of the ids kept: as many rows are written, and half a million tombstones',
    async () => {
      const has = (n: number, snapshot: string): boolean =>
        snapshot === EARLIER ? n % 2 === 0 : n % 4 === 0 || n % 4 === 1;
      const result = await compared({
        snapshot: table(2_000_000, has, { n: 1.5 }),
        ids: table(2_000_000, has, { text: undefined }),
      });
      expect(result).toMatchObject({ kind: 'ok', readUpTo: NOW, records: 1_500_000 });
      expect(result.peak).toBeLessThan(LIMIT);
    },
    LONG,
  );

  test(
    'a table that is replaced again and again',
    async () => {
      // Each row differs each time: its timestamp is that of the snapshot.
      const pages = { snapshot: table(100_000, () => true, {}), ids: table(100_000, () => true, { text: undefined }) };
      const result = await compared({ ...pages, sync: () => syncPage({ truncates }) });
      expect(result).toMatchObject({ kind: 'ok', readUpTo: NOW });
      expect(result.records).toBeGreaterThanOrEqual(100_000);
      expect(result.peak).toBeLessThan(LIMIT);
    },
    LONG,
  );

  test('pages with 10,000 truncates each, and cursors of 10,000 tables', async () => {
    const many = JSON.stringify(
      Array.from({ length: 10_000 }, (_, n) => ({ component: '', table: `table_with_a_long_name_${n}` })),
    );
    const sync: Lie = (n) =>
      syncPage({
        truncates: many,
        status: status(n < 20 ? 'stale' : 'upToDate', String(BigInt(EARLIER) + BigInt(n))),
        cursor: JSON.stringify(`${n.toString(16).padStart(8, '0')}${'c0'.repeat(500_000)}`),
        values: [syncChange({ n }, { ts: String(BigInt(EARLIER) + BigInt(n)) })],
      });
    const result = await runAnswer({
      name: 'memory',
      kind: 'ok',
      message: '',
      from: EARLIER,
      chain: true,
      lies: { sync },
    });
    expect(result).toMatchObject({ kind: 'ok', records: 20 });
    expect(result.peak).toBeLessThan(LIMIT);
  });
});
