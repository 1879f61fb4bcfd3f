import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { descriptorKey } from '../../../shared/core/stream-descriptor.ts';
import { parseStateFile } from '../../../shared/airbyte/state-file.ts';
import { objectText } from '../../support/json.ts';

const parse = (text: string): [string, string][] => [...parseStateFile(Buffer.from(text))];
const key = (name: string, namespace?: string): string => descriptorKey({ name, namespace });
const CONTENT = '{"delta_cursor":1786000000123456789}';

describe('a state file', () => {
  test.each<[string, string]>([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['null', 'null'],
    ['an empty list', '[]'],
    ['an empty object', '{}'],
    ['LEGACY without data', '[{"type":"LEGACY","data":{}}]'],
    [
      'a stream whose state is null',
      '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":null}}]',
    ],
    [
      'a stream whose state is empty',
      '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":{ }}}]',
    ],
    ['GLOBAL without streams', '[{"type":"GLOBAL","global":{"shared_state":{"a":1}}}]'],
  ])('with %s holds no states', (_what, text) => {
    expect(parse(text)).toEqual([]);
  });

  const stream = `{"stream_descriptor":{"name":"a","namespace":"n"},"stream_state":${CONTENT}}`;
  test.each<[string, string]>([
    ['a list of states', `[{"type":"STREAM","stream":${stream}}]`],
    ['a single state', `{"type":"STREAM","stream":${stream}}`],
    ['absent keys as null', `[{"type":"STREAM","stream":${stream},"global":null,"global_":null,"data":null}]`],
    ['a saved message', `{"type":"STATE","state":{"type":"STREAM","stream":${stream}}}`],
    ['GLOBAL', `[{"type":"GLOBAL","global":{"stream_states":[${stream}]}}]`],
    [
      'GLOBAL as PyAirbyte spells it',
      `[{"type":"GLOBAL","global_":{"shared_state":null,"stream_states":[ ${stream} ]}}]`,
    ],
  ])('in the form: %s', (_what, text) => {
    expect(parse(text)).toEqual([[key('a', 'n'), CONTENT]]);
  });

  const streams = [{ name: 'a', namespace: 'n' }, { name: 'b' }, { name: 'data' }];
  const read = (text: string): [string, string][] => [...parseStateFile(Buffer.from(text), streams)];
  const other = CONTENT.replace('789', '788');
  test.each<[string, string, [string, string][]]>([
    ['by name', `{"b":${CONTENT}}`, [[key('b'), CONTENT]]],
    ['by a name with its namespace', `{"n.a":${CONTENT}}`, [[key('a', 'n'), CONTENT]]],
    ['by the only name', `{"a":${CONTENT},"b":null}`, [[key('a', 'n'), CONTENT]]],
    [
      'by name, some unknown',
      `{"b":${CONTENT},"c":${other}}`,
      [
        [key('b'), CONTENT],
        [key('c'), other],
      ],
    ],
    ['by the name of a key of the protocol', `{"data":${CONTENT}}`, [[key('data'), CONTENT]]],
    ['inner objects', `[${stream}]`, [[key('a', 'n'), CONTENT]]],
    ['camel case', `[${stream.replace('_d', 'D').replace('_s', 'S')}]`, [[key('a', 'n'), CONTENT]]],
    ['lines: the last one counts', `{"b":${other}}\n{"b":${CONTENT}}\n\n`, [[key('b'), CONTENT]]],
    ['lines: a state that was taken back', `{"b":${other}}\n{"b":null}`, []],
    ['an empty object in a list', '[{}]', []],
  ])('S1: %s', (_what, text, states) => {
    expect(read(text)).toEqual(states);
  });

  test.each([
    ['unknown names', '{"c":{}}'],
    ['unknown names without states', '{"c":null}'],
    ['names in other case', `{"B":${CONTENT}}`],
    ['a text by name', '{"b":"x"}'],
    ['a list by name', '{"b":[1]}'],
    ['the bare state of one stream', CONTENT],
    ['a list of lists', '[[]]'],
    ['a list of nulls', '[null]'],
    ['false', 'false'],
    ['half a line', `{"b":${CONTENT}}\n{"b":`],
    ['two values in a list without a comma', '[{} {}]'],
    ['another message', '{"type":"LOG","log":{"level":"INFO","message":"x"}}'],
    ['one that is no state among states', `[{"type":"STREAM","stream":${stream}},{"x":1}]`],
  ])('S1: %s: refused', (_what, text) => {
    expect(() => read(text)).toThrow(/^The state file is not valid: /);
  });

  test('hands on what streams have saved byte for byte, whatever it is', () => {
    const name = fc.string({ minLength: 1, maxLength: 8 });
    const states = fc.uniqueArray(fc.tuple(name, fc.option(name, { nil: undefined }), objectText), {
      maxLength: 5,
      selector: ([stream, namespace]) => key(stream, namespace),
    });
    const valid = states.filter((all) => all.every(([, , text]) => isJson(text)));
    fc.assert(
      fc.property(valid, (all) => {
        const text = all.map(([stream, namespace, content]) => {
          const descriptor = JSON.stringify({ name: stream, namespace });
          return `{"type":"STREAM","stream":{"stream_descriptor":${descriptor},"stream_state":${content}}}`;
        });
        const expected = all
          .filter(([, , content]) => !/^\{\s*\}$/.test(content))
          .map(([stream, namespace, content]): [string, string] => [key(stream, namespace), content]);
        expect(parse(`[${text.join(',')}]`)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
