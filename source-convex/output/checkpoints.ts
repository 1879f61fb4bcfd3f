/** Decides when states are written (DEC8). */
import type { ProtocolWriter } from '../../shared/airbyte/writer.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import type { StreamOutput } from './stream-output.ts';

/** Milliseconds between states. A crash repeats at most this much; each state makes the destination flush. */
const INTERVAL = 5_000;
/** Milliseconds between states of a run without records: only both count as signs of life. */
const HEARTBEAT = 60_000;

export class Checkpoints {
  readonly #interval = testOverride('CHECKPOINT_MS', INTERVAL);
  readonly #streams: readonly StreamOutput[];
  readonly #writer: ProtocolWriter;
  #last = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(streams: readonly StreamOutput[], writer: ProtocolWriter) {
    this.#streams = streams;
    this.#writer = writer;
  }

  /** Call after new positions. Writes the states that save progress, at most once per interval. */
  afterPositions(): void {
    if (performance.now() - this.#last >= this.#interval) this.write();
  }

  /** Writes the states that save progress. `all`: also those that cover no new record. */
  write(all = false): void {
    this.#write(this.#streams.filter((stream) => stream.hasUnsavedProgress || (all && stream.hasAdvanced)));
  }

  /**
   * Writes a state once a minute, also during a long page: the states of streams that have advanced without a
   * record, or else the last state of one stream again. Streams with records after their position are left
   * out: a state that is repeated after those records would claim to cover them.
   */
  startHeartbeat(): void {
    this.#timer = setInterval(
      () => {
        const idle = this.#streams.filter((stream) => stream.isIdle);
        const advanced = idle.filter((stream) => stream.hasAdvanced);
        this.#write(advanced.length > 0 ? advanced : idle.slice(0, 1));
      },
      testOverride('HEARTBEAT_MS', HEARTBEAT),
    );
  }

  stopHeartbeat(): void {
    clearInterval(this.#timer);
  }

  #write(streams: readonly StreamOutput[]): void {
    if (streams.length === 0) return;
    for (const stream of streams) stream.writeState();
    // Flushed at once: a buffered state would be lost if the process were killed.
    this.#writer.flush();
    this.#last = performance.now();
  }
}
