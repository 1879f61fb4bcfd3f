import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fingerprints } from '../../../destination-convex/replace-at-once/fingerprints.ts';

test('a million keys that resemble one another: none is lost, and none is taken for another one', () => {
  const fingerprints = new Fingerprints();
  const key = (n: number) => (n % 2 === 0 ? String(n) : `"k${n}"`);
  let added = 0;
  for (let n = 0; n < 1_000_000; n++) if (fingerprints.add(key(n))) added++;
  // Two of so many keys share one of 2^64 fingerprints once in 37 million times.
  expect(added).toBe(1_000_000);
  let seen = 0;
  for (let n = 0; n < 1_000_000; n++) if (fingerprints.has(key(n)) && !fingerprints.add(key(n))) seen++;
  expect(seen).toBe(1_000_000);
  for (let n = 1_000_000; n < 1_100_000; n++) if (fingerprints.has(key(n))) seen++;
  expect(seen).toBe(1_000_000);
});

test('it is a set', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.integer({ max: 50 }).map(String)), { maxLength: 400, size: 'max' }),
      (keys) => {
        const fingerprints = new Fingerprints();
        const set = new Set<string>();
        for (const key of keys) {
          expect(fingerprints.has(key)).toBe(set.has(key));
          expect(fingerprints.add(key)).toBe(!set.has(key));
          set.add(key);
        }
      },
    ),
  );
});
