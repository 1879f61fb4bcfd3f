import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  JsonError,
  Members,
  bytesAre,
  onOneLine,
  rawMembers,
  skipNested,
  skipString,
  skipValue,
  stringAt,
} from '../../../shared/json/raw.ts';
import { findMembers, found } from '../../../shared/json/wasm/find.ts';
import { KnownKeys } from '../../../shared/json/wasm/keys.ts';
import { between, blanks, jsonText, objectText, space, stringToken } from '../../support/json.ts';

const AROUND = fc.tuple(fc.constantFrom('', ' ', '"', '{', '[1,'), fc.constantFrom('', ',', '}', ']', ' ', '"', ':'));

describe('where a value ends', () => {
  test('is found in any text, whatever stands around it', () => {
    fc.assert(
      fc.property(jsonText, AROUND, (text, [before, after]) => {
        const buffer = Buffer.from(before + text + after);
        const start = Buffer.byteLength(before);
        const scalar = !/^["[{]/.test(text);
        // A number or a word ends before what follows; a quote would follow it in no JSON.
        if (scalar && after === '') return;
        expect(skipValue(buffer, start, buffer.length)).toBe(start + Buffer.byteLength(text));
      }),
      { numRuns: 500 },
    );
  });

  test('is not found where it is cut off', () => {
    fc.assert(
      fc.property(fc.oneof(objectText, stringToken), fc.nat(), (text, length) => {
        const buffer = Buffer.from(text);
        const end = length % buffer.length;
        expect(() => skipValue(buffer, 0, end)).toThrow(JsonError);
      }),
    );
  });

  test.each([
    ['"abc"', 5],
    ['"a\\"c" "', 6],
    ['"\\\\"x', 4],
    ['"\\\\\\""x', 6],
    [`"${'x'.repeat(500)}"`, 502],
    [`"${'\\"'.repeat(500)}"`, 1002],
    [`"${'x'.repeat(200)}\\"${'y'.repeat(200)}\\\\"`, 406],
  ])('string %s', (text, end) => {
    expect(skipString(Buffer.from(text), 1, text.length)).toBe(end);
  });

  test.each(['"', '"abc', '"abc\\"', '"\\', `"${'x'.repeat(500)}`, `"${'x'.repeat(500)}\\"`, `"${'\\"'.repeat(500)}`])(
    'string without an end: %s',
    (text) => {
      expect(skipString(Buffer.from(`${text}`), 1, text.length)).toBe(-1);
      // Bytes beyond the limit are not looked at.
      expect(skipString(Buffer.from(`${text}""`), 1, text.length)).toBe(-1);
    },
  );

  test('a string of many escapes ends at its quote, wherever that is and wherever the text ends', () => {
    const part = fc.constantFrom('\\"', '\\\\', 'x', 'é', '{[,:', '\\"\\"\\"', 'y'.repeat(61), '\\\\\\"');
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 40 }), fc.nat(700), fc.nat(70), (parts, times, cut) => {
        const text = parts.join('').repeat(times);
        const buffer = Buffer.from(`"${text}","b":"\\"`);
        const end = Buffer.byteLength(text) + 2;
        expect(skipString(buffer, 1, buffer.length)).toBe(end);
        expect(skipString(buffer, 1, Math.max(1, end - 1 - cut))).toBe(-1);
      }),
      { numRuns: 500 },
    );
  });

  test('a search within a string leaves alone what was found before', () => {
    const object = Buffer.from('{"a":1,"b":2}');
    const count = findMembers(object, 0, object.length, new KnownKeys());
    const before = [...found.subarray(0, count)];
    const text = `"${'\\"x'.repeat(9_000)}"`;
    expect(skipString(Buffer.from(text), 1, text.length)).toBe(text.length);
    expect([...found.subarray(0, count)]).toEqual(before);
  });

  test('of brackets a hundred thousand deep needs no stack', () => {
    const buffer = Buffer.from('['.repeat(100_000) + ']'.repeat(100_000));
    expect(skipNested(buffer, 0, buffer.length)).toBe(buffer.length);
  });

  test('of a string of escaped quotes is found in time: a mebibyte, a hundred times', () => {
    const buffer = Buffer.from(`"${'\\"'.repeat(512 * 1024)}"`);
    for (let i = 0; i < 100; i++) expect(skipString(buffer, 1, buffer.length)).toBe(buffer.length);
  });

  test.each([',', '}', ':', ''])('nothing where a value should be: %j', (text) => {
    const buffer = Buffer.from(text);
    expect(() => skipValue(buffer, 0, buffer.length)).toThrow(JsonError);
  });
});

describe('the members of an object', () => {
  // Compared with the texts that the object was made of: JSON.parse of V8 confuses the keys "\n" and "\\" of an
  // object after it has parsed others with such keys.
  test('are those that were written', () => {
    const member = fc.tuple(stringToken, space, space, jsonText);
    fc.assert(
      fc.property(fc.array(member, { maxLength: 5 }), blanks, (members, around) => {
        const items = members.map(([key, a, b, value]) => `${key}${a}:${b}${value}`);
        const found = rawMembers(Buffer.from(between('{', '}', items, around)));
        const written = new Map(members.map(([key, , , value]) => [JSON.parse(key) as string, value]));
        expect([...found]).toEqual([...written]);
      }),
      { numRuns: 500 },
    );
  });

  test('are given by positions, in order, without their blanks', () => {
    const text = ' { "a" : 1 , "b\\u0063":[ ] , "":"x"}tail';
    const buffer = Buffer.from(text);
    const members = new Members().open(buffer, 0, buffer.length);
    const seen: string[][] = [];
    while (members.next()) seen.push([members.key(), text.slice(members.valueStart, members.valueEnd)]);
    expect(seen).toEqual([
      ['a', '1'],
      ['bc', '[ ]'],
      ['', '"x"'],
    ]);
    expect(text.slice(members.end)).toBe('tail');
  });

  test('are compared as bytes: an escaped key is no plain one', () => {
    const buffer = Buffer.from('{"\\u005fts":1,"_ts":2}');
    const members = new Members().open(buffer, 0, buffer.length);
    const name = Buffer.from('_ts');
    expect([members.next(), members.keyIs(name), members.key()]).toEqual([true, false, '_ts']);
    expect([members.next(), members.keyIs(name)]).toEqual([true, true]);
  });

  test('of which one is repeated: the last one counts', () => {
    expect([...rawMembers(Buffer.from('{"a":1,"b":2,"a":3}'))]).toEqual([
      ['a', '3'],
      ['b', '2'],
    ]);
  });

  test.each([
    '',
    '[]',
    '"a"',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{a:1}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{"a":"b}',
    '{,}',
    '{"a":,}',
  ])('of what is no object: %j', (text) => {
    expect(() => rawMembers(Buffer.from(text))).toThrow(JsonError);
  });
});

describe('a string', () => {
  test('is decoded as JSON.parse does', () => {
    fc.assert(
      fc.property(stringToken, (text) => {
        const buffer = Buffer.from(`x${text}x`);
        expect(stringAt(buffer, 1, buffer.length - 1)).toBe(JSON.parse(text));
      }),
    );
  });

  test.each(['abc', '"abc', '"\\x"', '"\\u12"'])('that is none: %s', (text) => {
    expect(() => stringAt(Buffer.from(text), 0, text.length)).toThrow(JsonError);
  });
});

describe('on one line', () => {
  test('a value means what it meant', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const line = onOneLine(Buffer.from(text), 0, Buffer.byteLength(text)).toString();
        // Line breaks of these texts are all between tokens.
        expect(line).toBe(text.replace(/[\r\n]/g, ' '));
      }),
    );
  });

  test('the original is left as it was', () => {
    const buffer = Buffer.from('[1,\n2]');
    expect(onOneLine(buffer, 0, buffer.length).toString()).toBe('[1, 2]');
    expect(buffer.toString()).toBe('[1,\n2]');
  });
});

test('bytes are compared within their limits', () => {
  const buffer = Buffer.from('abcd');
  expect(bytesAre(buffer, 1, 3, Buffer.from('bc'))).toBe(true);
  expect(bytesAre(buffer, 1, 3, Buffer.from('bcd'))).toBe(false);
  expect(bytesAre(buffer, 1, 3, Buffer.from('bd'))).toBe(false);
  expect(bytesAre(buffer, 1, 1, Buffer.alloc(0))).toBe(true);
});
