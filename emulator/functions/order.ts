import { isObject, sortedKeys, type Value } from '../values/values.ts';

/** Types in the order in which indexes hold them; a field that is missing comes first (crates/value/src/sorting.rs). */
const Tag = {
  end: 0,
  undefined: 1,
  null: 3,
  int64: 8,
  float64: 13,
  false: 14,
  true: 15,
  string: 16,
  bytes: 17,
  array: 18,
  object: 21,
} as const;

const scratch = Buffer.alloc(9);

/** Bytes that compare as indexes order the values: strings by their UTF-8, numbers by value, int64 before float64. */
export function sortKey(values: readonly (Value | undefined)[]): Buffer {
  return Buffer.concat(values.map(keyOf));
}

function keyOf(value: Value | undefined): Buffer {
  if (value === undefined) return Buffer.of(Tag.undefined);
  if (value === null) return Buffer.of(Tag.null);
  if (typeof value === 'bigint') return number(Tag.int64, BigInt.asUintN(64, value ^ (1n << 63n)));
  if (typeof value === 'number') return number(Tag.float64, orderedBits(value));
  if (typeof value === 'boolean') return Buffer.of(value ? Tag.true : Tag.false);
  if (typeof value === 'string') return text(Tag.string, Buffer.from(value));
  if (value instanceof ArrayBuffer) return text(Tag.bytes, Buffer.from(value));
  const parts = isObject(value)
    ? sortedKeys(value).flatMap((name) => [text(Tag.string, Buffer.from(name)), keyOf(value[name])])
    : value.map(keyOf);
  return Buffer.concat([Buffer.of(isObject(value) ? Tag.object : Tag.array), ...parts, Buffer.of(Tag.end)]);
}

function number(tag: number, bits: bigint): Buffer {
  scratch[0] = tag;
  scratch.writeBigUInt64BE(bits, 1);
  return Buffer.from(scratch);
}

/** The total order of IEEE 754: -0 before 0, NaN at the ends. */
function orderedBits(value: number): bigint {
  scratch.writeDoubleBE(value, 1);
  const bits = scratch.readBigUInt64BE(1);
  return bits >> 63n === 1n ? BigInt.asUintN(64, ~bits) : bits | (1n << 63n);
}

/** A zero byte ends it, so those inside are marked. */
function text(tag: number, bytes: Buffer): Buffer {
  const marked = [...bytes].flatMap((byte) => (byte === 0 ? [0, 0xff] : [byte]));
  return Buffer.from([tag, ...marked, Tag.end]);
}
