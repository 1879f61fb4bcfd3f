import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { descriptorKey } from '../../../shared/airbyte/descriptor.ts';
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
