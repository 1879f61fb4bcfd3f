import { describe, expect, test } from 'vitest';
import { configuredStreams } from '../../../shared/airbyte/catalog.ts';
import { ConnectorFailure } from '../../../shared/core/failure.ts';

const stream = (name: unknown, more: object = {}, streamMore: object = {}) => ({
  stream: { name, ...streamMore },
  sync_mode: 'incremental',
  destination_sync_mode: 'append',
  ...more,
});

describe('a configured catalog', () => {
  test.each<[string, unknown, string[]]>([
    ['without streams', { streams: [] }, []],
    [
      'with unknown keys and nulls',
      { streams: [stream('a', { sync_id: null, x: 1 }, { namespace: null, y: 2 })], z: 3 },
      ['a'],
    ],
    ['with one name in two namespaces', { streams: [stream('a'), stream('a', {}, { namespace: 'n' })] }, ['a', 'a']],
    ['with both sync modes', { streams: [stream('a', { sync_mode: 'full_refresh' }), stream('b')] }, ['a', 'b']],
  ])('%s', (_what, value, names) => {
    expect(configuredStreams(value).map((configured) => configured.stream.name)).toEqual(names);
  });

  const NONE = 'The catalog is not a configured catalog: it has no list "streams".';
  test.each<[string, unknown, string]>([
    ['null', null, NONE],
    ['a list', [], NONE],
    ['an object', {}, NONE],
    ['streams that are none', { streams: {} }, NONE],
    [
      'a stream that is null',
      { streams: [null] },
      'The catalog is not a configured catalog: stream number 1 has no name.',
    ],
    [
      'a discovered catalog',
      { streams: [{ name: 'a', json_schema: {} }] },
      'The catalog is not a configured catalog: stream number 1 has no name.',
    ],
    [
      'an empty name',
      { streams: [stream('a'), stream('')] },
      'The catalog is not a configured catalog: stream number 2 has no name.',
    ],
    [
      'a name that is a number',
      { streams: [stream(7)] },
      'The catalog is not a configured catalog: stream number 1 has no name.',
    ],
    [
      'a namespace that is a number',
      { streams: [stream('a', {}, { namespace: 7 })] },
      'The catalog is not valid: the namespace of stream "a" is not a string.',
    ],
    [
      'no sync mode',
      { streams: [stream('a', { sync_mode: undefined })] },
      'The catalog is not valid: stream "a" asks for a sync mode that does not exist. Known are full_refresh and incremental.',
    ],
    [
      'an unknown sync mode',
      { streams: [stream('a', { sync_mode: 'INVALID' }, { namespace: 'n' })] },
      'The catalog is not valid: stream "n.a" asks for a sync mode that does not exist. Known are full_refresh and incremental.',
    ],
    [
      'a stream twice',
      { streams: [stream('a'), stream('b'), stream('a', {}, { namespace: '' })] },
      'The catalog is not valid: it has the stream "a" twice.',
    ],
  ])('is refused: %s', (_what, value, message) => {
    expect(() => configuredStreams(value)).toThrow(new ConnectorFailure('config_error', message));
  });
});
