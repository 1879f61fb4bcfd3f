import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { call, deploy, outcome } from '../client.ts';
import { caughtUp, CONVERT, convert, convertReply, sync, SYNC, syncReply } from './client.ts';

/** How requests are checked, and every error of Data Sync. */

const SECOND = 1_000_000_000n;
const DAY = 86_400n * SECOND;
const EVERYTHING = '{"_other":"included"}';
const BAD_NAME = '{"_other":"excluded","":{"_other":"excluded","bad-name":{"_other":"included"}}}';

function error(reply: { status: number; text: string }): [number, unknown] {
  return [reply.status, JSON.parse(reply.text)];
}

const UNREADABLE = { code: 'InvalidDataSyncCursor', message: 'Could not parse the data sync cursor' };
const EXPIRED = {
  code: 'DataSyncCursorExpired',
  message:
    "The cursor is outside the deployment's data retention window and can no longer be resumed. Restart the sync from " +
    'scratch by calling /data/sync without a cursor.',
};

/** Changes one hexadecimal digit. */
function tamper(cursor: string, position: number): string {
  const digit = cursor[position] === '0' ? '1' : '0';
  return cursor.slice(0, position) + digit + cursor.slice(position + 1);
}

describe('cursors that cannot be read are 400 InvalidDataSyncCursor', () => {
  test.each(['', 'x', '01', 'zz', '0102030', `{"tablet":"a"}`, '00'.repeat(80)])('%j', async (cursor) => {
    expect(error(await syncReply(await deploy(), { cursor }))).toEqual([400, UNREADABLE]);
  });

  test('a digit changed, anywhere: version, nonce, content, tag', async () => {
    const emulator = await deploy();
    const cursor = await caughtUp(emulator);
    expect((await syncReply(emulator, { cursor: cursor.toUpperCase() })).status).toBe(200);
    for (const position of [0, 1, 5, 40, cursor.length - 1]) {
      const reply = await syncReply(emulator, { cursor: tamper(cursor, position) });
      expect(error(reply)).toEqual([400, UNREADABLE]);
    }
    expect(error(await syncReply(emulator, { cursor: cursor.slice(0, -2) }))).toEqual([400, UNREADABLE]);
  });

  test('of another deployment', async () => {
    const cursor = await caughtUp(await deploy());
    for (const options of [{ instanceSecret: 'other' }, { seed: 2 }, { instanceName: 'calm-cat-7' }]) {
      expect(error(await syncReply(await deploy(options), { cursor }))).toEqual([400, UNREADABLE]);
    }
    expect((await syncReply(await deploy(), { cursor })).status).toBe(200);
  });
});

test('a cursor ahead of the deployment, whose storage was rolled back, is 400 InvalidDataSyncCursor', async () => {
  const before = await deploy();
  before.deployment.advance(10n * SECOND);
  const cursor = await caughtUp(before);
  const restored = await deploy();
  expect(error(await syncReply(restored, { cursor }))).toEqual([
    400,
    {
      code: 'InvalidDataSyncCursor',
      message: "data sync cursor is ahead of the deployment's latest timestamp",
    },
  ]);
});

describe('a cursor that is too old is 400 DataSyncCursorExpired', () => {
  test.each([2n, 3n, 14n])('after %s days, where the log is kept for so long', async (days) => {
    const emulator = await deploy({ limits: { retention: days * DAY } });
    const { deployment } = emulator;
    const cursor = await caughtUp(emulator);
    const ts = deployment.now();
    deployment.advance(days * DAY - 60n * SECOND);
    expect((await syncReply(emulator, { cursor })).status).toBe(200);
    expect((await convertReply(emulator, ts)).status).toBe(200);
    deployment.advance(120n * SECOND);
    expect(error(await syncReply(emulator, { cursor }))).toEqual([400, EXPIRED]);
    expect(error(await convertReply(emulator, ts))).toEqual([400, EXPIRED]);
    expect((await syncReply(emulator)).status).toBe(200);
  });
});

describe('conversion of a deltas cursor', () => {
  test('a negative one is 400 InvalidDataSyncCursor', async () => {
    expect(error(await convertReply(await deploy(), -1n))).toEqual([
      400,
      { code: 'InvalidDataSyncCursor', message: 'The document_deltas cursor is not a valid timestamp' },
    ]);
  });

  test('one from the future is 400 InvalidDataSyncCursor', async () => {
    const emulator = await deploy();
    const now = emulator.deployment.now();
    expect((await convertReply(emulator, now)).status).toBe(200);
    expect(error(await convertReply(emulator, now + 1n))).toEqual([
      400,
      {
        code: 'InvalidDataSyncCursor',
        message: "document_deltas cursor is ahead of the deployment's latest timestamp",
      },
    ]);
  });

  test.each(['"1790000000000000001"', '1.0', '1e18', 'null', 'true', '9223372036854775808'])(
    '%s is 400 BadJsonBody',
    async (literal) => {
      const reply = await call(await deploy(), 'POST', CONVERT, { raw: `{"cursor":${literal}}` });
      expect(outcome(reply)).toBe('400 BadJsonBody');
    },
  );

  test('without a cursor it is 400 BadJsonBody', async () => {
    const reply = await call(await deploy(), 'POST', CONVERT, { raw: '{}' });
    expect(outcome(reply)).toBe('400 BadJsonBody');
    expect(reply.json()['message']).toContain('missing field `cursor`');
  });
});

describe('selections are strict', () => {
  const misfits = [
    '{}',
    'null',
    '"included"',
    '[]',
    '{"_other":"none"}',
    '{"":{"_other":"excluded"}}',
    '{"_other":"excluded","_other":"excluded"}',
    '{"_other":"excluded","":"included"}',
    '{"_other":"excluded","":{"users":{"_other":"included"}}}',
    '{"_other":"excluded","":{"_other":"excluded","users":"included"}}',
    '{"_other":"excluded","":{"_other":"excluded","users":{}}}',
    '{"_other":"excluded","":{"_other":"excluded","users":{"_other":"included","n":true}}}',
  ];
  test.each(misfits)('%s is 400 BadJsonBody', async (selection) => {
    const emulator = await deploy();
    expect(outcome(await syncReply(emulator, { selection }))).toBe('400 BadJsonBody');
    expect(outcome(await convertReply(emulator, emulator.deployment.now(), selection))).toBe('400 BadJsonBody');
    expect(emulator.deployment.auditLog).toEqual([]);
  });

  const names: [selection: string, message: string][] = [
    [
      BAD_NAME,
      "Invalid selection: Identifier bad-name has invalid character '-': Identifiers can only contain alphanumeric characters or underscores",
    ],
    [
      '{"_other":"excluded","1shop":{"_other":"included"}}',
      "Invalid selection: Invalid first character '1' in 1shop: Identifiers must start with an alphabetic character or underscore",
    ],
    ['{"_other":"excluded","shop/":{"_other":"included"}}', 'Invalid selection: Identifier cannot be empty'],
    [
      '{"_other":"excluded","":{"_other":"excluded","__":{"_other":"included"}}}',
      'Invalid selection: Identifier __ cannot have exclusively underscores',
    ],
    [
      `{"_other":"excluded","":{"_other":"excluded","${'a'.repeat(65)}":{"_other":"included"}}}`,
      'Invalid selection: Identifier is too long (65 > maximum 64)',
    ],
    [
      '{"_other":"excluded","":{"_other":"excluded","users":{"_other":"included","_id":"excluded"}}}',
      'Invalid selection: `_id` must be included in the column selection',
    ],
    [
      '{"_other":"excluded","":{"_other":"excluded","users":{"_other":"excluded","name":"included"}}}',
      'Invalid selection: `_id` must be included in the column selection',
    ],
  ];
  test.each(names)('%s is 400 InvalidDataSyncSelection', async (selection, message) => {
    const emulator = await deploy();
    const expected = [400, { code: 'InvalidDataSyncSelection', message }];
    expect(error(await syncReply(emulator, { selection }))).toEqual(expected);
    expect(error(await convertReply(emulator, emulator.deployment.now(), selection))).toEqual(expected);
  });

  test('a bad column name is 400 InvalidDataSyncSelection', async () => {
    const selection = '{"_other":"excluded","":{"_other":"excluded","users":{"_other":"included","$n":"included"}}}';
    expect(outcome(await syncReply(await deploy(), { selection }))).toBe('400 InvalidDataSyncSelection');
  });

  test('other arguments are ignored, old forms of a selection too', async () => {
    const emulator = await deploy();
    emulator.deployment.createTable('users');
    emulator.deployment.createTable('orders');
    const reply = await call(emulator, 'POST', SYNC, { raw: '{"tableName":"users","format":"x","component":7}' });
    expect(reply.status).toBe(200);
    expect((await sync(emulator)).status.type).toBe('snapshotting');
  });

  test('a table that is not there may be named', async () => {
    const emulator = await deploy();
    expect(await sync(emulator, { selection: ['nobody'] })).toMatchObject({
      status: { type: 'upToDate' },
      truncates: [],
      values: [],
    });
    await convert(emulator, emulator.deployment.now(), ['nobody']);
  });
});

describe('the order of the checks', () => {
  const requests: [name: string, path: string, good: (emulator: Emulator) => string, bad: string][] = [
    ['data/sync', SYNC, () => `{"selection":${EVERYTHING}}`, `{"cursor":"x","selection":${BAD_NAME}}`],
    [
      'data_sync_cursor_from_deltas',
      CONVERT,
      (emulator) => `{"cursor":${emulator.deployment.now()}}`,
      `{"cursor":-1,"selection":${BAD_NAME}}`,
    ],
  ];
  test.each(requests)('%s: key, body, plan, permission, cursor, selection', async (_name, path, good, bad) => {
    const emulator = await deploy();
    const free = await deploy({ streamingExport: false });
    const send = async (to: Emulator, raw: string, authorization: string | null) =>
      outcome(await call(to, 'POST', path, { raw, authorization }));
    expect(await send(emulator, 'no JSON', 'Convex nobody|x')).toBe('401 BadAdminKey');
    expect(await send(free, 'no JSON', null)).toBe('400 BadJsonBody');
    expect(await send(free, bad, null)).toBe('403 StreamingExportNotEnabled');
    expect(await send(emulator, bad, null)).toBe('403 BadDeployKey');
    expect(await send(emulator, bad, `Convex ${emulator.importOnlyKey}`)).toBe('403 OperationNotPermitted');
    expect(await send(emulator, bad, `Convex ${emulator.readOnlyKey}`)).toBe('400 InvalidDataSyncCursor');
    expect(await send(emulator, good(emulator), `Convex ${emulator.readOnlyKey}`)).toBe('200');
  });

  test('data/sync: names before the age of the cursor', async () => {
    const emulator = await deploy();
    const cursor = await caughtUp(emulator);
    emulator.deployment.advance(15n * DAY);
    expect(outcome(await syncReply(emulator, { cursor, selection: BAD_NAME }))).toBe('400 InvalidDataSyncSelection');
    expect(outcome(await syncReply(emulator, { cursor }))).toBe('400 DataSyncCursorExpired');
  });

  test('conversion: names before the future', async () => {
    const emulator = await deploy();
    const future = emulator.deployment.now() + DAY;
    expect(outcome(await convertReply(emulator, future, BAD_NAME))).toBe('400 InvalidDataSyncSelection');
  });

  test('a body and its content type are needed', async () => {
    const emulator = await deploy();
    expect(outcome(await call(emulator, 'POST', SYNC))).toBe('400 BadJsonBody');
    expect(outcome(await call(emulator, 'POST', SYNC, { raw: '[]' }))).toBe('400 BadJsonBody');
    expect(outcome(await call(emulator, 'POST', SYNC, { raw: '{"cursor":5}' }))).toBe('400 BadJsonBody');
    expect((await call(emulator, 'POST', SYNC, { raw: '{"cursor":null}' })).status).toBe(200);
    expect((await call(emulator, 'GET', SYNC)).status).toBe(405);
  });
});
