import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LoopGuard } from '../../source-convex/streaming-export/loop-guard.ts';

/** Which page shows that a walk gets nowhere; undefined if none of them does. */
function noticed(
  pages: Iterable<{ cursor: string | null; documents: number }>,
): [page: number, why: string] | undefined {
  const guard = new LoopGuard();
  let page = 0;
  for (const next of pages) {
    page++;
    try {
      guard.after(next);
    } catch (error) {
      return [page, (error as Error).message];
    }
  }
  return undefined;
}

function* circle(before: number, length: number): Generator<{ cursor: string; documents: number }> {
  for (let page = 0; ; page++)
    yield { cursor: page < before ? `before ${page}` : `circle ${(page - before) % length}`, documents: 1 };
}

describe('a walk', () => {
  test('of ever new positions goes on', () => {
    const pages = Array.from({ length: 100_000 }, (_, page) => ({ cursor: `${page}`, documents: 1 }));
    expect(noticed([...pages, { cursor: null, documents: 0 }])).toBeUndefined();
  });

  test('in a circle is noticed after a few rounds, wherever the circle begins and however long it is', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.integer({ min: 1, max: 300 }), (before, length) => {
        const [page, why] = noticed(circle(before, length))!;
        expect(why).toBe('the pages of the snapshot go round in a circle');
        expect(page).toBeLessThanOrEqual(4 * (before + length) + 2);
      }),
    );
  });

  test('through many empty tables goes on', () => {
    const pages = Array.from({ length: 50_000 }, (_, page) => ({
      cursor: `${page}`,
      documents: page % 10_001 === 0 ? 1 : 0,
    }));
    expect(noticed(pages)).toBeUndefined();
  });

  test('of empty pages without end is noticed', () => {
    const pages = Array.from({ length: 50_000 }, (_, page) => ({ cursor: `${page}`, documents: 0 }));
    expect(noticed(pages)).toEqual([
      20_001,
      'the snapshot has 20001 pages without documents in a row, and says that there are more',
    ]);
  });
});
