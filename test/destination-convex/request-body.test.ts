import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lane, streamBytes, type Deletion } from '../../destination-convex/request-body.ts';
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

describe('a lane', () => {
  test('makes bodies that hold what was put in, and only the tables of it', () => {
    const lane = new Lane(false, { bytes: 10_000, messages: 100 }, bytes);
    const add = (index: number, text: string) => {
      const source = Buffer.from(`<${text}>`);
      lane.add(streams[index]!, lane.count + 1, source, 1, source.length - 1);
    };
    add(1, '{"_x":{"y":1},"z":"é"}');
    expect(parse(lane.body())).toEqual({
      messages: [{ tableName: 'n_b', data: { _x: { y: 1 }, z: 'é' } }],
      tables: { n_b: { primaryKey: [['source_x', 'y'], ['z']], jsonSchema: {} } },
    });
    add(0, '{"_id":1}');
    add(1, '{}');
    expect(Object.keys(parse(lane.body()).tables)).toEqual(['n_b', 'a']);
    expect(parse(lane.body(1, 2))).toEqual({
      messages: [{ tableName: 'a', data: { _id: 1 } }],
      tables: { a: { primaryKey: [['source_id']], jsonSchema: {} } },
    });
    expect(Object.keys(parse(lane.body(1, 3)).tables)).toEqual(['a', 'n_b']);
    expect(lane.data(1).toString()).toBe('{"_id":1}');
    lane.clear();
    add(0, '{"_id":2}');
    expect(parse(lane.body()).messages).toEqual([{ tableName: 'a', data: { _id: 2 } }]);
  });

  test('stores a deleted row first, without its marker', () => {
    const lane = new Lane(false, { bytes: 10_000, messages: 100 }, bytes);
    lane.add(streams[0]!, 1, Buffer.from(MARKED), 0, MARKED.length, marker());
    expect(parse(lane.body()).messages.map(({ data }) => data)).toEqual([
      { _id: 'k', _ab_cdc_deleted_at: null, x: 1 },
      { _id: 'k', _ab_cdc_deleted_at: 'now', x: 1 },
    ]);
    expect(lane.data(0).toString()).toBe(MARKED);
    expect(lane.full).toBe(false);
  });

  test('or sends it in a form that cannot be inserted', () => {
    const lane = new Lane(false, { bytes: 10_000, messages: 100 }, bytes);
    lane.add(streams[0]!, 1, Buffer.from(MARKED), 0, MARKED.length, marker(uninsertable(streams[0]!.key!)));
    const [message, ...more] = parse(lane.body()).messages;
    expect(more).toEqual([]);
    expect(message!.data).toMatchObject({ _id: 'k', _ab_cdc_deleted_at: 'now', absent: { a: {} } });
    expect(lane.at(0).tombstone).toMatchObject({ alone: true });
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
          const lane = new Lane(false, { bytes: limit, messages }, bytes);
          const seen: unknown[] = [];
          const sent: unknown[] = [];
          const flush = () => {
            const body = lane.body();
            expect(body.length).toBe(lane.bytes);
            if (lane.count > 1) expect(body.length).toBeLessThanOrEqual(limit);
            const parsed = parse(body);
            expect(parsed.messages.length).toBeLessThanOrEqual(messages);
            sent.push(...parsed.messages.map(({ data }) => data));
            // Any part of it is what these records say.
            const middle = lane.count >>> 1;
            if (middle > 0)
              expect([...parse(lane.body(0, middle)).messages, ...parse(lane.body(middle)).messages]).toEqual(
                parsed.messages,
              );
            lane.clear();
          };
          for (const { stream, text, deleted } of list) {
            const fields = { _ab_cdc_deleted_at: deleted ? 'now' : null, text };
            const data = Buffer.from(JSON.stringify(fields));
            const at = data.indexOf(':') + 1;
            const deletion = deleted ? { markerStart: at, markerEnd: at + 5, uninsertable: undefined } : undefined;
            if (!lane.fits(streams[stream]!, data.length, deletion)) flush();
            lane.add(streams[stream]!, 1, data, 0, data.length, deletion);
            if (deleted) seen.push({ ...fields, _ab_cdc_deleted_at: null });
            seen.push(fields);
            if (lane.full) flush();
          }
          if (lane.count > 0) flush();
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
