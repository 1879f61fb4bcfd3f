import { expect, test } from 'vitest';
import { fieldWarnings } from '../../destination-convex/field-warnings.ts';
import { FieldWatch, MAX_COUNT } from '../../destination-convex/field-watch.ts';

function watched(records: readonly string[], fromConvex = false): FieldWatch {
  const watch = new FieldWatch(new Map(), fromConvex);
  for (const record of records) {
    const bytes = Buffer.from(record);
    watch.inspect(bytes, 0, bytes.length);
    expect(watch.merged()).toBeUndefined();
  }
  return watch;
}

test('a field is counted up to a limit; the others are still counted then', () => {
  const first = Array.from({ length: MAX_COUNT + 5 }, () => '{"n":9007199254740993,"m":1}');
  const watch = watched([
    ...first,
    '{"n":9007199254740993,"m":[0.1234567890123456785,9007199254740993],"_n":9007199254740993}',
  ]);
  expect(watch.rounded.map(({ name, numbers }) => [name, numbers])).toEqual([
    ['n', MAX_COUNT],
    ['m', 2],
    ['_n', 1],
  ]);
  expect(fieldWarnings('t', watch)[0]).toContain('"n" (10000 or more), "m" (2), "_n" (1)');
});

test('fields inside of others are told of by the field of the record, which is surely no content', () => {
  const watch = watched(['{"m":{"a":9007199254740993,"b":[{"m":9007199254740993}]},"a":1,"n":9007199254740993}']);
  expect(fieldWarnings('t', watch)[0]).toContain(': inside "m" (1), "m" (1), "n" (1). ');
});

test('a number in data that are no JSON', () => {
  expect(watched(['{"m" 1,"a":9007199254740993}']).rounded).toEqual([]);
});

test('numbers of fields that Convex drops are not counted, however many there are', () => {
  const watch = watched(Array.from({ length: 5 }, (_, n) => `{"_ab_cdc_lsn":9007199254740993,"_x":${n}}`));
  expect(watch.rounded).toEqual([]);
});

test('timestamps and creation times are not counted in records of Convex, but in all others', () => {
  const record = '{"_ts":1790000000126281651,"_creationTime":1790000000126281651,"n":1790000000126281651}';
  const names = (fromConvex: boolean) => watched([record], fromConvex).rounded.map(({ name }) => name);
  expect(names(true)).toEqual(['n']);
  expect(names(false)).toEqual(['_ts', '_creationTime', 'n']);
});

test.each(['1e23', '0.30000000000000004', '1790000000124.1', '100000000000000000000', '1.5000000000000000000'])(
  '%s is kept',
  (number) => {
    expect(watched([`{"n":${number}}`]).rounded).toEqual([]);
  },
);

test('a field that was harmless is compared again when another one appears that may get its name', () => {
  const watch = watched(['{"_a":1}', '{"_a":1}', '{"$b":1}']);
  const bytes = Buffer.from('{"_a":1,"$b":1,"$a":1}');
  for (let times = 0; times < 3; times++) {
    watch.inspect(bytes, 0, bytes.length);
    expect(watch.merged()).toEqual({ path: [], fields: ['_a', '$a'] });
  }
});
