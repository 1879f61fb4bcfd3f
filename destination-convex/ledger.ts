/**
 * The ledger: which states may be given back, in which order, with which counts. Pure bookkeeping, no I/O.
 *
 * A state is a promise that everything before it is durable. Records are numbered as they arrive (from 1, over all streams); a state
 * covers the records of its streams up to the number at its arrival. It is given back once
 * - every record that arrived before it is durable, of whatever stream, so states come back in the order in which they came;
 * - none of its streams is being held. A stream that replaces its table holds its states until `release`: a second attempt that went on from
 *   a state of the first one, and emptied the table again, would lose what was written before that state. A stream of which no record has
 *   arrived has nothing to lose, so it may be left out (`lenient`), except for a state without content, which says that the table is empty;
 * - no record that it covers was refused, where that fails the sync.
 *
 * Held states let those of other streams pass; within a stream, and among states that cover several, the order is kept.
 */

/** Which streams a state speaks for. `unknown`: of one that cannot be told, so that it waits like one of all streams, and counts nothing. */
export type Coverage = number | 'all' | 'unknown';

/** A STATE line as it was received, and where its state object stands in it. */
export interface ReceivedState {
  line: Buffer;
  start: number;
  end: number;
}

export interface Entry {
  coverage: Coverage;
  /** Given back byte for byte. */
  state: ReceivedState;
  /** Number of the last record that arrived before it. */
  position: number;
  /** Records of its streams since the state before: durable ones, and refused ones. */
  records: number;
  rejected: number;
  /** Whether it is, or holds, the state of a stream without content: what a clear job sends. */
  empty: boolean;
}

interface Counter {
  records: number;
  rejected: number;
}

/** Bytes of states that wait for `release`. Beyond, older ones are merged into newer ones. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

export class Ledger {
  /** Records so far. */
  received = 0;
  /** Bytes of the states that wait for records to become durable. */
  waitingBytes = 0;
  /** States that were left out because newer ones say the same (see `MAX_HELD_BYTES`). */
  merged = 0;
  readonly #maxHeldBytes: number;
  readonly #each: Counter[];
  readonly #all: Counter = { records: 0, rejected: 0 };
  readonly #holding: Set<number>;
  /** Streams that hold no states until their first record arrives. */
  readonly #lenient: Set<number>;
  /** By stream: the number of the first refused record that fails the sync. */
  readonly #failedAt = new Map<number, number>();
  #durable = 0;
  #waiting: Entry[] = [];
  #held: Entry[] = [];
  #heldBytes = 0;
  /** Whether something has happened that may let held states go. */
  #changed = false;

  /** `holding`: the streams whose states wait for `release`; `lenient`: see above. */
  constructor(
    streams: number,
    holding: Iterable<number> = [],
    maxHeldBytes = MAX_HELD_BYTES,
    lenient: Iterable<number> = [],
  ) {
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

  /** Record number `record` was refused. `fatal`: no state that covers it may be given back. */
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

  /** A state arrived. Its line is kept: it must not be a view of a buffer that is used again. */
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

  /** The states of this stream wait no longer. */
  release(stream: number): void {
    if (this.#holding.delete(stream)) this.#changed = true;
  }

  /** Whether a state could be given back if only this stream, or others as well, no longer held it. */
  waitsFor(stream: number): boolean {
    const covers = ({ coverage }: Entry) => coverage === stream || typeof coverage !== 'number';
    return (
      this.#holding.has(stream) &&
      (this.#waiting.some((entry) => entry.position <= this.#durable && covers(entry)) || this.#held.some(covers))
    );
  }

  /** Takes out the states that may be given back now, in order. */
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

  /** States that wait for `release`. */
  get held(): number {
    return this.#held.length;
  }

  /** Keeps what must wait; what may never be given back is dropped. */
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

  /** Keeps the newest of the held states of each coverage, with the counts of the older ones. */
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
