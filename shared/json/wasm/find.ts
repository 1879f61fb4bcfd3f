/** The WebAssembly functions of structure.ts, export-values.ts and inspect.ts and their memory, for one caller at a time: they are synchronous, and keep nothing. */
import { STRUCTURE } from './structure.generated.ts';

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
  MAX_KEYS: Constant;
  KEY_BYTES: Constant;
  MAX_KEY_TEXT: Constant;
  COPIED: Constant;
  MAX_COPIED: Constant;
  RESIDENT: Constant;
  MAX_RESIDENT: Constant;
  findElements: (text: number, length: number) => number;
  findEnd: (text: number, length: number, depth: number, inString: number, escaped: number) => number;
  findMembers: (text: number, length: number, keys: number) => number;
  findExportValues: (text: number, length: number, first: number, withMinus: number) => number;
  QUIET: Constant;
  MAX_QUIET: Constant;
  QUIET_BYTES: Constant;
  inspect: (text: number, length: number, first: number, quiet: number) => number;
}

const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
const { exports } = new Instance(new Module(Buffer.from(STRUCTURE, 'base64')));
const wasm = exports as Exports;
const memory = wasm.memory.buffer;

const COPIED = wasm.COPIED.value;
const MAX_COPIED = wasm.MAX_COPIED.value;
const MAX_KEYS = wasm.MAX_KEYS.value;
const MAX_KEY_TEXT = wasm.MAX_KEY_TEXT.value;
const KEY_BYTES = wasm.KEY_BYTES.value;
const copied = new Uint8Array(memory, COPIED, MAX_COPIED);
const QUIET_BYTES = wasm.QUIET_BYTES.value;
const quietInUse = new Uint8Array(memory, wasm.QUIET.value, wasm.MAX_QUIET.value * QUIET_BYTES);
const keysInUse = new Uint8Array(memory, wasm.KEYS.value, MAX_KEYS * KEY_BYTES);

/** The positions that were found, counted from where the text began. Valid until the next call of any of these functions. */
export const found = new Int32Array(memory, wasm.OUTPUT.value);

/**
 * A buffer for whoever reads much text: what stands in it is looked at where it is, while other text is first copied to where WebAssembly
 * can see it. There is one.
 */
export const residentBuffer = Buffer.from(memory, wasm.RESIDENT.value, wasm.MAX_RESIDENT.value);

/**
 * `buffer[at]` is the bracket that opens an element. Finds the ends of the elements that begin there and end before `limit`, and returns
 * their number; what stands between them (commas, one hopes) is the caller's to check. May find fewer than there are, also none: then
 * the first one is larger than its memory.
 */
export function findElements(buffer: Buffer, at: number, limit: number): number {
  if (buffer.buffer === memory) return wasm.findElements(buffer.byteOffset + at, limit - at);
  return wasm.findElements(COPIED, copy(buffer, at, limit));
}

/** Where an element stands that goes on in the next chunk: open brackets, and whether the last byte was in a string, or escapes the next. */
export interface Unfinished {
  depth: number;
  inString: boolean;
  escaped: boolean;
}

/**
 * `buffer[at]` goes on with an element, or begins it (at depth 0, with a bracket). Returns the position after its end; -1 if that is not
 * before `limit`, and then says in `element` where it stands by then.
 */
export function findEnd(buffer: Buffer, at: number, limit: number, element: Unfinished): number {
  while (at < limit) {
    const length = copy(buffer, at, limit);
    const { depth, inString, escaped } = element;
    const end = wasm.findEnd(COPIED, length, depth, Number(inString), Number(escaped));
    if (end !== -1) return at + end;
    element.depth = found[0]!;
    element.inString = found[1] === 1;
    element.escaped = found[2] === 1;
    at += length;
  }
  return -1;
}

/**
 * `buffer[at]` is the brace that opens an object. Finds the position after its end, and then, two for each, where those of its members
 * begin and end that have none of the known keys. Returns how many positions that are. 0: the object does not end before `limit`, or is
 * larger than this memory.
 */
export function findMembers(buffer: Buffer, at: number, limit: number, known: KnownKeys): number {
  known.use();
  if (buffer.buffer === memory) return wasm.findMembers(buffer.byteOffset + at, limit - at, known.count);
  return wasm.findMembers(COPIED, copy(buffer, at, limit), known.count);
}

/** A multiple of 64; at most every second byte of it is found. */
const EXPORT_PIECE = 63 * 1024;

/**
 * Positions in `buffer[at, limit)`, which is one JSON value: the byte after each integer without a point or an exponent, each `$` after a
 * quote, and, if `withMinus`, each minus that begins a number. They are in `found` from 0 to before the number that is returned, counted
 * from `at`. A text longer than a piece is dealt with in several: call again with the next `at` and `first` false.
 */
export function findExportValues(
  buffer: Buffer,
  at: number,
  limit: number,
  { first, withMinus }: { first: boolean; withMinus: boolean },
): { count: number; length: number } {
  const length = Math.min(limit - at, EXPORT_PIECE);
  copied.set(buffer.subarray(at, at + length));
  piece.count = wasm.findExportValues(COPIED, length, Number(first), Number(withMinus));
  piece.length = length;
  return piece;
}

/** Reused: one for each document would be garbage. */
const piece = { count: 0, length: 0 };

/** Is told of what `inspect` finds, in positions of its buffer. None of these functions may be called meanwhile. */
export interface Inspection {
  /** A field's name that begins with `_`, `$` or `source_a`, or has an escape or anything but printable ASCII; `end` is its closing quote. */
  onKey: (end: number) => void;
  /** The number whose first digit is at `at` is an integer that no float64 is equal to. */
  onRoundedInteger: (at: number, lastKeyEnd: number) => void;
  /** Any other number of 16 digits or more that may not be kept by a float64. */
  onLongNumber: (at: number, lastKeyEnd: number) => void;
}

/**
 * Goes through `buffer[start, end)`, an object, for names that Convex may change and numbers that it may round (of these the first 64), at
 * every depth. `lastKeyEnd` is the closing quote of the last key before a number. Nothing is told of `quiet` keys. Returns false if there are
 * too many such names.
 */
export function inspect(
  buffer: Buffer,
  start: number,
  end: number,
  inspection: Inspection,
  quiet?: QuietKeys,
): boolean {
  quiet?.use();
  const resident = buffer.buffer === memory;
  for (let at = start; at < end;) {
    const length = resident ? end - at : copy(buffer, at, end);
    const count = wasm.inspect(
      resident ? buffer.byteOffset + at : COPIED,
      length,
      Number(at === start),
      quiet?.count ?? 0,
    );
    if (count === -1) return false;
    for (let i = 0; i < count; i += 3) {
      const kind = found[i];
      if (kind === 0) inspection.onKey(at + found[i + 1]!);
      else if (kind === 1) inspection.onRoundedInteger(at + found[i + 1]!, at + found[i + 2]!);
      else inspection.onLongNumber(at + found[i + 1]!, at + found[i + 2]!);
    }
    at += length;
  }
  return true;
}

function copy(buffer: Buffer, at: number, limit: number): number {
  const length = Math.min(limit - at, MAX_COPIED);
  copied.set(at === 0 && length === buffer.length ? buffer : buffer.subarray(at, at + length));
  return length;
}

/** Keys of members that need not be looked at, as they are written. */
export class KnownKeys {
  static #inUse: KnownKeys | undefined;
  count = 0;
  #bytes = new Uint8Array(0);

  /** Whether a key of so many bytes, quotes included, can be added: there is not room for many, nor for long ones. */
  takes(length: number): boolean {
    return this.count < MAX_KEYS && length <= MAX_KEY_TEXT;
  }

  /** `buffer[start, end)` is a key with its quotes. */
  add(buffer: Buffer, start: number, end: number): void {
    const length = end - start;
    if (!this.takes(length)) return;
    const bytes = new Uint8Array((this.count + 1) * KEY_BYTES);
    bytes.set(this.#bytes);
    const entry = this.count * KEY_BYTES;
    bytes.set(buffer.subarray(start, end), entry);
    new DataView(bytes.buffer).setUint32(entry + MAX_KEY_TEXT, 2 ** length - 1, true);
    this.#bytes = bytes;
    this.count++;
    KnownKeys.#inUse = undefined;
  }

  /** Puts these keys to where `findMembers` looks for them. */
  use(): void {
    if (KnownKeys.#inUse === this) return;
    keysInUse.set(this.#bytes);
    KnownKeys.#inUse = this;
  }
}

/** What `inspect` does not report of a key: its name, the numbers in it. */
export interface Quiet {
  name: boolean;
  numbers: boolean;
}

/** Keys that `inspect` passes over: there is room for 64 of up to 30 bytes each. */
export class QuietKeys {
  static #inUse: QuietKeys | undefined;
  readonly #bytes = new Uint8Array(wasm.MAX_QUIET.value * QUIET_BYTES);
  count = 0;

  clear(): void {
    this.count = 0;
    QuietKeys.#changed(this);
  }

  /** `key` is a key with its quotes, as written. */
  add(key: Buffer, { name, numbers }: Quiet): void {
    const { length } = key;
    if (this.count === wasm.MAX_QUIET.value || length > MAX_KEY_TEXT) return;
    const entry = this.count++ * QUIET_BYTES;
    this.#bytes.fill(0, entry, entry + QUIET_BYTES);
    this.#bytes.set(key, entry + MAX_KEY_TEXT - length);
    const numbersAt = new DataView(this.#bytes.buffer);
    numbersAt.setUint32(entry + 32, 2 ** 32 - 2 ** (32 - length), true);
    numbersAt.setUint32(entry + 36, length, true);
    numbersAt.setUint32(entry + 40, Number(name) + 2 * Number(numbers), true);
    QuietKeys.#changed(this);
  }

  use(): void {
    if (QuietKeys.#inUse === this) return;
    quietInUse.set(this.#bytes);
    QuietKeys.#inUse = this;
  }

  static #changed(keys: QuietKeys): void {
    if (QuietKeys.#inUse === keys) QuietKeys.#inUse = undefined;
  }
}
