/** Logs each minute and at the end: records, their rate, how long the source and Convex were waited for. */
import type { Log } from '../shared/core/log.ts';
import { listed } from '../shared/core/text.ts';
import type { RequestBody } from './request-body.ts';
import type { StreamPlan } from './streams.ts';

/** Milliseconds. */
const INTERVAL = 60_000;
/** Streams named in a line. */
const MAX_STREAMS = 20;

interface Counts {
  total: number;
  /** Since the last log line. */
  recent: number;
}

export class Progress {
  readonly #log: Log;
  readonly #started = performance.now();
  readonly #streams = new Map<StreamPlan, Counts>();
  readonly #timer: NodeJS.Timeout;
  #last = this.#started;
  #bytes = 0;
  #requests = 0;
  /** Milliseconds of waiting for the source and for Convex, since the last log line. */
  #waited = { source: 0, convex: 0 };
  #waitedInAll = { source: 0, convex: 0 };

  constructor(log: Log) {
    this.#log = log;
    this.#timer = setInterval(() => {
      this.#tell();
    }, INTERVAL);
    this.#timer.unref();
  }

  /** Adds the duration of `waiting` to the time of waiting for `whom`. */
  async waitFor<T>(whom: 'source' | 'convex', waiting: Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await waiting;
    } finally {
      const time = performance.now() - from;
      this.#waited[whom] += time;
      this.#waitedInAll[whom] += time;
    }
  }

  /** Counts the records of a request as written. Refused ones are subtracted by `refused`. */
  sent({ streams, bytes }: Pick<RequestBody, 'streams' | 'bytes'>): void {
    this.#bytes += bytes;
    this.#requests++;
    for (const [stream, count] of streams) this.#add(stream, count);
  }

  /** A record that `sent` has counted or will count was refused. */
  refused(stream: StreamPlan): void {
    this.#add(stream, -1);
  }

  /** Records of this stream that were written. May be too low while a refused request is divided. */
  written(stream: StreamPlan): number {
    return this.#streams.get(stream)?.total ?? 0;
  }

  /** Logs the last line and stops the timer. */
  close(): void {
    clearInterval(this.#timer);
    const seconds = (performance.now() - this.#started) / 1000;
    const parts = [...this.#streams].map(([stream, { total }]) => `${stream.text}: ${grouped(total)}`);
    const all = [...this.#streams.values()].reduce((sum, { total }) => sum + total, 0);
    this.#log.info(
      all === 0
        ? `No records were written (${seconds.toFixed(1)} s).`
        : `Records written: ${listed(parts, MAX_STREAMS)}. ${grouped(all)} in all, in ${seconds.toFixed(1)} s (${grouped(all / seconds)}/s, ${megabytes(this.#bytes / seconds)}/s, ${grouped(this.#requests)} requests). ${waits(this.#waitedInAll, 1000 * seconds)}`,
    );
  }

  #add(stream: StreamPlan, count: number): void {
    const counts = this.#streams.get(stream) ?? { total: 0, recent: 0 };
    counts.total += count;
    counts.recent += count;
    this.#streams.set(stream, counts);
  }

  #tell(): void {
    const now = performance.now();
    const elapsed = now - this.#last;
    const parts = [...this.#streams]
      .filter(([, { recent }]) => recent > 0)
      .map(
        ([stream, { total, recent }]) => `${stream.text}: ${grouped(total)} (${grouped((1000 * recent) / elapsed)}/s)`,
      );
    this.#log.info(
      `${parts.length === 0 ? 'Nothing was written in the last minute' : `Written so far: ${listed(parts, MAX_STREAMS)}`}. ${waits(this.#waited, elapsed)}`,
    );
    for (const counts of this.#streams.values()) counts.recent = 0;
    this.#waited = { source: 0, convex: 0 };
    this.#last = now;
  }
}

function waits({ source, convex }: { source: number; convex: number }, elapsed: number): string {
  const share = (time: number) => `${Math.round((100 * time) / Math.max(1, elapsed))} %`;
  return `Waited ${share(source)} of the time for the source, ${share(convex)} for Convex.`;
}

function grouped(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
