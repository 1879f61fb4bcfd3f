/**
 * The ledger: which STATEs may be echoed, in which order, and with which counts (INV2). Pure, no I/O.
 *
 * Records are numbered from 1 as they arrive, over all streams. A STATE covers the records of its streams
 * that arrived before it. It is echoed once
 * - every record before it is durable, of all streams, so STATEs are echoed in the order of their arrival;
 * - none of its streams is held (DEC39). A stream that replaces its table is held until `release`: if the
 *   next attempt continued from such a STATE and emptied the table again, the rows before the STATE would be
 *   lost. A `lenient` stream is held from its first record on. Before that it has no rows to lose, but a null
 *   STATE is held, because it says that the table is empty;
 * - no record that it covers was refused, if refused records fail the sync.
 *
 * A held STATE does not stop the STATEs of other streams. The order within a stream is kept, and so is the
 * order of the STATEs that cover all streams.
 */

/** The streams that a STATE covers. `unknown` cannot be determined: it waits like `all`, without counts. */
export type Coverage = number | 'all' | 'unknown';

/** A STATE line as it was received. Its state object is `line[start, end)`. */
export interface ReceivedState {
  line: Buffer;
  start: number;
  end: number;
}

export interface Entry {
  coverage: Coverage;
  state: ReceivedState;
  /** The number of the last record before it. */
  position: number;
  /** Records of its streams since the previous STATE: written ones and refused ones. */
  records: number;
  rejected: number;
  /** Whether the state of a stream in it is null, as a clear job sends it. */
  empty: boolean;
}

interface Counter {
  records: number;
  rejected: number;
}

/** Bytes of held STATEs. If there are more, older ones are merged into newer ones. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

interface LedgerOptions {
  holding?: readonly number[];
  lenient?: readonly number[];
  maxHeldBytes?: number;
}

export class Ledger {
  /** Records that arrived. */
  received = 0;
  /** Bytes of the STATEs that wait for records to become durable. */
  waitingBytes = 0;
  /** STATEs that were merged into newer ones (see `MAX_HELD_BYTES`). */
  merged = 0;
  readonly #maxHeldBytes: number;
  readonly #each: Counter[];
  readonly #all: Counter = { records: 0, rejected: 0 };
  readonly #holding: Set<number>;
  readonly #lenient: Set<number>;
  /** By stream: the number of its first refused record that fails the sync. */
  readonly #failedAt = new Map<number, number>();
  #durable = 0;
  #waiting: Entry[] = [];
  #held: Entry[] = [];
  #heldBytes = 0;
  /** Whether held STATEs have to be looked at again. */
  #changed = false;

  /** `streams`: their number. `holding`: the streams that are held until `release`. `lenient`: see above. */
  constructor(streams: number, { holding = [], lenient = [], maxHeldBytes = MAX_HELD_BYTES }: LedgerOptions = {}) {
    this.#each = Array.from({ length: streams }, () => ({ records: 0, rejected: 0 }));
    this.#holding = new Set(holding);
    this.#lenient = new Set(lenient);
    this.#maxHeldBytes = maxHeldBytes;
  }

  /** A record arrived. Returns its number. */
  record(stream: number): number {
    this.#each[stream]!.records++;
    this.#all.records++;
    if (this.#lenient.size > 0) this.#lenient.delete(stream);
    return ++this.received;
  }

  /** Record number `record` was refused. `fatal`: no STATE that covers it may be echoed. */
  reject(stream: number, record: number, fatal: boolean): void {
    if (fatal) {
      this.#failedAt.set(stream, Math.min(record, this.#failedAt.get(stream) ?? Infinity));
      this.#changed = true;
    }
    for (const coverage of [stream, 'all'] as const) {
      const counter =
        [...this.#held, ...this.#waiting].find((entry) => entry.coverage === coverage && record <= entry.position) ??
        (coverage === 'all' ? this.#all : this.#each[coverage]!);
      counter.records--;
      counter.rejected++;
    }
  }

  /** A STATE arrived. Its line is kept, so it must not be a view of a reused buffer. */
  state(coverage: Coverage, state: ReceivedState, empty = false): void {
    const counter = coverage === 'unknown' ? undefined : coverage === 'all' ? this.#all : this.#each[coverage];
    const { records, rejected } = counter ?? { records: 0, rejected: 0 };
    if (counter !== undefined) counter.records = counter.rejected = 0;
    this.#waiting.push({ coverage, state, position: this.received, records, rejected, empty });
    this.waitingBytes += state.line.length;
  }

  /** Every record up to this number has been written or refused. */
  durable(record: number): void {
    this.#durable = Math.max(this.#durable, record);
  }

  /** Stops holding the STATEs of this stream. */
  release(stream: number): void {
    if (this.#holding.delete(stream)) this.#changed = true;
  }

  /** Whether a STATE waits for the release of this stream, and perhaps of others. */
  waitsFor(stream: number): boolean {
    const covers = ({ coverage }: Entry) => coverage === stream || typeof coverage !== 'number';
    return (
      this.#holding.has(stream) &&
      (this.#waiting.some((entry) => entry.position <= this.#durable && covers(entry)) || this.#held.some(covers))
    );
  }

  /** Removes and yields the STATEs that may be echoed now, in order. */
  *take(): Generator<Entry> {
    if (this.#changed) {
      this.#changed = false;
      const held = this.#held;
      this.#held = [];
      this.#heldBytes = 0;
      for (const entry of held) if (this.#may(entry)) yield entry;
    }
    let taken = 0;
    for (const entry of this.#waiting) {
      if (entry.position > this.#durable) break;
      taken++;
      this.waitingBytes -= entry.state.line.length;
      if (this.#may(entry)) yield entry;
    }
    if (taken > 0) this.#waiting = this.#waiting.slice(taken);
    if (this.#heldBytes > this.#maxHeldBytes) this.#merge();
  }

  /** Whether to echo the entry. Keeps it while it is held. Drops it if it may never be echoed. */
  #may(entry: Entry): boolean {
    if (this.#covers(entry, (stream) => entry.position >= (this.#failedAt.get(stream) ?? Infinity))) return false;
    if (!this.#covers(entry, (stream) => this.#holds(stream, entry))) return true;
    this.#held.push(entry);
    this.#heldBytes += entry.state.line.length;
    return false;
  }

  #holds(stream: number, { empty }: Entry): boolean {
    return this.#holding.has(stream) && (empty || !this.#lenient.has(stream));
  }

  #covers({ coverage }: Entry, test: (stream: number) => boolean): boolean {
    if (typeof coverage === 'number') return test(coverage);
    return [...this.#failedAt.keys(), ...this.#holding].some(test);
  }

  /** Keeps the newest held STATE of each coverage and adds the counts of the older ones to it. */
  #merge(): void {
    const newest = new Map<Coverage, Entry>();
    for (const entry of this.#held.toReversed()) {
      const newer = newest.get(entry.coverage);
      if (newer === undefined) {
        newest.set(entry.coverage, entry);
      } else {
        newer.records += entry.records;
        newer.rejected += entry.rejected;
        this.merged++;
      }
    }
    this.#held = this.#held.filter((entry) => newest.get(entry.coverage) === entry);
    this.#heldBytes = this.#held.reduce((bytes, { state }) => bytes + state.line.length, 0);
  }
}
