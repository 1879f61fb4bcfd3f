import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFloat } from '../../emulator/values/json-format.ts';
import { type Json, JsonNumber, JsonObject, JsonSyntaxError, parseJson } from '../../emulator/values/json-parse.ts';

describe('floats as serde_json prints them', () => {
  const cases: [value: number, text: string][] = [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-1, '-1.0'],
    [0.1, '0.1'],
    [0.1 + 0.2, '0.30000000000000004'],
    [1.5e-7, '1.5e-7'],
    [0.00001, '0.00001'],
    [0.00001234, '0.00001234'],
    [0.000001, '1e-6'],
    [-0.00000999, '-9.99e-6'],
    [12340000000, '12340000000.0'],
    [1e15, '1000000000000000.0'],
    [9007199254740992, '9007199254740992.0'],
    [9999999999999998, '9999999999999998.0'],
    [1e16, '1e16'],
    [1.2345678901234568e17, '1.2345678901234568e17'],
    [1e21, '1e21'],
    [-1.5e300, '-1.5e300'],
    [5e-324, '5e-324'],
    [Number.MAX_VALUE, '1.7976931348623157e308'],
    [1790000000123.4568, '1790000000123.4568'],
  ];
  test.each(cases)('%d', (value, text) => {
    expect(formatFloat(value)).toBe(text);
  });

  test('every finite double reads back as itself and never looks like an integer', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = formatFloat(value);
        expect(Number(text)).toBe(value);
        expect(text).toMatch(/^-?\d(\d*\.\d+|(\.\d+)?e-?\d+)$/);
      }),
      { numRuns: 2000 },
    );
  });
});

/** The parser's tree as JSON.parse would give it. */
function plain(value: Json): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof JsonObject)) return value;
  return Object.fromEntries([...value].map(([key, element]) => [key, plain(element)]));
}

describe('the JSON parser', () => {
  test('agrees with JSON.parse on what is JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(plain(parseJson(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  test('and on what is not: any one character changed', () => {
    const cut = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', '"', '{', '}', ',', ':', '1', '.', 'e', '-', '\\', ' '),
    );
    fc.assert(
      fc.property(cut, ([text, seed, character]) => {
        const position = seed % text.length;
        const broken = text.slice(0, position) + character + text.slice(position + 1);
        let expected: unknown;
        try {
          expected = JSON.parse(broken);
        } catch {
          expect(() => parseJson(broken)).toThrow(JsonSyntaxError);
          return;
        }
        // What overflows a double is JSON, but the backend does not take it.
        if (
          JSON.stringify(expected) !==
          JSON.stringify(expected, (_key, value: unknown) =>
            value === Infinity || value === -Infinity ? 'huge' : value,
          )
        ) {
          expect(() => parseJson(broken)).toThrow(/^number out of range/);
          return;
        }
        expect(plain(parseJson(broken))).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('keeps the text of numbers', () => {
    const texts = ['9223372036854775807', '1.0', '-0', '1e2', '123456789012345678901234567890'];
    expect((parseJson(`[${texts.join(',')}]`) as JsonNumber[]).map(({ text }) => text)).toEqual(texts);
    expect((parseJson('[1,-5,1.0,1e2,-0]') as JsonNumber[]).map(({ isInteger }) => isInteger)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('keeps the first place and the last value of a key that comes twice', () => {
    const object = parseJson('{"a":1,"b":2,"a":3}') as JsonObject;
    expect([...object.keys()]).toEqual(['a', 'b']);
    expect(plain(object)).toEqual({ a: 3, b: 2 });
    expect([...object.duplicates]).toEqual(['a']);
  });

  test('refuses what serde refuses: half surrogates, numbers out of range, too many levels', () => {
    for (const text of ['"\\ud800"', '"\\udc00\\ud800"', '1e400', '-1e400', '['.repeat(128) + ']'.repeat(128)]) {
      expect(() => parseJson(text)).toThrow(JsonSyntaxError);
    }
    expect(parseJson('"\\ud83d\\ude00"')).toBe('😀');
    expect(() => parseJson('['.repeat(127) + ']'.repeat(127))).not.toThrow();
  });

  test('tells where it stopped', () => {
    expect(() => parseJson('{"a":\n  nope}')).toThrow(/^expected ident at line 2 column \d+$/);
  });
});
