import { crc32, inflateRawSync } from 'node:zlib';
import { badRequest } from '../http/errors.ts';

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const MAX_16 = 0xffff;
const MAX_32 = 0xffff_ffff;

/** An entry of a ZIP file: its name, and its content when it is asked for. */
export interface ZipEntry {
  name: string;
  /** @throws 400 `InvalidZip` where the content is damaged or packed in an unknown way */
  content: () => Buffer;
}

/**
 * The entries of a ZIP file, in the order of its central directory, without folders. Knows ZIP64, stored and deflated
 * entries. @throws HttpError 400 `InvalidZip`
 */
export function zipEntries(file: Buffer): ZipEntry[] {
  try {
    const { count, offset } = directory(file);
    const entries: ZipEntry[] = [];
    let position = offset;
    for (let entry = 0; entry < count; entry++) {
      if (file.readUInt32LE(position) !== CENTRAL) throw invalid();
      const nameLength = file.readUInt16LE(position + 28);
      const extraLength = file.readUInt16LE(position + 30);
      const name = file.toString('utf8', position + 46, position + 46 + nameLength);
      const extra = file.subarray(position + 46 + nameLength, position + 46 + nameLength + extraLength);
      const header = {
        method: file.readUInt16LE(position + 10),
        checksum: file.readUInt32LE(position + 16),
        ...sizesOf(file, position, extra),
      };
      if (!name.endsWith('/')) entries.push({ name, content: () => contentOf(file, header) });
      position += 46 + nameLength + extraLength + file.readUInt16LE(position + 32);
    }
    return entries;
  } catch (error) {
    throw error instanceof RangeError ? invalid() : error;
  }
}

function directory(file: Buffer): { count: number; offset: number } {
  // The end record is 22 bytes, and a comment may follow.
  for (let position = file.length - 22; position >= Math.max(0, file.length - 22 - MAX_16); position--) {
    if (file.readUInt32LE(position) !== END) continue;
    const locator = position - 20;
    if (locator >= 0 && file.readUInt32LE(locator) === LOCATOR_64) {
      const end = Number(file.readBigUInt64LE(locator + 8));
      if (file.readUInt32LE(end) !== END_64) throw invalid();
      return { count: Number(file.readBigUInt64LE(end + 32)), offset: Number(file.readBigUInt64LE(end + 48)) };
    }
    return { count: file.readUInt16LE(position + 10), offset: file.readUInt32LE(position + 16) };
  }
  throw invalid();
}

interface Header {
  method: number;
  checksum: number;
  packed: number;
  size: number;
  offset: number;
}

/** Sizes and offset; those that do not fit 32 bits are in the ZIP64 extra field, in this order. */
function sizesOf(file: Buffer, position: number, extra: Buffer): Pick<Header, 'packed' | 'size' | 'offset'> {
  let wide: Buffer = Buffer.alloc(0);
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) wide = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
  }
  let used = 0;
  const take = (narrow: number): number => {
    if (narrow !== MAX_32) return narrow;
    used += 8;
    return Number(wide.readBigUInt64LE(used - 8));
  };
  const size = take(file.readUInt32LE(position + 24));
  const packed = take(file.readUInt32LE(position + 20));
  return { size, packed, offset: take(file.readUInt32LE(position + 42)) };
}

function contentOf(file: Buffer, { method, checksum, packed, size, offset }: Header): Buffer {
  if (offset + 30 > file.length || file.readUInt32LE(offset) !== LOCAL) throw invalid();
  const start = offset + 30 + file.readUInt16LE(offset + 26) + file.readUInt16LE(offset + 28);
  const bytes = file.subarray(start, start + packed);
  let content: Buffer;
  try {
    if (method !== 0 && method !== 8) throw invalid();
    content = method === 8 ? inflateRawSync(bytes) : bytes;
  } catch {
    throw invalid();
  }
  if (content.length !== size || crc32(content) !== checksum) throw invalid();
  return content;
}

function invalid() {
  return badRequest('InvalidZip', 'invalid zip file');
}
