import type { Mutation } from './mutation.ts';

/** Mistakes in what both connectors share. */
export const SHARED: Mutation[] = [
  {
    name: 'a position is parsed as a double',
    file: 'shared/json/integers.ts',
    find: 'return isDigits(text) ? text : undefined;',
    replace: 'return isDigits(text) ? String(BigInt(Number(text))) : undefined;',
    test: 'test/source-convex/state.test.ts',
  },
  {
    name: 'after a page broke off, its documents are written once more',
    file: 'shared/convex/pages.ts',
    find: 'if (known > 0) batch.drop(known);',
    replace: '',
    test: 'test/shared/convex/pages.test.ts',
    only: 'at every byte',
  },
  {
    name: 'after a page broke off, one document too many is skipped',
    file: 'shared/convex/pages.ts',
    find: 'if (known > 0) batch.drop(known);',
    replace: 'if (known > 0) batch.drop(Math.min(batch.length, known + 1));',
    test: 'test/shared/convex/pages.test.ts',
  },
  {
    name: 'half a page is taken for a whole one',
    file: 'shared/json/elements.ts',
    find: 'if (this.#expect !== Expect.Nothing || this.#utf8.incomplete) {',
    replace: 'if (this.#utf8.incomplete) {',
    test: 'test/shared/json/elements.test.ts',
  },
  {
    name: 'a connection that has died is waited for for ever',
    file: 'shared/convex/time-limits.ts',
    find: "if (waiting) stream.destroy(Object.assign(new Error('no bytes for too long'), { code: 'ETIMEDOUT' }));\n    else timer.refresh();",
    replace: 'timer.refresh();',
    test: 'test/shared/convex/client.test.ts',
  },
  {
    name: 'an overloaded deployment is not asked again',
    file: 'shared/convex/errors.ts',
    find: 'status === 429 || status >= 500',
    replace: 'status === 429 || status === 500',
    test: 'test/shared/convex/errors.test.ts',
  },
  {
    name: 'the login page of a network passes for a durable record',
    file: 'shared/convex/streaming-import.ts',
    find: "if (text !== '' && text !== 'null')",
    replace: "if (text === 'no')",
    test: 'test/hostile/import-answers.test.ts',
    only: 'web page',
  },
  {
    name: 'the last line is dropped if no newline ends it',
    file: 'shared/airbyte/lines.ts',
    find: 'if (carried > 0) yield [',
    replace: 'if (carried < 0) yield [',
    test: 'test/shared/airbyte/lines.test.ts',
  },
  {
    name: 'half a record at the end of the input is passed over',
    file: 'shared/airbyte/inbound.ts',
    find: '    if (!line.terminated && (what !== undefined || buffer[at] === OPEN_BRACE))',
    replace:
      '    if (!line.terminated) return Kind.Noise;\n    if (!line.terminated && (what !== undefined || buffer[at] === OPEN_BRACE))',
    test: 'test/hostile/stdin.test.ts',
    only: 'line',
  },
  {
    name: 'the deploy key is told',
    file: 'shared/core/secrets.ts',
    find: 'masked = masked.replaceAll(form, MASK);',
    replace: 'masked = masked.replace(form, MASK);',
    test: 'test/shared/core/secrets.test.ts',
  },
];
