/** When states are written. */
import { tuned } from '../shared/connector/tuning.ts';
import type { SourceStream } from './stream.ts';

/** Milliseconds between states: a crash repeats no more than this; and every state costs the destination something. */
const INTERVAL = 5_000;
/** Milliseconds after which a walk without records says that it is alive: only records and states count as a heartbeat. */
const HEARTBEAT = 60_000;

export class Checkpoints {
  readonly #interval = tuned('CHECKPOINT_MS', INTERVAL);
  #last = performance.now();

  /**
   * To be called after a page, with the streams that it moved on. Writes the states of those that have something new to say, not more
   * often than every few seconds; once a minute, those of all.
   */
  afterPage(streams: Iterable<SourceStream>): void {
    const passed = performance.now() - this.#last;
    if (passed < this.#interval) return;
    let written = 0;
    for (const stream of streams) {
      if (!stream.worthState && passed < HEARTBEAT) continue;
      stream.writeState();
      written++;
    }
    if (written > 0) this.#last = performance.now();
  }
}
