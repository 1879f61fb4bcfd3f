import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eachElement } from '../../../shared/json/array.ts';
import { JsonError } from '../../../shared/json/raw.ts';

function elements(text: string): string[] {
  const buffer = Buffer.from(text);
  const found: string[] = [];
  eachElement(buffer, 0, buffer.length, (start, end) => found.push(buffer.toString('utf8', start, end)));
  return found;
}

test.each<[text: string, expected: string[]]>([
  ['[]', []],
  ['[ ]', []],
  ['[1]', ['1']],
  ['[ 1.0 , {"a":[1,2]},"],[" , null ]', ['1.0', '{"a":[1,2]}', '"],["', 'null']],
  ['[[],{}]', ['[]', '{}']],
])('%s', (text, expected) => {
  expect(elements(text)).toEqual(expected);
});

test.each(['', '{}', '1', '[', '[1', '[1,', '[1,]', '[,1]', '[1 2]', '["a]', '[{]'])('%j is no array', (text) => {
  expect(() => elements(text)).toThrow(JsonError);
});

test('whatever JSON holds', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), (values) => {
      expect(elements(JSON.stringify(values)).map((text) => JSON.parse(text) as unknown)).toEqual(
        JSON.parse(JSON.stringify(values)),
      );
    }),
  );
});
