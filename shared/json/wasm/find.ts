/** The WebAssembly function `findElements` and its memory, for one caller at a time: it is synchronous, and keeps nothing. */
import { FIND_ELEMENTS } from './find-elements.generated.ts';

/** The part of the WebAssembly interface in use; Node's own types leave it to the browser's. */
interface WebAssemblyApi {
  Module: new (bytes: Buffer) => object;
  Instance: new (module: object) => { exports: object };
}

interface Exports {
  memory: { buffer: ArrayBuffer };
  OUTPUT: { value: number };
  INPUT: { value: number };
  MAX_INPUT: { value: number };
  findElements: (length: number) => number;
}

const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
const { exports } = new Instance(new Module(Buffer.from(FIND_ELEMENTS, 'base64')));
const { memory, OUTPUT, INPUT, MAX_INPUT, findElements } = exports as Exports;

const maxInput = MAX_INPUT.value;
const input = new Uint8Array(memory.buffer, INPUT.value, maxInput);

/** Where the elements that `find` found end, counted from where it began. Valid until its next call. */
export const ends = new Int32Array(memory.buffer, OUTPUT.value);

/**
 * `buffer[at]` is the bracket that opens an element. Finds the ends of the elements that begin there and end before `limit`, and returns
 * their number; what stands between them (commas, one hopes) is the caller's to check. May find fewer than there are, also none: then
 * the first one is larger than its memory.
 */
export function find(buffer: Buffer, at: number, limit: number): number {
  const length = Math.min(limit - at, maxInput);
  input.set(at === 0 && length === buffer.length ? buffer : buffer.subarray(at, at + length));
  return findElements(length);
}
