/** Rows of a snapshot import against what streaming import stores of the same records, both on the emulated deployment. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FieldWatch, type Spellings } from '../../../destination-convex/field-watch.ts';
import { RowEncoder, type Row } from '../../../destination-convex/replace-at-once/row.ts';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { ConvexApiError } from '../../../shared/convex/errors.ts';
import { ConvexClient } from '../../../shared/convex/client.ts';
import { SnapshotImport } from '../../../shared/convex/snapshot-import.ts';
import { StreamingImport } from '../../../shared/convex/streaming-import.ts';

let emulator: Emulator;
let streaming: StreamingImport;
let snapshot: SnapshotImport;
const spellings: Spellings = new Map();

beforeAll(async () => {
  emulator = await startEmulator();
  const http = new ConvexClient({
    origin: emulator.url,
    key: emulator.key,
    client: 'streaming-import-1.2.3',
    userAgent: 'test',
    retries: { attempts: 3, maxTime: 60_000, minDelay: 1, maxDelay: 1 },
    onRetry: () => undefined,
  });
  streaming = new StreamingImport(http);
  snapshot = new SnapshotImport(http);
});

afterAll(() => emulator.close());

async function encoded(data: string): Promise<Row> {
  const buffer = Buffer.from(`  ${data} `);
  const watch = new FieldWatch(spellings);
  watch.inspect(buffer, 2, buffer.length - 1);
  await watch.spell(watch.unspelled(true), (part) => streaming.spellingOf(part));
  return new RowEncoder(spellings).encode(buffer, 2, buffer.length - 1);
}

async function isStored(data: string): Promise<boolean> {
  try {
    await streaming.importOnce(
      Buffer.from(`{"messages":[{"tableName":"streamed","data":${data}}],"tables":{"streamed":{"jsonSchema":{}}}}`),
    );
    return true;
  } catch (error) {
    if (error instanceof ConvexApiError) return false;
    throw error;
  }
}

function documents(table: string): unknown[] {
  return [...emulator.deployment.documents(table)]
    .sort((a, b) => a._creationTime - b._creationTime)
    .map(({ _id, _creationTime, ...fields }) => fields);
}

/** Both ways must give the same tables; returns how many records were stored. */
async function compare(records: readonly string[]): Promise<number> {
  await streaming.clearTables(['streamed', 'swapped']);
  const rows: Buffer[] = [];
  for (const data of records) {
    const row = await encoded(data);
    const stored = await isStored(data);
    // A row that is surely one must never be refused; of the others the deployment's answer counts.
    if (row.kind === 'row') expect(stored, data).toBe(true);
    if (stored) expect(row.bytes, data).toBeDefined();
    if (stored) rows.push(row.bytes!, Buffer.from('\n'));
  }
  expect(await snapshot.replaceAtOnce('swapped', Buffer.concat(rows))).toBe(rows.length / 2);
  expect(documents('swapped')).toEqual(documents('streamed'));
  return rows.length / 2;
}

describe('rows are what streaming import stores', () => {
  test.each<[string, string]>([
    ['plain fields', '{"a":1,"b":"x\\u00e9","c":[1,{"d":null}],"e":{}}'],
    ['white space', '{ "a" : [ 1 , 2 ] ,\t"b" : { } }'],
    ['numbers', '{"a":1786000000123456789,"b":-0,"c":1e300,"d":0.1,"e":1E-400}'],
    ['names that are made over', '{"_id":"x","_creationTime":1,"$set":2,"a":{"_id":{"$x":[{"_y":1}]}}}'],
    ['names that collide', '{"_id":1,"source_id":2,"source_source_id":3}'],
    ['names that become one', '{"_a":1,"$a":2,"_a":3}'],
    ['names beyond ASCII', '{"Größe":1,"日本":{"ключ":2},"😀":3,"é é":4}'],
    ['names with escapes and control characters', '{"\\u005fid":1,"a\\nb":2,"\\"":3}'],
    ['fields that are dropped', '{"_ab_cdc_lsn":1,"source_ab_cdc_x":2,"a":{"_ab_cdc_lsn":3},"_AB_CDC_y":4}'],
    ['only fields that are dropped', '{"_ab_cdc_lsn":1}'],
    ['repeated keys', '{"a":1,"b":2,"a":{"c":3,"c":4}}'],
    ['an empty name', '{"":1,"a b.c":2,"__proto__":3}'],
    [
      'more names than are looked for',
      `{"a":[${'{"größe":1},'.repeat(8_000)}1],"b":[${'{"größe":1},'.repeat(8_000)}1]}`,
    ],
    ['pairs of surrogates', '{"a":"\\ud83d\\ude00 😀"}'],
  ])('%s', async (_, data) => {
    expect(await compare([data])).toBe(1);
  });

  test.each<[string, string]>([
    ['no JSON', '{"a":01}'],
    ['a trailing comma', '{"a":1,}'],
    ['a list with a trailing comma', '{"a":[1,]}'],
    ['half a pair of surrogates', '{"a":"\\ud83d"}'],
    ['the second half of one', '{"a":"\\ude00"}'],
    ['an unknown escape', '{"a":"\\x"}'],
    ['a raw control character', '{"a":"\t"}'],
    ['a word that is none', '{"a":nul}'],
    ['a number beyond float64', '{"a":1e400}'],
    ['a long number beyond float64', `{"a":1${'0'.repeat(400)}}`],
    ['a document that is too deep', `{"a":${'['.repeat(16)}1${']'.repeat(16)}}`],
    ['JSON that is too deep', `{"a":${'['.repeat(200)}1${']'.repeat(200)}}`],
    ['a list that is too long', `{"a":[${'1,'.repeat(8_192)}1]}`],
    ['too many fields', `{${Array.from({ length: 1_025 }, (_v, n) => `"f${n}":1`).join(',')}}`],
    ['a document that is too large', `{"a":"${'x'.repeat(1_100_000)}"}`],
    ['numbers that Convex counts nine bytes each', `{"a":[${`[${'1,'.repeat(8_000)}1],`.repeat(15)}1]}`],
    ['a name that is too long', `{"${'n'.repeat(1_100)}":1}`],
    ['too many collisions', '{"_a":1,"source_a":2,"source_source_a":3,"source_source_source_a":4}'],
  ])('what Convex refuses is never sure: %s', async (_, data) => {
    expect(await isStored(data)).toBe(false);
    expect((await encoded(data)).kind).toBe('doubtful');
  });

  test('bytes that are no UTF-8 are no row', () => {
    const buffer = Buffer.from('{"a":"\xe9"}', 'latin1');
    expect(new RowEncoder(spellings).encode(buffer, 0, buffer.length)).toEqual({ kind: 'doubtful', bytes: undefined });
  });

  test('what is near a limit and stored is a row as well', async () => {
    const deep = `{"a":${'['.repeat(15)}1${']'.repeat(15)}}`;
    const many = `{${Array.from({ length: 1_022 }, (_v, n) => `"f${n}":1`).join(',')}}`;
    expect((await encoded(deep)).kind).toBe('doubtful');
    expect(await compare([deep, many, `{"_a":"${'x'.repeat(1_000_000)}"}`, `{"a":[${'1,'.repeat(8_191)}1]}`])).toBe(4);
  });

  test('random records', async () => {
    const name = fc.oneof(
      fc.constantFrom(
        'a',
        'b',
        '_a',
        '$a',
        '_id',
        'source_a',
        'source_source_a',
        'source_id',
        '_ab_cdc_x',
        'é',
        'È_',
        '日',
        '',
      ),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    );
    const scalar = fc.oneof(
      fc.constantFrom('null', 'true', 'false', '-0', '1786000000123456789', '1e5', '0.10', '9007199254740993', '1E-7'),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text)),
    );
    const { object } = fc.letrec<{ value: string; object: string; list: string }>((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, scalar, tie('object'), tie('list')),
      list: fc.array(tie('value'), { maxLength: 3 }).map((values) => `[ ${values.join(' ,')}]`),
      object: fc
        .array(fc.tuple(name, tie('value')), { maxLength: 5 })
        .map((fields) => `{${fields.map(([key, value]) => `${JSON.stringify(key)} :${value}`).join(', ')} }`),
    }));
    let stored = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(object, { minLength: 1, maxLength: 12 }), async (records) => {
        stored += await compare(records);
      }),
      { numRuns: 20 },
    );
    expect(stored).toBeGreaterThan(20);
  });
});
