/**
 * The platform's bookkeeping of one attempt: it counts records, gives every state an id, and finds each state that the destination gives
 * back by this id. A state that it does not know, or states of two kinds, fail the sync; counts that disagree are reported.
 */
import { isObject, numberOf, type JsonObject } from './exact.ts';

export class SyncFailure extends Error {
  override readonly name = 'SyncFailure';
}

interface Passed {
  key: string;
  /** Records of the stream between this state and the one before. */
  records: number;
  sourceRecords: number;
}

/** What names a stream, as a key. */
export function streamKey(name: unknown, namespace: unknown): string {
  return JSON.stringify([namespace ?? null, name]);
}

export class Bookkeeping {
  /** Records that were passed on. */
  forwarded = 0;
  /** Ids of the states that came back, in the order in which they came. */
  readonly acknowledged: number[] = [];
  /** Counts that disagree, in words. */
  readonly mismatches: string[] = [];
  /** Records before a state that came back, and those of them that the destination has refused. */
  committed = 0;
  rejected = 0;
  readonly #counts = new Map<string, number>();
  readonly #passed = new Map<number, Passed>();
  #kind: unknown;
  #id = 0;

  get states(): number {
    return this.#id;
  }

  record(key: string): void {
    this.forwarded++;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Completes a state of the source as the platform does before it passes it on: an id, and counts where the source gave none. */
  pass(state: JsonObject): JsonObject {
    const kind = state['type'] ?? 'LEGACY';
    this.#kind ??= kind;
    if (kind !== this.#kind)
      throw new SyncFailure(`states of the types ${text(this.#kind)} and ${text(kind)} are mixed`);
    if (kind !== 'STREAM')
      throw new SyncFailure(`a state of the type ${text(kind)}: this connection keeps one a stream`);
    const key = keyOf(state);
    const records = this.#counts.get(key) ?? 0;
    this.#counts.set(key, 0);
    const stats = isObject(state['sourceStats']) ? state['sourceStats'] : { recordCount: records };
    const sourceRecords = numberOf(stats['recordCount']);
    if (sourceRecords !== records)
      this.mismatches.push(`check A: the source counts ${sourceRecords} records of ${key}, the platform ${records}`);
    const id = ++this.#id;
    this.#passed.set(id, { key, records, sourceRecords });
    return { ...state, sourceStats: stats, id };
  }

  /** A state that the destination gives back. Returns its id. */
  acknowledge(state: JsonObject): number {
    const id = numberOf(state['id']);
    const passed = this.#passed.get(id);
    if (passed === undefined)
      throw new SyncFailure(`the destination gave back a state with the unknown id ${text(state['id'])}`);
    this.#passed.delete(id);
    this.acknowledged.push(id);
    if (keyOf(state) !== passed.key) throw new SyncFailure(`state ${id} came back as one of another stream`);
    const stats = isObject(state['destinationStats']) ? state['destinationStats'] : undefined;
    if (stats === undefined) this.mismatches.push(`state ${id} came back without destinationStats`);
    const rejected = numberOf(stats?.['rejectedRecordCount'] ?? 0);
    const written = numberOf(stats?.['recordCount'] ?? 0) + rejected;
    if (written !== passed.records)
      this.mismatches.push(
        `check B: the destination counts ${written} records before state ${id} of ${passed.key}, the platform ${passed.records}`,
      );
    this.committed += passed.records;
    this.rejected += rejected;
    return id;
  }
}

function keyOf(state: JsonObject): string {
  const stream = isObject(state['stream']) ? state['stream'] : {};
  const descriptor = isObject(stream['stream_descriptor']) ? stream['stream_descriptor'] : {};
  return streamKey(descriptor['name'], descriptor['namespace']);
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}
