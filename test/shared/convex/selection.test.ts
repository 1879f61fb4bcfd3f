import { expect, test } from 'vitest';
import { selectTables, tableKey } from '../../../shared/convex/selection.ts';

const tables = (...names: string[]) =>
  names.map((name) => {
    const [table = '', component = ''] = name.split('@');
    return { component, table };
  });

test.each<[string[], string]>([
  [[], '{"_other":"excluded"}'],
  [['users'], '{"_other":"excluded","":{"_other":"excluded","users":{"_other":"included"}}}'],
  [
    ['users', 'keys@auth', 'posts', 'users@auth/inner'],
    '{"_other":"excluded","":{"_other":"excluded","users":{"_other":"included"},"posts":{"_other":"included"}},"auth":{"_other":"excluded","keys":{"_other":"included"}},"auth/inner":{"_other":"excluded","users":{"_other":"included"}}}',
  ],
  // Names that every object has something under.
  [
    ['constructor@constructor', 'toString@valueOf'],
    '{"_other":"excluded","constructor":{"_other":"excluded","constructor":{"_other":"included"}},"valueOf":{"_other":"excluded","toString":{"_other":"included"}}}',
  ],
  [['a@__proto__'], '{"_other":"excluded","__proto__":{"_other":"excluded","a":{"_other":"included"}}}'],
  // The word for all others cannot be selected: so nothing is left out.
  [['a@_other'], '{"_other":"included"}'],
])('%j', (names, selection) => {
  expect(JSON.stringify(selectTables(tables(...names)))).toBe(selection);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect((Object as unknown as Record<string, unknown>)['constructor']).toBe(Function);
});

test.each<[string[], string]>([
  [[], '{"_other":"included"}'],
  [['ssn', 'a b', ''], '{"_other":"included","ssn":"excluded","a b":"excluded","":"excluded"}'],
  [['__proto__', 'constructor'], '{"_other":"included","__proto__":"excluded","constructor":"excluded"}'],
])('without the columns %j', (excluded, columns) => {
  expect(JSON.stringify(selectTables([{ component: '', table: 't', excluded }]))).toBe(
    `{"_other":"excluded","":{"_other":"excluded","t":${columns}}}`,
  );
});

test('no two tables share a key', () => {
  const keys = [tableKey('', 'a/b'), tableKey('a', 'b'), tableKey('a/b', ''), tableKey('', 'ab'), tableKey('ab', '')];
  expect(new Set(keys).size).toBe(keys.length);
});
