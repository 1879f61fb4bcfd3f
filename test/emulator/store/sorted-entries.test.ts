import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Entry, SortedEntries } from '../../../emulator/store/tablets.ts';

/** Ids from a small set, so that they are met again; enough of them to fill many chunks. */
const ids = fc.integer({ min: 0, max: 2000 }).map((n) => String(n).padStart(4, '0'));
const steps = fc.oneof(
  { weight: 5, arbitrary: fc.record({ add: fc.uniqueArray(ids, { maxLength: 400 }) }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.uniqueArray(ids, { maxLength: 100 }) }) },
  { weight: 2, arbitrary: fc.record({ readAfter: ids }) },
);

test('entries are found and read in the order of their ids, whenever they were added or removed', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 12 }), (all) => {
      const entries = new SortedEntries();
      const model = new Map<string, Entry>();
      const check = (after: string): void => {
        const expected = [...model.keys()].filter((id) => id > after).sort();
        expect([...entries.after(after)].map(({ id }) => id)).toEqual(expected);
      };
      for (const step of all) {
        if ('add' in step) {
          for (const id of step.add) {
            if (model.has(id)) continue;
            model.set(id, new Entry(id));
            entries.add(model.get(id) as Entry);
          }
        } else if ('remove' in step) {
          for (const id of step.remove) {
            model.delete(id);
            entries.delete(id);
            expect(entries.get(id)).toBeUndefined();
          }
        } else {
          check(step.readAfter);
        }
        for (const [id, entry] of model) expect(entries.get(id)).toBe(entry);
      }
      check('');
      expect([...entries]).toHaveLength(model.size);
    }),
    { numRuns: 50 },
  );
});
