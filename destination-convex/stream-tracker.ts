/** What the input said about each stream, and how each stream ended. */
import type { StreamStatus } from '../shared/airbyte/protocol.generated.ts';
import type { Truncation } from './generations.ts';
import type { StreamPlan } from './streams.ts';

/** What the input said about a stream. */
export interface StreamHistory {
  records: number;
  /** STATEs that named it, and how many of them were null. */
  states: number;
  emptyStates: number;
  /** Its last status. */
  status: StreamStatus | undefined;
}

/**
 * - `complete`: every record arrived.
 * - `silent`: the input did not mention the stream, so its table is left as it is.
 * - `incomplete`: the source began the stream and did not complete it.
 */
export type Outcome = 'complete' | 'silent' | 'incomplete';

/** How a stream ended, at the end of the input. `anyStatus`: whether the input had a status of any stream. */
export function outcomeOf(history: StreamHistory, truncation: Truncation, anyStatus: boolean): Outcome {
  const { status, records, states, emptyStates } = history;
  if (status === 'COMPLETE') return 'complete';
  if (status === 'INCOMPLETE') return 'incomplete';
  if (status === undefined && records === 0 && states === 0) return 'silent';
  // A clear job sends only STATEs that are null. It has no source that could have failed.
  if (truncation !== 'none' && status === undefined && records === 0 && states === emptyStates) return 'complete';
  // A platform that knows generations sends COMPLETE for each stream if the source succeeds.
  if (anyStatus || truncation === 'generation') return 'incomplete';
  // Without any status, a failed source looks like a successful one, and only the end of the input counts.
  return 'complete';
}

export class StreamTracker {
  readonly #streams: readonly StreamPlan[];
  readonly #histories: StreamHistory[];
  /** Streams that are complete once the records up to number `position` are durable; ascending. */
  #completions: { stream: StreamPlan; position: number }[] = [];
  #anyStatus = false;

  constructor(streams: readonly StreamPlan[]) {
    this.#streams = streams;
    this.#histories = streams.map(() => ({ records: 0, states: 0, emptyStates: 0, status: undefined }));
  }

  record(index: number): void {
    this.#histories[index]!.records++;
  }

  /** Records that arrived. */
  recordsOf(index: number): number {
    return this.#histories[index]!.records;
  }

  state(index: number, empty: boolean): void {
    const history = this.#histories[index]!;
    history.states++;
    if (empty) history.emptyStates++;
  }

  /** `position`: the number of the last record before the status. */
  status(index: number, status: StreamStatus, position: number): void {
    this.#anyStatus = true;
    this.#histories[index]!.status = status;
    if (status === 'COMPLETE') this.#completions.push({ stream: this.#streams[index]!, position });
  }

  /** A status of an unknown stream: the platform sends statuses, so a stream without one is not complete. */
  unknownStatus(): void {
    this.#anyStatus = true;
  }

  /** Removes and returns the streams that were reported COMPLETE and whose records are all durable. */
  takeCompleted(durable: number): StreamPlan[] {
    const later = this.#completions.filter(({ position }) => position > durable);
    const due = this.#completions.slice(0, this.#completions.length - later.length);
    this.#completions = later;
    return due.map(({ stream }) => stream);
  }

  /** How each stream ended. Call it at the end of the input. */
  outcomes(): Record<Outcome, StreamPlan[]> {
    const outcomes: Record<Outcome, StreamPlan[]> = { complete: [], silent: [], incomplete: [] };
    for (const stream of this.#streams)
      outcomes[outcomeOf(this.#histories[stream.index]!, stream.truncation, this.#anyStatus)].push(stream);
    return outcomes;
  }
}
