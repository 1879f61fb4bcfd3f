import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ProtocolWriter } from '../../shared/airbyte/writer.ts';
import type { StreamDescriptor } from '../../shared/core/stream-descriptor.ts';
import { DocumentHead } from '../../shared/convex/documents.ts';
import { RecordEncoder } from '../../source-convex/output/record-encoder.ts';

const TS = '1790000000124494963';
const ISO = '2026-09-21T14:13:20.124494';
const AT = 1_790_000_000_999;

async function lines(
  descriptor: StreamDescriptor,
  snapshot: boolean,
  documents: readonly string[],
  at = AT,
  excluded: readonly string[] = [],
): Promise<string[]> {
  const out = new PassThrough();
  const chunks: Buffer[] = [];
  // Chunks are written over once they have been taken.
  out.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
  const writer = new ProtocolWriter(out);
  const encoder = new RecordEncoder(descriptor, excluded);
  const head = new DocumentHead({ wantDeleted: !snapshot });
  for (const document of documents) {
    // In the middle of other bytes, as in a page.
    const buffer = Buffer.from(`[${document},{"x":`);
    const end = 1 + Buffer.byteLength(document);
    head.read(buffer, 1, end);
    encoder.write(writer, { buffer, start: 1, end, head }, at);
  }
  await writer.drain();
  const text = Buffer.concat(chunks).toString();
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

const USERS = { name: 'users' };
const document = (more = '"n":1.0', ts = TS) => `{"_component":"","_table":"users","_ts":${ts},${more}}`;

describe('a record', () => {
  test('of a snapshot', async () => {
    expect(await lines(USERS, true, [document()])).toEqual([
      `{"type":"RECORD","record":{"stream":"users","data":{"_component":"","_table":"users","_ts":${TS},"n":1.0,"_deleted":false,"_ab_cdc_lsn":${TS},"_ab_cdc_updated_at":"${ISO}","_ab_cdc_deleted_at":null},"emitted_at":${AT}}}`,
    ]);
  });

  test('of the change log, and a tombstone', async () => {
    const live = document('"_deleted":false,"n":1.0');
    const tombstone = document('"_deleted":true,"_id":"j57a"');
    expect(await lines(USERS, false, [live, tombstone])).toEqual([
      `{"type":"RECORD","record":{"stream":"users","data":{"_component":"","_table":"users","_ts":${TS},"_deleted":false,"n":1.0,"_ab_cdc_lsn":${TS},"_ab_cdc_updated_at":"${ISO}","_ab_cdc_deleted_at":null},"emitted_at":${AT}}}`,
      `{"type":"RECORD","record":{"stream":"users","data":{"_component":"","_table":"users","_ts":${TS},"_deleted":true,"_id":"j57a","_ab_cdc_lsn":${TS},"_ab_cdc_updated_at":"${ISO}","_ab_cdc_deleted_at":"${ISO}"},"emitted_at":${AT}}}`,
    ]);
  });

  // What the server sent all the same, as backends before 2025-08-14 do.
  test.each<[string, string, string]>([
    ['in the middle', '"a":1.0,"ssn":{"a":"}"},"b":2', ',"a":1.0,"b":2'],
    ['at the end', '"a":1.0,"ssn":"\\"x,"', ',"a":1.0'],
    ['several', '"ssn":1,"tel":2,"a":"ssn","tel":3', ',"a":"ssn"'],
    ['with escapes in its name', '"s\\u0073n":1,"a":{"ssn":1}', ',"a":{"ssn":1}'],
    ['absent', '"a":[1.0, 2]', ',"a":[1.0, 2]'],
    ['all of them', '"ssn":1', ''],
  ])('S12: without the excluded columns: %s', async (_title, sent, written) => {
    const excluded = ['ssn', 'tel'];
    const [after] = await lines(USERS, true, [document(sent)], AT, excluded);
    expect(after).toContain(`"_ts":${TS}${written},"_deleted":false,"_ab_cdc_lsn"`);
    const first = `{"ssn":1,${document(sent).slice(1)}`;
    expect((await lines(USERS, true, [first], AT, excluded))[0]).toBe(after);
  });

  test('of a stream with a namespace, and of one whose name needs escapes', async () => {
    const [line] = await lines({ name: 'a "b"\n', namespace: 'x/ü' }, true, [document()]);
    expect(JSON.parse(line!)).toMatchObject({ record: { stream: 'a "b"\n', namespace: 'x/ü' } });
  });

  test('has the timestamp of its own document, whatever came before', async () => {
    const timestamps = [
      '1790000000124494963',
      '1790000000124494964',
      '5',
      '1790000000124494963',
      '12345678901',
      '0',
      '1790000000000000000',
    ];
    const made = await lines(
      USERS,
      true,
      timestamps.map((ts) => document('"n":1', ts)),
    );
    expect(made.map((line) => /"_ts":(\d+),.*"_ab_cdc_lsn":(\d+),/.exec(line)?.slice(1))).toEqual(
      timestamps.map((ts) => [ts, ts]),
    );
    expect(made.map((line) => /"_ab_cdc_updated_at":"([^"]+)"/.exec(line)?.[1])).toEqual([
      ISO,
      ISO,
      '1970-01-01T00:00:00.000000',
      ISO,
      '1970-01-01T00:00:12.345678',
      '1970-01-01T00:00:00.000000',
      '2026-09-21T14:13:20.000000',
    ]);
  });

  test.each(['5', '12345678901', TS])('says whether it marks a deletion, with the timestamp %s', async (ts) => {
    const made = await lines(USERS, false, [document('"_deleted":false', ts), document('"_deleted":true', ts)]);
    const updated = made.map((line) => /"_ab_cdc_updated_at":("[^"]+")/.exec(line)?.[1]);
    expect(made.map((line) => /"_ab_cdc_deleted_at":("[^"]+"|null)/.exec(line)?.[1])).toEqual(['null', updated[1]]);
  });

  test('has the time at which it was read', async () => {
    expect((await lines(USERS, true, [document()], 1_700_000_000_001))[0]).toMatch(/"emitted_at":1700000000001\}\}$/);
  });

  test('keeps every byte of a large document', async () => {
    const text = 'é😀'.repeat(300_000);
    const [line] = await lines(USERS, true, [document(`"text":"${text}"`)]);
    expect(line!.includes(`"text":"${text}","_deleted":false`)).toBe(true);
  });
});
