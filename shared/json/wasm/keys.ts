/** Tables of keys for WebAssembly. Each place in its memory has the table of its last user. */
import { memory, wasm } from './module.ts';

const MAX_KEYS = wasm.MAX_KEYS.value;
const KEY_BYTES = wasm.KEY_BYTES.value;
const MAX_KEY_TEXT = wasm.MAX_KEY_TEXT.value;

/** A place for a table. */
class Place {
  readonly bytes: Uint8Array;
  /** Whether the texts stand at the end of their room: they are compared from their closing quotes. */
  readonly fromEnd: boolean;
  inUse: KeyTable | undefined;

  constructor(at: number, fromEnd: boolean) {
    this.bytes = new Uint8Array(memory, at, MAX_KEYS * KEY_BYTES);
    this.fromEnd = fromEnd;
  }
}

const MEMBERS = new Place(wasm.KEYS.value, false);
const NAMES = new Place(wasm.QUIET_NAMES.value, true);
const NUMBERS = new Place(wasm.QUIET_NUMBERS.value, true);

/** Up to 64 keys of up to 30 bytes each; others are not taken. */
class KeyTable {
  count = 0;
  readonly #place: Place;
  readonly #lengths: number[] = [];
  #bytes = new Uint8Array(0);

  constructor(place: Place) {
    this.#place = place;
  }

  /** Whether a key of so many bytes, quotes included, can be added. */
  takes(length: number): boolean {
    return this.count < MAX_KEYS && length <= MAX_KEY_TEXT;
  }

  /** The number of the key `buffer[start, end)`, quotes included; -1 if it is not taken. */
  add(buffer: Buffer, start = 0, end = buffer.length, wanted = false): number {
    const length = end - start;
    if (!this.takes(length)) return -1;
    const { fromEnd } = this.#place;
    const bytes = new Uint8Array((this.count + 1) * KEY_BYTES);
    bytes.set(this.#bytes);
    const entry = this.count * KEY_BYTES;
    bytes.set(buffer.subarray(start, end), fromEnd ? entry + MAX_KEY_TEXT - length : entry);
    const numbers = new DataView(bytes.buffer, entry + MAX_KEY_TEXT);
    numbers.setUint32(0, fromEnd ? 2 ** 32 - 2 ** (32 - length) : 2 ** length - 1, true);
    numbers.setUint32(4, length, true);
    numbers.setUint32(8, Number(wanted), true);
    this.#bytes = bytes;
    this.#lengths.push(length);
    this.#changed();
    return this.count++;
  }

  /** Bytes of a key, quotes included. */
  lengthOf(key: number): number {
    return this.#lengths[key]!;
  }

  clear(): void {
    this.count = 0;
    this.#lengths.length = 0;
    this.#bytes = new Uint8Array(0);
    this.#changed();
  }

  /** Puts these keys to where the functions look for them. */
  use(): void {
    const place = this.#place;
    if (place.inUse === this) return;
    place.bytes.set(this.#bytes);
    place.inUse = this;
  }

  #changed(): void {
    if (this.#place.inUse === this) this.#place.inUse = undefined;
  }
}

/** Keys of members that are passed over, or, if they are wanted, recognised. */
export class KnownKeys extends KeyTable {
  constructor() {
    super(MEMBERS);
  }
}

/** Keys about which nothing is left to find out. */
export class QuietKeys {
  /** Names that are not told of. */
  readonly names = new KeyTable(NAMES);
  /** Names whose numbers are not told of. */
  readonly numbers = new KeyTable(NUMBERS);

  use(): void {
    this.names.use();
    this.numbers.use();
  }
}
