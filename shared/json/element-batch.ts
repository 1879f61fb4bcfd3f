/**
 * The elements that one chunk completes: element `i` is `buffers[i]` from `starts[i]` to before `ends[i]`, without raw line breaks.
 * The scanner reuses the batch and its buffers: all of it is valid until the next `push`.
 */
export class ElementBatch {
  readonly buffers: Buffer[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  get length(): number {
    return this.buffers.length;
  }

  add(buffer: Buffer, start: number, end: number): void {
    this.buffers.push(buffer);
    this.starts.push(start);
    this.ends.push(end);
  }

  /** Removes the first `count` elements. */
  drop(count: number): void {
    for (const list of [this.buffers, this.starts, this.ends]) list.splice(0, count);
  }

  clear(): void {
    this.buffers.length = this.starts.length = this.ends.length = 0;
  }
}
