/** Passing over a whole object or array, as fast as it goes. */
import { skipNested } from './raw.ts';
import { findElements, found } from './wasm/find.ts';

/** Shorter texts are passed over sooner than they are copied to where WebAssembly can see them. */
const WORTH_IT = 100;

/** As `skipNested`: `at` is on the opening bracket; the position after its partner, or -1. For texts of which nothing else is asked. */
export function skipObject(buffer: Buffer, at: number, end: number): number {
  if (end - at < WORTH_IT || findElements(buffer, at, end) === 0) return skipNested(buffer, at, end);
  return at + found[0]!;
}
