import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { deltasPage, deploy, outcome, rows, walk } from '../client.ts';
import {
  cancel,
  finishUpload,
  lines,
  perform,
  replaceLines,
  rowOf,
  startUpload,
  until,
  upload,
  uploadPart,
} from './import-client.ts';

const REPLACE = { tableName: 't', format: 'jsonLines', mode: 'replace' };

async function waiting(emulator: Emulator, content: string, args = REPLACE): Promise<string> {
  const id = await upload(emulator, content, args);
  await until(emulator, id, 'waiting_for_confirmation');
  return id;
}

describe('the way of the CLI', () => {
  test('start, parts, finish, wait, perform, wait', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }, { old: true }]);
    const token = await startUpload(emulator);
    const part = await uploadPart(emulator, token, 1, '{"a":1}\n{"a":');
    expect(part.text).toBe('""');
    await uploadPart(emulator, token, 2, '2}\n');
    const finished = await finishUpload(emulator, token, REPLACE);
    const id = finished.json()['importId'] as string;

    const row = await until(emulator, id, 'waiting_for_confirmation');
    expect(row).toMatchObject({
      _id: id,
      component_path: null,
      format: { format: 'jsonl', table: 't' },
      member_id: null,
      mode: 'Replace',
      requestor: { type: 'snapshotImport' },
      checkpoints: [
        {
          component_path: null,
          display_table_name: 't',
          existing_rows_in_table: '2',
          existing_rows_to_delete: '2',
          is_missing_id_field: true,
          num_rows_written: '0',
          tablet_id: null,
          total_num_rows_to_write: '2',
        },
      ],
      state: { require_manual_confirmation: true },
    });
    expect(row.state.message_to_confirm).toBe(
      'Import change summary:\ntable | create | delete |\n-------------------------\nt     | 2      | 2 of 2 |\n' +
        'Once the import has started, it will run in the background.\n' +
        'Interrupting `npx convex import` will not cancel it.',
    );
    expect(rows(emulator, 't')).toEqual([{ old: true }, { old: true }]);

    const performed = await perform(emulator, id);
    expect([performed.status, performed.text]).toEqual([200, '']);
    const { state } = await until(emulator, id, 'completed', 'failed');
    expect(state).toEqual({ state: 'completed', timestamp: state.timestamp, num_rows_written: '2' });
    expect(state.timestamp).toMatch(/^\d{19}$/);
    expect(rows(emulator, 't')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  test('nothing to delete needs no confirmation by hand', async () => {
    const emulator = await deploy();
    const id = await waiting(emulator, lines(1));
    expect((await rowOf(emulator, id)).state.require_manual_confirmation).toBe(false);
  });

  test('the timestamp is that of the swap: a snapshot at it has the new rows, one before it the old ones', async () => {
    const emulator = await deploy();
    emulator.deployment.load('t', [{ old: true }]);
    const { timestamp } = await replaceLines(emulator, lines(3));
    const count = async (snapshot: bigint) => (await walk(emulator, '', String(snapshot)))[0]?.values.length;
    expect(await count(BigInt(timestamp!))).toBe(3);
    expect(await count(BigInt(timestamp!) - 1n)).toBe(1);
  });

  test('parts are appended as they come: numbers do not count, a part sent twice is there twice', async () => {
    const emulator = await deploy();
    const token = await startUpload(emulator);
    for (const [number, text] of [
      [7, '{"a":1}\n'],
      [1, '{"a":2}\n'],
      [1, '{"a":2}\n'],
    ] as const) {
      await uploadPart(emulator, token, number, text);
    }
    const id = (await finishUpload(emulator, token, REPLACE)).json()['importId'] as string;
    const { checkpoints } = await until(emulator, id, 'waiting_for_confirmation');
    expect(checkpoints?.[0]?.['total_num_rows_to_write']).toBe('3');
  });

  test('a second finish gives a second import', async () => {
    const emulator = await deploy();
    const token = await startUpload(emulator);
    await uploadPart(emulator, token, 1, lines(1));
    const ids = [await finishUpload(emulator, token, REPLACE), await finishUpload(emulator, token, REPLACE)].map(
      (reply) => reply.json()['importId'] as string,
    );
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) await until(emulator, id, 'waiting_for_confirmation');
  });

  test('an upload token that none is: 500', async () => {
    const emulator = await deploy();
    expect(outcome(await uploadPart(emulator, 'nonsense', 1, 'x'))).toBe('500 InternalServerError');
    expect(outcome(await uploadPart(emulator, '{"objectKey":"x","filepath":"y"}', 1, 'x'))).toBe(
      '500 InternalServerError',
    );
    for (const token of ['nonsense', '{"objectKey":"x"}', 'null']) {
      expect(outcome(await finishUpload(emulator, token, REPLACE))).toBe('500 InternalServerError');
    }
  });
});

describe('perform_import', () => {
  test('does nothing while the file is not parsed yet: one that does not poll first waits for ever', async () => {
    const emulator = await deploy();
    const hold = emulator.imports.hold('parse');
    const id = await upload(emulator, lines(1), REPLACE);
    await hold.reached;
    const early = await perform(emulator, id);
    expect([early.status, early.text]).toEqual([200, '']);
    hold.release();
    await until(emulator, id, 'waiting_for_confirmation');
  });

  test('does nothing to an import that is over', async () => {
    const emulator = await deploy();
    const id = await waiting(emulator, lines(1));
    await perform(emulator, id);
    const { state } = await until(emulator, id, 'completed');
    expect((await perform(emulator, id)).status).toBe(200);
    expect((await rowOf(emulator, id)).state).toEqual(state);
    expect(rows(emulator, 't')).toEqual([{ n: 0 }]);
  });
});

describe('cancel_import', () => {
  test.each(['uploaded', 'waiting_for_confirmation'])('an import that is %s fails', async (state) => {
    const emulator = await deploy();
    const hold = emulator.imports.hold('parse');
    const id = await upload(emulator, lines(1), REPLACE);
    await hold.reached;
    if (state !== 'uploaded') {
      hold.release();
      await until(emulator, id, state);
    }
    const reply = await cancel(emulator, id);
    expect([reply.status, reply.text]).toEqual([200, '']);
    expect((await rowOf(emulator, id)).state).toEqual({ state: 'failed', error_message: 'Import canceled' });
    expect(outcome(await cancel(emulator, id))).toBe('400 CannotCancelImport');
  });

  test('an import in progress fails at once; its table stays, its rows stay in the log', async () => {
    const emulator = await deploy({ limits: { documentsWritten: 4 }, importBackoffMs: 1 });
    emulator.deployment.load('t', [{ old: true }]);
    const before = emulator.deployment.now();
    const hold = emulator.imports.hold('batch');
    const id = await waiting(emulator, lines(10));
    await perform(emulator, id);
    await hold.reached;
    await cancel(emulator, id);
    expect((await rowOf(emulator, id)).state).toEqual({ state: 'failed', error_message: 'Import canceled' });
    hold.release();
    const next = await waiting(emulator, lines(1), { ...REPLACE, tableName: 'u' });
    await perform(emulator, next);
    await until(emulator, next, 'completed');
    expect((await rowOf(emulator, id)).state.error_message).toBe('Import canceled');
    expect(rows(emulator, 't')).toEqual([{ old: true }]);
    const { values } = await deltasPage(emulator, before, '"tableName":"t"');
    expect(values.length).toBeGreaterThan(0);
  });

  test('an import that has written everything does not swap any more', async () => {
    const emulator = await deploy({ importBackoffMs: 1 });
    emulator.deployment.load('t', [{ old: true }]);
    const id = await waiting(emulator, lines(2));
    const hold = emulator.imports.hold('swap');
    await perform(emulator, id);
    await hold.reached;
    await cancel(emulator, id);
    hold.release();
    await waiting(emulator, lines(1), { ...REPLACE, tableName: 'u' });
    expect((await rowOf(emulator, id)).state.error_message).toBe('Import canceled');
    expect(rows(emulator, 't')).toEqual([{ old: true }]);
  });

  test('a completed import cannot be cancelled', async () => {
    const emulator = await deploy();
    const id = await waiting(emulator, lines(1));
    await perform(emulator, id);
    await until(emulator, id, 'completed');
    const reply = await cancel(emulator, id);
    expect(reply.json()).toEqual({
      code: 'CannotCancelImport',
      message: 'Cannot cancel an import that has completed',
    });
  });
});

test('an import of another week is refused', async () => {
  const emulator = await deploy();
  const id = await waiting(emulator, lines(1));
  emulator.deployment.advance(8n * 86_400_000_000_000n);
  await perform(emulator, id);
  const { state } = await until(emulator, id, 'failed');
  expect(state.error_message).toBe('Hit an error while importing:\nImport took too long. Try again or contact Convex.');
});
