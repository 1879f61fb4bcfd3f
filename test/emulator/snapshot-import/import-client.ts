import { crc32, deflateRawSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { call, type CallOptions, post, type Reply } from '../client.ts';

/** What is imported, as the CLI names it. */
export interface ImportArguments {
  tableName?: string;
  componentPath?: string;
  format: string;
  mode?: string;
}

export interface State {
  state: string;
  error_message?: string;
  timestamp?: string;
  num_rows_written?: string;
  message_to_confirm?: string;
  require_manual_confirmation?: boolean;
  progress_message?: string;
  checkpoint_messages?: string[];
}

export interface Row {
  [field: string]: unknown;
  state: State;
  checkpoints: Record<string, unknown>[] | null;
}

export async function startUpload(emulator: Emulator): Promise<string> {
  const reply = await call(emulator, 'POST', '/api/import/start_upload');
  expect(reply.status).toBe(200);
  return reply.json()['uploadToken'] as string;
}

export function uploadPart(
  emulator: Emulator,
  uploadToken: string,
  partNumber: number,
  content: string | Buffer,
  options: CallOptions = {},
): Promise<Reply> {
  const query = new URLSearchParams({ uploadToken, partNumber: String(partNumber) });
  const headers = { 'content-type': 'application/octet-stream' };
  return call(emulator, 'POST', `/api/import/upload_part?${query.toString()}`, { raw: content, headers, ...options });
}

export function finishUpload(emulator: Emulator, uploadToken: string, args: ImportArguments): Promise<Reply> {
  return post(emulator, '/api/import/finish_upload', { import: args, uploadToken, partTokens: [''] });
}

/** Uploads a file in one part; returns the id of the import. */
export async function upload(emulator: Emulator, content: string | Buffer, args: ImportArguments): Promise<string> {
  const token = await startUpload(emulator);
  expect((await uploadPart(emulator, token, 1, content)).status).toBe(200);
  const finished = await finishUpload(emulator, token, args);
  expect(finished.status, finished.text).toBe(200);
  return finished.json()['importId'] as string;
}

export function perform(emulator: Emulator, importId: string): Promise<Reply> {
  return post(emulator, '/api/perform_import', { importId });
}

export function cancel(emulator: Emulator, importId: string): Promise<Reply> {
  return post(emulator, '/api/cancel_import', { importId });
}

/** Runs the query that the CLI polls. */
export function query(emulator: Emulator, importId: string, options: CallOptions = {}): Promise<Reply> {
  const body = { path: '_system/cli/queryImport', args: { importId }, format: 'json' };
  return post(emulator, '/api/query', body, options);
}

export async function rowOf(emulator: Emulator, importId: string): Promise<Row> {
  const reply = await query(emulator, importId);
  expect(reply.json()['status'], reply.text).toBe('success');
  return reply.json()['value'] as Row;
}

/** Polls until an import is in one of some states; returns its row. */
export async function until(emulator: Emulator, importId: string, ...states: string[]): Promise<Row> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const row = await rowOf(emulator, importId);
    if (states.includes(row.state.state)) return row;
    if (Date.now() > deadline) throw new Error(`the import is ${JSON.stringify(row.state)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Uploads, confirms and waits for the end; returns the last state. */
export async function importFile(emulator: Emulator, content: string | Buffer, args: ImportArguments): Promise<State> {
  const id = await upload(emulator, content, args);
  const { state } = await until(emulator, id, 'waiting_for_confirmation', 'failed');
  if (state.state === 'failed') return state;
  expect((await perform(emulator, id)).text).toBe('');
  return (await until(emulator, id, 'completed', 'failed')).state;
}

/** Replaces table `t` with the rows of a jsonLines file; returns the last state. */
export function replaceLines(emulator: Emulator, content: string | Buffer, tableName = 't'): Promise<State> {
  return importFile(emulator, content, { tableName, format: 'jsonLines', mode: 'replace' });
}

/** The number of a table, which is in its ids. */
export function numberOf(emulator: Emulator, table: string): number {
  const tablet = emulator.deployment.catalog.get(table);
  if (tablet === undefined) throw new Error(`there is no table ${table}`);
  return tablet.number;
}

export function idsOf(emulator: Emulator, table: string): string[] {
  return [...emulator.deployment.documents(table)].map(({ _id }) => _id);
}

/** A jsonLines file of `count` small rows. */
export function lines(count: number, start = 0): string {
  return Array.from({ length: count }, (_, index) => `{"n":${start + index}}\n`).join('');
}

/** A ZIP file, deflated or stored. */
export function zip(files: Record<string, string | Buffer>, stored = false): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, given] of Object.entries(files)) {
    const content = Buffer.from(given as string);
    const packed = stored ? content : deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(stored ? 0 : 8, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name)]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), fields, tail, Buffer.from(name));
    local.push(header, packed);
    offset += header.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
