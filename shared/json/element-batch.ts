/**
 * The elements that one chunk completes: element `i` of `length` is `buffers[i]` from `starts[i]` to before
 * `ends[i]`, without raw line breaks. The scanner reuses the batch and its buffers: all of it is valid until
 * the next `push`.
 */
export class ElementBatch {
  // Their room is kept from chunk to chunk: new arrays for each took a twentieth of a walk (measured).
  readonly buffers: (Buffer | undefined)[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  length = 0;

  add(buffer: Buffer, start: number, end: number): void {
    const index = this.length++;
    this.buffers[index] = buffer;
    this.starts[index] = start;
    this.ends[index] = end;
  }

  /** Removes the first `count` elements. */
  drop(count: number): void {
    for (const list of [this.buffers, this.starts, this.ends]) list.copyWithin(0, count, this.length);
    this.length -= count;
  }

  clear(): void {
    // A chunk that is not shown any more is not held either.
    this.buffers.fill(undefined);
    this.length = 0;
  }
}
