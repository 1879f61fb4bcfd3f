const NEWLINE = 0x0a;

/** Whole lines, their newlines included; `cut` holds what came after the last newline of the whole stream, if anything. */
export interface Block {
  bytes: Buffer;
  cut: boolean;
}

/**
 * Cuts a byte stream at newlines, not into single lines but into blocks of as many whole lines as have arrived, so that the
 * bytes can be handed on without being copied. Only a line that spans several chunks is put together, once.
 */
export async function* blocks(stream: AsyncIterable<Buffer>): AsyncGenerator<Block> {
  let carried: Buffer[] = [];
  for await (const chunk of stream) {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last === -1) {
      carried.push(chunk);
      continue;
    }
    let start = 0;
    if (carried.length > 0) {
      start = chunk.indexOf(NEWLINE) + 1;
      yield { bytes: Buffer.concat([...carried, chunk.subarray(0, start)]), cut: false };
      carried = [];
    }
    if (last >= start) yield { bytes: chunk.subarray(start, last + 1), cut: false };
    if (last + 1 < chunk.length) carried.push(chunk.subarray(last + 1));
  }
  if (carried.length > 0) yield { bytes: Buffer.concat(carried), cut: true };
}

/** The positions of each line in a block: its first byte, and the byte after its newline. */
export function* lines(block: Buffer): Generator<[start: number, end: number]> {
  for (let start = 0; start < block.length;) {
    const newline = block.indexOf(NEWLINE, start);
    const end = newline === -1 ? block.length : newline + 1;
    yield [start, end];
    start = end;
  }
}
