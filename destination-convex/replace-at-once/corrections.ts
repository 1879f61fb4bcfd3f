/**
 * The newest version of each key that came more than once: what was uploaded cannot be taken back. A version
 * whose row still waits in memory takes its place there; the others are written by streaming import when the
 * table is replaced.
 */
import { configError } from '../../shared/core/failure.ts';
import { NEWLINE } from '../../shared/json/raw.ts';
import type { Deletion } from '../request-body.ts';
import type { StreamPlan } from '../streams.ts';
import { Fingerprints } from './fingerprints.ts';
import type { RowEncoder } from './row.ts';
import { RowKeys } from './row-keys.ts';

/** A version that came after another one of its key. */
export interface Correction {
  /** Number by which the ledger knows the record. */
  record: number;
  /** The record's data, as they came. */
  data: Buffer;
  /** Undefined where the row is to be as the data say. */
  deletion: Deletion | undefined;
}

/** Bytes of corrections that may wait, of all streams; what each takes besides its data and key. */
const MAX_WAITING = 32 * 1024 * 1024;
const OVERHEAD = 400;
/** So many bytes have to come before rows in memory are replaced once more. */
const STEP = 4 * 1024 * 1024;

/** What the corrections of all streams take; shared by them. */
export class CorrectionBudget {
  used = 0;
  readonly #settle: () => void;
  #settleAt = MAX_WAITING;

  /** `settle`: has all streams replace their rows in memory, which takes their corrections out. */
  constructor(settle: () => void) {
    this.#settle = settle;
  }

  /** Whether there is room for what is used. */
  hasRoom(): boolean {
    if (this.used <= this.#settleAt) return true;
    this.#settle();
    this.#settleAt = Math.max(MAX_WAITING, this.used + STEP);
    return this.used <= MAX_WAITING;
  }
}

export class KeyedRows {
  readonly #stream: StreamPlan;
  readonly #keys: RowKeys;
  readonly #encoder: RowEncoder;
  readonly #seen = new Fingerprints();
  readonly #corrections = new Map<string, Correction>();
  readonly #budget: CorrectionBudget;
  /** Whether a correction has come since `settle`: its row may be one of those that wait. */
  isDue = false;

  /** `stream`: has a key. */
  constructor(stream: StreamPlan, encoder: RowEncoder, budget: CorrectionBudget) {
    this.#stream = stream;
    this.#keys = new RowKeys(stream.key!.fields.map(({ stored }) => stored));
    this.#encoder = encoder;
    this.#budget = budget;
  }

  /** Whether the record of this row belongs into the upload. Calls `data` if a copy is needed. */
  take(row: Buffer, record: number, data: () => Buffer, deletion?: Deletion): boolean {
    const key = this.#keys.of(row, 0, row.length);
    if (deletion === undefined ? this.#seen.add(key) : !this.#seen.has(key)) return deletion === undefined;
    this.#forget(key);
    const copy = data();
    this.#corrections.set(key, { record, data: copy, deletion });
    this.#budget.used += costOf(key, copy);
    this.isDue = true;
    if (!this.#budget.hasRoom()) throw this.#tooMany();
    return false;
  }

  /**
   * Takes the rows out of `rows` (each with a line break) that a correction replaces. The others move to the
   * beginning; returns how many bytes they have, how many rows were taken out, and the rows that replace
   * them. `uploaded`: whether other rows were sent before. If none were, no correction is left.
   */
  settle(rows: Buffer, uploaded: boolean): { kept: number; dropped: number; added: Buffer[] } {
    const added: Buffer[] = [];
    const apply = ({ data, deletion }: Correction) => {
      if (deletion === undefined) added.push(this.#encoder.encode(data, 0, data.length).bytes!);
    };
    let kept = 0;
    let dropped = 0;
    for (let start = 0; start < rows.length;) {
      const end = rows.indexOf(NEWLINE, start) + 1;
      const correction = this.#forget(this.#keys.of(rows, start, end));
      if (correction === undefined) {
        if (kept !== start) rows.copyWithin(kept, start, end);
        kept += end - start;
      } else {
        dropped++;
        apply(correction);
      }
      start = end;
    }
    this.isDue = false;
    if (!uploaded) for (const correction of this.takeAll()) apply(correction);
    return { kept, dropped, added };
  }

  /** Takes out the corrections. */
  *takeAll(): Generator<Correction> {
    for (const [key, correction] of this.#corrections) {
      this.#forget(key);
      yield correction;
    }
  }

  /** How many there are. */
  get waiting(): number {
    return this.#corrections.size;
  }

  #forget(key: string): Correction | undefined {
    const correction = this.#corrections.get(key);
    if (correction === undefined) return undefined;
    this.#corrections.delete(key);
    this.#budget.used -= costOf(key, correction.data);
    return correction;
  }

  #tooMany(): Error {
    const { text, table, descriptor } = this.#stream;
    return configError(
      `Too many rows of the stream "${text}" came again after they were uploaded, with other values or as deletions: more than ${MAX_WAITING / 1024 / 1024} MiB of them would have to wait until table ${table} is replaced. Nothing was changed. Set "How tables are replaced" to "Clear, then insert".`,
      descriptor,
    );
  }
}

function costOf(key: string, data: Buffer): number {
  return OVERHEAD + key.length + data.length;
}
