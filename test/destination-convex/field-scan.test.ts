/** A watch that inspects only suspicious records has the same result as one that inspects all records. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FieldWatch, type Spellings } from '../../destination-convex/field-watch.ts';
import { planKey } from '../../destination-convex/keys.ts';
import { RecordScanner } from '../../destination-convex/record.ts';
import { isRoundedByFloat64 } from '../../shared/json/float64.ts';
import { skipNested } from '../../shared/json/raw.ts';
import { QuietKeys } from '../../shared/json/wasm/keys.ts';
import type { ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { catalogOf, dedup } from './setup.ts';

const { streams } = catalogOf([dedup('t', ['id'])]) as { streams: ConfiguredAirbyteStream[] };
const KEY = planKey(streams[0]!, new Map());

const field = fc.tuple(
  fc.constantFrom('_a', '$a', 'source_a', '_ab_cdc_lsn', '$ab_cdc_x', 'n', 'ts', '_é', 'plain', 'm\\n'),
  fc.constantFrom(
    '1',
    '"_a"',
    '"größe"',
    '9007199254740993',
    '1790000000126281651',
    '0.1234567890123456785',
    '1790000000124.1235',
    '[9007199254740993,0.5,"x",9007199254740995]',
    '{"_a":1,"$a":2}',
    '{"_ab_cdc_lsn":9007199254740993}',
  ),
);
const record = fc
  .array(field, { maxLength: 5 })
  .map((fields) => `{${['"id":7', ...fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`)].join(',')}}`);

/** Adds the rounded numbers of a record to those of each name, by going through its tokens. */
function count(text: string, counts: Map<string, number>): void {
  let name = '';
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")(?=:)|"(?:[^"\\]|\\.)*"|[\d.]+/g)) {
    if (key !== undefined) name = JSON.parse(key) as string;
    else if (!token.startsWith('"') && isRoundedByFloat64(token)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
}

async function facts(watch: FieldWatch, refuses: boolean): Promise<unknown> {
  await watch.spell(watch.unspelled(false), async () => undefined);
  return refuses ? undefined : watch.merged();
}

test('whatever records come, and whatever of them are refused for another reason', async () => {
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(record, fc.integer({ min: 0, max: 9 }), fc.boolean()), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      async (records, deduplicated) => {
        const spellings: Spellings = new Map();
        const scanner = new RecordScanner(deduplicated ? KEY : undefined);
        const gated = new FieldWatch(spellings);
        const slow = new FieldWatch(new Map());
        const counts = new Map<string, number>();
        // Each record comes several times, so that its keys become quiet.
        for (const [text, refused, again] of [...records, ...records, ...records]) {
          const bytes = Buffer.from(`${text},"emitted_at":1}}`);
          const end = scanner.scan(bytes, 0, bytes.length, gated.quiet);
          expect(end).toBe(Buffer.byteLength(text));
          if (scanner.suspicious) gated.inspect(bytes, 0, end);
          slow.inspect(bytes, 0, end);
          count(text, counts);
          if (!scanner.suspicious) passed++;
          const refuses = refused === 0 && again;
          const found = scanner.suspicious ? await facts(gated, refuses) : undefined;
          expect(found).toEqual(await facts(slow, refuses));
        }
        const sums = ({ rounded, dropped }: FieldWatch) => [
          rounded.map(({ name, numbers }) => [name, numbers]).sort(),
          [...dropped].sort(),
        ];
        expect(sums(gated)).toEqual(sums(slow));
        // Convex drops these.
        for (const name of ['_ab_cdc_lsn', '$ab_cdc_x']) counts.delete(name);
        expect(new Map(gated.rounded.map(({ name, numbers }) => [name, numbers]))).toEqual(counts);
      },
    ),
    { numRuns: 1_500 },
  );
  expect(passed).toBeGreaterThan(5_000);
});

test('a record that is appended ends where skipNested says, whatever the text and wherever it ends', () => {
  const text = fc.oneof(
    // No backslash outside of strings: where such text ends is for the deployment to refuse.
    fc.jsonValue().map((value) => JSON.stringify({ value })),
    fc.string({ unit: fc.constantFrom(...'{}[]":,a1 '), maxLength: 300 }).map((tail) => `{${tail}`),
  );
  const scanner = new RecordScanner(undefined);
  const quiet = new QuietKeys();
  const check = (json: string, before: number, cut: number) => {
    const buffer = Buffer.from(`${' '.repeat(before)}${json},"emitted_at":1}}\n{"x"`);
    for (const end of [buffer.length, buffer.length - 5, Math.max(before + 1, buffer.length - cut)])
      expect(scanner.scan(buffer, before, end, quiet)).toBe(skipNested(buffer, before, end));
  };
  fc.assert(fc.property(text, fc.nat(200), fc.nat(400), check), { numRuns: 500 });
  for (const size of [1, 5]) check(JSON.stringify({ text: 'x"\\{'.repeat(100_000 * size) }), 3, 7);
});

test('the deployment is asked once for each part of a name, whichever stream has it', async () => {
  const spellings: Spellings = new Map();
  const asked: string[] = [];
  const spellingOf = (part: string) => {
    asked.push(part);
    return Promise.resolve(part === 'ö' ? 'o' : undefined);
  };
  const record = Buffer.from('{"ö":1,"\u{e000}":2}');
  for (const watch of [new FieldWatch(spellings), new FieldWatch(spellings)]) {
    watch.inspect(record, 0, record.length);
    await watch.spell(watch.unspelled(true), spellingOf);
  }
  expect(asked).toEqual(['ö', '\u{e000}']);
});
