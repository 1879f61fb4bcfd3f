/** The WebAssembly scanner against the plain one and against JSON.parse, on any JSON, cut anywhere. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ElementBatch } from '../../../shared/json/element-batch.ts';
import { ElementScanner } from '../../../shared/json/elements.ts';
import { IndexedMembers } from '../../../shared/json/indexed-members.ts';
import { JsonError, Members, skipNested } from '../../../shared/json/raw.ts';
import {
  FIRST_MEMBER,
  MEMBER_NUMBERS,
  findElements,
  findMembers,
  found,
  residentBuffer,
} from '../../../shared/json/wasm/find.ts';
import { KnownKeys } from '../../../shared/json/wasm/keys.ts';

/** Strings with all that could lead a scanner astray. */
const text = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '{', '}', '[', ']', ',', ':', '\n', 'é', '😀', '\u2028', '_'),
});
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, 0, -0.5, 1e300),
    text,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(text, tie('value'), { maxKeys: 5 }),
  ),
})).value;
const object = fc.dictionary(text, json, { maxKeys: 8 });

/** JSON text with white space where there may be some. */
function spaced(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent);
}

describe('findElements', () => {
  test('finds the ends that the plain scanner finds', () => {
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 20 }), fc.nat(3), (values, indent) => {
        const texts = values.map((value) => Buffer.from(spaced(value, indent)));
        const buffer = Buffer.concat(texts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from(','), part])));
        const count = findElements(buffer, 0, buffer.length);
        const ends: number[] = [];
        let at = 0;
        for (const part of texts) {
          expect(skipNested(buffer, at, buffer.length)).toBe(at + part.length);
          ends.push(at + part.length);
          at += part.length + 1;
        }
        expect([...found.subarray(0, count)]).toEqual(ends);
      }),
      { numRuns: 500 },
    );
  });

  test('finds nothing in what does not end, at any length around its blocks of 64 bytes', () => {
    for (let length = 0; length < 200; length++) {
      for (const tail of ['', '\\', '\\"', '\\\\', '"', '"}', '\\"}', '\\\\"}']) {
        const buffer = Buffer.from(`{"a":"${'x'.repeat(length)}${tail}`);
        const plain = skipNested(buffer, 0, buffer.length);
        expect(findElements(buffer, 0, buffer.length), `${length} ${tail}`).toBe(plain === -1 ? 0 : 1);
        if (plain !== -1) expect(found[0]).toBe(plain);
      }
    }
  });

  test('stops where the array ends', () => {
    const buffer = Buffer.from('{"a":[1]},{}],"cursor":{"x":{}}}');
    expect(findElements(buffer, 0, buffer.length)).toBe(2);
    expect([...found.subarray(0, 2)]).toEqual([9, 12]);
  });
});

describe('findMembers', () => {
  test('finds the members that are walked one by one, but for those that are known', () => {
    fc.assert(
      fc.property(object, fc.nat(3), fc.nat(), fc.boolean(), (value, indent, which, resident) => {
        const text = Buffer.from(`  ${spaced(value, indent)},"emitted_at":1}`);
        const buffer = resident ? residentBuffer.subarray(7, 7 + text.copy(residentBuffer, 7)) : text;
        const members = new Members().open(buffer, 2, buffer.length);
        const known = new KnownKeys();
        const all: { key: string; start: number }[] = [];
        const ignored = new Set<string>();
        for (let n = 0; members.next(); n++) {
          const key = buffer.toString('latin1', members.keyStart, members.keyEnd);
          all.push({ key, start: buffer.lastIndexOf(all.length === 0 ? '{' : ',', members.keyStart - 2) - 1 });
          if (((which >> n) & 1) === 0 || key.length > 30) continue;
          known.add(buffer, members.keyStart - 1, members.keyEnd + 1);
          ignored.add(key);
        }
        const count = findMembers(buffer, 2, buffer.length, known);
        const end = found[0];
        const numbers = [...found.subarray(FIRST_MEMBER, count)];
        const positions = numbers.filter((_, at) => at % MEMBER_NUMBERS !== 1);
        expect(numbers.filter((_, at) => at % MEMBER_NUMBERS === 1 && numbers[at] !== -1)).toEqual([]);
        expect(end).toBe(members.end - 2);
        const listed = all.map(({ start }, n) => [start, (all[n + 1]?.start ?? end!) - 1]);
        if (all.length === 0) {
          // Nothing between its braces: that this is no member is not for here to say.
          expect(positions).toEqual([1, end! - 1]);
        } else if (indent === 0) {
          expect(positions).toEqual(listed.filter((_, n) => !ignored.has(all[n]!.key)).flat());
        } else {
          // Where there is much white space, more may be listed, but never less, and nothing else.
          const pairs = Array.from({ length: positions.length / 2 }, (_, n) => positions.slice(2 * n, 2 * n + 2));
          expect(listed).toEqual(expect.arrayContaining(pairs));
          expect(pairs).toEqual(expect.arrayContaining(listed.filter((_, n) => !ignored.has(all[n]!.key))));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('says so where the object does not end', () => {
    const buffer = Buffer.from('{"a":1,"b":{"c":[1,2]}');
    expect(findMembers(buffer, 0, buffer.length, new KnownKeys())).toBe(0);
  });
});

describe('IndexedMembers', () => {
  const AB = Buffer.from('{"a":1,"b":2}');

  test('are those that are walked one by one', () => {
    fc.assert(
      fc.property(object, fc.nat(3), (value, indent) => {
        const buffer = Buffer.from(` ${spaced(value, indent)},"emitted_at":1}`);
        const walk = (members: Members | IndexedMembers) => {
          const positions: number[][] = [];
          while (members.next()) {
            const { keyStart, keyEnd, valueStart, valueEnd } = members;
            positions.push([keyStart, keyEnd, valueStart, valueEnd]);
          }
          return [...positions, [members.end]];
        };
        const indexed = new IndexedMembers();
        expect(indexed.open(buffer, 1, buffer.length)).toBe(true);
        expect(walk(indexed)).toEqual(walk(new Members().open(buffer, 1, buffer.length)));
      }),
      { numRuns: 500 },
    );
  });

  test('are the same ones once their keys are wanted, and are recognised', () => {
    let recognised = 0;
    fc.assert(
      fc.property(object, object, fc.nat(3), fc.nat(), fc.boolean(), (first, second, indent, which, blank) => {
        const indexed = new IndexedMembers();
        const numbers = new Map<number, string>();
        const keyOf = (buffer: Buffer, { keyStart, keyEnd }: Members | IndexedMembers) =>
          buffer.toString('latin1', keyStart, keyEnd);
        const learn = Buffer.from(spaced({ ...first, ...second }, 0));
        expect(indexed.open(learn, 0, learn.length)).toBe(true);
        for (let n = 0; indexed.next(); n++) {
          if (((which >> n) & 1) === 1 || !indexed.learnable) continue;
          numbers.set(indexed.want(), keyOf(learn, indexed));
        }
        const text = spaced(second, indent);
        const buffer = Buffer.from(` ${blank ? text.replaceAll(/([,:])(?=["\d])/g, '$1 ') : text},"emitted_at":1}`);
        const expected = new Members().open(buffer, 1, buffer.length);
        expect(indexed.open(buffer, 1, buffer.length)).toBe(true);
        while (indexed.next()) {
          expect(expected.next()).toBe(true);
          const place = ({ keyStart, keyEnd, valueStart, valueEnd }: Members | IndexedMembers) => [
            keyStart,
            keyEnd,
            valueStart,
            valueEnd,
          ];
          expect(place(indexed)).toEqual(place(expected));
          if (indexed.key === -1) continue;
          recognised++;
          expect(numbers.get(indexed.key)).toBe(keyOf(buffer, indexed));
        }
        expect(expected.next()).toBe(false);
        expect(indexed.end).toBe(expected.end);
      }),
      { numRuns: 1_000 },
    );
    expect(recognised).toBeGreaterThan(100);
  });

  test.each(['{1:2}', '{"a"}', '{"a":}', '{"a": }', '{"a":,"b":1}', '{"a":1,}', '{,}', '{"a" 1}', '{"a:1}'])(
    'are refused in %s, whatever is ignored or wanted',
    (text) => {
      for (const [ignores, wants] of [
        [false, false],
        [true, false],
        [false, true],
      ]) {
        const indexed = new IndexedMembers();
        const walk = (buffer: Buffer, ignore: boolean) => {
          if (!indexed.open(buffer, 0, buffer.length)) throw new JsonError('it has no end');
          while (indexed.next()) if (ignore) indexed.ignore();
        };
        if (ignores) walk(Buffer.from('{"a":1,"b":2}'), true);
        else if (indexed.open(AB, 0, AB.length)) while (indexed.next()) if (wants) indexed.want();
        expect(() => {
          walk(Buffer.from(text), false);
        }).toThrow(JsonError);
      }
    },
  );

  test('are passed over where their keys are ignored: so many keys, of such a length, and no others', () => {
    const indexed = new IndexedMembers();
    const keysOf = (object: object, ignore: (key: string) => boolean = () => false) => {
      const buffer = Buffer.from(JSON.stringify(object));
      const keys: string[] = [];
      expect(indexed.open(buffer, 0, buffer.length)).toBe(true);
      while (indexed.next()) {
        keys.push(buffer.toString('latin1', indexed.keyStart, indexed.keyEnd));
        if (ignore(keys.at(-1)!)) indexed.ignore();
      }
      expect(indexed.end).toBe(buffer.length);
      return keys;
    };
    const long = { ['x'.repeat(30)]: 1, ['x'.repeat(31)]: 2 };
    keysOf({ a: 1, b: 2, ab: 3, '\\': 4, ...long }, (key) => key !== 'b');
    expect(keysOf({ ab: 1, b: 2, a: 3, a_: 4, '': 5, '\\': { a: 1 }, ...long })).toEqual([
      'b',
      'a_',
      '',
      'x'.repeat(31),
    ]);
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`field${n}`, n]));
    keysOf(many, () => indexed.learnable);
    expect(indexed.learnable).toBe(false);
    expect(keysOf(many)).toHaveLength(100 - 64 + 4);
  });
});

function textsOf({ buffers, starts, ends, length }: ElementBatch): string[] {
  return buffers.slice(0, length).map((buffer, i) => buffer!.toString('utf8', starts[i], ends[i]));
}

describe('ElementScanner', () => {
  // Texts are compared, not values: JSON.parse of some versions of V8 (13.6, in Node 24.21) takes the key "\n" for "\\" where it has seen
  // an object with such a key at this place before.
  test('hands on every element once, whole, wherever the text is cut', () => {
    const cursor = '"cursor":"x\\"]}","hasMore":true,"snapshot":null';
    fc.assert(
      fc.property(
        fc.array(object, { maxLength: 12 }),
        fc.nat(2),
        fc.array(fc.nat(400), { maxLength: 30 }),
        (values, indent, sizes) => {
          const texts = values.map((value) => spaced(value, indent));
          const body = Buffer.from(`{"values":[${texts.join(indent === 0 ? ',' : ' ,\n')}],${cursor}} `);
          const seen: string[] = [];
          const scanner = new ElementScanner('values');
          let at = 0;
          for (const size of [...sizes, body.length]) {
            seen.push(...textsOf(scanner.push(Buffer.from(body.subarray(at, at + size)))));
            at = Math.min(at + size, body.length);
          }
          expect(seen).toEqual(texts.map((text) => text.replaceAll('\n', ' ')));
          expect(scanner.count).toBe(values.length);
          expect([...scanner.finish()]).toEqual([
            ['cursor', '"x\\"]}"'],
            ['hasMore', 'true'],
            ['snapshot', 'null'],
          ]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('hands on elements unchanged, byte by byte', () => {
    const values = ['{"a":1.0,"b":-0.0,"__proto__":{"c":[1e400,"\\ud800"]}}', '{}', '{"_":"\\\\\\""}'];
    for (let size = 1; size < 80; size++) {
      const body = Buffer.from(`{"values":[${values.join(',')}]}`);
      const seen: string[] = [];
      const scanner = new ElementScanner('values');
      for (let at = 0; at < body.length; at += size)
        seen.push(...textsOf(scanner.push(Buffer.from(body.subarray(at, at + size)))));
      scanner.finish();
      expect(seen).toEqual(values);
    }
  });

  test.each([
    ['a web page', '<html>', 'byte 0 of the response should be a JSON object'],
    ['something after the end', '{"values":[]}{', 'byte 13 of the response should be the end of the response'],
    ['a missing comma', '{"values":[{}{}]}', 'byte 13 of the response should be a comma or the end of the array'],
    ['a number for a document', '{"values":[1]}', 'byte 11 of the response should be a document'],
    ['a comma too many', '{"values":[{},]}', 'byte 14 of the response should be a document'],
    ['two arrays', '{"values":[],"values":[]}', 'the response has two members "values"'],
    ['a raw line break in a string', '{"values":[{"a":"\n"}]}', 'a string of the response holds a raw line break'],
  ])('refuses %s', (_what, body, message) => {
    const scanner = new ElementScanner('values');
    expect(() => scanner.push(Buffer.from(body))).toThrow(new JsonError(message));
  });

  test.each([
    ['breaks off', '{"values":[{"a":1}', 'the response broke off after 18 bytes'],
    ['breaks off in the middle of a character', '{"values":[{"a":"é', 'the response broke off after 18 bytes'],
    ['has no array', '{"values":1}', 'the response has no "values"'],
  ])('says so where the response %s', (_what, body, message) => {
    const scanner = new ElementScanner('values');
    const bytes = Buffer.from(body);
    scanner.push(body.endsWith('é') ? bytes.subarray(0, -1) : bytes);
    expect(() => scanner.finish()).toThrow(message.includes('18') && body.endsWith('é') ? /broke off/ : message);
  });

  test('refuses invalid UTF-8, also where a character is cut by a chunk', () => {
    const scan = (...chunks: number[][]) => {
      const scanner = new ElementScanner('values');
      for (const chunk of chunks) scanner.push(Buffer.from(chunk));
    };
    const open = [...Buffer.from('{"values":[{"a":"')];
    expect(() => scan([...open, 0xff])).toThrow('the response is not valid UTF-8');
    expect(() => scan([...open, 0xf0, 0x9f], [0x98, 0x80])).not.toThrow();
    expect(() => scan([...open, 0xf0, 0x9f], [0x22])).toThrow('the response is not valid UTF-8');
  });
});
