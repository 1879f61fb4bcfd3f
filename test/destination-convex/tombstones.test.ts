import { describe, expect, test } from 'vitest';
import type { SchemaJson } from '../../emulator/index.ts';
import { append, countsOf, dedup, Destination, IMPORT, record, state } from './setup.ts';

const DELETED = { _ab_cdc_deleted_at: '2026-08-21T10:00:00' };

/** Documents of `users` need a name: a deletion that has only its key does not match. */
const STRICT: SchemaJson = {
  schemaValidation: true,
  tables: [
    {
      tableName: 'users',
      documentType: {
        type: 'object',
        value: {
          source_id: { fieldType: { type: 'string' }, optional: false },
          name: { fieldType: { type: 'string' }, optional: false },
        },
      },
    },
  ],
};

const user = (id: string, name = id) => record('users', { _id: id, name });
const gone = (id: string) => record('users', { _id: id, ...DELETED });

describe('a deletion', () => {
  test('removes its row; one that never was leaves nothing behind', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [dedup('users')] }, [user('a'), user('b')]);
    const finished = await destination.write({ streams: [dedup('users')] }, [
      gone('a'),
      gone('ghost'),
      user('c'),
      gone('c'),
      gone('d'),
      user('d'),
      state('users', 1),
    ]);
    expect(destination.rows('users')).toEqual([
      { source_id: 'b', name: 'b' },
      { source_id: 'd', name: 'd' },
    ]);
    expect(countsOf(finished.lines)).toEqual(['6']);
    expect(destination.emulator.journal.of(IMPORT).map((request) => request.status)).toEqual([200, 200]);
  });

  test('can be sent twice', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [dedup('users')] }, [user('a'), gone('a'), gone('a'), gone('a')]);
    expect(destination.rows('users')).toEqual([]);
  });

  test('is one only if its marker is there, on top, and not null', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [dedup('users')] }, [
      record('users', { _id: 'a', _ab_cdc_deleted_at: null }),
      record('users', { _id: 'b', inner: DELETED }),
      record('users', { _id: 'c', _ab_cdc_deleted_at: '' }),
      record('users', '{"_id":"d","_ab_cdc_deleted\\u005fat":1}'),
      record('users', { _id: 'e', _ab_cdc_lsn: 5, _ab_cdc_updated_at: 'x' }),
    ]);
    expect(destination.rows('users')).toEqual([
      { source_id: 'a' },
      { source_id: 'b', inner: { source_ab_cdc_deleted_at: DELETED._ab_cdc_deleted_at } },
      { source_id: 'e' },
    ]);
  });

  test('is a row like any other where records are appended', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [append('users')] }, [user('a'), gone('a')]);
    expect(destination.rows('users')).toEqual([{ source_id: 'a', name: 'a' }, { source_id: 'a' }]);
  });

  test('does not split from its row where a transaction ends between the two', async () => {
    await using destination = await Destination.start({ limits: { indexRanges: 3 } });
    await destination.write({ streams: [dedup('users')] }, ['a', 'b', 'c', 'd', 'e'].map(gone));
    expect(destination.rows('users')).toEqual([]);
  });
});

describe('a deletion in a table with an enforced schema', () => {
  test('removes its row; one that never was leaves nothing behind', async () => {
    await using destination = await Destination.start({ schema: STRICT });
    await destination.write(
      { streams: [dedup('users')] },
      ['a', 'b', 'c', 'd'].map((id) => user(id)),
    );
    const finished = await destination.write({ streams: [dedup('users')] }, [
      gone('a'),
      gone('ghost'),
      user('b', 'new'),
      gone('c'),
      gone('ghost2'),
      state('users', 1),
    ]);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(countsOf(finished.lines)).toEqual(['5']);
    expect(destination.rows('users')).toEqual([
      { source_id: 'b', name: 'new' },
      { source_id: 'd', name: 'd' },
    ]);
  });

  test('is sent in the other form from the second batch on', async () => {
    await using destination = await Destination.start({ schema: STRICT });
    const ids = Array.from({ length: 400 }, (_, n) => `user${n}`);
    await destination.write(
      { streams: [dedup('users')] },
      ids.map((id) => user(id)),
    );
    destination.emulator.journal.clear();
    // The first batch finds out; those that are filled afterwards know.
    const env = { CONVEX_CONNECTOR_BATCH_RECORDS: '20' };
    const finished = await destination.write({ streams: [dedup('users')], env }, ids.map(gone));
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(destination.rows('users')).toEqual([]);
    expect(destination.emulator.journal.count(IMPORT)).toBeLessThan(150);
  });

  test('leaves nothing behind either where the schema would have taken it as a document', async () => {
    // Two shapes: what is refused for one deletion is accepted for another.
    const schema: SchemaJson = {
      schemaValidation: true,
      tables: [
        {
          tableName: 'users',
          documentType: {
            type: 'union',
            value: [
              STRICT.tables[0]!.documentType!,
              {
                type: 'object',
                value: {
                  source_id: { fieldType: { type: 'string' }, optional: false },
                  short: { fieldType: { type: 'boolean' }, optional: false },
                  // Even the field that is added to such deletions: what keeps them out is not the schema.
                  absent: { fieldType: { type: 'any' }, optional: true },
                },
              },
            ],
          },
        },
      ],
    };
    await using destination = await Destination.start({ schema });
    await destination.write({ streams: [dedup('users')] }, [user('a')]);
    const env = { CONVEX_CONNECTOR_BATCH_RECORDS: '2' };
    const finished = await destination.write({ streams: [dedup('users')], env }, [
      gone('ghost'),
      ...Array.from({ length: 20 }, (_, n) => record('users', { _id: `g${n}`, short: true, ...DELETED })),
      gone('a'),
    ]);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(destination.rows('users')).toEqual([]);
  });
});

describe('a key field whose new name other fields already have', () => {
  test('is followed where the schema of the stream tells (a copy of a copy)', async () => {
    await using destination = await Destination.start();
    const schema = { type: 'object', properties: { _id: {}, source_id: {}, n: {} } };
    const streams = [dedup('t', ['_id'], { schema })];
    const copy = (id: string, original: string, n: number) => record('t', { _id: id, source_id: original, n });
    await destination.write({ streams }, [copy('a', 'x', 1), copy('b', 'x', 2), copy('a', 'y', 3)]);
    expect(destination.rows('t')).toEqual([
      { source_source_id: 'a', source_id: 'y', n: 3 },
      { source_source_id: 'b', source_id: 'x', n: 2 },
    ]);
    await destination.write({ streams }, [
      record('t', { _id: 'a', source_id: 'y', ...DELETED }),
      record('t', { _id: 'ghost', source_id: 'y', ...DELETED }),
    ]);
    expect(destination.rows('t')).toEqual([{ source_source_id: 'b', source_id: 'x', n: 2 }]);
  });

  test.each([
    ['a field that has its name', { _id: 'b', source_id: 'a' }],
    ['a field that gets its name', { _id: 'b', $id: 'a' }],
    ['two of them', { __id: 'a', _id: 'b', source_id: 'c' }],
  ])('is refused where the document alone tells: %s', async (_, document) => {
    await using destination = await Destination.start();
    const streams = [dedup('t')];
    const finished = await destination.write({ streams, config: { on_rejected_record: 'Skip and report' } }, [
      record('t', { _id: 'a', n: 1 }),
      record('t', document),
      record('t', { _id: 'c', n: 3 }),
      state('t', 1),
    ]);
    expect(finished.code).toBe(0);
    expect(countsOf(finished.lines)).toEqual(['2/1']);
    expect(destination.rows('t')).toEqual([
      { source_id: 'a', n: 1 },
      { source_id: 'c', n: 3 },
    ]);
    expect(finished.lines.join('\n')).toContain('stream \\"t\\" with _id = \\"b\\" was refused: its primary key field');
  });
});
