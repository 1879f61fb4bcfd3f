/**
 * Two consumers of a source's records, as simple as real ones are. They keep whatever reached them, also records whose state was lost: a
 * platform delivers at least once.
 */
import type { RecordLine } from '../../support/records.ts';

interface Row {
  /** Nanoseconds: the record's `_ts`. */
  ts: bigint;
  /** The document's text; null: deleted. */
  document: string | null;
}

type Rows = Map<string, Row>;

const RULES = {
  /** Upserts and deletes in the order of arrival. */
  'last arrival': () => true,
  /** Of all records of an `_id`, the one with the highest `_ts` counts, and of those the last. So warehouses deduplicate. */
  'highest _ts': (held: Row, { ts }: Row) => ts >= held.ts,
} satisfies Record<string, (held: Row, record: Row) => boolean>;

export class Consumers {
  /** By rule and stream. */
  readonly #held = new Map<string, Map<string, Rows>>(
    Object.keys(RULES).map((rule) => [rule, new Map<string, Rows>()]),
  );

  take({ stream, id, ts, deleted, document }: RecordLine): void {
    const record = { ts: BigInt(ts), document: deleted ? null : document };
    for (const [rule, replaces] of Object.entries(RULES)) {
      const rows = this.#rows(rule, stream);
      const held = rows.get(id);
      if (held === undefined || replaces(held, record)) rows.set(id, record);
    }
  }

  /** A refresh that truncates: what was there is removed. */
  forget(stream: string): void {
    for (const streams of this.#held.values()) streams.delete(stream);
  }

  /** How the consumers differ from the documents of a table, by `_id`. */
  differences(stream: string, truth: ReadonlyMap<string, string>): string[] {
    const found: string[] = [];
    for (const rule of Object.keys(RULES)) {
      const wrong = { missing: 0, different: 0, 'left over': 0 };
      const rows = this.#rows(rule, stream);
      for (const [id, document] of truth) {
        const held = rows.get(id)?.document ?? null;
        if (held === null) wrong.missing++;
        else if (held !== document) wrong.different++;
      }
      for (const [id, { document }] of rows) if (document !== null && !truth.has(id)) wrong['left over']++;
      const counts = Object.entries(wrong).filter(([, count]) => count > 0);
      if (counts.length === 0) continue;
      const what = counts.map(([name, count]) => `${count} ${name}`).join(', ');
      found.push(`${stream} (${rule}): of ${truth.size} documents ${what}`);
    }
    return found;
  }

  #rows(rule: string, stream: string): Rows {
    const streams = this.#held.get(rule)!;
    const rows = streams.get(stream) ?? new Map<string, Row>();
    streams.set(stream, rows);
    return rows;
  }
}
