import { describe, expect, test } from 'vitest';
import { mapYields, walkPages, type PageEnd } from '../../../shared/core/generators.ts';

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const event of events) found.push(event);
  return found;
}

describe('walkPages', () => {
  test('yields the events of each page, then those at its end', async () => {
    async function* page(at: number): AsyncGenerator<string, PageEnd<string, number>> {
      yield `${at}a`;
      yield `${at}b`;
      return { next: at < 3 ? at + 1 : undefined, events: [`end of ${at}`] };
    }
    expect(await collect(walkPages(1, page))).toEqual([
      ...['1a', '1b', 'end of 1'],
      ...['2a', '2b', 'end of 2'],
      ...['3a', '3b', 'end of 3'],
    ]);
  });

  test('requests the next page before the end of a page is yielded, and not before the page was consumed', async () => {
    const order: string[] = [];
    async function* page(at: number): AsyncGenerator<string, PageEnd<string, number>> {
      order.push(`request ${at}`);
      yield `${at}`;
      return { next: at < 2 ? at + 1 : undefined, events: [`end of ${at}`] };
    }
    for await (const event of walkPages(1, page)) order.push(event);
    expect(order).toEqual(['request 1', '1', 'request 2', 'end of 1', '2', 'end of 2']);
  });

  test('throws what a page throws, after everything that came before it', async () => {
    async function* page(at: number): AsyncGenerator<string, PageEnd<string, number>> {
      yield `${at}`;
      if (at === 2) throw new RangeError('broken');
      return { next: at + 1, events: [`end of ${at}`] };
    }
    const seen: string[] = [];
    const walk = async () => {
      for await (const event of walkPages(1, page)) seen.push(event);
    };
    await expect(walk()).rejects.toThrow(new RangeError('broken'));
    expect(seen).toEqual(['1', 'end of 1', '2']);
  });

  test('closes the requested page when the consumer stops', async () => {
    let closed = 0;
    async function* page(at: number): AsyncGenerator<string, PageEnd<string, number>> {
      try {
        yield `${at}`;
        return { next: at + 1, events: [`end of ${at}`] };
      } finally {
        closed++;
      }
    }
    for await (const event of walkPages(1, page)) if (event === 'end of 2') break;
    await new Promise(setImmediate);
    expect(closed).toBe(3);
  });
});

describe('mapYields', () => {
  test('maps what is yielded and passes on what is returned', async () => {
    async function* source(): AsyncGenerator<number, string> {
      yield 1;
      yield 2;
      return 'end';
    }
    const mapped = mapYields(source(), (n) => n * 10);
    expect([await mapped.next(), await mapped.next(), await mapped.next()]).toEqual([
      { done: false, value: 10 },
      { done: false, value: 20 },
      { done: true, value: 'end' },
    ]);
  });

  test('closes its source when the consumer stops', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<number, void> {
      try {
        yield 1;
        yield 2;
      } finally {
        closed = true;
      }
    }
    for await (const _ of mapYields(source(), (n) => n)) break;
    expect(closed).toBe(true);
  });
});
