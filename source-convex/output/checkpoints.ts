/** When states are written. */
import type { ProtocolWriter } from '../../shared/airbyte/writer.ts';
import { testOverride } from '../../shared/connector/test-override.ts';
import type { StreamOutput } from './stream-output.ts';

/**
 * Milliseconds between states. A crash repeats no more than this; every state costs the destination
 * something.
 */
const INTERVAL = 5_000;
/**
 * Milliseconds after which a run without records writes a state: platforms take only records and states for a
 * heartbeat.
 */
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

  /** To be called after new positions: writes the states that save progress, at most every few seconds. */
  afterPositions(): void {
    if (performance.now() - this.#last >= this.#interval) this.write();
  }

  /** Writes the states that save progress. `all`: also those that cover no new record. */
  write(all = false): void {
    this.#write(this.#streams.filter((stream) => stream.hasUnsavedProgress || (all && stream.hasAdvanced)));
  }

  /**
   * Writes states once a minute, also while a page takes long: those of streams that have advanced without a
   * record. Where there are none, the last state of one stream is written again. Streams with records beyond
   * their position are left out: two equal states with records between them would contradict each other.
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
    // A state in this process's buffer would be lost if the process were killed before the next page.
    this.#writer.flush();
    this.#last = performance.now();
  }
}
