/**
 * The keys that a stream has sent, as fingerprints of 64 bits outside of V8's heap: 11 to 16 bytes a key. Two
 * keys may share a fingerprint, so "seen" may be wrong, and "not seen" never is.
 */

/** The table is divided, so that only one part at a time has to be there twice while it grows. */
const SHARDS = 64;
const SHARD_SHIFT = 32 - Math.log2(SHARDS);
const FIRST_SLOTS = 16;
const MAX_LOAD = 0.75;
const GROWTH = 1.5;

/** Slots of two numbers; both 0 in a free one. */
interface Shard {
  slots: Uint32Array;
  count: number;
}

export class Fingerprints {
  readonly #shards: (Shard | undefined)[] = [];
  #high = 0;
  #low = 0;

  /** Whether the key was added, or one of the same fingerprint. */
  has(key: string): boolean {
    this.#hash(key);
    const shard = this.#shards[this.#high >>> SHARD_SHIFT];
    return shard !== undefined && shard.slots[this.#slot(shard.slots) + 1] !== 0;
  }

  /** Adds a key. Returns whether it is new; false also where another key has its fingerprint. */
  add(key: string): boolean {
    this.#hash(key);
    const number = this.#high >>> SHARD_SHIFT;
    const shard = (this.#shards[number] ??= { slots: new Uint32Array(2 * FIRST_SLOTS), count: 0 });
    const at = this.#slot(shard.slots);
    if (shard.slots[at + 1] !== 0) return false;
    shard.slots[at] = this.#high;
    shard.slots[at + 1] = this.#low;
    if (2 * ++shard.count > MAX_LOAD * shard.slots.length) this.#grow(shard);
    return true;
  }

  /** Where the fingerprint in hand is, or belongs. */
  #slot(slots: Uint32Array): number {
    let at = 2 * (this.#low % (slots.length / 2));
    while (slots[at + 1] !== 0 && (slots[at] !== this.#high || slots[at + 1] !== this.#low)) {
      at += 2;
      if (at === slots.length) at = 0;
    }
    return at;
  }

  #grow(shard: Shard): void {
    const before = shard.slots;
    shard.slots = new Uint32Array(2 * Math.ceil((GROWTH * before.length) / 2));
    for (let from = 0; from < before.length; from += 2) {
      if (before[from + 1] === 0) continue;
      this.#high = before[from]!;
      this.#low = before[from + 1]!;
      const at = this.#slot(shard.slots);
      shard.slots[at] = this.#high;
      shard.slots[at + 1] = this.#low;
    }
  }

  /** Two sums, multiplied and mixed as in MurmurHash3. The second is never 0, which marks a free slot. */
  #hash(key: string): void {
    let high = 0x9747b28c;
    let low = 0x41c6ce57;
    for (let i = 0; i < key.length; i++) {
      const code = key.charCodeAt(i);
      high = Math.imul(high ^ code, 0x9e3779b1);
      low = Math.imul(low ^ code, 0x5f356495);
      high ^= high >>> 15;
      low ^= low >>> 13;
    }
    high = Math.imul(high ^ (high >>> 16), 0x85ebca6b);
    low = Math.imul(low ^ (low >>> 16), 0xc2b2ae35);
    high = Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
    low = Math.imul(low ^ (low >>> 13), 0x27d4eb2f);
    this.#high = (high ^ (high >>> 16)) >>> 0;
    this.#low = (low ^ (low >>> 15)) >>> 0 || 1;
  }
}
