import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRoundedByFloat64 } from '../../../shared/json/float64.ts';
import { inspect, residentBuffer } from '../../../shared/json/wasm/find.ts';
import { QuietKeys } from '../../../shared/json/wasm/keys.ts';

/** What is found in a record, as texts: its special names, and its numbers with the names before them. */
function found(buffer: Buffer, start: number, end: number): string[] {
  const texts: string[] = [];
  const nameAt = (quote: number) => /"((?:[^"\\]|\\.)*)$/s.exec(buffer.toString('utf8', start, quote))![1]!;
  const numberAt = (at: number) => /^[\d.eE+-]+/.exec(buffer.toString('utf8', at, end))![0];
  const whole = inspect(buffer, start, end, {
    onKey: (quote) => {
      if (/^\s*:/.test(buffer.toString('utf8', quote + 1, end))) texts.push(nameAt(quote));
    },
    onRoundedInteger: (at, quote) => texts.push(`${nameAt(quote)} ${numberAt(at)} rounded`),
    onLongNumber: (at, quote) => texts.push(`${nameAt(quote)} ${numberAt(at)}`),
  });
  expect(whole).toBe(true);
  return texts;
}

/** The same by going through the tokens. */
function expected(text: string): string[] {
  const keys: string[] = [];
  const all: { at: number; text: string }[] = [];
  let name = '';
  for (const { 0: token, 1: key, index } of text.matchAll(
    /"((?:[^"\\]|\\.)*)"(?=\s*:)|"(?:[^"\\]|\\.)*"|-?[\d.eE+-]+/gs,
  )) {
    if (key !== undefined) {
      name = key;
      if (/^[_$]|^source_a|[^ -~]|\\/.test(key)) keys.push(key);
    } else if (/[\d.]{16}/.test(token) && !token.startsWith('"')) {
      const digits = token.replace(/^-/, '');
      if (isRoundedByFloat64(digits)) all.push({ at: index, text: `${name} ${digits} rounded` });
    }
  }
  return [...keys.sort(), ...all.map((number) => number.text)];
}

const sorted = (texts: string[]): string[] => {
  const numbers = texts.filter((one) => / [\d.eE+-]+( rounded)?$/.test(one));
  expect(numbers.length).toBeLessThanOrEqual(64);
  // Of these it is not sure.
  const judged = numbers.flatMap((one) => {
    const digits = / ([\d.eE+-]+)$/.exec(one)?.[1];
    if (digits === undefined) return [one];
    return isRoundedByFloat64(digits) ? [`${one} rounded`] : [];
  });
  return [...texts.filter((one) => !numbers.includes(one)).sort(), ...judged];
};

const name = fc.oneof(
  fc.constantFrom('_id', '$x', 'source_ab', 'source_b', 's', 'plain', 'größe', 'a\\b', 'a"_b', '', '_'),
  fc.string({ unit: fc.constantFrom('a', '_', 'é', '\\', '"', ':', '日', '{'), maxLength: 70 }),
);
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }).map(String),
  fc.bigInt({ min: 2n ** 52n, max: 2n ** 58n }).map((n) => String(n & ~63n)),
  fc.constantFrom(
    '0.1234567890123456785',
    '12345678901234567.25',
    '1.5',
    '1e400',
    '-7',
    '1234567890123456e-3',
    '99999999999999999999999',
  ),
);
const value: fc.Arbitrary<string> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    number,
    name.map((text) => JSON.stringify(text)),
    fc.constantFrom('null', 'true', `"${'1234567890'.repeat(9)}"`),
    fc.array(tie('value'), { maxLength: 4 }).map((values) => `[${values.join(',')}]`),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(name, tie('value'), fc.constantFrom(':', ': ', ' : ')), { maxLength: 5 })
    .map(
      (members) => `{${members.map(([key, inner, colon]) => JSON.stringify(key) + colon + String(inner)).join(',')}}`,
    ),
})).object;

test('the names and the long numbers of a record are found, wherever it stands', () => {
  fc.assert(
    fc.property(value, fc.nat(130), fc.boolean(), (text, offset, resident) => {
      fc.pre((text.match(/[\d.]{16}/g) ?? []).length < 60);
      const before = 'x"_y":12345678901234567890123'.repeat(5).slice(0, offset);
      const bytes = Buffer.from(`${before}${text},"_after":1234567890123456789`);
      let buffer = bytes;
      if (resident) {
        bytes.copy(residentBuffer);
        buffer = residentBuffer;
      }
      const end = offset + Buffer.byteLength(text);
      expect(sorted(found(buffer, offset, end)), text).toEqual(expected(text));
    }),
    { numRuns: 3_000 },
  );
});

test('a record larger than the memory is gone through in pieces', () => {
  for (let shift = 0; shift < 70; shift++) {
    const text = `{"_a":1,"fill":"${'x'.repeat(256 * 1024 - 60 + shift)}","_größe":9007199254740993,"$b":[12345678901234567891234]}`;
    const bytes = Buffer.from(text);
    const texts = found(bytes, 0, bytes.length).map((one) => one.replace(' rounded', ''));
    expect(texts.filter((one) => !one.includes(' '))).toEqual(['_a', '_größe', '$b']);
    expect(texts.filter((one) => one.includes(' '))).toEqual(['_größe 9007199254740993', '$b 12345678901234567891234']);
  }
});

test('quiet keys are passed over, wherever a record stands; keys that only end like them are not', () => {
  const quiet = new QuietKeys();
  quiet.names.add(Buffer.from('"_a"'));
  quiet.numbers.add(Buffer.from('"n"'));
  const text = String.raw`{"_a":1234567890123456789,"n":1234567890123456789,"x\"_a":1,"x\"n":1234567890123456789,"_b":1,"_a":1}`;
  for (let offset = 0; offset < 70; offset++) {
    const bytes = Buffer.from(' '.repeat(offset) + text);
    const told: string[] = [];
    const before = (end: number) => bytes.toString('utf8', Math.max(0, end - 5), end + 1);
    const whole = inspect(
      bytes,
      offset,
      bytes.length,
      {
        onKey: (end) => told.push(before(end)),
        onRoundedInteger: (_, end) => told.push(`number of ${before(end)}`),
        onLongNumber: (_, end) => told.push(`number of ${before(end)}`),
      },
      quiet,
    );
    expect(whole).toBe(true);
    expect(told.map((one) => one.slice(-4)).sort()).toEqual(['"_a"', '"_a"', '"_b"', '\\"n"', '\\"n"'].sort());
  }
});

test('a quiet key may stand in an earlier piece of a large record', () => {
  const quiet = new QuietKeys();
  quiet.numbers.add(Buffer.from('"n"'));
  const bytes = Buffer.from(`{"n":[${'1,'.repeat(300_000)}1234567890123456789]}`);
  let numbers = 0;
  const count = () => numbers++;
  inspect(bytes, 0, bytes.length, { onKey: () => undefined, onRoundedInteger: count, onLongNumber: count }, quiet);
  expect(numbers).toBe(1);
});
