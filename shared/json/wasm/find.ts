/** The functions of the WebAssembly module (see assembly/), for one caller at a time. */
import type { KnownKeys, QuietKeys } from './keys.ts';
import { memory, wasm } from './module.ts';

const COPIED = wasm.COPIED.value;
const MAX_COPIED = wasm.MAX_COPIED.value;
const copied = new Uint8Array(memory, COPIED, MAX_COPIED);

/** Positions that were found, from the beginning of the text. Valid until the next call of a function. */
export const found = new Int32Array(memory, wasm.OUTPUT.value);

/**
 * A buffer for whoever reads much text: what stands in it is looked at where it is, while other text is first
 * copied to where WebAssembly can see it. There is one.
 */
export const residentBuffer = Buffer.from(memory, wasm.RESIDENT.value, wasm.MAX_RESIDENT.value);

/**
 * `buffer[at]` is the bracket that opens an element. Finds the ends of the elements that begin there and end
 * before `limit`, and returns their number; what stands between them (commas, one hopes) is the caller's to
 * check. May find fewer than there are, also none: then the first one is larger than its memory.
 */
export function findElements(buffer: Buffer, at: number, limit: number): number {
  if (buffer.buffer === memory) return wasm.findElements(buffer.byteOffset + at, limit - at);
  return wasm.findElements(COPIED, copy(buffer, at, limit));
}

/** Where an unfinished element stands: open brackets, in a string or not, the next byte escaped or not. */
export interface Unfinished {
  depth: number;
  inString: boolean;
  escaped: boolean;
}

/**
 * `buffer[at]` goes on with an element, or begins it (at depth 0, with a bracket). Returns the position after
 * its end; -1 if that is not before `limit`, and then says in `element` where it stands by then.
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

/** The first piece of a string to copy. The next ones grow, since most strings end soon. */
const FIRST_PIECE = 4 * 1024;

/**
 * `buffer[at]` goes on with a string, and is not escaped. Returns the position just after the closing quote,
 * or -1 if it is not there before `limit`. What other functions have found stays.
 */
export function findStringEnd(buffer: Buffer, at: number, limit: number): number {
  let escaped = 0;
  for (let piece = FIRST_PIECE; at < limit; piece *= 4) {
    const length = copy(buffer, at, Math.min(limit, at + piece));
    const end = wasm.findStringEnd(COPIED, length, escaped);
    if (end > 0) return at + end;
    escaped = end === -2 ? 1 : 0;
    at += length;
  }
  return -1;
}

/** Where the members begin in `found`. Numbers of each: where it begins, its key's number, its end. */
export const FIRST_MEMBER = 2;
export const MEMBER_NUMBERS = 3;

/**
 * `buffer[at]` is the brace that opens an object. Finds the position after its end, and then, from
 * `FIRST_MEMBER` on, its members, without those whose keys are known and not wanted. A key's number is its
 * place among the known ones; -1 for other keys. Returns how many numbers were written. 0: the object does
 * not end before `limit`, or is larger than this memory. With `quiet`, `foundSuspicious` tells of the object
 * afterwards.
 */
export function findMembers(buffer: Buffer, at: number, limit: number, known: KnownKeys, quiet?: QuietKeys): number {
  known.use();
  return walk(buffer, at, limit, known.count, quiet);
}

/** As `findMembers`, where no members are asked for. Returns the position after the object's end, or -1. */
export function findObject(buffer: Buffer, at: number, limit: number, quiet: QuietKeys): number {
  return walk(buffer, at, limit, NO_MEMBERS, quiet) === 0 ? -1 : at + found[0]!;
}

const NO_MEMBERS = -1;
const NOT_WATCHED = -1;

function walk(buffer: Buffer, at: number, limit: number, keys: number, quiet: QuietKeys | undefined): number {
  quiet?.use();
  const names = quiet?.names.count ?? NOT_WATCHED;
  const numbers = quiet?.numbers.count ?? 0;
  if (buffer.buffer === memory) return wasm.findMembers(buffer.byteOffset + at, limit - at, keys, names, numbers);
  // An object that is as large as the memory most likely does not end within it.
  if (limit - at > MAX_COPIED) return 0;
  return wasm.findMembers(COPIED, copy(buffer, at, limit), keys, names, numbers);
}

/** Whether `inspect` may have something to tell of the object of the last `findMembers` or `findObject`. */
export function foundSuspicious(): boolean {
  return found[1] !== 0;
}

/** A multiple of 64; at most every second byte of it is found. */
const EXPORT_PIECE = 63 * 1024;

/**
 * Positions in `buffer[at, limit)`, which is one JSON value: the byte after each integer without a point or
 * an exponent, each `$` after a quote, and each minus that begins a number. They are in `found` from 0 to
 * before `count`, counted from `at`. A text longer than a piece is dealt with in several: call again with the
 * next `at` and `first` false.
 */
export function findExportValues(
  buffer: Buffer,
  at: number,
  limit: number,
  first: boolean,
): { count: number; length: number } {
  const length = Math.min(limit - at, EXPORT_PIECE);
  copied.set(buffer.subarray(at, at + length));
  piece.count = wasm.findExportValues(COPIED, length, Number(first));
  piece.length = length;
  return piece;
}

/** Reused: one for each document would be garbage. */
const piece = { count: 0, length: 0 };

const MAX_CHANGES = wasm.MAX_CHANGES.value;

/** What `findChanges` found: see assembly/changes.ts. It is valid until more is found in the same place. */
export const foundChanges = new Int32Array(memory, wasm.CHANGES.value, 2 * MAX_CHANGES);

/** The places in `foundChanges`: for the changes of a chunk, and for one alone. */
export const IN_CHUNK = 0;
export const ALONE = MAX_CHANGES;

const chunk = new Uint8Array(memory, wasm.CHUNK.value, MAX_COPIED);

/**
 * `findElements` for the changes of a Data Sync page: `buffer[at, limit)` begins with one. What they consist
 * of is in `foundChanges`, from `place` on. The text of a chunk stays in memory for `writeLine`.
 */
export function findChanges(buffer: Buffer, at: number, limit: number, place: number): number {
  const inChunk = place === IN_CHUNK;
  const length = copy(buffer, at, limit, inChunk ? chunk : copied);
  return wasm.findChanges(inChunk ? chunk.byteOffset : COPIED, length, foundChanges.byteOffset + 4 * place);
}

/** Is told what `inspect` finds, by position. None of these functions may be called meanwhile. */
export interface Inspection {
  /** A name that begins with `_`, `$` or `source_a`, or is not plain ASCII; `end`: its closing quote. */
  onKey: (end: number) => void;
  /** The number whose first digit is at `at` is an integer that no float64 is equal to. */
  onRoundedInteger: (at: number, lastKeyEnd: number) => void;
  /** Any other number of 16 digits or more of which it is not sure that a float64 keeps it. */
  onLongNumber: (at: number, lastKeyEnd: number) => void;
}

/**
 * Goes through `buffer[start, end)`, an object, for names that Convex may change and numbers that it may
 * round (of these the first 64), at every depth. `lastKeyEnd` is the closing quote of the last key before a
 * number. Nothing is told of `quiet` keys. Returns false if there are too many such names.
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
      quiet?.names.count ?? 0,
      quiet?.numbers.count ?? 0,
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

function copy(buffer: Buffer, at: number, limit: number, to = copied): number {
  const length = Math.min(limit - at, MAX_COPIED);
  to.set(at === 0 && length === buffer.length ? buffer : buffer.subarray(at, at + length));
  return length;
}
