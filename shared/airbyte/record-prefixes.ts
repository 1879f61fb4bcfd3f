/** The bytes of RECORD lines before their data. Known ones tell the stream of a line without parsing it. */
import { OPEN_BRACE, bytesAre } from '../json/raw.ts';
import type { Line } from './lines.ts';

export interface RecordPrefix {
  /** The bytes of the line before its data. */
  bytes: Buffer;
  /** The index of the stream. */
  stream: number;
}

/** With more prefixes than these, all are learned anew. */
const MAX_PREFIXES = 4096;
/** A longer prefix is rare, and costs more to look up than the line does to parse. */
const MAX_PREFIX_BYTES = 1024;

export class RecordPrefixes {
  /** Of the line before: streams rarely take turns with every record. */
  #last: RecordPrefix | undefined;
  /** By the hash of the bytes that differ from stream to stream. */
  readonly #byHash = new Map<number, RecordPrefix[]>();
  #count = 0;
  /** Where these bytes begin in a line. */
  #differsAt = 0;

  /** The prefix of this line, where it is known. */
  find(line: Line): RecordPrefix | undefined {
    const last = this.#last;
    if (last === undefined || begins(line, last)) return last;
    const { buffer, start, end } = line;
    const known = this.#byHash.get(hash(buffer, start + this.#differsAt, end))?.find((prefix) => begins(line, prefix));
    if (known !== undefined) this.#last = known;
    return known;
  }

  /** Remembers the prefix of a stream's line, as a copy. `differsAt`: where it begins to name the stream. */
  remember(bytes: Buffer, stream: number, differsAt: number): void {
    if (bytes.length > MAX_PREFIX_BYTES) return;
    // Prefixes that name the stream at another place would not be found any more.
    if (differsAt !== this.#differsAt || this.#count === MAX_PREFIXES) {
      this.#byHash.clear();
      this.#count = 0;
      this.#differsAt = differsAt;
    }
    const key = hash(bytes, differsAt, bytes.length);
    const same = this.#byHash.get(key) ?? [];
    this.#last = { bytes: Buffer.from(bytes), stream };
    if (same.some((prefix) => prefix.bytes.equals(bytes))) return;
    this.#byHash.set(key, [...same, this.#last]);
    this.#count++;
  }
}

function begins({ buffer, start, end }: Line, { bytes }: RecordPrefix): boolean {
  const at = start + bytes.length;
  return at < end && buffer[at] === OPEN_BRACE && bytesAre(buffer, start, at, bytes);
}

/** FNV-1a of the bytes between `from` and the next brace, where the data begin. */
function hash(buffer: Buffer, from: number, end: number): number {
  const limit = Math.min(end, from + MAX_PREFIX_BYTES);
  let value = 0x811c9dc5;
  for (let at = from; at < limit && buffer[at] !== OPEN_BRACE; at++) value = Math.imul(value ^ buffer[at]!, 0x01000193);
  return value;
}
