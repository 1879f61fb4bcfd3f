/** Acts on durable records: ends complete streams, marks generations, echoes STATEs. */
import type { Context } from '../shared/airbyte/connector.ts';
import { allRefused } from './aftermath.ts';
import type { Ledger } from './ledger.ts';
import type { Replacements } from './replace-at-once/replacements.ts';
import { withStats } from './state.ts';
import type { StreamTracker } from './stream-tracker.ts';
import type { StreamPlan } from './streams.ts';
import type { Tables } from './tables.ts';

interface CommitsOptions {
  context: Context;
  ledger: Ledger;
  tables: Tables;
  tracker: StreamTracker;
  replacements: Replacements | undefined;
  countsOf: (stream: StreamPlan) => { records: number; rejected: number };
}

export class Commits {
  readonly #options: CommitsOptions;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /**
   * Every record up to number `durable` was written or refused. Ends the streams that were reported complete,
   * except those that are replaced at once, and the streams in `complete`. Echoes the STATEs that may be
   * echoed.
   */
  async commit(durable: number, complete: readonly StreamPlan[] = []): Promise<void> {
    const { ledger, tables, tracker, replacements, context } = this.#options;
    ledger.durable(durable);
    const reported = tracker.takeCompleted(durable).filter(({ index }) => replacements?.has(index) !== true);
    await this.#end([...new Set([...reported, ...complete])]);
    // A marker is only needed if a STATE is echoed. Without one, the next attempt may empty the table again.
    await tables.mark(tables.unmarked.filter(({ index }) => ledger.waitsFor(index)));
    let any = false;
    for (const { state, records, rejected } of ledger.take()) {
      any = true;
      context.writer.bytes(withStats(state.line, state.start, state.end, { records, rejected }));
      context.writer.byte(0x0a);
    }
    if (!any) return;
    context.writer.flush();
    await context.writer.room();
  }

  /** Ends streams. A table without new records is emptied, unless all new records were refused. */
  async #end(streams: readonly StreamPlan[]): Promise<void> {
    const { ledger, tables, context, countsOf } = this.#options;
    const refused = streams.filter((stream) => {
      const { records, rejected } = countsOf(stream);
      return stream.truncation !== 'none' && records === 0 && rejected > 0;
    });
    for (const stream of refused) {
      context.log.warn(allRefused(stream, tables.emptied(stream)));
      if (stream.generation !== undefined) ledger.release(stream.index);
    }
    await tables.clear(streams.filter((stream) => !refused.includes(stream)));
  }
}
