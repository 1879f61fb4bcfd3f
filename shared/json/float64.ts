/** What becomes of a JSON number that is stored as a 64-bit float, as Convex stores all numbers. Pure. */
import { compareNumbers } from './decimals.ts';

/**
 * Whether the number `text` is the one number that stands for its float64: from 2^53 on the exact value of
 * the float, below 2^53 the shortest decimal that is read as it. Two numbers of different values for which
 * this is true are never stored as the same float; `435` and `4.35e2` have one value. `-0` has the value of
 * `0`, but Convex keeps them apart, in documents and in indexes.
 */
export function standsForFloat64(text: string): boolean {
  const stored = Number(text);
  if (!Number.isFinite(stored)) return false;
  // Smaller than any float64 but zero.
  if (stored === 0) return !/[1-9]/.test(text.split(/e/i, 1)[0]!);
  const canonical = Number.isSafeInteger(stored) || !Number.isInteger(stored) ? String(stored) : String(BigInt(stored));
  return compareNumbers(text, canonical) === 0;
}

/**
 * Whether readers of the stored number see another one than `text`. A number with a point or an exponent is a
 * float to begin with: it is not rounded if printing the float gives it back, as with `1e23`.
 */
export function isRoundedByFloat64(text: string): boolean {
  if (standsForFloat64(text)) return false;
  return /^-?\d+$/.test(text) || compareNumbers(text, String(Number(text))) !== 0;
}
