import type { Mutation } from './mutation.ts';

/** Mistakes in replacing tables at once. */
export const REPLACE_AT_ONCE: Mutation[] = [
  {
    name: 'a row that comes again is uploaded once more',
    file: 'destination-convex/replace-at-once/corrections.ts',
    find: 'deletion === undefined ? this.#seen.add(key)',
    replace: 'deletion === undefined ? this.#seen.add(key) || true',
    test: 'test/destination-convex/replace-at-once/keyed.test.ts',
    only: 'come more than once',
  },
  {
    name: 'rows that come again after their upload stay as they were',
    file: 'destination-convex/replace-at-once/replacements.ts',
    find: 'await work.correct();',
    replace: '',
    test: 'test/destination-convex/replace-at-once/keyed.test.ts',
    only: 'come more than once',
  },
  {
    name: 'states come back before the rows that came again are durable',
    file: 'destination-convex/replace-at-once/replacements.ts',
    find: 'await work.correct();',
    replace: 'void work.correct();',
    test: 'test/destination-convex/replace-at-once/keyed.test.ts',
    only: 'a kill at any request',
  },
  {
    name: 'a deletion overtakes a record that is still being checked',
    file: 'destination-convex/replace-at-once/table-replacement.ts',
    find: 'if (this.#unchecked.count === 0) return this.#add(record, row.bytes, () => data, deletion);',
    replace: 'if (this.#unchecked.count >= 0) return this.#add(record, row.bytes, () => data, deletion);',
    test: 'test/destination-convex/replace-at-once/keyed.test.ts',
    only: 'a schema of the deployment',
  },
  {
    name: 'records without a key are uploaded',
    file: 'destination-convex/key-guard.ts',
    find: "if (!this.seen) return { kind: 'missing', field: this.source };",
    replace: "if (!this.seen && this.chain.length > 0) return { kind: 'missing', field: this.source };",
    test: 'test/destination-convex/replace-at-once/keyed.test.ts',
    only: 'without a key',
  },
  {
    name: 'rows in memory are not replaced where too many newer ones wait',
    file: 'destination-convex/replace-at-once/corrections.ts',
    find: '    this.#settle();\n',
    replace: '',
    test: 'test/destination-convex/replace-at-once/keyed.test.ts',
    only: 'fits into memory comes again',
  },
  {
    name: 'a table is replaced that is not indexed by its key',
    file: 'destination-convex/replace-at-once/replacements.ts',
    find: 'await tables.index([stream]);',
    replace: '',
    test: 'test/destination-convex/replace-at-once/keyed.test.ts',
    only: 'come more than once',
  },
  {
    name: 'a key is compared as it is spelled',
    file: 'destination-convex/replace-at-once/row-keys.ts',
    find: 'return canonical(JSON.parse',
    replace: 'return String(JSON.parse',
    test: 'test/destination-convex/replace-at-once/row-keys.test.ts',
  },
];
