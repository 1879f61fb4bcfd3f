const FIRST_SIZE = 64 * 1024;

/** Takes bytes, piece by piece. */
export interface ByteSink {
  bytes(source: Buffer, start?: number, end?: number): void;
  byte(byte: number): void;
}

/** Bytes that are put together piece by piece. */
export class GrowingBuffer implements ByteSink {
  /** The content is `buffer` from 0 to before `length`. Each call may replace the buffer. */
  buffer: Buffer = Buffer.alloc(0);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /** Appends `source[from, to)`. */
  bytes(source: Buffer, from = 0, to = source.length): void {
    this.reserve(to - from);
    this.length += source.copy(this.buffer, this.length, from, to);
  }

  byte(byte: number): void {
    this.reserve(1);
    this.buffer[this.length++] = byte;
  }

  /** Appends a text as UTF-8. */
  write(text: string): void {
    // A character has 3 bytes at most.
    this.reserve(3 * text.length);
    this.length += this.buffer.write(text, this.length);
  }

  /** Makes room for so many bytes from `length` on. */
  reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(FIRST_SIZE, needed, 2 * this.buffer.length));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
