import { expect, test } from 'vitest';
import { RowKeys } from '../../../destination-convex/replace-at-once/row-keys.ts';

/** Whether the keys of two rows are one. */
function isOne(paths: string[][], one: string, other: string): boolean {
  const keys = new RowKeys(paths);
  const [a, b] = [one, other].map((row) => {
    const buffer = Buffer.from(`  ${row}\n`);
    return keys.of(buffer, 2, buffer.length);
  });
  return a === b;
}

test.each<[string, string, string]>([
  ['numbers of one value', '{"id":435}', '{"id":4.35e2}'],
  ['numbers of one float64', '{"id":0.1}', '{"id":0.10}'],
  ['strings with escapes', '{"id":"a\\u00e9\\n"}', '{"id":"\\u0061é\\u000a"}'],
  ['a name with escapes', '{"\\u0069d":1}', '{"id":1}'],
  ['white space', '{ "id" : [ 1 , { "a" : 2 } ] }', '{"id":[1,{"a":2}]}'],
  ['objects in another order', '{"id":{"a":1,"b":{"c":2,"d":3}}}', '{"id":{"b":{"d":3.0,"c":2},"a":1}}'],
  ['the last value counts', '{"id":1,"id":2}', '{"id":2}'],
  ['other fields do not count', '{"id":1,"x":{"id":2}}', '{"x":3,"id":1}'],
])('one key: %s', (_, one, other) => {
  expect(isOne([['id']], one, other)).toBe(true);
});

test.each<[string, string, string]>([
  ['types', '{"id":1}', '{"id":"1"}'],
  ['minus zero', '{"id":0}', '{"id":-0}'],
  ['minus zero inside', '{"id":[0]}', '{"id":[-0.0]}'],
  ['null and its name', '{"id":null}', '{"id":"null"}'],
  ['a list and its element', '{"id":[1]}', '{"id":1}'],
  ['an empty list and an empty object', '{"id":[]}', '{"id":{}}'],
  ['null in an object and nothing', '{"id":{"a":null}}', '{"id":{}}'],
  ['neighbours of a long integer', '{"id":9007199254740992}', '{"id":9007199254740994}'],
])('two keys: %s', (_, one, other) => {
  expect(isOne([['id']], one, other)).toBe(false);
});

test('several fields, some inside of objects, in their own order', () => {
  const paths = [['o', 'id'], ['n'], ['o', 'x']];
  expect(isOne(paths, '{"n":2,"o":{"x":3,"id":1}}', '{"o":{"id":1,"x":3,"y":4},"n":2}')).toBe(true);
  expect(isOne(paths, '{"n":1,"o":{"x":3,"id":2}}', '{"n":2,"o":{"x":3,"id":1}}')).toBe(false);
  expect(isOne(paths, '{"n":"a,b","o":{"id":"c","x":1}}', '{"n":"b","o":{"id":"c,a","x":1}}')).toBe(false);
});
