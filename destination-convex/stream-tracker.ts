/** What the input has said of the streams, and which of them are complete by when. */
import type { StreamStatus } from '../shared/airbyte/protocol.generated.ts';
import { outcomeOf, type Outcome, type StreamHistory } from './generations.ts';
import type { StreamPlan } from './streams.ts';

export class StreamTracker {
  readonly #streams: readonly StreamPlan[];
  readonly #histories: StreamHistory[];
  /** Streams that are complete once all records up to `position` are durable; ascending. */
  #completions: { stream: StreamPlan; position: number }[] = [];
  #anyStatus = false;

  constructor(streams: readonly StreamPlan[]) {
    this.#streams = streams;
    this.#histories = streams.map(() => ({ records: 0, states: 0, emptyStates: 0, status: undefined }));
  }

  record(index: number): void {
    this.#histories[index]!.records++;
  }

  /** Records that have arrived. */
  recordsOf(index: number): number {
    return this.#histories[index]!.records;
  }

  state(index: number, empty: boolean): void {
    const history = this.#histories[index]!;
    history.states++;
    if (empty) history.emptyStates++;
  }

  /** `position`: the number of the last record before it. */
  status(index: number, status: StreamStatus, position: number): void {
    this.#anyStatus = true;
    this.#histories[index]!.status = status;
    if (status === 'COMPLETE') this.#completions.push({ stream: this.#streams[index]!, position });
  }

  /** A status of an unknown stream arrived, so silence about a stream does not mean that it is complete. */
  unknownStatus(): void {
    this.#anyStatus = true;
  }

  /** Takes out the streams that were reported COMPLETE, and whose records are all within `durable`. */
  takeCompleted(durable: number): StreamPlan[] {
    const later = this.#completions.filter(({ position }) => position > durable);
    const due = this.#completions.slice(0, this.#completions.length - later.length);
    this.#completions = later;
    return due.map(({ stream }) => stream);
  }

  /** How each stream has ended; to be asked once the input has. */
  outcomes(): Record<Outcome, StreamPlan[]> {
    const outcomes: Record<Outcome, StreamPlan[]> = { complete: [], silent: [], incomplete: [] };
    for (const stream of this.#streams)
      outcomes[outcomeOf(this.#histories[stream.index]!, stream.truncation, this.#anyStatus)].push(stream);
    return outcomes;
  }
}
