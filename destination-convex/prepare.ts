/** What a table needs before records go into it: emptied if its stream replaces it, then indexed if it is deduplicated (trap 18). */
import { ConnectorFailure } from '../shared/airbyte/failure.ts';
import type { Log } from '../shared/airbyte/log.ts';
import { tuned } from '../shared/connector/tuning.ts';
import { isBackfilling, type PrimaryKey, type StreamingImport } from '../shared/convex/streaming-import.ts';
import type { StreamPlan } from './streams.ts';

/** Milliseconds. An index of a new table is there in a moment, one of millions of documents takes its time. */
const POLL = { first: 200, longest: 10_000, deadline: 60 * 60_000, progress: 30_000 };

export class Tables {
  readonly #api: StreamingImport;
  readonly #log: Log;
  readonly #streams: readonly StreamPlan[];
  readonly #cleared = new Set<StreamPlan>();
  readonly #indexed = new Set<StreamPlan>();
  readonly #ready = new Set<StreamPlan>();

  constructor(api: StreamingImport, streams: readonly StreamPlan[], log: Log) {
    this.#api = api;
    this.#streams = streams;
    this.#log = log;
  }

  /** Resolves when records of these streams can be imported. Each step is done once a run. */
  async prepare(streams: Iterable<StreamPlan>): Promise<void> {
    const wanted = [...streams];
    await this.clear(wanted);
    const unready = wanted.filter((stream) => stream.key !== undefined && !this.#ready.has(stream));
    if (unready.length === 0) return;
    await this.#index(unready);
    await this.#waitFor(unready);
    for (const stream of unready) this.#ready.add(stream);
  }

  /** Empties the tables of those streams that replace theirs, unless that was done already. */
  async clear(streams: Iterable<StreamPlan>): Promise<void> {
    const due = [...streams].filter((stream) => stream.truncation !== 'none' && !this.#cleared.has(stream));
    if (due.length === 0) return;
    const names = due.map(({ table }) => table);
    this.#log.info(`Emptying ${listed(names)}.`);
    await this.#until(`Emptying ${listed(names)} waits for an index that Convex is still building`, async () => {
      try {
        await this.#api.clearTables(names);
        return true;
      } catch (error) {
        if (!isBackfilling(error)) throw error;
        return false;
      }
    });
    for (const stream of due) this.#cleared.add(stream);
  }

  /**
   * Convex builds indexes in the background, so all tables that will need one are given theirs at once. Not those that are still to be
   * emptied: a table cannot be emptied while its index is being built.
   */
  async #index(wanted: readonly StreamPlan[]): Promise<void> {
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
    await this.#until(`Convex is still building the index of ${listed(names)}; no records are sent meanwhile`, () =>
      this.#api.indexesReady(names),
    );
  }

  /** Asks at growing intervals until the answer is yes. */
  async #until(waiting: string, ask: () => Promise<boolean>): Promise<void> {
    const started = performance.now();
    const deadline = tuned('POLL_DEADLINE_MS', POLL.deadline);
    let delay = tuned('POLL_MS', POLL.first);
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
        this.#log.info(`${waiting} (${Math.round((now - started) / 1000)} s by now).`);
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
      delay = Math.min(1.5 * delay, Math.max(POLL.longest, delay));
    }
  }
}

const MAX_LISTED = 10;

function listed(names: readonly string[]): string {
  const some = names.slice(0, MAX_LISTED).join(', ');
  return `${names.length === 1 ? 'table' : 'tables'} ${some}${names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : ''}`;
}
