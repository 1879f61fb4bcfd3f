import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BrokenMessage, Inbound, Kind, UnknownStream, type Resolve } from '../../../shared/airbyte/inbound.ts';
import type { Line } from '../../../shared/airbyte/lines.ts';

const STREAMS = ['users', 'a "quoted" one', 'ü', '', 'brace {', 'brace {"}'];
const resolve: Resolve = (name, namespace) => {
  const index = STREAMS.indexOf(name);
  return index === -1 ? -1 : index + (namespace === undefined ? 0 : namespace === 'n' ? 10 : NaN);
};

/** The line stands in the middle of other bytes, as in a chunk. */
function lineOf(text: string, terminated = true): Line {
  const bytes = Buffer.from(text);
  const buffer = Buffer.concat([Buffer.from('"}]\n'), bytes, Buffer.from('\n{"x":"')]);
  return { buffer, start: 4, end: 4 + bytes.length, terminated };
}

function read(inbound: Inbound, text: string, terminated = true) {
  const line = lineOf(text, terminated);
  const kind = inbound.read(line);
  if (kind === Kind.Record)
    return { stream: inbound.stream, data: line.buffer.toString('utf8', inbound.dataStart, inbound.dataEnd) };
  if (kind === Kind.State) return line.buffer.toString('utf8', inbound.stateStart, inbound.stateEnd);
  if (kind === Kind.Status) return [inbound.stream, inbound.status];
  return kind === Kind.Noise ? 'noise' : 'other';
}

describe('a line that begins like one before', () => {
  const first = '{"type":"RECORD","record":{"stream":"users","data":{"n":1},"emitted_at":17}}';

  test.each([
    [
      'the same',
      '{"type":"RECORD","record":{"stream":"users","data":{"n":2},"emitted_at":18}}',
      { stream: 0, data: '{"n":2}' },
    ],
    [
      'with meta',
      '{"type":"RECORD","record":{"stream":"users","data":{},"emitted_at":18,"meta":{"changes":[]}}}',
      { stream: 0, data: '{}' },
    ],
    [
      'another namespace behind the data',
      '{"type":"RECORD","record":{"stream":"users","data":{},"namespace":"n"}}',
      { stream: 10, data: '{}' },
    ],
    [
      'another stream behind the data',
      '{"type":"RECORD","record":{"stream":"users","data":{},"stream":"ü"}}',
      { stream: 2, data: '{}' },
    ],
    [
      'other data behind the data',
      '{"type":"RECORD","record":{"stream":"users","data":{},"data":{"n":3}}}',
      { stream: 0, data: '{"n":3}' },
    ],
    [
      'blanks at its end',
      '{"type":"RECORD","record":{"stream":"users","data":{},"emitted_at":18}} \r',
      { stream: 0, data: '{}' },
    ],
  ])('%s', (_, text, expected) => {
    const inbound = new Inbound(resolve);
    read(inbound, first);
    expect(read(inbound, text)).toEqual(expected);
    expect(read(new Inbound(resolve), text)).toEqual(expected);
  });

  test.each([
    '{"type":"RECORD","record":{"stream":"users","data":{"n":1},"emitted_at":17}',
    '{"type":"RECORD","record":{"stream":"users","data":{"n":1},"emitted_at":17}}}',
    '{"type":"RECORD","record":{"stream":"users","data":{"n":1},"emitted_at":17}}{}',
    '{"type":"RECORD","record":{"stream":"users","data":{"n":1}"emitted_at":17}}',
    '{"type":"RECORD","record":{"stream":"users","data":{"n":"1},"emitted_at":17}}',
    '{"type":"RECORD","record":{"stream":"users","data":[],"emitted_at":17}}',
    '{"type":"RECORD","record":{"stream":"users","data":',
    '{"type":"RECORD","record":{"stream":"users","data":{}},"type":"LOG"}',
  ])('and is broken: %s', (text) => {
    const inbound = new Inbound(resolve);
    read(inbound, first);
    expect(() => read(inbound, text)).toThrow(BrokenMessage);
    expect(() => read(new Inbound(resolve), text)).toThrow(BrokenMessage);
  });
});

describe('other lines', () => {
  test.each([
    ['{"state":{"a":1},"type":"STATE"}', '{"a":1}'],
    [
      '{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":{"status":"COMPLETE","stream_descriptor":{"name":"users","namespace":null}}}}',
      [0, 'COMPLETE'],
    ],
    [
      '{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":{"status":"RUNNING","stream_descriptor":{"name":"ü","namespace":"n"}}}}',
      [12, 'RUNNING'],
    ],
    [
      '{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":{"status":"DONE","stream_descriptor":{"name":"users"}}}}',
      'other',
    ],
    ['{"type":"TRACE","trace":{"type":"ESTIMATE"}}', 'other'],
    ['{"type":"LOG","log":{}}', 'other'],
    ['{"type":5}', 'other'],
    ['{}', 'other'],
    ['  ', 'other'],
    ['text', 'noise'],
    ['{broken', 'noise'],
    ['"type":', 'noise'],
    ['{"a":1}{"b":2}', 'noise'],
  ])('%s', (text, expected) => {
    expect(read(new Inbound(resolve), text)).toEqual(expected);
  });

  test('a last line that is cut off is lost, whatever it was', () => {
    expect(() => read(new Inbound(resolve), '{"ty', false)).toThrow(BrokenMessage);
    expect(read(new Inbound(resolve), 'text', false)).toBe('noise');
    expect(read(new Inbound(resolve), '{"type":"LOG"}', false)).toBe('other');
  });

  test('a record of an unknown stream is named', () => {
    expect(() =>
      read(new Inbound(resolve), '{"type":"RECORD","record":{"stream":"no","namespace":"n","data":{}}}'),
    ).toThrow(UnknownStream);
  });
});

test('thousands of streams that take turns, in several namespaces, however long their names', () => {
  const names = Array.from({ length: 5000 }, (_, n) =>
    n % 100 === 0 ? `${'long'.repeat(400)}${n}` : `stream ${n % 2500}`,
  );
  const inbound = new Inbound((name, namespace) => names.indexOf(name) + (namespace === undefined ? 0 : 10_000));
  for (let round = 0; round < 2; round++) {
    for (const [n, name] of names.entries()) {
      const namespace = n % 3 === 0 ? undefined : `space${n % 3}`;
      const record = { namespace, stream: name, data: { n }, emitted_at: 17 };
      const found = read(inbound, JSON.stringify({ type: 'RECORD', record }));
      expect(found).toEqual({ stream: names.indexOf(name) + (n % 3 === 0 ? 0 : 10_000), data: `{"n":${n}}` });
    }
  }
});

test('any order of members, any text, any sequence: the same as parsing', () => {
  // A newline of indented JSON is never inside a string.
  const written = (value: unknown, spaces: boolean) =>
    spaces ? JSON.stringify(value, null, 1).replaceAll('\n', ' ') : JSON.stringify(value);
  const line = fc
    .record({
      stream: fc.nat(STREAMS.length - 1),
      namespace: fc.constantFrom(undefined, null, 'n', ''),
      data: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
      emitted: fc.constantFrom(undefined, 17, 1767225600000),
      meta: fc.constantFrom(undefined, null, { changes: [] }),
      order: fc.shuffledSubarray(['stream', 'namespace', 'data', 'emitted_at', 'meta'], { minLength: 5 }),
      usual: fc.boolean(),
      spaces: fc.boolean(),
      typeLast: fc.boolean(),
    })
    .map(({ stream, namespace, data, emitted, meta, order, usual, spaces, typeLast }) => {
      const all: Record<string, unknown> = { stream: STREAMS[stream], namespace, data, emitted_at: emitted, meta };
      const record = Object.fromEntries(
        (usual ? ['stream', 'namespace', 'data', 'emitted_at', 'meta'] : order).map((key) => [key, all[key]]),
      );
      const text = written(typeLast && !usual ? { record, type: 'RECORD' } : { type: 'RECORD', record }, spaces);
      return { text, stream: stream + (namespace === 'n' ? 10 : 0), data };
    });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      const inbound = new Inbound(resolve);
      for (const { text, stream, data } of lines) {
        const found = read(inbound, text) as { stream: number; data: string };
        expect(found.stream).toBe(stream);
        expect(JSON.parse(found.data)).toEqual(JSON.parse(JSON.stringify(data)));
      }
    }),
    { numRuns: 300 },
  );
});
