/** Prepares tables for records: empties the replaced ones, then indexes the deduplicated ones (C134). */
import { ConnectorFailure, configError } from '../shared/core/failure.ts';
import type { Log } from '../shared/core/log.ts';
import { listed } from '../shared/core/text.ts';
import { testOverride } from '../shared/connector/test-override.ts';
import { isBackfilling, type PrimaryKey, type StreamingImport } from '../shared/convex/streaming-import.ts';
import { markerField, markerOf, markerQuestion, markerTable, verdictOn, type Marker } from './generation-marker.ts';
import type { Generation } from './generations.ts';
import type { StreamPlan } from './streams.ts';

/** Milliseconds. The index of a new table is built at once, one of millions of documents takes minutes. */
const POLL = { first: 200, longest: 10_000, deadline: 60 * 60_000, progress: 30_000 };

export class Tables {
  readonly #api: StreamingImport;
  readonly #log: Log;
  readonly #streams: readonly StreamPlan[];
  readonly #onCommitted: (stream: StreamPlan) => void;
  /** Their tables hold nothing of an earlier generation: emptied in this run or an earlier attempt. */
  readonly #cleared = new Set<StreamPlan>();
  /** Of these, the ones that were emptied in this run. */
  readonly #emptied = new Set<StreamPlan>();
  /** Of these, the ones whose marker says so: a later attempt will not empty them again. */
  readonly #marked = new Set<StreamPlan>();
  readonly #indexed = new Set<StreamPlan>();
  readonly #ready = new Set<StreamPlan>();

  /** `onCommitted`: the deployment remembers that this stream's table was emptied for its generation. */
  constructor(
    api: StreamingImport,
    streams: readonly StreamPlan[],
    log: Log,
    onCommitted: (stream: StreamPlan) => void,
  ) {
    this.#api = api;
    this.#streams = streams;
    this.#log = log;
    this.#onCommitted = onCommitted;
  }

  /** Resolves when records of these streams can be imported. Each step is done once a run. */
  async prepare(streams: Iterable<StreamPlan>): Promise<void> {
    const wanted = [...streams];
    await this.clear(wanted);
    await this.index(wanted);
  }

  /** Resolves when the tables are indexed by their keys. Tables that are missing are made. */
  async index(streams: readonly StreamPlan[]): Promise<void> {
    const unready = streams.filter((stream) => stream.key !== undefined && !this.#ready.has(stream));
    if (unready.length === 0) return;
    await this.#addIndexes(unready);
    await this.#waitFor(unready);
    for (const stream of unready) this.#ready.add(stream);
  }

  /** Empties the tables that are replaced, unless this was done before for the same generation. */
  async clear(streams: Iterable<StreamPlan>): Promise<void> {
    const undecided = [...streams].filter((stream) => stream.truncation !== 'none' && !this.#cleared.has(stream));
    const due: StreamPlan[] = [];
    for (const stream of undecided) if (await this.mustEmpty(stream)) due.push(stream);
    if (due.length === 0) return;
    const names = due.map(({ table }) => table);
    this.#log.info(`Emptying ${tablesText(names)}.`);
    await this.#until(`Emptying ${tablesText(names)} waits for an index that Convex is still building`, async () => {
      try {
        await this.#api.clearTables(names);
        return true;
      } catch (error) {
        if (!isBackfilling(error)) throw error;
        return false;
      }
    });
    for (const stream of due) {
      this.#cleared.add(stream);
      this.#emptied.add(stream);
    }
  }

  /** The tables of these streams hold nothing of an earlier generation: they were replaced at once. */
  replaced(streams: readonly StreamPlan[]): void {
    for (const stream of streams) this.#cleared.add(stream);
  }

  /** Whether the stream's table was emptied in this run. */
  emptied(stream: StreamPlan): boolean {
    return this.#emptied.has(stream);
  }

  /** Streams whose tables were emptied for a generation, without a marker that says so yet. */
  get unmarked(): StreamPlan[] {
    return [...this.#cleared].filter((stream) => stream.generation !== undefined && !this.#marked.has(stream));
  }

  /**
   * Makes the deployment remember the generations of these streams, whose tables were emptied. If the process
   * is killed before, the next attempt empties the tables again. No state of theirs was given back, so
   * nothing is lost.
   */
  async mark(streams: readonly StreamPlan[]): Promise<void> {
    const due = streams.filter((stream) => this.#cleared.has(stream) && !this.#marked.has(stream) && stream.generation);
    if (due.length === 0) return;
    const indexes = due.map(({ table, generation }): [string, PrimaryKey] => [
      markerTable(table),
      [[markerField(generation!)]],
    ]);
    const names = indexes.map(([name]) => name);
    await this.#api.addPrimaryKeyIndexes(new Map(indexes));
    await this.#until(`Convex is still building the index of ${tablesText(names)}`, () =>
      this.#api.indexesReady(names),
    );
    for (const stream of due) this.#commit(stream);
  }

  #commit(stream: StreamPlan): void {
    this.#marked.add(stream);
    this.#onCommitted(stream);
  }

  /**
   * Whether the stream's table is still to be replaced: no attempt has done it for the same generation. The
   * deployment is asked if a generation identifies the replacement.
   */
  async mustEmpty(stream: StreamPlan): Promise<boolean> {
    const { generation, table, text, fullRefresh } = stream;
    if (generation === undefined) return true;
    const marker = await this.#markerOf(table);
    if (marker.kind === 'foreign') {
      throw configError(
        `The table "${markerTable(table)}" is used by something else: its primary key index is not one that this destination makes. The destination remembers there which generation of the stream "${text}" the table "${table}" holds. Rename or remove the table "${markerTable(table)}", or deselect the stream that writes to it.`,
        stream.descriptor,
      );
    }
    const verdict = verdictOn(marker, generation, fullRefresh);
    if (verdict === 'empty') return true;
    this.#cleared.add(stream);
    this.#commit(stream);
    if (verdict === 'keep') {
      this.#log.info(
        `Table ${table} is not emptied: an earlier attempt has done it for generation ${generation.id}. What that attempt wrote is kept.`,
      );
    } else {
      this.#log.warn(
        `Table ${table} is not emptied: another sync (${(marker as { generation: Generation }).generation.sync}) has done it for generation ${generation.id}. If that sync was one of another connection, documents of it are still in the table: clear the stream, or refresh it once more.`,
      );
    }
    return false;
  }

  async #markerOf(table: string): Promise<Exclude<Marker, { kind: 'building' }>> {
    let marker: Marker | undefined;
    await this.#until(`Convex is still building the index of table ${markerTable(table)}`, async () => {
      marker = (await this.#api.ask(markerQuestion(table), markerOf)) ?? { kind: 'foreign' };
      return marker.kind !== 'building';
    });
    return marker as unknown as Exclude<Marker, { kind: 'building' }>;
  }

  /**
   * Convex builds indexes in the background, so all tables that will need one are given theirs at once. Not
   * those that are still to be emptied: a table cannot be emptied while its index is being built.
   */
  async #addIndexes(wanted: readonly StreamPlan[]): Promise<void> {
    const due = this.#streams.filter(
      (stream) =>
        stream.key !== undefined &&
        !this.#indexed.has(stream) &&
        (wanted.includes(stream) || stream.truncation === 'none'),
    );
    if (due.length === 0) return;
    const indexes = due.map(({ table, key }): [string, PrimaryKey] => [table, key!.fields.map(({ stored }) => stored)]);
    await this.#api.addPrimaryKeyIndexes(new Map(indexes));
    for (const stream of due) this.#indexed.add(stream);
  }

  async #waitFor(streams: readonly StreamPlan[]): Promise<void> {
    const names = streams.map(({ table }) => table);
    await this.#until(`Convex is still building the index of ${tablesText(names)}; no records are sent meanwhile`, () =>
      this.#api.indexesReady(names),
    );
  }

  /** Asks at growing intervals until the answer is yes. */
  async #until(waiting: string, ask: () => Promise<boolean>): Promise<void> {
    const started = performance.now();
    const deadline = testOverride('POLL_DEADLINE_MS', POLL.deadline);
    let delay = testOverride('POLL_MS', POLL.first);
    let told = started;
    while (!(await ask())) {
      const now = performance.now();
      if (now - started + delay > deadline) {
        throw new ConnectorFailure(
          'transient_error',
          `${waiting}, for ${Math.round((now - started) / 1000)} s by now. The next sync goes on waiting for it.`,
        );
      }
      if (now - told >= POLL.progress) {
        told = now;
        this.#log.info(`${waiting} (${Math.round((now - started) / 1000)} s so far).`);
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
      delay = Math.min(1.5 * delay, Math.max(POLL.longest, delay));
    }
  }
}

const MAX_LISTED = 10;

function tablesText(names: readonly string[]): string {
  return `${names.length === 1 ? 'table' : 'tables'} ${listed(names, MAX_LISTED)}`;
}
