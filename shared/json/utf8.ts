/** Checks that a text is valid UTF-8 while it streams in. */
import { isUtf8 } from 'node:buffer';

const EMPTY = Buffer.alloc(0);

export class Utf8Check {
  /** The bytes of a character that the last chunk did not finish. */
  #tail = EMPTY;

  /** Whether the text ends inside a character so far. */
  get incomplete(): boolean {
    return this.#tail.length > 0;
  }

  /** Takes the next bytes; false where they are not valid. */
  accepts(chunk: Buffer): boolean {
    const whole = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const cut = incompleteBytes(whole);
    if (!isUtf8(cut === 0 ? whole : whole.subarray(0, whole.length - cut))) return false;
    this.#tail = cut === 0 ? EMPTY : Buffer.from(whole.subarray(whole.length - cut));
    return true;
  }
}

/** How many bytes at the end belong to a character that continues in the next chunk (0 to 3). */
function incompleteBytes(buffer: Buffer): number {
  const length = buffer.length;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = buffer[length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte > 0xf4 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? back : 0;
  }
  return 0;
}
