import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyValueProblem } from '../../destination-convex/key-values.ts';
import { compareNumbers } from '../../shared/json/decimals.ts';
import { isRoundedByFloat64, standsForFloat64 } from '../../shared/json/float64.ts';
import { errorsOf, logsOf } from '../support/messages.ts';
import { countsOf, dedup, Destination, record, state } from './setup.ts';

const SKIP = { on_rejected_record: 'Skip and report' };

describe('D3: keys that Convex stores as one', () => {
  test.each([
    ['numbers with a point', 'k', '36028797018963968.0', '36028797018963969.0', /"k" holds a number/],
    ['numbers with an exponent', 'k', '3.6028797018963968E+16', '3.6028797018963969E+16', /"k" holds a number/],
    ['fractions', 'k', '0.12345678901234568', '0.1234567890123456785', /"k" holds a number/],
    ['lists of integers', 'k', '[1,9007199254740992]', '[1,9007199254740993]', /"k" holds a number/],
    [
      'objects of integers',
      'k',
      '{"a":{"b":9007199254740992}}',
      '{"a":{"b": 9007199254740993 }}',
      /"k" holds a number/,
    ],
    ['objects with renamed fields', 'k', '{"source_a":1}', '{"_a":1}', /"k" is an object with a field whose name/],
    ['renamed fields in a list', 'k', '[{"source_a":1}]', '[{"$A":1}]', /"k" is an object with a field whose name/],
  ])('are refused: %s', async (_, field, sound, merged, reason) => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [dedup('t', [field])], config: SKIP }, [
      record('t', `{"${field}":${sound},"name":"first"}`),
      record('t', `{"${field}":${merged},"name":"second"}`),
      state('t', 1),
    ]);
    expect(destination.rows('t').map(({ name }) => name)).toEqual(['first']);
    expect(countsOf(finished.lines)).toEqual(['1/1']);
    expect(logsOf(finished.lines).join('\n')).toMatch(reason);
  });

  test('fail the sync by default, and keys of one value are one key', async () => {
    await using destination = await Destination.start();
    const lines = [record('t', '{"k":435}'), record('t', '{"k":4.35e2,"last":true}'), state('t', 1)];
    const sound = await destination.write({ streams: [dedup('t', ['k'])] }, lines);
    expect(sound.code).toBe(0);
    expect(destination.rows('t')).toEqual([{ k: 435, last: true }]);
    const finished = await destination.write({ streams: [dedup('t', ['k'])] }, [
      record('t', '{"k":0.10000000000000000001}'),
    ]);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)[0]).toMatchObject({ failure_type: 'config_error' });
  });

  test('zero and minus zero are two keys for Convex, and two rows', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [dedup('t', ['k'])] }, [record('t', '{"k":0}'), record('t', '{"k":-0.0}')]);
    expect(destination.rows('t')).toHaveLength(2);
  });
});

test.each([
  ['435', undefined],
  ['4.35e2', undefined],
  ['-0.0', undefined],
  ['0e5', undefined],
  ['0.1', undefined],
  ['0.30000000000000004', undefined],
  ['1786000000123.4568', undefined],
  ['1.10000000000000000000', undefined],
  ['9007199254740992', undefined],
  ['36028797018963968', undefined],
  ['5e-324', undefined],
  ['36028797018963970', 'rounded'],
  ['36028797018963968.5', 'rounded'],
  ['9007199254740993', 'rounded'],
  ['1e23', 'rounded'],
  ['1e22', undefined],
  ['4e-324', 'rounded'],
  ['1e-400', 'rounded'],
  ['1e-99999999', 'rounded'],
  ['1e400', 'rounded'],
  ['"9007199254740993"', undefined],
  ['null', undefined],
  ['true', undefined],
  ['["9007199254740993",{"a":"\\"9007199254740993"}]', undefined],
  ['[[[9007199254740993]]]', 'rounded'],
  ['{"a":"_b","$":1}', 'renamed'],
  ['{"a":"_b","c":["$d"]}', undefined],
  ['{"größe":1}', 'renamed'],
  ['{"\\u005fa":1}', 'renamed'],
])('a key of %s: %s', (text, problem) => {
  const bytes = Buffer.from(`{"id":${text}}`);
  expect(keyValueProblem(bytes, 6, bytes.length - 1)).toBe(problem);
});

test('two numbers that stand for a float64 are never stored as the same one', () => {
  const digits = fc.stringMatching(/^[1-9]\d{14,18}$/);
  const number = fc
    .tuple(digits, fc.integer({ min: 0, max: 19 }), fc.integer({ min: -3, max: 3 }))
    .map(([text, point, exponent]) => {
      const whole = text.slice(0, Math.max(1, text.length - point));
      const fraction = text.slice(whole.length);
      return `${whole}${fraction && `.${fraction}`}${exponent === 0 ? '' : `e${exponent}`}`;
    });
  const neighbour = (text: string) => text.replace(/\d(?=e|$)/, (last) => String((Number(last) + 1) % 10));
  fc.assert(
    fc.property(number, (text) => {
      const other = neighbour(text);
      if (compareNumbers(text, other) === 0 || !Object.is(Number(text), Number(other))) return;
      expect(standsForFloat64(text) && standsForFloat64(other), `${text} ${other}`).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['9007199254740993', true],
  ['36028797018963970', true],
  ['1786000000123456789', true],
  ['9007199254740992', false],
  ['1e23', false],
  ['3.602879701896397e+16', false],
  ['0.1', false],
  ['1786000000123.4568', false],
  ['12345678901234567.25', true],
  ['0.1234567890123456785', true],
])('a reader sees another number than %s: %s', (text, rounded) => {
  expect(isRoundedByFloat64(text)).toBe(rounded);
});
