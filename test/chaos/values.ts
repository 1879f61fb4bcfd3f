/** Documents that a lossy way would damage, and what Convex's plain JSON and its import make of each value. */
import type { Value, ValueObject } from '../../emulator/index.ts';
import type { SeededRandom } from './seeded-random.ts';

const TEXTS = [
  '',
  'plain',
  '"quoted" and \\ back',
  'line\nbreak\r\ttab \u0000 \u2028',
  'ünïcödé 漢字 🦦',
  '{"type":"STATE","state":{}}',
  '],"hasMore":false}',
  'x'.repeat(300),
];
const NUMBERS = [0, -0, 1, -1.5, 0.1, 1e300, 5e-324, 9007199254740992, NaN, Infinity, -Infinity];
const INTEGERS = [0n, 5n, -1n, 9007199254740993n, 9223372036854775807n, -9223372036854775808n];
const NAMES = ['a', 'b', 'first name', 'x-y', '2024', 'constructor', 'toString', ''];

/** Fields for a document, beside those that the world adds itself. */
export function randomFields(random: SeededRandom): ValueObject {
  const fields: Record<string, Value> = {};
  for (let i = random.below(4); i > 0; i--) fields[`f${random.below(6)}`] = randomValue(random, 0);
  return fields;
}

function randomValue(random: SeededRandom, depth: number): Value {
  switch (random.below(depth < 3 ? 8 : 6)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return random.pick(NUMBERS);
    case 2:
      return random.pick(INTEGERS);
    case 3:
      return random.chance(0.5);
    case 4:
      return null;
    case 5:
      return new Uint8Array([random.below(256), random.below(256), 0, 255]).buffer;
    case 6:
      return Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [random.pick(NAMES), randomValue(random, depth + 1)]),
      );
  }
}

/** What a value is after its way through plain JSON and the import: int64 and bytes have become text, numbers float64. */
export function travelled(value: Value): Value {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(travelled);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, travelled(inner)]));
}

/** Whether two values are the same, -0 and 0 apart, with the same fields in whatever order. */
export function same(a: Value | undefined, b: Value | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => same(item, b[at]));
  if (isFields(a) && isFields(b)) {
    const names = Object.keys(a);
    return (
      names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
    );
  }
  return Object.is(a, b);
}

function isFields(value: Value | undefined): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ArrayBuffer);
}
