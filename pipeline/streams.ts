/** Counts of a sync by stream: what each one has read, what of it is durable, and where it stands. */
import type { ConfiguredAirbyteCatalog } from '../shared/airbyte/protocol.generated.ts';
import { streamLabel } from './messages.ts';
import type { StreamStatus } from './messages.ts';

export interface StreamCounts {
  readonly name: string;
  readonly namespace?: string;
  /** `name`, or `namespace.name`. */
  readonly label: string;
  /** Records that the source has written, deletions among them. */
  read: number;
  /** Of these, the deletions: `_ab_cdc_deleted_at` is set. */
  readDeleted: number;
  /** Records and deletions in front of the last state that the destination has given back. */
  committed: number;
  deleted: number;
  /** Records that the destination refused and reported in the states of this stream. */
  rejected: number;
  /** States of this stream that are in the state file. */
  states: number;
  /** The last status that the source has reported. */
  status?: StreamStatus['status'];
}

interface StreamId {
  name: string;
  namespace?: string | null;
}

/** What was in front of a state: the counts of the streams that had records since the state before it. */
type InFront = Map<StreamCounts, { read: number; deleted: number }>;

const DELETED = Buffer.from('"_ab_cdc_deleted_at":');

export class StreamsOfSync {
  /** In the order of the catalog. */
  readonly all: readonly StreamCounts[];
  readonly #byKey: ReadonlyMap<string, StreamCounts>;
  /** Streams whose name no other stream has: the name alone says which one is meant. */
  readonly #byName: ReadonlyMap<string, StreamCounts>;
  readonly #inFront: InFront[] = [];
  #sinceState = new Set<StreamCounts>();
  /** The beginning of the last record up to its data, and its stream. Most records begin like the one before. */
  #head: Buffer = Buffer.alloc(0);
  #ofHead: StreamCounts | undefined;

  constructor({ streams }: ConfiguredAirbyteCatalog) {
    this.all = streams.map(({ stream: { name, namespace } }) => ({
      name,
      ...(namespace ? { namespace } : {}),
      label: streamLabel({ name, namespace: namespace ?? null }),
      ...{ read: 0, readDeleted: 0, committed: 0, deleted: 0, rejected: 0, states: 0 },
    }));
    this.#byKey = new Map(this.all.map((stream) => [keyOf(stream), stream]));
    const times = new Map<string, number>();
    for (const { name } of this.all) times.set(name, (times.get(name) ?? 0) + 1);
    const unique = this.all.filter(({ name }) => times.get(name) === 1);
    this.#byName = new Map(unique.map((stream) => [stream.name, stream]));
  }

  /** Takes in a RECORD line on its way. */
  record(line: Buffer): void {
    const stream = this.#streamOf(line);
    if (stream === undefined) return;
    stream.read++;
    if (isDeletion(line)) stream.readDeleted++;
    this.#sinceState.add(stream);
  }

  /** Takes in that the source has written a state. */
  state(): void {
    const entries = [...this.#sinceState].map(
      (stream) => [stream, { read: stream.read, deleted: stream.readDeleted }] as const,
    );
    this.#inFront.push(new Map(entries));
    this.#sinceState = new Set();
  }

  /** Takes in that the destination has given back the next state; `of` is its stream, if it has one. */
  committed(of: StreamId | undefined, rejected: number): void {
    for (const [stream, { read, deleted }] of this.#inFront.shift() ?? []) {
      stream.committed = read;
      stream.deleted = deleted;
    }
    const stream = of && this.#find(of);
    if (stream === undefined) return;
    stream.states++;
    stream.rejected += rejected;
  }

  status(of: StreamId, status: StreamStatus['status']): void {
    const stream = this.#find(of);
    if (stream) stream.status = status;
  }

  #find(id: StreamId): StreamCounts | undefined {
    return this.#byKey.get(keyOf(id)) ?? (id.namespace ? undefined : this.#byName.get(id.name));
  }

  #streamOf(line: Buffer): StreamCounts | undefined {
    const { length } = this.#head;
    if (length > 0 && line.length > length && this.#head.compare(line, 0, length) === 0) return this.#ofHead;
    const head = /^\{"type": ?"RECORD", ?"record": ?\{([^]*?)"data": ?\{/.exec(line.toString('latin1', 0, 2048));
    const id = head ? idOf(`{${Buffer.from(head[1] ?? '', 'latin1').toString()}"data":0}`) : undefined;
    const found = id && (id.namespace ? this.#find(id) : this.#byName.get(id.name));
    if (head && found) {
      this.#head = Buffer.from(line.subarray(0, head[0].length));
      this.#ofHead = found;
      return found;
    }
    // Another order of members, or a name that two streams share: slower, but right.
    const whole = idOf(line.toString(), 'record');
    return whole && this.#find(whole);
  }
}

function keyOf({ name, namespace }: StreamId): string {
  return JSON.stringify([namespace ?? '', name]);
}

/** The stream of a record's JSON, or undefined where there is none. */
function idOf(text: string, member?: 'record'): StreamId | undefined {
  try {
    const parsed = JSON.parse(text) as { record?: unknown };
    const { stream, namespace } = (member ? parsed.record : parsed) as { stream?: unknown; namespace?: unknown };
    if (typeof stream !== 'string') return undefined;
    return { name: stream, namespace: typeof namespace === 'string' ? namespace : null };
  } catch {
    return undefined;
  }
}

/** Parses only records that name the column with a value: few are deletions. */
function isDeletion(line: Buffer): boolean {
  const at = line.indexOf(DELETED);
  if (at === -1) return false;
  if (
    line.indexOf(DELETED, at + 1) === -1 &&
    line
      .toString('latin1', at + DELETED.length, at + DELETED.length + 5)
      .trimStart()
      .startsWith('null')
  )
    return false;
  try {
    const { record } = JSON.parse(line.toString()) as { record?: { data?: Record<string, unknown> } };
    return (record?.data?.['_ab_cdc_deleted_at'] ?? null) !== null;
  } catch {
    return false;
  }
}
