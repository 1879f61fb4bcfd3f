import type { Mutation } from './mutation.ts';

/** Mistakes that only show when processes are killed: the campaigns have to notice them. */
export const CAMPAIGNS: Mutation[] = [
  {
    name: 'the source promises a page before it has read it (campaign)',
    file: 'source-convex/streaming-export/change-log.ts',
    find: 'stream.advanceTo(inLog(maxDigits(stream.cursor, page.cursor)))',
    replace: 'stream.advanceTo(inLog(String(BigInt(maxDigits(stream.cursor, page.cursor)) + 20_000_000n)))',
    test: 'test/chaos/chaos.test.ts',
    only: 'append_dedup',
  },
  {
    name: 'the destination gives states back while their batch is on its way (campaign)',
    file: 'destination-convex/session.ts',
    find: 'this.#ledger.durable(durable);',
    replace: 'this.#ledger.durable(this.#ledger.received);',
    test: 'test/chaos/chaos.test.ts',
    only: 'append_dedup',
  },
  {
    name: 'a page that breaks off loses a document (campaign)',
    file: 'shared/convex/pages.ts',
    find: 'if (known > 0) batch.drop(known);',
    replace: 'if (known > 0) batch.drop(Math.min(batch.length, known + 1));',
    test: 'test/chaos/chaos.test.ts',
    only: 'kills with append:',
  },
];
