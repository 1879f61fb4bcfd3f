import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ElementBatch } from '../../../shared/json/element-batch.ts';
import { ElementScanner } from '../../../shared/json/elements.ts';
import { JsonError } from '../../../shared/json/raw.ts';
import { between, blanks, cut, jsonText, objectText } from '../../support/json.ts';

interface Scanned {
  elements: string[];
  members: ReadonlyMap<string, string>;
}

/** Feeds a text in these parts, each in a buffer of its own that is spoilt afterwards: what is kept has to be a copy. */
function scan(parts: readonly Buffer[]): Scanned {
  const elements: string[] = [];
  const scanner = new ElementScanner('values');
  for (const part of parts) {
    const chunk = Buffer.from(part);
    elements.push(...textsOf(scanner.push(chunk)));
    chunk.fill('"');
  }
  const members = scanner.finish();
  expect(scanner.count).toBe(elements.length);
  expect(scanner.bytes).toBe(parts.reduce((sum, { length }) => sum + length, 0));
  return { elements, members };
}

function textsOf({ buffers, starts, ends, length }: ElementBatch): string[] {
  return buffers.slice(0, length).map((buffer, i) => buffer!.toString('utf8', starts[i], ends[i]));
}

const whole = (text: string): Scanned => scan([Buffer.from(text)]);

/** A page: documents, and other members before and after them. */
const page = fc
  .record({
    documents: fc.array(objectText, { maxLength: 6 }),
    before: fc.array(jsonText, { maxLength: 2 }),
    after: fc.array(jsonText, { maxLength: 2 }),
    blank: blanks,
  })
  .map(({ documents, before, after, blank }) => {
    const named = (texts: string[], prefix: string) =>
      texts.map((text, i): [string, string] => [`${prefix}${i}`, text]);
    const members = [...named(before, 'b'), ...named(after, 'a')];
    const values = `"values":${between('[', ']', documents, blank)}`;
    const items = members.map(([key, text]) => `"${key}":${text}`);
    items.splice(before.length, 0, values);
    return { documents, members: new Map(members), text: between('{', '}', items, blank) };
  });

const places = fc.array(fc.nat(), { maxLength: 12 });

describe('a page', () => {
  test('cut anywhere gives its documents and members as they stand', () => {
    fc.assert(
      fc.property(page, places, ({ documents, members, text }, at) => {
        const { elements, members: found } = scan(cut(Buffer.from(text), at));
        // Raw line breaks, which can only stand between tokens, are blanks afterwards: a record is one line.
        expect(elements).toEqual(documents.map((json) => json.replace(/[\r\n]/g, ' ')));
        expect([...found.keys()]).toEqual([...members.keys()]);
        for (const [key, json] of members) expect(found.get(key)).toBe(json);
      }),
      { numRuns: 500 },
    );
  });

  test('byte by byte', () => {
    fc.assert(
      fc.property(page, ({ documents, text }) => {
        const bytes = Buffer.from(text);
        const { elements } = scan(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)));
        expect(elements).toHaveLength(documents.length);
      }),
      { numRuns: 50 },
    );
  });

  test('that ends too early is never taken for a whole one', () => {
    fc.assert(
      fc.property(page, fc.nat(), places, ({ text }, length, at) => {
        const bytes = Buffer.from(text.trimEnd());
        const part = bytes.subarray(0, length % bytes.length);
        expect(() => scan(cut(part, at))).toThrow(JsonError);
      }),
      { numRuns: 500 },
    );
  });

  test('that is damaged ends with a page or a JsonError, whatever the damage', () => {
    fc.assert(
      fc.property(
        page,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 3 }),
        places,
        ({ text }, place, damage, at) => {
          const bytes = Buffer.from(text);
          bytes.set(damage.subarray(0, bytes.length - (place % bytes.length)), place % bytes.length);
          try {
            scan(cut(bytes, at));
          } catch (error) {
            expect(error).toBeInstanceOf(JsonError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('of no bytes, of blanks, of nothing that is a page', () => {
    for (const text of [
      '',
      ' ',
      'null',
      '[]',
      '<html></html>',
      '"',
      '{',
      '{"values"',
      '{"values":',
      '{"values":[',
      '{}',
      '{"a":1}',
    ]) {
      expect(() => whole(text), text).toThrow(JsonError);
    }
  });
});

describe('what is no page is refused', () => {
  test.each([
    ['{"values":[{}],"a":1} x', 'byte 22 of the response should be the end of the response'],
    ['{"values":[{}]}{}', 'byte 15 of the response should be the end of the response'],
    ['{"values":[1]}', 'byte 11 of the response should be a document'],
    ['{"values":[{},]}', 'byte 14 of the response should be a document'],
    ['{"values":[{}{}]}', 'byte 13 of the response should be a comma or the end of the array'],
    ['{"values":[{}],}', 'byte 15 of the response should be a key'],
    ['{"values" [{}]}', 'byte 10 of the response should be a colon'],
    ['{"values":[{}]"a":1}', 'byte 14 of the response should be a comma or the end of the response'],
    ['{"values":[],"values":[]}', 'the response has two members "values"'],
    ['{"values":null}', 'the response has no "values"'],
    ['{"a":1}', 'the response has no "values"'],
    ['{"values":[{"a":1}', 'the response broke off after 18 bytes'],
  ])('%s', (text, message) => {
    expect(() => whole(text)).toThrow(new JsonError(message));
  });

  test('bytes that are no UTF-8, also where a chunk ends in the middle of a character', () => {
    const bad = [
      [0xc3, 0x28],
      [0xff],
      [0x80],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x98],
      [0xed, 0xa0, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
    ];
    for (const bytes of bad) {
      const page = Buffer.concat([Buffer.from('{"values":[{"a":"'), Buffer.from(bytes), Buffer.from('"}]}')]);
      for (let at = 0; at < page.length; at++) {
        expect(() => scan([page.subarray(0, at), page.subarray(at)])).toThrow(
          new JsonError('the response is not valid UTF-8'),
        );
      }
    }
  });

  test('a raw line break in a string', () => {
    expect(() => whole('{"values":[{"a":"b\nc"}]}')).toThrow('a string of the response holds a raw line break');
  });

  test('a member that is longer than any page has', () => {
    const text = `{"cursor":"${'x'.repeat(70_000)}","values":[]}`;
    expect(() => scan(cut(Buffer.from(text), [30_000, 60_000, 65_000]))).toThrow(
      /^the response holds a value of more than \d+ bytes/,
    );
  });
});

test('documents that begin in one chunk and end many later, of any size', () => {
  const documents = [10, 1000, 65_536, 300_000, 2_000_000].map(
    (length) => `{"a":"${'é'.repeat(length / 2)}","b":[{}]}`,
  );
  const text = `{"values":[${documents.join(',')}],"hasMore":false}`;
  const bytes = Buffer.from(text);
  const parts = Array.from({ length: Math.ceil(bytes.length / 9973) }, (_, i) =>
    bytes.subarray(i * 9973, (i + 1) * 9973),
  );
  const { elements, members } = scan(parts);
  expect(elements.map((element, i) => element === documents[i])).toEqual(documents.map(() => true));
  expect(members).toEqual(new Map([['hasMore', 'false']]));
});

test('a batch shows an element of two chunks also where the second chunk begins another one', () => {
  const scanner = new ElementScanner('values');
  scanner.push(Buffer.from('{"values":[{"a":"first'));
  const batch = scanner.push(Buffer.from('"},{"b":2},{"c":"a longer beginning of the last one'));
  expect(textsOf(batch)).toEqual(['{"a":"first"}', '{"b":2}']);
  expect(textsOf(scanner.push(Buffer.from('"}]}')))).toEqual(['{"c":"a longer beginning of the last one"}']);
});
