/**
 * The pages of a query.
 *
 * A page is taken as a whole or not at all (DEC18). A function returns at most 16 MiB (C194).
 */
import { Circle } from '../../shared/core/circle.ts';
import { safeFailure, type SafeFailure } from '../../shared/convex/function-failure.ts';
import type { Functions } from '../../shared/convex/functions.ts';
import { notConvex } from '../../shared/convex/client.ts';
import { JsonError } from '../../shared/json/raw.ts';
import { argsText, type QueryStream } from './config.ts';
import { pageOf, ResultError, type QueryPage } from './page.ts';

/** The query failed, and another try would not help. */
export class QueryFailed extends Error {
  override readonly name = 'QueryFailed';
  readonly failure: SafeFailure;

  constructor(failure: SafeFailure) {
    super(failure.text);
    this.failure = failure;
  }
}

/** Failures that smaller pages may avoid. A deployment with hidden error messages does not tell. */
const SMALLER_MAY_HELP = new Set<SafeFailure['kind']>(['too-much', 'own']);
/** Divisor for the page size: 1000 records, then 125, 15, 1. */
const SHRINK = 8;
/** Pages of one size before twice as many records are tried, if fewer than were too many before. */
const PATIENCE = 4;

/** Called when pages become smaller: the size that failed, the new size, and why. */
export type OnSmaller = (before: number, now: number, failure: SafeFailure) => void;

export class QueryPages {
  readonly #functions: Functions;
  readonly #stream: QueryStream;
  readonly #onSmaller: OnSmaller;
  #circle = new Circle();
  #numItems: number;
  /** The smallest page size that failed. */
  #tooMany = Infinity;
  /** Pages since the size changed. */
  #pages = 0;

  constructor(functions: Functions, stream: QueryStream, onSmaller: OnSmaller = () => {}) {
    this.#functions = functions;
    this.#stream = stream;
    this.#numItems = stream.pageSize;
    this.#onSmaller = onSmaller;
  }

  /**
   * Reads one page, a smaller one where the query cannot return as many records. `since`: raw JSON of the
   * cursor argument, see `argsText`. Throws `QueryFailed`, `ResultError` and `ConvexApiError`.
   */
  async page(cursor: string | null, since: string | undefined): Promise<QueryPage> {
    const { query, paginated } = this.#stream;
    if (cursor === null) this.#circle = new Circle();
    for (;;) {
      const numItems = this.#numItems;
      const page = paginated ? { numItems, cursor } : undefined;
      const result = await this.#functions.call('query', query, argsText(this.#stream, { cursor: since, page }));
      if (result.status === 'success') {
        this.#grow();
        const read = this.#understood(() => pageOf(result, paginated));
        if (read.next !== null && (read.next === cursor || this.#circle.closesAt(read.next)))
          throw new ResultError(
            'gives a cursor back that it was given: no page comes after. Return the continueCursor of paginate(paginationOpts) as it is, and pass paginationOpts on',
          );
        return read;
      }
      const failure = safeFailure(result);
      if (!paginated || numItems === 1 || !SMALLER_MAY_HELP.has(failure.kind)) throw new QueryFailed(failure);
      this.#tooMany = Math.min(this.#tooMany, numItems);
      this.#numItems = Math.max(1, Math.floor(numItems / SHRINK));
      this.#pages = 0;
      this.#onSmaller(numItems, this.#numItems, failure);
    }
  }

  #grow(): void {
    if (++this.#pages < PATIENCE || this.#numItems * 2 >= Math.min(this.#tooMany, this.#stream.pageSize)) return;
    this.#numItems *= 2;
    this.#pages = 0;
  }

  #understood(read: () => QueryPage): QueryPage {
    try {
      return read();
    } catch (error) {
      if (error instanceof JsonError) throw notConvex(`the result of ${this.#stream.query}: ${error.message}`, 200);
      throw error;
    }
  }
}
