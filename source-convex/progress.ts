/** What a human who follows the sync in Airbyte's log wants to know: what is read, how far, how fast. Once a minute, and at the end. */
import type { Log } from '../shared/airbyte/log.ts';
import { tuned } from '../shared/connector/tuning.ts';
import type { SourceStream } from './stream.ts';
import { counted } from './words.ts';

/** Milliseconds. */
const INTERVAL = 60_000;

export class Progress {
  readonly #log: Log;
  readonly #streams: readonly SourceStream[];
  readonly #interval = tuned('PROGRESS_MS', INTERVAL);
  readonly #started = performance.now();
  #phase = '';
  #howFar: () => string = () => '';
  #pages = 0;
  #before = 0;
  #last = performance.now();
  #lastRecords = 0;

  constructor(log: Log, streams: readonly SourceStream[]) {
    this.#log = log;
    this.#streams = streams;
  }

  /** A phase begins; `howFar` says how much of it has been done. */
  begin(phase: string, howFar: () => string): void {
    this.#phase = phase;
    this.#howFar = howFar;
    this.#pages = 0;
    this.#before = this.#lastRecords = this.#total();
    this.#last = performance.now();
  }

  page(): void {
    this.#pages++;
    const now = performance.now();
    if (now - this.#last < this.#interval) return;
    const records = this.#total();
    const rate = Math.round(((records - this.#lastRecords) * 1000) / (now - this.#last));
    this.#last = now;
    this.#lastRecords = records;
    this.#log.info(
      `${this.#phase}: ${counted(this.#pages, 'page')}, ${counted(records - this.#before, 'record')} (${rate.toLocaleString('en')} records/s), ${this.#howFar()}.`,
    );
  }

  summary(): void {
    const seconds = (performance.now() - this.#started) / 1000;
    this.#log.info(
      `Read ${counted(this.#total(), 'record')} of ${counted(this.#streams.length, 'stream')} in ${seconds.toFixed(1)} s.`,
    );
  }

  #total(): number {
    return this.#streams.reduce((sum, stream) => sum + stream.records, 0);
  }
}
