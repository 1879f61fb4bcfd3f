import { describe, expect, test } from 'vitest';
import { call, deploy, importRecords, outcome, rows } from '../client.ts';
import { finishUpload, startUpload, uploadPart } from '../snapshot-import/import-client.ts';

/**
 * Bodies that are lists. The backend's decoder takes a list of the fields' values, in their order, wherever it takes an
 * object with fixed fields (serde's `visit_seq`; get-convex/convex-backend 94a42c3db).
 */

const IMPORT = '/api/streaming_import/import_airbyte_records';
const DATA_SYNC = '/api/v1/data/sync';
const CONVERT = '/api/data_sync_cursor_from_deltas';
const REFUSED = '400 BadJsonBody';

const bodies: [method: string, path: string, body: string, expected: string][] = [
  ['POST', IMPORT, '[{},[]]', '200'],
  ['POST', IMPORT, '[{}]', REFUSED],
  ['POST', IMPORT, '[]', REFUSED],
  ['POST', IMPORT, '[{},[],null]', REFUSED],
  ['POST', IMPORT, '[[],{}]', REFUSED],
  ['POST', IMPORT, '[{"t":[null,{}]},[["t",{"a":1}]]]', '200'],
  ['POST', IMPORT, '{"tables":{"t":[null,null]},"messages":[["t",{"a":1}]]}', '200'],
  // A list leaves nothing out that has no default: the missing key of a stream is written as null.
  ['POST', IMPORT, '[{"t":[{}]},[]]', REFUSED],
  ['POST', IMPORT, '[{"t":[null]},[]]', REFUSED],
  ['POST', IMPORT, '[{"t":[null,{},1]},[]]', REFUSED],
  ['POST', IMPORT, '[{"t":[[],{}]},[]]', '400 EmptyPrimaryKey'],
  ['POST', IMPORT, '[{"t":[null,{}]},[["t"]]]', REFUSED],
  ['POST', IMPORT, '[{"t":[null,{}]},[["t",{},{}]]]', REFUSED],
  ['PUT', '/api/streaming_import/clear_tables', '[["t"]]', '200'],
  ['PUT', '/api/streaming_import/clear_tables', '["t"]', REFUSED],
  ['PUT', '/api/streaming_import/clear_tables', '[]', REFUSED],
  ['PUT', '/api/streaming_import/add_primary_key_indexes', '[{"t":[["id"]]}]', '200'],
  ['PUT', '/api/streaming_import/add_primary_key_indexes', '[]', REFUSED],
  ['GET', '/api/streaming_import/primary_key_indexes_ready', '[[]]', '200'],
  ['GET', '/api/streaming_import/primary_key_indexes_ready', '[]', REFUSED],
  ['POST', '/api/streaming_import/replace_tables', '[{}]', '400 OverwriteNotSupported'],
  ['POST', '/api/streaming_import/replace_tables', '[]', REFUSED],
  ['POST', DATA_SYNC, '[null]', '200'],
  ['POST', DATA_SYNC, '[null,{"_other":"included"}]', '200'],
  ['POST', DATA_SYNC, '[]', REFUSED],
  ['POST', DATA_SYNC, '[null,null]', REFUSED],
  ['POST', DATA_SYNC, '[null,{"_other":"included"},1]', REFUSED],
  ['POST', DATA_SYNC, '[7]', REFUSED],
  ['POST', DATA_SYNC, '["zz"]', '400 InvalidDataSyncCursor'],
  // A selection has names of its own: it is an object everywhere.
  ['POST', DATA_SYNC, '[null,["included"]]', REFUSED],
  ['POST', CONVERT, '[1700000000123456789]', '400 DataSyncCursorExpired'],
  ['POST', CONVERT, '[-1,{"_other":"included"}]', '400 InvalidDataSyncCursor'],
  ['POST', CONVERT, '[null]', REFUSED],
  ['POST', CONVERT, '[]', REFUSED],
  ['POST', '/api/import/finish_upload', '[[null,null,"zip"],"token",[]]', '500 InternalServerError'],
  ['POST', '/api/import/finish_upload', '[[null,null,"zip","replace"],"token",[]]', '500 InternalServerError'],
  ['POST', '/api/import/finish_upload', '[[null,null],"token",[]]', REFUSED],
  ['POST', '/api/import/finish_upload', '[[null,null,"zip","replace",1],"token",[]]', REFUSED],
  ['POST', '/api/import/finish_upload', '[[null,null,"zip",null],"token",[]]', REFUSED],
  ['POST', '/api/import/finish_upload', '[["t",null,"zip"],"token",[]]', '400 InvalidName'],
  ['POST', '/api/import/finish_upload', '[[null,null,"zip"],"token"]', REFUSED],
  ['POST', '/api/perform_import', '["x"]', '400 InvalidImport'],
  ['POST', '/api/perform_import', '[]', REFUSED],
  ['POST', '/api/cancel_import', '["x"]', '400 InvalidImport'],
  ['POST', '/api/cancel_import', '["x","x"]', REFUSED],
  ['POST', '/api/query', '["notes:none",{},null]', '200'],
  ['POST', '/api/query', '["notes:none",{}]', REFUSED],
  ['POST', '/api/function', '[null,"notes:none",{},"json"]', '200'],
  ['POST', '/api/function', '["notes:none",{},"json"]', REFUSED],
  ['POST', '/api/run/notes/none', '[{},null]', '200'],
  ['POST', '/api/run/notes/none', '[{}]', REFUSED],
  // Fields that are collected from wherever they stand ("flattened") have no order.
  ['POST', '/api/list_snapshot', '[null,null,null]', REFUSED],
  ['POST', '/api/list_snapshot', '[]', REFUSED],
  ['POST', '/api/document_deltas', '[1700000000123456789,null]', REFUSED],
];
test.each(bodies)('%s %s %s: %s', async (method, path, raw, expected) => {
  expect(outcome(await call(await deploy(), method, path, { raw }))).toBe(expected);
});

describe('what a list says is done', () => {
  test('an import writes its rows, by the key of the stream', async () => {
    const emulator = await deploy();
    await call(emulator, 'PUT', '/api/streaming_import/add_primary_key_indexes', { raw: '[{"t":[["id"]]}]' });
    emulator.deployment.finishBackfills();
    const raw = '[{"t":[[["id"]],{}]},[["t",{"id":1,"n":1}],["t",{"id":1,"n":2}]]]';
    expect(outcome(await call(emulator, 'POST', IMPORT, { raw }))).toBe('200');
    expect(rows(emulator, 't')).toEqual([{ id: 1, n: 2 }]);
    await call(emulator, 'PUT', '/api/streaming_import/clear_tables', { raw: '[["t"]]' });
    expect(rows(emulator, 't')).toEqual([]);
  });

  test('data/sync reads the cursor and the selection', async () => {
    const emulator = await deploy();
    await importRecords(emulator, { a: {}, b: {} }, [
      ['a', {}],
      ['b', {}],
    ]);
    const raw = '[null,{"_other":"excluded","":{"_other":"excluded","b":{"_other":"included"}}}]';
    const page = (await call(emulator, 'POST', DATA_SYNC, { raw })).json();
    expect(page['truncates']).toEqual([{ component: '', table: 'b' }]);
    const { nextCursor } = page['pagination'] as { nextCursor: string };
    const next = await call(emulator, 'POST', DATA_SYNC, { raw: JSON.stringify([nextCursor]) });
    expect(next.json()['truncates']).toEqual([{ component: '', table: 'a' }]);
  });

  test('an upload is finished with the mode that a list leaves out', async () => {
    const emulator = await deploy();
    const token = await startUpload(emulator);
    await uploadPart(emulator, token, 1, '{"n":1}\n');
    const raw = JSON.stringify([['t', null, 'jsonLines'], token, ['']]);
    const finished = await call(emulator, 'POST', '/api/import/finish_upload', { raw });
    const sameByName = await finishUpload(emulator, token, { tableName: 't', format: 'jsonLines' });
    const [inList, byName] = [finished, sameByName].map(
      (reply) => emulator.imports.get(String(reply.json()['importId']))?.mode,
    );
    expect([inList, byName]).toEqual(['RequireEmpty', 'RequireEmpty']);
  });
});

test('the message tells the length that was expected', async () => {
  const reply = await call(await deploy(), 'POST', IMPORT, { raw: '[{}]' });
  expect(reply.json()['message']).toMatch(
    /type: invalid length 1, expected struct AirbyteImportArgs with 2 elements at /,
  );
});
