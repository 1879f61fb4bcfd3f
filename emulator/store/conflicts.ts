import { unavailable } from '../http/errors.ts';
import type { PrimaryKeyIndex } from './indexes.ts';
import type { Log } from './log.ts';
import type { Tablet } from './tablets.ts';

/**
 * What a transaction has read, as far as another commit can change it. Every transaction that names a table depends on
 * all rows of `_tables` (crates/database/src/transaction.rs, `take_table_mapping_dep`).
 */
export class ReadSet {
  /** Depends on all rows of `_index`: an index was looked up by its name, and there is none. */
  indexes = false;
  /** Tables that were counted, which depends on all their documents. */
  readonly tablets = new Set<Tablet>();
  readonly #keys = new Map<Tablet, { index: PrimaryKeyIndex; length: number; keys: Set<string> }[]>();

  /** Reads a range of an index: that of the values of its first `length` fields. */
  key(tablet: Tablet, index: PrimaryKeyIndex, length: number, range: string): void {
    let reads = this.#keys.get(tablet);
    if (reads === undefined) this.#keys.set(tablet, (reads = []));
    let read = reads.find((known) => known.length === length);
    if (read === undefined) reads.push((read = { index, length, keys: new Set() }));
    read.keys.add(range);
  }

  /** The table and document of the first row after `ts` that changes what was read. */
  conflict(log: Log, ts: bigint): { table: string; id: string } | undefined {
    if (this.tablets.size === 0 && this.#keys.size === 0) return undefined;
    for (let position = log.firstAfter(ts); position < log.rows.length; position++) {
      const { tablet, entry, revision } = log.rows[position] ?? {};
      if (tablet === undefined || entry === undefined) continue;
      const documents = [revision?.value ?? null, revision?.replaced ?? null].filter((document) => document !== null);
      const touched =
        this.tablets.has(tablet) ||
        (this.#keys.get(tablet) ?? []).some(({ index, length, keys }) =>
          documents.some((document) => keys.has(index.rangeIn(document, length))),
        );
      if (touched) return { table: tablet.name, id: entry.id };
    }
    return undefined;
  }
}

/** The state that a transaction reads. */
export interface Beginning {
  ts: bigint;
  /** How often tables and indexes had changed. */
  tables: number;
  indexes: number;
}

/**
 * Optimistic concurrency control of the requests that write (crates/database/src/committer.rs). A request reads the
 * state of its beginning and commits `delayMs` milliseconds later. Where a commit in between changed something that it
 * has read, it is refused and nothing is written.
 */
export class Commits {
  readonly #delayMs: number;
  readonly #now: () => Beginning;
  readonly #log: Log;
  readonly #timers = new Set<NodeJS.Timeout>();
  #held: (() => void)[] | undefined;

  constructor(delayMs: number, log: Log, now: () => Beginning) {
    this.#delayMs = delayMs;
    this.#log = log;
    this.#now = now;
  }

  /** Begins a transaction. Resolves when it may commit: in the order of the beginnings. */
  async begin(): Promise<Beginning> {
    const beginning = this.#now();
    const held = this.#held;
    await new Promise<void>((resolve) => {
      if (held !== undefined) {
        held.push(resolve);
        return;
      }
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, this.#delayMs);
      this.#timers.add(timer);
    });
    return beginning;
  }

  /** From now on no request commits until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  /** How many requests have begun and are held. */
  get held(): number {
    return this.#held?.length ?? 0;
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const resolve of held) resolve();
  }

  /** @throws 503 `OptimisticConcurrencyControlFailure` where a later commit changed what was read */
  validate(beginning: Beginning, reads: ReadSet): void {
    const now = this.#now();
    if (now.tables !== beginning.tables || (reads.indexes && now.indexes !== beginning.indexes)) {
      throw conflict(
        'Data read or written in this mutation changed while it was being run. Consider reducing the amount of data ' +
          'read by using indexed queries with selective index range expressions ' +
          '(https://docs.convex.dev/database/indexes/).',
      );
    }
    const changed = reads.conflict(this.#log, beginning.ts);
    if (changed === undefined) return;
    throw conflict(
      `Documents read from or written to the "${changed.table}" table changed while this mutation was being run and on ` +
        'every subsequent retry. Another call to this mutation changed the document with ID ' +
        `"${changed.id}". See https://docs.convex.dev/error#1`,
    );
  }

  /** Stops its timers: what has not committed never will. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

function conflict(message: string) {
  return unavailable('OptimisticConcurrencyControlFailure', message);
}
