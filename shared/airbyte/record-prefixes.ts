/** Bytes of RECORD lines before their data. A line that begins with known ones need not be parsed. */
import { OPEN_BRACE, bytesAre } from '../json/raw.ts';
import type { Line } from './lines.ts';

interface RecordPrefix {
  /** The bytes of the line before its data. */
  bytes: Buffer;
  /** The index of the stream. */
  stream: number;
}

/** If there are more prefixes, all are forgotten. */
const MAX_PREFIXES = 4096;
/** Longer prefixes are not remembered: the lookup would cost more than parsing the line. */
const MAX_PREFIX_BYTES = 1024;

export class RecordPrefixes {
  /** The prefix of the previous line. Most lines are of the same stream as the one before. */
  #last: RecordPrefix | undefined;
  /** By the hash of the bytes from `#differsAt` on. */
  readonly #byHash = new Map<number, RecordPrefix[]>();
  #count = 0;
  /** Where in a line the first name of its stream begins. */
  #differsAt = 0;

  /** The prefix of this line; undefined if it is not known. */
  find(line: Line): RecordPrefix | undefined {
    const last = this.#last;
    return last === undefined || begins(line, last) ? last : this.#search(line);
  }

  #search(line: Line): RecordPrefix | undefined {
    const { buffer, start, end } = line;
    const known = this.#byHash.get(hash(buffer, start + this.#differsAt, end))?.find((prefix) => begins(line, prefix));
    if (known !== undefined) this.#last = known;
    return known;
  }

  /** Remembers a copy of the prefix. `differsAt`: the offset at which it begins to name the stream. */
  remember(bytes: Buffer, stream: number, differsAt: number): void {
    if (bytes.length > MAX_PREFIX_BYTES) return;
    // Prefixes with another offset could not be found any more.
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
