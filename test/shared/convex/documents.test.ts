import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DocumentHead } from '../../../shared/convex/documents.ts';
import { JsonError } from '../../../shared/json/raw.ts';
import { jsonText } from '../../support/json.ts';

const TS = '1790000000124494963';

interface Head {
  component: string;
  table: string;
  ts: string;
  deleted: boolean | undefined;
}

/** Reads one document after the other with the same reader, each in the middle of other bytes. */
function read(documents: readonly string[], wantDeleted = true): Head[] {
  const head = new DocumentHead({ wantDeleted });
  return documents.map((document) => {
    const buffer = Buffer.from(`9}${document},{"_ts":1`);
    head.read(buffer, 2, 2 + Buffer.byteLength(document));
    const { component, table, ts, deleted } = head;
    expect(head.tsLength).toBe(ts.length);
    const copy = Buffer.alloc(ts.length + 1, '#');
    head.copyTs(copy, 1);
    expect(copy.toString()).toBe(`#${ts}`);
    return { component, table, ts, deleted };
  });
}

const one = (document: string, wantDeleted = true): Head => read([document], wantDeleted)[0]!;

describe('the head of a document', () => {
  test.each<[string, Head]>([
    [
      `{"_component":"","_table":"users","_ts":${TS},"_deleted":false,"_id":"x"}`,
      { component: '', table: 'users', ts: TS, deleted: false },
    ],
    [
      `{"_component":"a/b","_table":"users","_ts":${TS},"_deleted":true,"_id":"x"}`,
      { component: 'a/b', table: 'users', ts: TS, deleted: true },
    ],
    [
      `{"_component":"","_table":"users","_ts":${TS},"_deleted":true}`,
      { component: '', table: 'users', ts: TS, deleted: true },
    ],
    [
      `{ "_ts" : ${TS} , "_deleted" : false , "_table" : "t" , "_component" : "c" }`,
      { component: 'c', table: 't', ts: TS, deleted: false },
    ],
    [
      `{"a":{"_ts":1,"_table":"no"},"_component":"","_table":"t","_ts":${TS},"_deleted":false}`,
      { component: '', table: 't', ts: TS, deleted: false },
    ],
    [
      `{"a":"\\"_ts\\":1,","_table":"t","_ts":${TS},"_deleted":false,"_component":"c"}`,
      { component: 'c', table: 't', ts: TS, deleted: false },
    ],
    [
      `{"_component":"\\u0063","_table":"\\u0074","_ts":${TS},"_deleted":false}`,
      { component: 'c', table: 't', ts: TS, deleted: false },
    ],
    // Backends of before components send none.
    [
      `{"_table":"t","_ts":${TS},"_deleted":false,"_id":"x","a":1}`,
      { component: '', table: 't', ts: TS, deleted: false },
    ],
    ['{"_component":"","_table":"t","_ts":0,"_deleted":false}', { component: '', table: 't', ts: '0', deleted: false }],
  ])('%s', (document, head) => {
    expect(one(document)).toEqual(head);
  });

  test('of a snapshot page has no _deleted, and does not look for one', () => {
    expect(one(`{"_component":"","_table":"t","_ts":${TS},"a":1}`, false).deleted).toBeUndefined();
  });

  test.each([
    ['{}', 'a document lacks one of "_table", "_ts" and "_deleted"'],
    [`{"_component":"","_table":"t","_ts":${TS}}`, 'a document lacks one of "_table", "_ts" and "_deleted"'],
    [`{"_component":"","_ts":${TS},"_deleted":false}`, 'a document lacks one of "_table", "_ts" and "_deleted"'],
    [`{"_component":"","_table":"t","_ts":"${TS}","_deleted":false}`, 'a document has a "_ts" that is no timestamp'],
    ['{"_component":"","_table":"t","_ts":1.5,"_deleted":false}', 'a document has a "_ts" that is no timestamp'],
    ['{"_component":"","_table":"t","_ts":-1,"_deleted":false}', 'a document has a "_ts" that is no timestamp'],
    ['{"_component":"","_table":"t","_ts":01,"_deleted":false}', 'a document has a "_ts" that is no timestamp'],
    [
      '{"_component":"","_table":"t","_ts":12345678901234567890,"_deleted":false}',
      'a document has a "_ts" that is no timestamp',
    ],
    ['{"_component":"","_table":"t","_ts":null,"_deleted":false}', 'a document has a "_ts" that is no timestamp'],
    [
      `{"_component":"","_table":"t","_ts":${TS},"_deleted":1}`,
      'a document has a "_deleted" that is neither true nor false',
    ],
    [
      `{"_component":"","_table":"t","_ts":${TS},"_deleted":"false"}`,
      'a document has a "_deleted" that is neither true nor false',
    ],
    [`{"_component":"","_table":7,"_ts":${TS},"_deleted":false}`, 'does not start a JSON string'],
    [`{"_component":null,"_table":"t","_ts":${TS},"_deleted":false}`, 'does not start a JSON string'],
  ])('that is none: %s', (document, message) => {
    expect(() => one(document)).toThrow(JsonError);
    expect(() => one(document)).toThrow(message);
    // Nor after one that began in the same way.
    const good = `{"_component":"","_table":"t","_ts":${TS},"_deleted":false}`;
    expect(() => read([good, document])).toThrow(message);
  });
});

describe('heads that follow each other', () => {
  const documentOf = ({ component, table, ts, deleted, rest, form }: Head & { rest: string; form: number }): string => {
    const members = [
      `"_component":${JSON.stringify(component)}`,
      `"_table":"${table}"`,
      `"_ts":${ts}`,
      `"_deleted":${deleted}`,
    ];
    if (form === 1) members.reverse();
    if (form === 2) members.splice(2, 0, `"_future":${rest}`);
    if (form === 3 && component === '') members.shift();
    return `{${members.join(form === 4 ? ' , ' : ',')},"rest":${rest}}`;
  };
  const head = fc.record({
    component: fc.constantFrom('', '', 'a', 'a/b', 'ä"'),
    table: fc.constantFrom('t', 't', 'users', '_ts'),
    ts: fc
      .oneof(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.constantFrom(1790000000124494963n, 1790000000124494964n))
      .map(String),
    deleted: fc.boolean(),
    rest: jsonText,
    form: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4),
  });

  test('are each its own, in any order, of any form', () => {
    fc.assert(
      fc.property(fc.array(head, { maxLength: 12 }), (heads) => {
        expect(read(heads.map(documentOf))).toEqual(
          heads.map(({ component, table, ts, deleted }) => ({ component, table, ts, deleted })),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('tell which is newer', () => {
    const reader = new DocumentHead({ wantDeleted: false });
    const newer = (ts: string, than: string): boolean => {
      const document = `{"_component":"","_table":"t","_ts":${ts},"a":1}`;
      reader.read(Buffer.from(document), 0, document.length);
      return reader.isNewerThan(Buffer.from(than));
    };
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (a, b) => {
        expect(newer(String(a), String(b))).toBe(a > b);
      }),
    );
    expect([newer(TS, TS), newer('1790000000124494964', TS), newer(TS, '1790000000124494964')]).toEqual([
      false,
      true,
      false,
    ]);
  });
});
