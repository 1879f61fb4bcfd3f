/** What two kinds of destinations hold after the records of several runs, whether or not a state covers them. */
import { expect } from 'vitest';
import { recordsOf, savedStates, type RecordLine, type Source, type Wanted } from '../setup.ts';

interface Held {
  ts: bigint;
  /** Undefined: deleted. */
  document: string | undefined;
}

/** `last`: the record that arrives last wins. `highest`: the one with the highest `_ts`; of equal ones the last. */
type Rule = 'last' | 'highest';

export class Consumers {
  readonly #held = { last: new Map<string, Held>(), highest: new Map<string, Held>() };
  #states: unknown[] = [];
  #runs: string[][] = [];

  get states(): unknown[] {
    return this.#states;
  }

  /** Takes the lines of a run, complete or not. */
  take(lines: readonly string[]): RecordLine[] {
    const records = recordsOf(lines);
    for (const record of records) {
      const key = `${record.stream} ${record.id}`;
      const held = { ts: BigInt(record.ts), document: record.deleted ? undefined : record.document };
      this.#held.last.set(key, held);
      const before = this.#held.highest.get(key);
      if (before === undefined || before.ts <= held.ts) this.#held.highest.set(key, held);
    }
    this.#runs = [...this.#runs, [...lines]];
    this.#states = savedStates(...this.#runs);
    return records;
  }

  documents(stream: string, rule: Rule): Map<string, string> {
    const documents = new Map<string, string>();
    for (const [key, { document }] of this.#held[rule])
      if (key.startsWith(`${stream} `) && document !== undefined) documents.set(key.slice(stream.length + 1), document);
    return documents;
  }

  /** Both hold exactly what the deployment has. */
  expectTruth(source: Source, ...tables: readonly string[]): void {
    for (const table of tables)
      for (const rule of ['last', 'highest'] as const) {
        const documents = this.documents(table, rule);
        const truth = source.truth(table);
        expect([...documents.keys()].sort(), `${table}, ${rule}`).toEqual([...truth.keys()].sort());
        expect(documents, `${table}, ${rule}`).toEqual(truth);
      }
  }
}

/** Reads to the end, from where the last run stopped, and returns the records of this run. */
export async function sync(
  source: Source,
  consumers: Consumers,
  streams: readonly Wanted[],
  config: object = {},
): Promise<{ records: RecordLine[]; lines: string[] }> {
  const { states } = consumers;
  const lines = await source.readAll({ streams, config, ...(states.length === 0 ? {} : { state: states }) });
  return { records: consumers.take(lines), lines };
}
