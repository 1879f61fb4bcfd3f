import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RequestBody, streamBytes, type Deletion } from '../../destination-convex/request-body.ts';
import { saysAbsent, uninsertable, withMember } from '../../destination-convex/tombstones.ts';
import { planStreams } from '../../destination-convex/streams.ts';
import type { ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import { append, catalogOf, dedup } from './setup.ts';

const streams = planStreams(
  (
    catalogOf([dedup('a'), dedup('b', [['_x', 'y'], 'z'], { namespace: 'n' }), append('c')]) as {
      streams: ConfiguredAirbyteStream[];
    }
  ).streams,
);
const bytes = streams.map(streamBytes);

interface Body {
  messages: { tableName: string; data: unknown }[];
  tables: Record<string, { primaryKey?: string[][]; jsonSchema: object }>;
}
const parse = (body: Buffer) => JSON.parse(body.toString()) as Body;

const MARKED = '{"_id":"k","_ab_cdc_deleted_at":"now","x":1}';
const marker = (member?: Buffer): Deletion => {
  const markerStart = MARKED.indexOf('"now"');
  return { markerStart, markerEnd: markerStart + 5, uninsertable: member };
};

describe('the body of a request', () => {
  test('makes bodies that hold what was put in, and only the tables of it', () => {
    const body = new RequestBody(false, { bytes: 10_000, messages: 100 }, bytes);
    const add = (index: number, text: string) => {
      const source = Buffer.from(`<${text}>`);
      body.add(streams[index]!, body.count + 1, source, 1, source.length - 1);
    };
    add(1, '{"_x":{"y":1},"z":"é"}');
    expect(parse(body.toBuffer())).toEqual({
      messages: [{ tableName: 'n_b', data: { _x: { y: 1 }, z: 'é' } }],
      tables: { n_b: { primaryKey: [['source_x', 'y'], ['z']], jsonSchema: {} } },
    });
    add(0, '{"_id":1}');
    add(1, '{}');
    expect(Object.keys(parse(body.toBuffer()).tables)).toEqual(['n_b', 'a']);
    expect(parse(body.toBuffer(1, 2))).toEqual({
      messages: [{ tableName: 'a', data: { _id: 1 } }],
      tables: { a: { primaryKey: [['source_id']], jsonSchema: {} } },
    });
    expect(Object.keys(parse(body.toBuffer(1, 3)).tables)).toEqual(['a', 'n_b']);
    expect(body.data(1).toString()).toBe('{"_id":1}');
    body.clear();
    add(0, '{"_id":2}');
    expect(parse(body.toBuffer()).messages).toEqual([{ tableName: 'a', data: { _id: 2 } }]);
  });

  test('stores a deleted row first, without its marker', () => {
    const body = new RequestBody(false, { bytes: 10_000, messages: 100 }, bytes);
    body.add(streams[0]!, 1, Buffer.from(MARKED), 0, MARKED.length, marker());
    expect(parse(body.toBuffer()).messages.map(({ data }) => data)).toEqual([
      { _id: 'k', _ab_cdc_deleted_at: null, x: 1 },
      { _id: 'k', _ab_cdc_deleted_at: 'now', x: 1 },
    ]);
    expect(body.data(0).toString()).toBe(MARKED);
    expect(body.full).toBe(false);
  });

  test('or sends it in a form that cannot be inserted', () => {
    const body = new RequestBody(false, { bytes: 10_000, messages: 100 }, bytes);
    body.add(streams[0]!, 1, Buffer.from(MARKED), 0, MARKED.length, marker(uninsertable(streams[0]!.key!)));
    const [message, ...more] = parse(body.toBuffer()).messages;
    expect(more).toEqual([]);
    expect(message!.data).toMatchObject({ _id: 'k', _ab_cdc_deleted_at: 'now', absent: { a: {} } });
    expect(body.at(0).tombstone).toMatchObject({ alone: true });
  });

  test('never exceeds its bounds, except for one record that is larger than them', () => {
    const message = fc.record({
      stream: fc.nat(1),
      text: fc.string({ maxLength: 300 }),
      deleted: fc.constantFrom(false, false, true),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 60 }),
        fc.integer({ min: 150, max: 2_000 }),
        fc.integer({ min: 2, max: 12 }),
        (list, limit, messages) => {
          const body = new RequestBody(false, { bytes: limit, messages }, bytes);
          const seen: unknown[] = [];
          const sent: unknown[] = [];
          const flush = () => {
            const request = body.toBuffer();
            expect(request.length).toBe(body.bytes);
            if (body.count > 1) expect(request.length).toBeLessThanOrEqual(limit);
            const parsed = parse(request);
            expect(parsed.messages.length).toBeLessThanOrEqual(messages);
            sent.push(...parsed.messages.map(({ data }) => data));
            // Any part of it is what these records say.
            const middle = body.count >>> 1;
            if (middle > 0)
              expect([...parse(body.toBuffer(0, middle)).messages, ...parse(body.toBuffer(middle)).messages]).toEqual(
                parsed.messages,
              );
            body.clear();
          };
          for (const { stream, text, deleted } of list) {
            const fields = { _ab_cdc_deleted_at: deleted ? 'now' : null, text };
            const data = Buffer.from(JSON.stringify(fields));
            const at = data.indexOf(':') + 1;
            const deletion = deleted ? { markerStart: at, markerEnd: at + 5, uninsertable: undefined } : undefined;
            if (!body.fits(streams[stream]!, data.length, deletion)) flush();
            body.add(streams[stream]!, 1, data, 0, data.length, deletion);
            if (deleted) seen.push({ ...fields, _ab_cdc_deleted_at: null });
            seen.push(fields);
            if (body.full) flush();
          }
          if (body.count > 0) flush();
          expect(sent).toEqual(seen);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('an uninsertable deletion', () => {
  test('has one field more, whose name is not part of the key', () => {
    const plan = (name: string) => ({ fields: [{ source: [name], stored: [name] }] });
    expect(uninsertable(plan('id')).toString()).toMatch(/^"absent":/);
    expect(uninsertable(plan('absent')).toString()).toMatch(/^"absent_":/);
    const member = Buffer.from('"m":1');
    expect(withMember(Buffer.from('{"a":1}'), member).toString()).toBe('{"a":1,"m":1}');
    expect(withMember(Buffer.from('{ }'), member).toString()).toBe('{ "m":1}');
  });

  test('is nested deeper than documents may be, and less than values may be', () => {
    const value = JSON.parse(`{${uninsertable({ fields: [] }).toString()}}`) as object;
    let depth = 0;
    for (let at: unknown = value; typeof at === 'object' && at !== null; at = Object.values(at)[0]) depth++;
    expect(depth).toBeGreaterThan(17);
    expect(depth).toBeLessThan(64);
  });

  test.each([
    ['InvalidDocumentError', true],
    ['SchemaEnforcementError', true],
    ['MissingPrimaryKeyValue', false],
    ['InternalServerError', false],
  ])('%s says that there is no row: %s', (code, absent) => {
    expect(saysAbsent(new ConvexApiError({ reason: 'refused', retry: false }, '', { status: 400, code }))).toBe(absent);
  });
});
