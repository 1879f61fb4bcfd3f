/** stdin as lines of bytes. */
import { NEWLINE } from '../json/raw.ts';

/** A line of bytes: `buffer[start, end)` without its newline. Valid until the next one is asked for. */
export interface Line {
  buffer: Buffer;
  start: number;
  end: number;
  /** False for a last line that no newline ended: its writer may have been cut off in the middle. */
  terminated: boolean;
}

/** Airbyte's own limit is 20 MB a line. A longer line than this is no message, and would fill the memory. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
}

/**
 * Splits chunks into lines, in batches (an await for each line would cost more than the line). The input is
 * only read as fast as the batches are taken. Works on bytes, so a chunk may end inside a character.
 */
export async function* lineBatches(input: AsyncIterable<Buffer>): AsyncGenerator<Iterable<Line>> {
  let carry = Buffer.alloc(0);
  let carried = 0;
  for await (const chunk of input) {
    let from = 0;
    if (carried > 0) {
      const newline = chunk.indexOf(NEWLINE);
      const end = newline === -1 ? chunk.length : newline;
      const length = carried + end;
      if (length > MAX_LINE_BYTES) throw new LineTooLong(`a line of more than ${MAX_LINE_BYTES} bytes`);
      carry = grow(carry, carried, length);
      chunk.copy(carry, carried, 0, end);
      carried = length;
      if (newline === -1) continue;
      yield [{ buffer: carry, start: 0, end: carried, terminated: true }];
      from = newline + 1;
    }
    const last = chunk.lastIndexOf(NEWLINE);
    if (last >= from) yield new Lines(chunk, from, last + 1);
    const rest = Math.max(from, last + 1);
    carry = grow(carry, 0, chunk.length - rest);
    carried = chunk.copy(carry, 0, rest);
  }
  if (carried > 0) yield [{ buffer: carry, start: 0, end: carried, terminated: false }];
}

/** The lines of `chunk[from, end)`. A generator would allocate an object for each of them. */
class Lines implements IterableIterator<Line> {
  readonly value: Line;
  done = false;
  readonly #end: number;
  #next: number;

  constructor(chunk: Buffer, from: number, end: number) {
    this.value = { buffer: chunk, start: from, end: from, terminated: true };
    this.#next = from;
    this.#end = end;
  }

  next(): this {
    const line = this.value;
    this.done = this.#next >= this.#end;
    line.start = this.#next;
    line.end = line.buffer.indexOf(NEWLINE, line.start);
    this.#next = line.end + 1;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

function grow(buffer: Buffer, used: number, length: number): Buffer<ArrayBuffer> {
  if (length <= buffer.length) return buffer as Buffer<ArrayBuffer>;
  const grown = Buffer.allocUnsafe(Math.max(64 * 1024, length, Math.min(2 * buffer.length, MAX_LINE_BYTES)));
  buffer.copy(grown, 0, 0, used);
  return grown;
}
