import { describe, expect, test } from 'vitest';
import { call, deploy, outcome, post } from '../client.ts';
import { finishUpload, lines, query, startUpload, until, upload } from './import-client.ts';

const REPLACE = { tableName: 't', format: 'jsonLines', mode: 'replace' };

describe('arguments', () => {
  test.each<[string, object, string]>([
    ['a table name is needed', { format: 'jsonLines' }, '400 InvalidName'],
    ['csv, too', { format: 'csv' }, '400 InvalidName'],
    ['jsonArray, too', { format: 'jsonArray' }, '400 InvalidName'],
    ['zip has none', { format: 'zip', tableName: 't' }, '400 InvalidName'],
    ['names are not made over', { format: 'jsonLines', tableName: 'my table' }, '400 ImportInvalidName'],
    ['nor are empty ones', { format: 'jsonLines', tableName: '' }, '400 ImportInvalidName'],
    ['components have names', { format: 'zip', componentPath: 'a//b' }, '400 InvalidComponentPath'],
    ['formats are known ones', { format: 'xml', tableName: 't' }, '400 BadJsonBody'],
    ['modes are known ones', { format: 'zip', mode: 'merge' }, '400 BadJsonBody'],
    ['a format is needed', { tableName: 't' }, '400 BadJsonBody'],
  ])('finish_upload: %s', async (_, args, expected) => {
    const emulator = await deploy();
    const token = await startUpload(emulator);
    expect(outcome(await finishUpload(emulator, token, args as never))).toBe(expected);
  });

  test.each<[string, string]>([
    ['', '400 BadQueryArgs'],
    ['?uploadToken=x', '400 BadQueryArgs'],
    ['?uploadToken=x&partNumber=-1', '400 BadQueryArgs'],
    ['?uploadToken=x&partNumber=65536', '400 BadQueryArgs'],
  ])('upload_part%s', async (search, expected) => {
    const emulator = await deploy();
    expect(outcome(await call(emulator, 'POST', `/api/import/upload_part${search}`, { raw: 'x' }))).toBe(expected);
  });

  test.each(['/api/perform_import', '/api/cancel_import'])(
    '%s: what is no id, and one that is unknown',
    async (path) => {
      const emulator = await deploy();
      expect(outcome(await post(emulator, path, { importId: 'nonsense' }))).toBe('400 InvalidImport');
      emulator.deployment.load('t', [{}]);
      const [document] = emulator.deployment.documents('t');
      expect(outcome(await post(emulator, path, { importId: document!._id }))).toBe('404 ImportNotFound');
      expect(outcome(await post(emulator, path, {}))).toBe('400 BadJsonBody');
    },
  );

  test('queryImport refuses what is no id of an import, and knows no other', async () => {
    const emulator = await deploy();
    const reply = await query(emulator, 'nonsense');
    expect(reply.status).toBe(200);
    expect(reply.json()['status']).toBe('error');
    const id = await upload(emulator, '', REPLACE);
    const other = await deploy();
    expect((await query(other, id)).json()['value']).toBeNull();
  });

  test('only POST', async () => {
    const emulator = await deploy();
    const reply = await call(emulator, 'GET', '/api/import/start_upload');
    expect([reply.status, reply.headers['allow']]).toEqual([405, 'POST']);
  });
});

describe('permissions', () => {
  const paths = [
    ['/api/import/start_upload', undefined],
    ['/api/import/upload_part?uploadToken=x&partNumber=1', undefined],
    ['/api/import/finish_upload', { import: { format: 'zip' }, uploadToken: 'x', partTokens: [] }],
    ['/api/perform_import', { importId: 'ID' }],
    ['/api/cancel_import', { importId: 'ID' }],
    ['/api/import?format=zip', undefined],
  ] as const;

  test.each(paths)('%s needs deployment:backups:import', async (path, body) => {
    const emulator = await deploy();
    const id = await upload(emulator, '', REPLACE);
    const given = JSON.parse(JSON.stringify(body ?? null).replace('ID', id)) as unknown;
    const readOnly = await post(emulator, path, given, { authorization: `Convex ${emulator.readOnlyKey}` });
    expect(readOnly.json()).toEqual({
      code: 'OperationNotPermitted',
      message: 'You do not have permission to perform this operation (deployment:backups:import).',
    });
    expect(readOnly.status).toBe(403);
    expect(outcome(await post(emulator, path, given, { authorization: null }))).toBe('403 BadDeployKey');
    const wrong = await post(emulator, path, given, { authorization: 'Convex prod:happy-otter-123|wrong' });
    expect(outcome(wrong)).toBe('401 BadAdminKey');
  });

  test('a key that only imports does everything but poll', async () => {
    const emulator = await deploy();
    const authorization = `Convex ${emulator.importOnlyKey}`;
    const hold = emulator.imports.hold('parse');
    const id = await upload({ ...emulator, key: emulator.importOnlyKey }, lines(1), REPLACE);
    await hold.reached;
    expect(outcome(await query(emulator, id, { authorization }))).toBe('403 OperationNotPermitted');
    hold.release();
    await until(emulator, id, 'waiting_for_confirmation');
    expect((await post(emulator, '/api/perform_import', { importId: id }, { authorization })).status).toBe(200);
    await until(emulator, id, 'completed');
    const inOne = await call(emulator, 'POST', '/api/import?tableName=u&format=jsonLines', {
      raw: lines(2),
      authorization,
    });
    expect([inOne.status, inOne.text]).toEqual([200, '{"numWritten":2}']);
  });

  test('a key that only reads polls, and nobody does without a key', async () => {
    const emulator = await deploy();
    const id = await upload(emulator, '', REPLACE);
    const reply = await query(emulator, id, { authorization: `Convex ${emulator.readOnlyKey}` });
    expect(reply.json()['status']).toBe('success');
    expect((await query(emulator, id, { authorization: null })).json()['status']).toBe('error');
  });
});

describe('a backend without these routes', () => {
  test.each([
    'import',
    'import/start_upload',
    'import/upload_part',
    'import/finish_upload',
    'perform_import',
    'cancel_import',
  ])('/api/%s is an empty 404', async (path) => {
    const emulator = await deploy({ withoutSnapshotImport: true });
    const reply = await post(emulator, `/api/${path}`, {});
    expect([reply.status, reply.text]).toEqual([404, '']);
  });
});
