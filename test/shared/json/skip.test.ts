import fc from 'fast-check';
import { expect, test } from 'vitest';
import { skipNested } from '../../../shared/json/raw.ts';
import { skipObject } from '../../../shared/json/skip.ts';

test('passes over the same as skipNested does, whatever the text and wherever it ends', () => {
  const text = fc.oneof(
    fc.jsonValue().map((value) => JSON.stringify({ value })),
    fc.string({ unit: fc.constantFrom(...'{}[]":,\\a1 '), maxLength: 300 }).map((tail) => `{${tail}`),
    fc.integer({ min: 1, max: 5 }).map((size) => JSON.stringify({ text: 'x"\\{'.repeat(100_000 * size) })),
  );
  fc.assert(
    fc.property(text, fc.nat(200), fc.nat(400), (json, before, cut) => {
      const buffer = Buffer.from(`${' '.repeat(before)}${json},"emitted_at":1}}\n{"x"`);
      for (const end of [buffer.length, buffer.length - 5, Math.max(before + 1, buffer.length - cut)])
        expect(skipObject(buffer, before, end)).toBe(skipNested(buffer, before, end));
    }),
    { numRuns: 500 },
  );
});
