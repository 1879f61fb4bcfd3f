import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { marksDeletion, mayMarkDeletions } from '../../destination-convex/append-deletions.ts';
import type { ConfiguredAirbyteStream } from '../../shared/airbyte/protocol.generated.ts';
import { logsOf } from '../support/messages.ts';
import { append, dedup, Destination, overwrite, record } from './setup.ts';

function warnings(lines: readonly string[]): string[] {
  return logsOf(lines).flatMap((line) => (line.startsWith('WARN ') ? [line.slice(5)] : []));
}

const DELETED = { _ab_cdc_deleted_at: '2026-08-21T10:00:00' };

describe('D4: a deletion where records are appended', () => {
  test.each(['append', 'overwrite'])('is reported once a stream (%s)', async (mode) => {
    await using destination = await Destination.start();
    const stream = (name: string) => (mode === 'append' ? append(name) : overwrite(name));
    const { lines } = await destination.write({ streams: [stream('users'), stream('posts')] }, [
      record('users', { _id: 'a', _ab_cdc_deleted_at: null }),
      record('users', { _id: 'a', ...DELETED }),
      record('users', { _id: 'b', ...DELETED }),
      record('posts', { _id: 'c', text: '_ab_cdc_deleted_at' }),
    ]);
    const told = warnings(lines).filter((text) => text.includes('_ab_cdc_deleted_at'));
    expect(told).toEqual([
      'Stream "users" sends deletions, and its records are appended: each deletion is stored as a row, and Convex drops the field _ab_cdc_deleted_at that marks it. Use the sync mode append + dedup to have deletions applied, or have the source mark them in a field of another name.',
    ]);
    expect(destination.rows('users')).toHaveLength(3);
  });

  test('is not looked for where the schema of the stream does not list the marker', () => {
    const streamOf = (json_schema: object) => ({ stream: { json_schema } }) as unknown as ConfiguredAirbyteStream;
    expect(mayMarkDeletions(streamOf({ properties: { a: {} } }))).toBe(false);
    expect(mayMarkDeletions(streamOf({ properties: { a: {}, _ab_cdc_deleted_at: {} } }))).toBe(true);
    expect(mayMarkDeletions(streamOf({ properties: {} }))).toBe(true);
    expect(mayMarkDeletions(streamOf({}))).toBe(true);
  });

  test('is reported exactly if the marker is a member of the record and not null', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('_ab_cdc_deleted_at', 'a', 'b'),
          fc.oneof(fc.jsonValue(), fc.constant(null), fc.constant({ _ab_cdc_deleted_at: null })),
        ),
        fc.nat(1),
        (data, n) => {
          const expected = Object.hasOwn(data, '_ab_cdc_deleted_at') && data['_ab_cdc_deleted_at'] !== null;
          expect(marksDeletion(Buffer.from(JSON.stringify(data, null, n)))).toBe(expected);
        },
      ),
    );
  });
});

describe('D9: files', () => {
  const FILES =
    'Stream "docs" comes with files. They are not transferred to Convex, only its records are. Turn the transfer of files off in the settings of the source or the connection.';
  const file = { staging_file_url: '/staging/a.pdf', source_file_relative_path: 'a.pdf', file_size_bytes: 12 };

  test('that the catalog asks for are reported once a stream, before anything is written', async () => {
    await using destination = await Destination.start();
    const streams = [
      append('docs', { extra: { include_files: true } }),
      append('t', { extra: { include_files: false } }),
    ];
    const { lines } = await destination.write({ streams }, [withFile('docs', 1, file), record('t', { n: 1 })]);
    expect(warnings(lines)).toEqual([FILES]);
    expect(logsOf(lines)[0]).toBe(`WARN ${FILES}`);
    expect(destination.rows('docs')).toEqual([{ n: 1 }]);
  });

  test.each<[string, (n: number) => string]>([
    ['after the data', (n) => withFile('docs', n, file)],
    [
      'before the data',
      (n) =>
        `{"type":"RECORD","record":{"stream":"docs","file_reference":${JSON.stringify(file)},"data":{"n":${n}},"emitted_at":1}}`,
    ],
  ])('that records refer to are reported once a stream: %s', async (_, lineOf) => {
    await using destination = await Destination.start();
    const { lines } = await destination.write({ streams: [append('docs'), append('t')] }, [
      record('docs', { n: 0 }),
      lineOf(1),
      lineOf(2),
      withFile('t', 1, null),
    ]);
    expect(warnings(lines)).toEqual([FILES]);
    expect(destination.rows('docs')).toHaveLength(3);
  });

  function withFile(stream: string, n: number, reference: object | null): string {
    return record(stream, { n }).replace(/\}\}$/, `,"file_reference":${JSON.stringify(reference)}}}`);
  }
});

describe('D7: records whose primary key is null', () => {
  test('are counted and reported, a stream each', async () => {
    await using destination = await Destination.start();
    const { lines } = await destination.write(
      { streams: [dedup('users', ['email']), dedup('posts', ['a', ['b', 'c']]), dedup('tags', ['name'])] },
      [
        record('users', { email: null, n: 1 }),
        record('users', { email: 'x', n: 2 }),
        record('users', { email: null, n: 3 }),
        record('posts', { a: null, b: { c: null } }),
        record('posts', { a: null, b: { c: 1 } }),
        record('tags', { name: 'null' }),
      ],
    );
    expect(warnings(lines).filter((text) => text.includes('primary key'))).toEqual([
      'Stream "users": 2 records with null as primary key (email). Convex takes null for a value, so they replaced one another and share one row. Choose a primary key that is never null, or the sync mode append.',
      'Stream "posts": 1 record with null as primary key (a, b.c). Convex takes null for a value, so they replaced one another and share one row. Choose a primary key that is never null, or the sync mode append.',
    ]);
    expect(destination.rows('users')).toHaveLength(2);
  });
});
