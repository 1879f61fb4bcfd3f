/** The WebAssembly module of `assembly/` and its memory. Functions are synchronous, without state. */
import { MODULE } from './module.generated.ts';

/** The part of the WebAssembly interface in use; Node's own types leave it to the browser's. */
interface WebAssemblyApi {
  Module: new (bytes: Buffer) => object;
  Instance: new (module: object) => { exports: object };
}

type Constant = { value: number };

interface Exports {
  memory: { buffer: ArrayBuffer };
  OUTPUT: Constant;
  KEYS: Constant;
  QUIET_NAMES: Constant;
  QUIET_NUMBERS: Constant;
  MAX_KEYS: Constant;
  KEY_BYTES: Constant;
  MAX_KEY_TEXT: Constant;
  COPIED: Constant;
  MAX_COPIED: Constant;
  RESIDENT: Constant;
  MAX_RESIDENT: Constant;
  CHANGES: Constant;
  MAX_CHANGES: Constant;
  CHUNK: Constant;
  LINES: Constant;
  MAX_LINES: Constant;
  LINE_HEAD: Constant;
  LINE_TAIL: Constant;
  MAX_LINE_PART: Constant;
  findElements: (text: number, length: number) => number;
  findEnd: (text: number, length: number, depth: number, inString: number, escaped: number) => number;
  findStringEnd: (text: number, length: number, escaped: number) => number;
  findMembers: (text: number, length: number, keys: number, names: number, numbers: number) => number;
  findChanges: (text: number, length: number, numbers: number) => number;
  writeLine: (
    out: number,
    head: number,
    from: number,
    to: number,
    numbers: number,
    count: number,
    tail: number,
  ) => number;
  findExportValues: (text: number, length: number, first: number) => number;
  inspect: (text: number, length: number, first: number, names: number, numbers: number) => number;
}

const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
const { exports } = new Instance(new Module(Buffer.from(MODULE, 'base64')));

export const wasm = exports as Exports;
export const memory = wasm.memory.buffer;
