/** What the log says while a sync runs: what is read, how far, how fast. Once a minute, and at the end. */
import type { Log } from '../../shared/core/log.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import { counted } from '../../shared/core/text.ts';

/** Milliseconds. */
const INTERVAL = 60_000;

export class Progress {
  readonly #log: Log;
  readonly #streams: readonly { records: number }[];
  readonly #interval = testOverride('PROGRESS_MS', INTERVAL);
  readonly #started = performance.now();
  #phase = '';
  #howFar: () => string = () => '';
  #pages = 0;
  #recordsBefore = 0;
  #last = performance.now();
  #lastRecords = 0;

  constructor(log: Log, streams: readonly { records: number }[]) {
    this.#log = log;
    this.#streams = streams;
  }

  /** A phase begins; `howFar` says how much of it has been done. */
  begin(phase: string, howFar: () => string): void {
    this.#phase = phase;
    this.#howFar = howFar;
    this.#pages = 0;
    this.#recordsBefore = this.#lastRecords = this.#total();
    this.#last = performance.now();
  }

  page(): void {
    this.#pages++;
    const now = performance.now();
    if (this.#phase === '' || now - this.#last < this.#interval) return;
    const records = this.#total();
    const rate = Math.round(((records - this.#lastRecords) * 1000) / (now - this.#last));
    this.#last = now;
    this.#lastRecords = records;
    this.#log.info(
      `${this.#phase}: ${counted(this.#pages, 'page')}, ${counted(records - this.#recordsBefore, 'record')} (${rate.toLocaleString('en')} records/s), ${this.#howFar()}.`,
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
