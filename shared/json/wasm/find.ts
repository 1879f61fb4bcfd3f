/** The WebAssembly functions of structure.ts and their memory, for one caller at a time: they are synchronous, and keep nothing. */
import { STRUCTURE } from './structure.generated.ts';

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
  findMembers: (length: number) => number;
}

const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
const { exports } = new Instance(new Module(Buffer.from(STRUCTURE, 'base64')));
const wasm = exports as Exports;
const { memory, OUTPUT, INPUT, MAX_INPUT } = wasm;

const maxInput = MAX_INPUT.value;
const input = new Uint8Array(memory.buffer, INPUT.value, maxInput);

/** The positions that were found, counted from where the text began. Valid until the next call of any of these functions. */
export const found = new Int32Array(memory.buffer, OUTPUT.value);

/**
 * `buffer[at]` is the bracket that opens an element. Finds the ends of the elements that begin there and end before `limit`, and returns
 * their number; what stands between them (commas, one hopes) is the caller's to check. May find fewer than there are, also none: then
 * the first one is larger than its memory.
 */
export function findElements(buffer: Buffer, at: number, limit: number): number {
  return wasm.findElements(load(buffer, at, limit));
}

/**
 * `buffer[at]` is the bracket that opens an object or array. Finds the commas between its members and, last, the position after its
 * end; returns their number. 0: it does not end before `limit`, or is larger than this memory.
 */
export function findMembers(buffer: Buffer, at: number, limit: number): number {
  return wasm.findMembers(load(buffer, at, limit));
}

function load(buffer: Buffer, at: number, limit: number): number {
  const length = Math.min(limit - at, maxInput);
  input.set(at === 0 && length === buffer.length ? buffer : buffer.subarray(at, at + length));
  return length;
}
