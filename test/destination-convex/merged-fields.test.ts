import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergedFields, mergedText } from '../../destination-convex/merged-fields.ts';
import { FieldWatch, type Spellings } from '../../destination-convex/field-watch.ts';
import { parseJson } from '../../emulator/values/json-parse.ts';
import { sanitiseFields, sanitiseTableName } from '../../emulator/values/sanitise.ts';
import { partsToSpell, spelledFieldName } from '../../shared/convex/identifiers.ts';

const spelled = (part: string): string => /^source_a(\w*)a$/.exec(sanitiseTableName(`a${part}a`))![1]!;
const spellingOf = (...names: string[]): Spellings =>
  new Map(names.flatMap(partsToSpell).map((part) => [part, spelled(part)]));

test.each([
  [{ _a: 1, $a: 2 }, [], '_a $a'],
  [{ _a: 1, _A: 2 }, [], '_a _A'],
  [{ '_a-b': 1, _a_b: 2 }, [], '_a-b _a_b'],
  [{ _x: 1, source_x: 2, _source_x: 3 }, [], '_x _source_x'],
  [{ a: [{ b: { _c: 1, $c: 1 } }] }, ['a', '0', 'b'], '_c $c'],
  [{ _ab_cdc_deleted_at: 1, $ab_cdc_deleted_at: 1 }, [], '_ab_cdc_deleted_at $ab_cdc_deleted_at'],
  [{ in: { _ab_cdc_lsn: 1, $ab_cdc_lsn: 1 } }, ['in'], '_ab_cdc_lsn $ab_cdc_lsn'],
  // Whatever could not be spelled may become anything.
  [{ '\u{e000}': 1, _x: 2 }, [], '\u{e000} _x'],
  [{ _x: 2, '\u{e000}': 1 }, [], '_x \u{e000}'],
])('%j: in %j, %s', (record, path, fields) => {
  expect(mergedFields(record, new Map())).toEqual({ path, fields: fields.split(' ') });
});

test.each([
  {},
  { _a: 1, source_a: 2 },
  { 'a b': 1, a_b: 2, 'a.b': 3, A_B: 4 },
  { _ab_cdc_lsn: 1, $ab_cdc_lsn: 1 },
  { _a: { _a: 1 }, b: [{ _a: 1 }, { $a: 1 }] },
  { '\u{e000}': 1, x: 2 },
])('%j: every field has a name of its own', (record) => {
  expect(mergedFields(record, new Map())).toBeUndefined();
});

test('a name is spelled as the deployment does, part by part', () => {
  const character = fc.oneof(
    fc.constantFrom('a', 'Z', '_', ' ', '.', '9'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  );
  fc.assert(
    fc.property(fc.array(character, { minLength: 1, maxLength: 5 }), (characters) => {
      const name = `_${characters.join('')}`;
      let table: string;
      try {
        table = sanitiseTableName(name);
      } catch {
        return;
      }
      expect(spelledFieldName(name, spellingOf(name))).toBe(table);
    }),
    { numRuns: 1_000 },
  );
});

const NAMES = [
  '_a',
  '$a',
  'A',
  'source_a',
  'source_source_a',
  '_source_a',
  '$source_source_a',
  'ä',
  '_ä',
  'b',
  '"_a',
  '_A.',
  '_b\\',
];
const object = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(1, '_a', '"_a":1', null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 5, noNullPrototype: true }),
})).object as fc.Arbitrary<object>;

/** How many fields a value has, at every depth. */
function fieldsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner: unknown[] = Array.isArray(value)
    ? value
    : value instanceof Map
      ? [...value.values()]
      : Object.values(value);
  return (Array.isArray(value) ? 0 : inner.length) + inner.reduce((sum: number, one) => sum + fieldsOf(one), 0);
}

test('whatever a stream has sent before, a record passes if and only if the deployment stores all of its fields', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(object, { minLength: 1, maxLength: 6 }), fc.nat(70), async (records, offset) => {
      const watch = new FieldWatch(new Map());
      for (const record of records) {
        const text = JSON.stringify(record);
        const bytes = Buffer.from(' '.repeat(offset) + text);
        watch.inspect(bytes, offset, bytes.length);
        const parts = watch.unspelled(false);
        if (parts.size > 0) await watch.spell(parts, (part) => Promise.resolve(spelled(part)));
        let stored: number;
        try {
          stored = fieldsOf(sanitiseFields(parseJson(text)));
        } catch {
          // More prefixes than the deployment gives: it refuses the record.
          continue;
        }
        expect(watch.merged() === undefined, text).toBe(stored === fieldsOf(parseJson(text)));
      }
    }),
    { numRuns: 1_000 },
  );
});

test('columns are named, fields inside an object are not: they may be content', () => {
  expect(mergedText({ path: [], fields: ['_a', '$a'] })).toContain('its fields "_a" and "$a" would be');
  const inside = mergedText({ path: ['counts', 'x'], fields: ['_a@example.org', '$a@example.org'] });
  expect(inside).toContain('two fields inside its field "counts" would be');
  expect(inside).not.toContain('example');
});
