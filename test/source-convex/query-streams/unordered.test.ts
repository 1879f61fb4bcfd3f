/** Incremental query streams without a cursor argument, whose pages are not in the order of the cursor field. */
import { expect, test } from 'vitest';
import type { PaginationOptions } from '../../../emulator/index.ts';
import { savedStates, type Source } from '../setup.ts';
import { appOf, dataOf, PAGE, readQueries, type QueryStreamConfig } from './setup.ts';

const STREAM: QueryStreamConfig = { ...PAGE, query: 'notes:slow', cursor_field: 'rev' };

/** Six notes. After the first page of each walk was read, the next ones of `changes` are made. */
async function notes(...changes: Record<number, number>[]): Promise<Source> {
  const source = await appOf({
    functions: {
      'notes:slow': {
        type: 'query',
        handler: async (ctx, { paginationOpts }: { paginationOpts: PaginationOptions }) => {
          const result = await ctx.db.query('notes').paginate(paginationOpts);
          if (paginationOpts.cursor === null) revise(source, changes.shift() ?? {});
          return result;
        },
      },
    },
  });
  const rows = [1, 2, 3, 4, 5, 6].map((n) => ({ n, rev: n }));
  source.deployment.load('notes', rows, { perTransaction: 1 });
  return source;
}

/** Gives notes another value of the cursor field, by their number. */
function revise({ deployment }: Source, revisions: Record<number, number>): void {
  for (const [n, rev] of Object.entries(revisions)) {
    const note = [...deployment.documents('notes')].find((one) => one['n'] === Number(n))!;
    deployment.transaction((tx) => tx.patch(note._id, { rev }));
  }
}

const revs = (lines: readonly string[]) => dataOf(lines).map((data) => (JSON.parse(data) as { rev: number }).rev);

/** Reads with the last state of the run before. */
async function next(source: Source, before: readonly string[], stream = STREAM): Promise<string[]> {
  return (await readQueries(source, [stream], { state: savedStates(before) })).lines;
}

test('a record of an earlier page that is changed during a walk comes with the next one', async () => {
  await using source = await notes({ 1: 50, 6: 60 }, { 2: 70, 6: 80 });
  const runs: string[][] = [];
  for (let run = 0; run < 5; run++) runs.push(await next(source, runs.at(-1) ?? []));
  expect(runs.map(revs)).toEqual([
    [1, 2, 3, 4, 5, 60],
    // From the greatest value of the first page on, since nothing was known before.
    [50, 4, 5, 80],
    // From the greatest value of the walk before the last one on.
    [70, 80],
    [80],
    [80],
  ]);
});

test('also if the walk was interrupted after the change', async () => {
  await using source = await notes({ 1: 50, 6: 60 });
  source.emulator.faults.add({ kind: 'status', status: 401, code: 'BadAdminKey', after: 1, times: 1 });
  const first = await next(source, []);
  expect(revs(first)).toEqual([1, 2, 3, 4]);
  const second = await next(source, first);
  expect(revs(second)).toEqual([5, 60]);
  expect(revs(await next(source, second))).toEqual([50, 4, 5, 60]);
});

test('what is ordered by its creation does not come twice', async () => {
  await using source = await notes();
  const stream = { ...STREAM, cursor_field: '_creationTime' };
  const first = await next(source, [], stream);
  expect(revs(first)).toHaveLength(6);
  expect(revs(await next(source, first, stream))).toEqual([6]);
});
