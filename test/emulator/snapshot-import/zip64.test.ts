import { crc32, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { deploy, rows } from '../client.ts';
import { importFile, lines } from './import-client.ts';

/**
 * ZIP files with the 64-bit fields of ZIP64, which writers use for what is large, and some for everything. Here the
 * 32-bit fields they stand for are full of ones, so a reader that does not know ZIP64 finds nothing.
 */

const ZIP = { format: 'zip', mode: 'replace' };
const ONES_16 = 0xffff;
const ONES_32 = 0xffff_ffff;

interface Wide {
  size: boolean;
  packed: boolean;
  offset: boolean;
  /** Whether another extra field comes before that of ZIP64. */
  extraBefore: boolean;
}

const ALL: Wide = { size: true, packed: true, offset: true, extraBefore: false };

/** Numbers in little-endian bytes: [value, width] each. */
function bytes(...fields: [value: number, width: 2 | 4 | 8][]): Buffer {
  return Buffer.concat(
    fields.map(([value, width]) => {
      const field = Buffer.alloc(width);
      if (width === 8) field.writeBigUInt64LE(BigInt(value));
      else field.writeUIntLE(value, 0, width);
      return field;
    }),
  );
}

/** A file of packed entries. `wide`: which numbers are in 64 bits; `locate`: where the locator says that the end is. */
function zip64(files: Record<string, string>, wide: Wide = ALL, locate = (end: number) => end): Buffer {
  let local: Buffer = Buffer.alloc(0);
  let central: Buffer = Buffer.alloc(0);
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const { length } = content;
    const compressed = deflateRawSync(content);
    const common = bytes([45, 2], [0, 2], [8, 2], [0, 4], [crc32(content), 4]);
    const wides: [number, 8][] = [];
    const narrow = (value: number, isWide: boolean): [number, 4] => {
      if (isWide) wides.push([value, 8]);
      return [isWide ? ONES_32 : value, 4];
    };
    // In this order in the extra field, whichever of them are there.
    const size = narrow(length, wide.size);
    const packed = narrow(compressed.length, wide.packed);
    const offset = narrow(local.length, wide.offset);
    const extra = Buffer.concat([
      wide.extraBefore ? bytes([0x5455, 2], [5, 2], [1, 2], [2, 2]) : Buffer.alloc(0),
      wide.extraBefore ? Buffer.from([3]) : Buffer.alloc(0),
      wides.length === 0 ? Buffer.alloc(0) : bytes([1, 2], [8 * wides.length, 2], ...wides),
    ]);
    const names = bytes([Buffer.byteLength(name), 2], [extra.length, 2]);
    local = Buffer.concat([
      ...[local, Buffer.from('PK\x03\x04'), common, bytes([compressed.length, 4], [length, 4])],
      ...[bytes([Buffer.byteLength(name), 2], [0, 2]), Buffer.from(name), compressed],
    ]);
    central = Buffer.concat([
      ...[central, Buffer.from('PK\x01\x02'), bytes([45, 2]), common, bytes(packed, size), names],
      ...[bytes([0, 2], [0, 2], [0, 2], [0, 4], offset), Buffer.from(name), extra],
    ]);
  }
  const count = Object.keys(files).length;
  const end = local.length + central.length;
  return Buffer.concat([
    local,
    central,
    Buffer.from('PK\x06\x06'),
    bytes([44, 8], [45, 2], [45, 2], [0, 4], [0, 4], [count, 8], [count, 8], [central.length, 8], [local.length, 8]),
    Buffer.from('PK\x06\x07'),
    bytes([0, 4], [locate(end), 8], [1, 4]),
    Buffer.from('PK\x05\x06'),
    bytes([0, 2], [0, 2], [ONES_16, 2], [ONES_16, 2], [ONES_32, 4], [ONES_32, 4], [0, 2]),
  ]);
}

const FILES = { 'a/documents.jsonl': lines(2), 'b/documents.jsonl': lines(3, 7) };

test.each<[string, Partial<Wide>]>([
  ['sizes and offsets', {}],
  ['offsets alone', { size: false, packed: false }],
  ['sizes before they were packed alone', { packed: false, offset: false }],
  ['packed sizes and offsets', { size: false }],
  ['no entry, only the directory', { size: false, packed: false, offset: false }],
  ['sizes and offsets, after an extra field of another kind', { extraBefore: true }],
])('%s in 64 bits', async (_, wide) => {
  const emulator = await deploy();
  const state = await importFile(emulator, zip64(FILES, { ...ALL, ...wide }), ZIP);
  expect(state).toMatchObject({ state: 'completed', num_rows_written: '5' });
  expect([rows(emulator, 'a'), rows(emulator, 'b')]).toEqual([
    [{ n: 0 }, { n: 1 }],
    [{ n: 7 }, { n: 8 }, { n: 9 }],
  ]);
});

test.each<[string, Buffer]>([
  ['whose locator points at something else', zip64(FILES, ALL, (end) => end - 4)],
  ['whose locator points beyond the file', zip64(FILES, ALL, () => Number.MAX_SAFE_INTEGER)],
  ['whose directory has lost its ZIP64 field', withoutField(zip64(FILES))],
])('a file %s is refused', async (_, file) => {
  const emulator = await deploy();
  const { error_message: text } = await importFile(emulator, file, ZIP);
  expect(text).toBe('Hit an error while importing:\ninvalid zip file');
});

/** The first extra field of the directory is of another kind. */
function withoutField(file: Buffer): Buffer {
  const position = file.indexOf('PK\x01\x02') + 46 + 'a/documents.jsonl'.length;
  expect(file.readUInt16LE(position)).toBe(1);
  file.writeUInt16LE(2, position);
  return file;
}
