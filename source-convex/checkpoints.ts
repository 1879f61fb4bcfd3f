/** When states are written. */
import type { ProtocolWriter } from '../shared/airbyte/writer.ts';
import { tuned } from '../shared/connector/tuning.ts';
import type { SourceStream } from './stream.ts';

/** Milliseconds between states: a crash repeats no more than this; and every state costs the destination something. */
const INTERVAL = 5_000;
/** Milliseconds after which a run without records says that it is alive: only records and states count as a heartbeat. */
const HEARTBEAT = 60_000;

export class Checkpoints {
  readonly #interval = tuned('CHECKPOINT_MS', INTERVAL);
  readonly #streams: readonly SourceStream[];
  readonly #writer: ProtocolWriter;
  #last = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(streams: readonly SourceStream[], writer: ProtocolWriter) {
    this.#streams = streams;
    this.#writer = writer;
  }

  /** To be called after a page: writes the states that are owed, not more often than every few seconds. */
  afterPage(): void {
    if (performance.now() - this.#last < this.#interval) return;
    this.#write(this.#streams.filter((stream) => stream.owesState));
  }

  /** To be called after a walk: writes the states that are owed now. */
  afterWalk(): void {
    this.#write(this.#streams.filter((stream) => stream.owesState));
  }

  /**
   * Writes states once a minute, also while a page takes long or is waited for: those of streams that have moved without a record; and
   * where there are none, the last one of some stream again. The position of a stream with records beyond it is left to `afterPage`: two
   * equal states with records between them would contradict each other.
   */
  startHeartbeat(): void {
    this.#timer = setInterval(
      () => {
        const resting = this.#streams.filter((stream) => stream.rests);
        const moved = resting.filter((stream) => stream.moved);
        this.#write(moved.length > 0 ? moved : resting.slice(0, 1));
      },
      tuned('HEARTBEAT_MS', HEARTBEAT),
    );
  }

  stopHeartbeat(): void {
    clearInterval(this.#timer);
  }

  #write(streams: readonly SourceStream[]): void {
    if (streams.length === 0) return;
    for (const stream of streams) stream.writeState();
    // A state that waits in this process for the next page would not be there when the process is not.
    this.#writer.flush();
    this.#last = performance.now();
  }
}
