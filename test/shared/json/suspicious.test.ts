/** What is told of an object on the way to its end: never nothing where `inspect` finds something. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRoundedByFloat64 } from '../../../shared/json/float64.ts';
import { findObject, foundSuspicious, inspect, residentBuffer } from '../../../shared/json/wasm/find.ts';
import { QuietKeys } from '../../../shared/json/wasm/keys.ts';

function quietOf(names: readonly string[], numbers: readonly string[]): QuietKeys {
  const quiet = new QuietKeys();
  for (const name of names) quiet.names.add(Buffer.from(JSON.stringify(name)));
  for (const name of numbers) quiet.numbers.add(Buffer.from(JSON.stringify(name)));
  return quiet;
}

function isSuspicious(text: string, quiet = new QuietKeys(), { offset = 0, resident = false } = {}): boolean {
  const bytes = Buffer.from(
    `${'"_x":9007199254740993,'.repeat(10).slice(0, offset)}${text},"emitted_at":1790000000000}}`,
  );
  const buffer = resident ? residentBuffer.subarray(0, bytes.copy(residentBuffer)) : bytes;
  expect(findObject(buffer, offset, buffer.length, quiet)).toBe(offset + Buffer.byteLength(text));
  return foundSuspicious();
}

/** What `inspect` finds, as long as it is a rounded number or a special name. */
function finds(text: string, quiet: QuietKeys): string[] {
  const bytes = Buffer.from(text);
  const told: string[] = [];
  const number = (at: number) => {
    const digits = /^[\d.eE+-]+/.exec(bytes.toString('latin1', at))![0];
    if (isRoundedByFloat64(digits)) told.push(digits);
  };
  const onKey = (end: number) => {
    if (/^\s*:/.test(bytes.toString('latin1', end + 1))) told.push('a name');
  };
  inspect(bytes, 0, bytes.length, { onKey, onRoundedInteger: number, onLongNumber: number }, quiet);
  return told;
}

const NAMES = ['_id', '_ts', '$x', 'source_ab', 'source_b', 's', 'n', 'größe', 'a\\b', 'a"_b', '', '_', 'x'.repeat(90)];
const name = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.string({ unit: fc.constantFrom('a', '_', 'é', '\\', '"', ':', '\x7f', '{'), maxLength: 80 }),
);
/** JSON numbers with about as many digits as matter. */
const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(String),
  fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => JSON.stringify(value)),
  // Next to what a float prints.
  fc
    .tuple(fc.double({ min: 1e-4, max: 1e17, noNaN: true }), fc.constantFrom('0', '1', '5', '9'))
    .map(([value, digit]) => {
      const text = JSON.stringify(value);
      return text.includes('e') ? text : `${text.slice(0, -1)}${digit}`;
    }),
  fc
    .tuple(fc.bigInt({ min: 1n, max: 10n ** 20n }), fc.nat(20), fc.constantFrom('', 'e-05', 'E+12', 'e3', 'e-300'))
    .map(([mantissa, places, exponent]) => {
      const digits = String(mantissa).padStart(places + 1, '0');
      const whole = digits.slice(0, digits.length - places);
      return `${whole}${places === 0 ? '' : `.${digits.slice(digits.length - places)}`}${exponent}`;
    }),
);
const value: fc.Arbitrary<string> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    number,
    name.map((text) => JSON.stringify(text)),
    fc.constantFrom('null', `"${'1234567890'.repeat(20)}"`),
    fc.array(tie('value'), { maxLength: 4 }).map((values) => `[${values.join(',')}]`),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(name, tie('value'), fc.constantFrom(':', ': ', ' : ')), { maxLength: 5 })
    .map(
      (members) => `{${members.map(([key, inner, colon]) => JSON.stringify(key) + colon + String(inner)).join(',')}}`,
    ),
})).object;

test('what is not suspicious has nothing to be found, whatever is quiet and wherever it stands', () => {
  let clean = 0;
  fc.assert(
    fc.property(
      value,
      fc.subarray(NAMES),
      fc.subarray(NAMES),
      fc.record({ offset: fc.nat(130), resident: fc.boolean() }),
      (text, names, numbers, where) => {
        const quiet = quietOf(names, numbers);
        if (isSuspicious(text, quiet, where)) return;
        clean++;
        expect(finds(text, quiet), text).toEqual([]);
      },
    ),
    { numRuns: 5_000 },
  );
  expect(clean).toBeGreaterThan(500);
});

describe('a number', () => {
  test('that is rounded is suspicious', () => {
    let rounded = 0;
    fc.assert(
      fc.property(number, fc.constantFrom('', '-'), (digits, sign) => {
        const text = digits.startsWith('-') ? digits : sign + digits;
        if (!isRoundedByFloat64(text) || !/[\d.]{16}/.test(text)) return;
        rounded++;
        expect(isSuspicious(`{"n":${text}}`), text).toBe(true);
        expect(isSuspicious(`{"n":[0.5,${text}]}`), text).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    expect(rounded).toBeGreaterThan(1_000);
  });

  test('that was printed from a float is not, but for very few', () => {
    // Most are printed with 16 or 17 digits. Those near a power of two are looked at; so are very large and very small ones.
    const numbers = fc.sample(fc.double({ min: 1e-6, max: 1e16, noNaN: true }), { numRuns: 5_000, seed: 7 });
    const creationTimes = Array.from({ length: 5_000 }, (_, n) => 1_790_000_000_000 + n * 977 + (n * 7919) / 104_729);
    for (const set of [numbers.filter((one) => one >= 1e-6), creationTimes]) {
      const long = set.map((one) => JSON.stringify(one)).filter((text) => /[\d.]{16}/.test(text));
      expect(long.length).toBeGreaterThan(1_000);
      expect(long.filter((text) => isSuspicious(`{"n":${text}}`)).length).toBeLessThan(long.length / 50);
    }
  });

  test.each(['0.1234567890123456e-3', '1.2345678901234568e-05', '9007199254740992', '123456789012345600.0'])(
    '%s is not, being kept',
    (text) => {
      expect(isRoundedByFloat64(text)).toBe(false);
      expect(isSuspicious(`{"n":${text}}`)).toBe(false);
    },
  );
});

test('a usual record is not suspicious once its keys are quiet', () => {
  const text = String.raw`{"_ts":1790000000126281651,"_creationTime":1790000000124.1235,"_id":"j97","price":"$100","note":"_not \"a\" key; größer","nested":{"_k":[0.12345678901234568,-1.2345678901234568e-05]},"ids":[9007199254740993,9007199254740993]}`;
  expect(isSuspicious(text, quietOf(['_ts', '_creationTime', '_id', '_k'], ['_ts', 'ids']))).toBe(false);
  expect(isSuspicious(text, quietOf(['_ts', '_creationTime', '_id', '_k'], ['_ts']))).toBe(true);
  expect(isSuspicious(text, quietOf(['_ts', '_creationTime', '_id'], ['_ts', 'ids']))).toBe(true);
});

test('many fields with long numbers do not hide that others are quiet', () => {
  const decimals = Array.from({ length: 40 }, (_, n) => `"n${n}":0.12345678901234568`).join(',');
  const quiet = quietOf(['_a', '_b', '_c'], ['x', 'y', 'z']);
  const rest = '"_c":1,"_a":1,"_b":1,"z":9007199254740993,"x":9007199254740993,"y":9007199254740993';
  expect(isSuspicious(`{${decimals},${rest}}`, quiet)).toBe(false);
});
