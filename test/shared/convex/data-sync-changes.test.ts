/** The changes of a Data Sync page, found in one pass where they are written as a deployment writes them, and one by one elsewhere. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatValue } from '../../../emulator/values/json-format.ts';
import { Changes } from '../../../shared/convex/data-sync-changes.ts';
import { ExportValues } from '../../../shared/convex/export-values.ts';
import { GrowingBuffer } from '../../../shared/json/growing-buffer.ts';
import { ElementScanner } from '../../../shared/json/elements.ts';

interface Change {
  component: string;
  table: string;
  ts: string;
  deleted: boolean;
  value: string;
}

/** Each of these writes a change in its own way; only the first as a deployment does. */
const FORMS: readonly ((change: Change) => string)[] = [
  ({ component, table, ts, deleted, value }) =>
    `{"component":${JSON.stringify(component)},"table":${JSON.stringify(table)},"ts":${ts},"deleted":${deleted},"value":${value}}`,
  ({ component, table, ts, deleted, value }) =>
    `{"component":${JSON.stringify(component)},"table":${JSON.stringify(table)},"ts":${ts},"deleted":${deleted},"value":${value},"x":[1]}`,
  ({ component, table, ts, deleted, value }) =>
    `{"component":${JSON.stringify(component)},"table":${JSON.stringify(table)},"ts":${ts},"deleted":${deleted},"value":${value} }`,
  ({ component, table, ts, deleted, value }) =>
    `{"value":${value},"ts":${ts},"table":${JSON.stringify(table)},"deleted":${deleted},"component":${JSON.stringify(component)}}`,
  ({ component, table, ts, deleted, value }) =>
    `{ "component" : ${JSON.stringify(component)}, "table" : ${JSON.stringify(table)}, "ts" : ${ts}, "deleted" : ${deleted}, "value" : ${value} }`,
];

const name = fc.oneof(
  fc.constantFrom('users', 'orders', 'u'),
  fc.string({ unit: fc.constantFrom(...'ab"\\ä,:') }).map((text) => `t${text}`),
);
const value = fc.oneof(
  fc.constantFrom(
    '{"_id":"a"}',
    '{}',
    '{"a":{},"b":[{}]}',
    '{"t":"}\\"],{","n":-5}',
    '{"_id":"b","n":7,"m":[1,-0.0,2.5,-3]}',
  ),
  fc
    .dictionary(
      fc.constantFrom('a', 'b', 'ä'),
      fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.double(),
        fc.string({ unit: fc.constantFrom(...'a"\\{}[],:$-5') }),
        fc.string({ minLength: 200, maxLength: 500 }),
      ),
    )
    .map((fields) => formatValue({ ...fields }, 'export_json')),
);
const change: fc.Arbitrary<Change> = fc.record({
  component: fc.oneof(fc.constant(''), name),
  table: name,
  ts: fc.oneof(fc.constantFrom('1790000000124969419', '1790000000124969420', '0', '7'), fc.nat().map(String)),
  deleted: fc.boolean(),
  value,
});
const page = fc.array(fc.tuple(change, fc.integer({ min: -8, max: FORMS.length - 1 })), { maxLength: 60 });

/** What `Changes` gives of the page, which arrives in pieces of this many bytes. */
function read(text: string, piece: number, values: ExportValues): (Change & { rewritten: string; special: boolean })[] {
  const changes = new Changes('/page');
  const scanner = new ElementScanner('values', undefined, changes.find);
  const bytes = Buffer.from(`{"values":[${text}]}`);
  const all: (Change & { rewritten: string; special: boolean })[] = [];
  for (let at = 0; at < bytes.length; at += piece) {
    changes.open(scanner.push(Buffer.from(bytes.subarray(at, at + piece))));
    while (changes.next()) {
      const { component, table, ts, deleted, buffer, start, end, special } = changes;
      const out = new GrowingBuffer();
      values.writeMembers(out, buffer, start, end, special);
      all.push({
        component,
        table,
        ts,
        deleted,
        value: buffer.toString('utf8', start, end),
        rewritten: `{${out.buffer.toString('utf8', 0, out.length)}`,
        special: special !== undefined,
      });
    }
  }
  scanner.finish();
  return all;
}

test.each(['json', 'convex_encoded_json', 'export_json'] as const)(
  'changes in any form and any pieces are read as they were written, as %s',
  (format) => {
    const values = new ExportValues(format);
    const alone = new ExportValues(format);
    const rewritten = (text: string) => {
      const buffer = Buffer.from(text);
      const out = new GrowingBuffer();
      alone.writeMembers(out, buffer, 0, buffer.length);
      return `{${out.buffer.toString('utf8', 0, out.length)}`;
    };
    fc.assert(
      fc.property(page, fc.integer({ min: 1, max: 4000 }), (written, piece) => {
        const text = written.map(([entry, form]) => FORMS[Math.max(0, form)]!(entry)).join(',');
        const found = read(text, piece, values).map(({ special: _special, ...entry }) => entry);
        expect(found).toEqual(written.map(([entry]) => ({ ...entry, rewritten: rewritten(entry.value) })));
      }),
      { numRuns: 2000 },
    );
  },
);

test('changes as a deployment writes them are found in one pass, also those that two chunks share', () => {
  const entry = {
    component: '',
    table: 'users',
    ts: '1790000000124969419',
    deleted: false,
    value: '{"_id":"a","n":5}',
  };
  const texts = Array.from({ length: 300 }, () => FORMS[0]!(entry)).join(',');
  const found = read(texts, 1000, new ExportValues('json'));
  expect(found).toHaveLength(300);
  expect(found.every(({ special }) => special)).toBe(true);
});

test('more special values than are found at a time', () => {
  const list = Array.from({ length: 40_000 }, (_, n) => n).join(',');
  const entries = [
    '{"_id":"a","n":5}',
    `{"_id":"b","list":[${list}]}`,
    '{"_id":"c","n":6}',
    `{"list":[${list},${list}]}`,
  ].map((text) => ({ component: '', table: 'users', ts: '1790000000124969419', deleted: false, value: text }));
  const found = read(entries.map(FORMS[0]!).join(','), 300_000, new ExportValues('json'));
  expect(found.map((entry) => entry.value)).toEqual(entries.map((entry) => entry.value));
  expect(found.map(({ rewritten }) => rewritten.replaceAll('"', ''))).toEqual(
    entries.map(({ value: text }) => text.replaceAll('"', '')),
  );
});
