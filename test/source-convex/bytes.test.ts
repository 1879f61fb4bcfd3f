/** A document's bytes stand in its RECORD line as the server sent them. */
import { describe, expect, test } from 'vitest';
import { startFakeDeployment } from '../support/fake-deployment.ts';
import { startProxy } from '../support/proxy.ts';
import { recordsOf, savedStates, Source, stateOf } from './setup.ts';

const MIB = 1024 * 1024;

/** Values of every type, and of every form that a careless reader would change. */
const DOCUMENTS: object[] = [
  { int64: 5n, most: 9223372036854775807n, least: -9223372036854775808n, odd: 9007199254740993n },
  {
    one: 1,
    half: 0.5,
    tenth: 0.1,
    minusZero: -0,
    tiny: 5e-324,
    huge: 1.7976931348623157e308,
    big: 1e21,
    ms: 1790000000123.45,
  },
  { nan: NaN, infinity: Infinity, minusInfinity: -Infinity },
  { bytes: new Uint8Array([0, 1, 254, 255]).buffer, empty: new ArrayBuffer(0) },
  { nested: JSON.parse('{"__proto__":{"a":1},"constructor":"c","toString":null}') as unknown },
  { dollar: '$integer', like: '{"$integer":"BQAAAAAAAAA="}', price: '$5 & $& $1 $$' },
  {
    escapes: '"\\\b\f\n\r\t\u0000\u001f\u007f/</script>',
    unicode: 'é ñ 中 😀 \u2028\u2029\ufeff\u200b',
    braces: '}]{["',
  },
  { looksLike: '"_ts":1790000000000000001,"_ab_cdc_lsn":0', json: '{"values":[{"_id":"x"}],"cursor":null}' },
  { 'key with blanks': 1, 'key.with.dots': 2, 'key"quote': 3, 'key\\backslash': 4, 2024: 5, '': 6 },
  { empty: {}, list: [], lists: [[], [[]], [{}]], nothing: null, yes: true, no: false },
  { deep: Array.from({ length: 13 }).reduce((inner: unknown) => ({ inner: [inner] }).inner, 'bottom') },
  { long: 'x'.repeat(1000 * 1000) },
  { longEscapes: '"\\'.repeat(200_000), longUnicode: '😀é'.repeat(50_000) },
];

describe.each(['json', 'convex_encoded_json', 'export_json'] as const)('as %s', (value_format) => {
  test('in snapshots and in changes', async () => {
    await using source = await Source.start({ limits: { snapshotPage: 5 } });
    source.deployment.load('t', DOCUMENTS);
    const sent: string[] = [];
    await using proxy = await startProxy(source.emulator.url, {
      reply: ({ path }, reply) => {
        if (/list_snapshot|document_deltas/.test(path)) sent.push(...documentsOf(reply.body));
        return reply;
      },
    });
    const config = { value_format, deployment_url: proxy.url };
    const first = await source.readAll({ streams: ['t'], config });
    expectVerbatim(first, sent.splice(0), ',"_deleted":false');
    const ids = [...source.deployment.documents('t')].map(({ _id }) => _id);
    source.deployment.load('t', DOCUMENTS);
    source.deployment.transaction((tx) => {
      for (const id of ids) tx.delete(id);
    });
    const second = await source.readAll({ streams: ['t'], config, state: savedStates(first) });
    expect(recordsOf(second)).toHaveLength(2 * DOCUMENTS.length);
    expectVerbatim(second, sent, '');
  });
});

/** The documents of a page as text, cut by brackets outside of strings: nothing is decoded. */
function documentsOf(page: string): string[] {
  const documents: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of page.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gs)) {
    if (token === '{' || token === '[') {
      if (++depth === 3) start = index;
    } else if ((token === '}' || token === ']') && depth-- === 3) {
      documents.push(page.slice(start, index + 1));
    }
  }
  return documents;
}

function expectVerbatim(lines: readonly string[], documents: readonly string[], deleted: string): void {
  const records = lines.filter((line) => line.startsWith('{"type":"RECORD"'));
  expect(records).toHaveLength(documents.length);
  for (const [i, document] of documents.entries()) {
    const expected = `{"type":"RECORD","record":{"stream":"t","data":${document.slice(0, -1)}${deleted},"_ab_cdc_lsn":`;
    // Not `toBe`: a difference between two megabytes is not for a terminal.
    expect(records[i]!.slice(0, expected.length) === expected, `${document.slice(0, 120)}… is changed`).toBe(true);
  }
}

/** What no deployment of today sends, and a reader that does not look into documents passes on all the same. */
const HEAD = '"_component":"","_table":"t","_ts":1790000000124494963';
const STRANGE: [string, string][] = [
  ['lone surrogates', `{${HEAD},"_id":"j57a","s":"\\ud800","t":"\\udc00\\ud800"}`],
  ['escapes where none are needed', `{${HEAD},"_id":"j57a","\\u0061":"\\u0041\\/"}`],
  ['an escaped key of the head', `{"_component":"","_table":"t","\\u005fts":1,"_ts":1790000000124494963,"_id":"j57a"}`],
  ['numbers beyond doubles', `{${HEAD},"_id":"j57a","n":123456789012345678901234567890,"e":1E400,"z":-0.0,"p":1.000}`],
  ['a key twice', `{${HEAD},"_id":"j57a","a":1,"a":2}`],
  ['__proto__', `{${HEAD},"_id":"j57a","__proto__":{"__proto__":null}}`],
  ['blanks and tabs', `{ ${HEAD} ,\t"_id" : "j57a" , "a" : [ 1 , 2 ] }`],
  ['line breaks between tokens', `{${HEAD},\n"_id":"j57a",\r\n"a":\n1\n}`],
  ['another order', `{"a":1,"_id":"j57a","_ts":1790000000124494963,"_table":"t","_component":""}`],
  ['fields of tomorrow', `{"_component":"","_future":{"a":[1]},"_table":"t","_ts":1790000000124494963,"_id":"j57a"}`],
  ['nesting without end', `{${HEAD},"_id":"j57a","a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
  ['a string of a mebibyte', `{${HEAD},"_id":"j57a","a":"${'x'.repeat(MIB)}"}`],
  ['a string of escapes of six mebibytes', `{${HEAD},"_id":"j57a","a":"${'\\u0000'.repeat(MIB)}"}`],
  ['a string that ends with backslashes', `{${HEAD},"_id":"j57a","a":"\\\\","b":"\\\\\\\\","c":"\\\\\\""}`],
  ['NUL as an escape, and DEL as it is', `{${HEAD},"_id":"j57a","a":"\\u0000\u007f"}`],
];

describe.each([undefined, 1, 7, 4096])('whatever a server sends, in parts of %s bytes', (partBytes) => {
  test('arrives as it is', async () => {
    await using source = await Source.start();
    const documents = STRANGE.map(([, document]) => document).filter(
      // Byte by byte, a mebibyte takes minutes.
      (document) => (partBytes ?? 4096) >= 4096 || document.length < 1000,
    );
    await using server = await startFakeDeployment({
      snapshot: documents,
      ...(partBytes === undefined ? {} : { partBytes }),
    });
    const { code, lines } = await source.startRead({ streams: ['t'], config: { deployment_url: server.url } }).finished;
    expect(code).toBe(0);
    expectVerbatim(
      lines,
      // The one thing that is changed: a message is one line.
      documents.map((document) => document.replace(/[\r\n]/g, ' ')),
      ',"_deleted":false',
    );
  });
});

test('a raw line break inside a string, which is no JSON, is not passed on', async () => {
  await using source = await Source.start();
  await using server = await startFakeDeployment({ snapshot: [`{${HEAD},"_id":"j57a","a":"b\nc"}`] });
  const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '1' };
  const { code, lines } = await source.read({ streams: ['t'], env, config: { deployment_url: server.url } });
  expect(code).toBe(1);
  expect(lines.some((line) => line.includes('j57a'))).toBe(false);
});

test('bytes that are no UTF-8 are not passed on', async () => {
  await using source = await Source.start();
  const document = Buffer.concat([
    Buffer.from(`{${HEAD},"_id":"j57a","a":"`),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}'),
  ]);
  await using server = await startFakeDeployment({ snapshot: [document] });
  const env = { CONVEX_CONNECTOR_RETRY_ATTEMPTS: '1' };
  const { code, lines } = await source.read({ streams: ['t'], env, config: { deployment_url: server.url } });
  expect(code).toBe(1);
  expect(lines.some((line) => line.includes('j57a'))).toBe(false);
});

describe('timestamps', () => {
  test.each([
    ['1790000000124494963', '2026-09-21T14:13:20.124494'],
    ['1700000000999999999', '2023-11-14T22:13:20.999999'],
    ['1700000000000000000', '2023-11-14T22:13:20.000000'],
    ['10000000000', '1970-01-01T00:00:10.000000'],
    ['0', '1970-01-01T00:00:00.000000'],
  ])('%s is %s: truncated, not rounded', async (ts, iso) => {
    await using source = await Source.start();
    const deleted = `{"_component":"","_table":"t","_ts":${ts},"_deleted":true,"_id":"j57a"}`;
    await using server = await startFakeDeployment({
      deltas: [deleted],
      snapshot: [deleted.replace('"_deleted":true,', '')],
    });
    const config = { deployment_url: server.url };
    const snapshot = await source.startRead({ streams: ['t'], config }).finished;
    expect(snapshot.lines.find((line) => line.includes('RECORD'))).toContain(
      `"data":{"_component":"","_table":"t","_ts":${ts},"_id":"j57a","_deleted":false,"_ab_cdc_lsn":${ts},"_ab_cdc_updated_at":"${iso}","_ab_cdc_deleted_at":null},"emitted_at":`,
    );
  });

  test('of a deletion', async () => {
    await using source = await Source.start();
    const ts = '1790000000124969420';
    const deltas = [`{"_component":"","_table":"t","_ts":${ts},"_deleted":true,"_id":"j57a"}`];
    await using server = await startFakeDeployment({ deltas });
    const state = [
      stateOf('t', { snapshot_cursor: null, snapshot_has_more: false, delta_cursor: '1790000000124969400' }),
    ];
    const { code, lines } = await source.read({ streams: ['t'], state, config: { deployment_url: server.url } });
    expect(code).toBe(0);
    expect(lines.find((line) => line.includes('RECORD'))).toContain(
      `"data":{"_component":"","_table":"t","_ts":${ts},"_deleted":true,"_id":"j57a","_ab_cdc_lsn":${ts},"_ab_cdc_updated_at":"2026-09-21T14:13:20.124969","_ab_cdc_deleted_at":"2026-09-21T14:13:20.124969"},"emitted_at":`,
    );
  });
});
