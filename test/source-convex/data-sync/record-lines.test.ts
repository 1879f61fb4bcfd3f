/** RECORD lines of changes: those that WebAssembly puts together have the bytes of those that are put together piece by piece. */
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { formatValue } from '../../../emulator/values/json-format.ts';
import { Changes } from '../../../shared/convex/data-sync-changes.ts';
import { ExportValues } from '../../../shared/convex/export-values.ts';
import type { ValueFormat } from '../../../shared/convex/streaming-export.ts';
import { ElementScanner } from '../../../shared/json/elements.ts';
import { GrowingBuffer } from '../../../shared/json/growing-buffer.ts';
import { RecordLines } from '../../../source-convex/data-sync/record-lines.ts';
import { Stamp } from '../../../source-convex/data-sync/stamped-records.ts';
import { RecordEncoder } from '../../../source-convex/output/record-encoder.ts';
import type { TableStream } from '../../../source-convex/streaming-export/table-stream.ts';

interface Change {
  stream: number;
  ts: string;
  deleted: boolean;
  value: string;
}

const STREAMS = [
  { component: '', table: 'users', descriptor: { name: 'users' }, excluded: [] },
  { component: 'shop/cart', table: 'items', descriptor: { name: 'items', namespace: 'shop/cart' }, excluded: [] },
  { component: '', table: 'orders', descriptor: { name: 'orders' }, excluded: ['a'] },
  // More than WebAssembly has room for.
  { component: 'c'.repeat(5000), table: 'far', descriptor: { name: 'far', namespace: 'c'.repeat(5000) }, excluded: [] },
].map((planned) => ({ planned }) as unknown as TableStream);

afterEach(() => {
  vi.restoreAllMocks();
});

const change: fc.Arbitrary<Change> = fc.record({
  stream: fc.integer({ min: -6, max: STREAMS.length - 1 }).map((stream) => Math.max(0, stream)),
  ts: fc.oneof(fc.constantFrom('1790000000124969419', '1790000000124969420', '0'), fc.nat().map(String)),
  deleted: fc.boolean(),
  value: fc.oneof(
    fc.constantFrom(
      '{"_id":"a"}',
      '{"_id":"$5","n":7,"m":[1,-0.0,2.5,-3,-9223372036854775808]}',
      '{"_id":"b","bytes":{"$bytes":"AAE="},"nan":{"$float":"AAAAAAAA+H8="},"n":-1}',
      '{ "_id" : "c" , "n" : 12 }',
    ),
    fc
      .dictionary(
        fc.constantFrom('a', 'b', 'ä'),
        fc.oneof(
          fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
          fc.double(),
          fc.string({ unit: fc.constantFrom(...'a"\\{}[],:$-5') }),
          fc.string({ minLength: 300, maxLength: 5000 }),
        ),
        { minKeys: 1 },
      )
      .map((fields) => formatValue({ ...fields }, 'export_json')),
  ),
});

/** The lines of a page that arrives in pieces of so many bytes. */
function linesOf(written: readonly Change[], piece: number, format: ValueFormat): string {
  const text = written.map(({ stream, ts, deleted, value }) => {
    const { component, table } = STREAMS[stream]!.planned;
    return `{"component":"${component}","table":"${table}","ts":${ts},"deleted":${deleted},"value":${value}}`;
  });
  const bytes = Buffer.from(`{"values":[${text.join(',')}]}`);
  const changes = new Changes('/page');
  const scanner = new ElementScanner('values', undefined, changes.find);
  const lines = new RecordLines(format);
  for (let at = 0, index = 0; at < bytes.length; at += piece) {
    changes.open(scanner.push(Buffer.from(bytes.subarray(at, at + piece))));
    while (changes.next()) lines.add(changes, STREAMS[written[index++]!.stream]!);
  }
  scanner.finish();
  return lines.buffer.toString('utf8', 0, lines.length);
}

function expected({ stream, ts, deleted, value }: Change, format: ValueFormat): string {
  const { component, table, descriptor, excluded } = STREAMS[stream]!.planned;
  const document = new GrowingBuffer();
  document.write(`{"_component":"${component}","_table":"${table}","_ts":${ts},"_deleted":${deleted},`);
  const text = Buffer.from(value);
  new ExportValues(format).writeMembers(document, text, 0, text.length);
  const line = new GrowingBuffer();
  const record = { buffer: document.buffer, start: 0, end: document.length, head: new Stamp(ts, deleted) };
  new RecordEncoder(descriptor, excluded).write(line, record, 1790000000123);
  return line.buffer.toString('utf8', 0, line.length);
}

test.each(['json', 'convex_encoded_json', 'export_json'] as const)(
  'are the same however they are put together, as %s',
  (format) => {
    vi.spyOn(Date, 'now').mockReturnValue(1790000000123);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.constantFrom(500, 5000, 1_000_000), (written, piece) => {
        expect(linesOf(written, piece, format)).toBe(written.map((entry) => expected(entry, format)).join(''));
      }),
      { numRuns: 1000 },
    );
  },
);

test('are put together in WebAssembly where documents have nothing but integers to rewrite', () => {
  const slowly = vi.spyOn(ExportValues.prototype, 'writeMembers');
  const written = Array.from({ length: 3000 }, (_, n) => ({
    stream: n & 1,
    ts: `17900000001249694${n % 90 < 10 ? '0' : ''}${n % 90}`,
    deleted: n % 7 === 0,
    value: `{"_id":"${n}","n":${n},"text":"${'x'.repeat(200)}"}`,
  }));
  vi.spyOn(Date, 'now').mockReturnValue(1790000000123);
  const lines = linesOf(written, 200_000, 'json');
  // One in each piece but the last begins in the piece before it.
  expect(slowly.mock.calls.length).toBeLessThan(5);
  expect(lines).toBe(written.map((entry) => expected(entry, 'json')).join(''));
});

test.each(['{}', '{ }'])('a document without fields (%s) is refused', (value) => {
  const written = [{ stream: 0, ts: '1790000000124969419', deleted: false, value }];
  expect(() => linesOf(written, 1000, 'json')).toThrow('a document has no "_id"');
});
