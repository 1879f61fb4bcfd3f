import type { Entry, Revision, Tablet } from './tablets.ts';

/** One row of the commit log. System tables have rows too; nobody is shown them, but they count (C66). */
export interface LogRow {
  readonly ts: bigint;
  /** Sort the rows of one commit: the tablet in the order of its bytes, then the document. */
  readonly tabletOrder: string;
  readonly id: string;
  /** Undefined for a row of a system table. */
  readonly tablet: Tablet | undefined;
  readonly entry: Entry | undefined;
  readonly revision: Revision | undefined;
}

/** The order of the rows of one commit. */
export function byPlace(a: Pick<LogRow, 'tabletOrder' | 'id'>, b: Pick<LogRow, 'tabletOrder' | 'id'>): number {
  if (a.tabletOrder !== b.tabletOrder) return a.tabletOrder < b.tabletOrder ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** The one log of a deployment: all commits of all tables, ordered by (timestamp, tablet, document). */
export class Log {
  readonly rows: LogRow[] = [];

  /** Appends the rows of one commit, or files them where an older, until now hidden, commit belongs. */
  add(rows: LogRow[]): void {
    rows.sort(byPlace);
    const ts = rows[0]?.ts;
    if (ts === undefined) return;
    const last = this.rows.at(-1);
    if (last === undefined || last.ts < ts) for (const row of rows) this.rows.push(row);
    else this.rows.splice(this.firstAfter(ts), 0, ...rows);
  }

  /** A timestamp near `ts` that no commit has and no double can hold. */
  free(ts: bigint): bigint {
    let candidate = ts;
    while (candidate % 256n === 0n || this.rows[this.firstAfter(candidate) - 1]?.ts === candidate) candidate++;
    return candidate;
  }

  /** The position of the first row with a timestamp greater than `ts`. */
  firstAfter(ts: bigint): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.rows[middle]?.ts ?? 0n) <= ts) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
