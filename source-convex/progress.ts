/** What a human who follows the sync in Airbyte's log wants to know: what is read, how far, how fast. Once a minute, and at the end. */
import type { Log } from '../shared/airbyte/log.ts';
import type { SourceStream } from './stream.ts';

/** Milliseconds. */
const INTERVAL = 60_000;

export class Progress {
  readonly #log: Log;
  readonly #started = performance.now();
  #phase = '';
  #streams: readonly SourceStream[] = [];
  #pages = 0;
  #last = performance.now();
  #lastRecords = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  begin(phase: string, streams: readonly SourceStream[]): void {
    this.#phase = phase;
    this.#streams = streams;
    this.#pages = 0;
    this.#last = performance.now();
    this.#lastRecords = total(streams);
  }

  page(): void {
    this.#pages++;
    const now = performance.now();
    if (now - this.#last < INTERVAL) return;
    const records = total(this.#streams);
    const rate = Math.round(((records - this.#lastRecords) * 1000) / (now - this.#last));
    this.#last = now;
    this.#lastRecords = records;
    this.#log.info(
      `${this.#phase}: ${this.#pages} pages, ${records.toLocaleString('en')} records so far, ${rate.toLocaleString('en')} records/s in the last minute.`,
    );
  }

  summary(streams: readonly SourceStream[]): void {
    const seconds = (performance.now() - this.#started) / 1000;
    const records = total(streams);
    this.#log.info(
      `Read ${records.toLocaleString('en')} records of ${streams.length} streams in ${seconds.toFixed(1)} s.`,
    );
  }
}

function total(streams: readonly SourceStream[]): number {
  return streams.reduce((sum, stream) => sum + stream.records, 0);
}
