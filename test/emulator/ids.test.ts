import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Clock, nextUp } from '../../emulator/store/clock.ts';
import { decodeId, encodeId, MINIMUM_ID, newId, newTabletId, parseTabletId } from '../../emulator/values/ids.ts';
import { Random } from '../../emulator/store/random.ts';

const internalIds = fc.uint8Array({ minLength: 16, maxLength: 16 });
const tableNumbers = fc.integer({ min: 1, max: 0xffff_ffff });

describe('document ids', () => {
  test('are 32 characters for user tables, and begin as real ones do', () => {
    const id = newId(10_001, new Random(1), 20_000);
    expect(id).toMatch(/^j5[0-9a-hjkmnp-tv-z]{30}$/);
    expect(id).toHaveLength(32);
  });

  test('decode to what they were made of', () => {
    fc.assert(
      fc.property(tableNumbers, internalIds, (tableNumber, internalId) => {
        const id = encodeId(tableNumber, internalId);
        expect(id.length).toBeGreaterThanOrEqual(31);
        expect(id.length).toBeLessThanOrEqual(37);
        expect(decodeId(id)).toEqual({ tableNumber, internalId });
      }),
    );
  });

  test('any other text is none', () => {
    const id = newId(10_001, new Random(1), 20_000);
    for (let position = 0; position < id.length; position++) {
      const other = id[position] === '0' ? '1' : '0';
      expect(decodeId(id.slice(0, position) + other + id.slice(position + 1))).toBeUndefined();
    }
    for (const text of ['', 'x', id.toUpperCase(), `${id}0`, id.slice(1), 'users', 'l'.repeat(32)]) {
      expect(decodeId(text)).toBeUndefined();
    }
  });

  test('a table number has one spelling: not one with zeros in front', () => {
    const spell = (...tableNumber: number[]): string => {
      const bytes = [...tableNumber, ...new Array<number>(16).fill(7)];
      let [low, high] = [0, 0];
      for (const byte of bytes) {
        low = (low + byte) & 255;
        high = (high + low) & 255;
      }
      const bits = [...bytes, low, high].map((byte) => byte.toString(2).padStart(8, '0')).join('');
      return (bits.match(/.{1,5}/g) ?? [])
        .map((digit) => '0123456789abcdefghjkmnpqrstvwxyz'[parseInt(digit.padEnd(5, '0'), 2)])
        .join('');
    };
    expect(decodeId(spell(0x91, 0x4e))).toMatchObject({ tableNumber: 10_001 });
    for (const longer of [[0x91, 0xce, 0x00], [0x85, 0x00], [0x00]]) expect(decodeId(spell(...longer))).toBeUndefined();
  });

  test('of one table sort as their bytes do', () => {
    fc.assert(
      fc.property(tableNumbers, internalIds, internalIds, (tableNumber, a, b) => {
        const [first, second] = [encodeId(tableNumber, a), encodeId(tableNumber, b)];
        expect(Math.sign(Buffer.compare(a, b))).toBe(first < second ? -1 : first > second ? 1 : 0);
      }),
    );
  });

  test('the least of all is the one that cursors name', () => {
    expect(MINIMUM_ID).toHaveLength(31);
    expect(decodeId(MINIMUM_ID)).toEqual({ tableNumber: 1, internalId: new Uint8Array(16) });
  });
});

test('tablet ids are 22 characters of base64url and sort by their bytes, not by that text', () => {
  const random = new Random(3);
  const ids = Array.from({ length: 200 }, () => newTabletId(random));
  for (const id of ids) {
    expect(id.text).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(parseTabletId(id.text)).toEqual(id);
  }
  const byOrder = [...ids].sort((a, b) => (a.order < b.order ? -1 : 1)).map(({ text }) => text);
  expect(byOrder).not.toEqual(ids.map(({ text }) => text).sort());
  const bytes = byOrder.map((text) => Buffer.from(text, 'base64url'));
  expect(bytes.every((id, n) => n === 0 || Buffer.compare(bytes[n - 1] ?? id, id) < 0)).toBe(true);
  for (const text of ['', 'abc', `${ids[0]?.text ?? ''}A`, '!'.repeat(22)]) expect(parseTabletId(text)).toBeUndefined();
});

test('the clock only goes forward, by times that no double can hold', () => {
  const clock = new Clock(1_790_000_000_000_000_000n, new Random(1));
  let last = clock.now;
  for (let n = 0; n < 5000; n++) {
    const now = n % 3 === 0 ? clock.advance(256n * BigInt(n)) : clock.tick(1000);
    expect(now >= last).toBe(true);
    expect(BigInt(Number(now))).not.toBe(now);
    last = now;
  }
  expect(() => clock.advance(-1n)).toThrow();
});

test('nextUp is the next double', () => {
  expect(nextUp(1)).toBe(1 + Number.EPSILON);
  expect(nextUp(1_790_000_000_123.4568)).toBe(1_790_000_000_123.4568 + 2 ** -12);
});
