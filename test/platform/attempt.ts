/**
 * One attempt of a sync: source and destination in containers, and what the platform does with the messages between them. Only records and
 * states reach the destination, and, where refreshes are supported and the source has succeeded, a COMPLETE for every stream at the end.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Bookkeeping, SyncFailure, streamKey } from './bookkeeping.ts';
import { configuredCatalog, isDedup, type Stream } from './catalog.ts';
import { Container } from './container.ts';
import { isObject, parseMessage, type JsonObject } from './exact.ts';

export interface Side {
  entrypoint: string;
  config: object;
  env?: Record<string, string>;
}

export interface Failure {
  origin: 'source' | 'destination' | 'platform';
  type: string;
  message: string;
}

/** How far an attempt is; what a kill is aimed by. */
export interface Progress {
  forwarded: number;
  /** States of the source, and states that came back. */
  states: number;
  acknowledged: number;
}

export interface Kill {
  side: 'source' | 'destination';
  /** Asked after every message. */
  when: (progress: Progress) => boolean;
  /** `cancel`: the marker file of a cancelled sync, for both sides. Default: SIGKILL for this side. */
  how?: 'kill' | 'cancel';
}

export interface AttemptOptions {
  source: Side;
  destination: Side;
  streams: readonly Stream[];
  /** Committed stream states, by `streamKey`. */
  states: Map<string, JsonObject>;
  supportsRefreshes: boolean;
  /** Id of the job. */
  syncId: number;
  /** An empty folder. */
  folder: string;
  kill?: Kill | undefined;
  /** Milliseconds without a record or a state after which the sync fails. */
  heartbeat?: number | undefined;
  /** A clear: the source is the platform's own, which has no records and a null state for every stream. */
  clear?: boolean;
}

export interface Outcome {
  succeeded: boolean;
  /** In the order in which they happened: the first one decides whether there is another attempt. */
  failures: Failure[];
  books: Bookkeeping;
  /** `stream STATUS` as the source has said. */
  statuses: string[];
  logs: string[];
  /** Lines that are no message, of either side. */
  unparsed: string[];
  /** Records that were dropped because they are empty. */
  dropped: number;
  killed: boolean;
}

export async function runAttempt(options: AttemptOptions): Promise<Outcome> {
  return new Attempt(options).run();
}

class Attempt {
  readonly #options: AttemptOptions;
  readonly #outcome: Outcome = {
    succeeded: false,
    failures: [],
    books: new Bookkeeping(),
    statuses: [],
    logs: [],
    unparsed: [],
    dropped: 0,
    killed: false,
  };
  readonly #source: Container | undefined;
  readonly #destination: Container;
  readonly #streams: Map<string, Stream>;
  #lastBeat = Date.now();

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#streams = new Map(options.streams.map((stream) => [streamKey(stream.name, stream.namespace), stream]));
    this.#source = options.clear === true ? undefined : this.#start('source');
    this.#destination = this.#start('destination');
  }

  async run(): Promise<Outcome> {
    const watch = setInterval(() => {
      this.#watchHeartbeat();
    }, 20);
    const fromDestination = this.#guard(this.#readDestination());
    await this.#guard(this.#source === undefined ? this.#clear() : this.#readSource(this.#source));
    const sourceExit = (await this.#source?.exit) ?? 0;
    clearInterval(watch);
    if (sourceExit !== 0) this.#fail('source', 'system_error', `Source process exit with exit code ${sourceExit}`);
    else if (this.#options.supportsRefreshes && this.#outcome.failures.length === 0) await this.#completeAll();
    await this.#destination.endInput();
    const destinationExit = await this.#destination.exit;
    await fromDestination;
    if (destinationExit !== 0)
      this.#fail('destination', 'system_error', `Destination process exit with exit code ${destinationExit}`);
    this.#outcome.succeeded = this.#outcome.failures.length === 0;
    return this.#outcome;
  }

  #start(side: 'source' | 'destination'): Container {
    const { folder, streams, states, supportsRefreshes, syncId } = this.#options;
    const { entrypoint, config, env = {} } = this.#options[side];
    const work = join(folder, side);
    mkdirSync(work);
    const write = (name: string, content: unknown) => {
      writeFileSync(join(work, name), JSON.stringify(content));
    };
    write('connectorConfig.json', config);
    write('catalog.json', configuredCatalog(streams, { side, supportsRefreshes, syncId }));
    let args = `${side === 'source' ? 'read' : 'write'} --config ${work}/connectorConfig.json --catalog ${work}/catalog.json`;
    if (side === 'source' && states.size > 0) {
      write('inputState.json', [...states.values()]);
      args += ` --state ${work}/inputState.json`;
    }
    return new Container({ entrypoint, args, folder: work, input: side === 'destination', env });
  }

  async #readSource(source: Container): Promise<void> {
    for await (const line of createInterface({ input: source.stdout })) {
      const message = parseMessage(line);
      if (message === undefined) {
        this.#outcome.unparsed.push(line);
        continue;
      }
      if (message.type === 'RECORD') await this.#forwardRecord(message);
      else if (message.type === 'STATE') await this.#forwardState(message);
      else this.#listen('source', message);
      this.#killIfWanted();
    }
  }

  async #forwardRecord(message: JsonObject): Promise<void> {
    this.#lastBeat = Date.now();
    const record = message['record'] as JsonObject;
    const key = streamKey(record['stream'], record['namespace']);
    const stream = this.#streams.get(key);
    if (stream === undefined) throw new SyncFailure(`a record of ${key}, which is not in the catalog`);
    const data = record['data'] as JsonObject;
    if (Object.keys(data).length === 0) {
      this.#outcome.dropped++;
      return;
    }
    const keys = stream.primaryKey ?? [];
    if (isDedup(stream) && !keys.some((path) => valueAt(data, path) !== undefined && valueAt(data, path) !== null))
      throw new SyncFailure(`a record of ${key} without a primary key`);
    this.#outcome.books.record(key);
    await this.#destination.write(JSON.stringify(message));
  }

  async #forwardState(message: JsonObject): Promise<void> {
    this.#lastBeat = Date.now();
    const state = this.#outcome.books.pass(message['state'] as JsonObject);
    await this.#destination.write(JSON.stringify({ type: 'STATE', state }));
  }

  /** The platform's own source: nothing but a null state for each stream. */
  async #clear(): Promise<void> {
    for (const { name, namespace } of this.#options.streams) {
      const stream_descriptor = namespace === undefined ? { name } : { name, namespace };
      await this.#forwardState({
        state: { type: 'STREAM', stream: { stream_descriptor, stream_state: null } },
      });
    }
  }

  async #completeAll(): Promise<void> {
    for (const { name, namespace } of this.#options.streams) {
      const stream_descriptor = namespace === undefined ? { name } : { name, namespace };
      const stream_status = { stream_descriptor, status: 'COMPLETE' };
      const trace = { type: 'STREAM_STATUS', emitted_at: Date.now(), stream_status };
      await this.#destination.write(JSON.stringify({ type: 'TRACE', trace }));
    }
  }

  async #readDestination(): Promise<void> {
    for await (const line of createInterface({ input: this.#destination.stdout })) {
      const message = parseMessage(line);
      if (message === undefined) this.#outcome.unparsed.push(line);
      else if (message.type === 'STATE') {
        const {
          id: _id,
          sourceStats: _source,
          destinationStats: _destination,
          ...state
        } = message['state'] as JsonObject;
        this.#outcome.books.acknowledge(message['state'] as JsonObject);
        const stream = state['stream'] as JsonObject;
        const { name, namespace } = stream['stream_descriptor'] as JsonObject;
        const key = streamKey(name, namespace);
        if (stream['stream_state'] === null || stream['stream_state'] === undefined) this.#options.states.delete(key);
        else this.#options.states.set(key, state);
      } else this.#listen('destination', message);
      this.#killIfWanted();
    }
  }

  #listen(origin: 'source' | 'destination', message: JsonObject & { type: string }): void {
    if (message.type === 'LOG') {
      const { level, message: text } = message['log'] as JsonObject;
      this.#outcome.logs.push(`${origin} ${String(level)} ${String(text)}`);
      return;
    }
    if (message.type !== 'TRACE') return;
    const trace = message['trace'] as JsonObject;
    // Without a time it is no valid trace, and the platform takes no notice of it.
    if (trace['emitted_at'] === undefined) return;
    if (trace['type'] === 'ERROR') {
      const { failure_type: type = 'system_error', message: text } = trace['error'] as Record<string, string>;
      this.#fail(origin, type, text ?? '');
    }
    if (trace['type'] === 'STREAM_STATUS' && origin === 'source') {
      const { stream_descriptor: descriptor, status } = trace['stream_status'] as {
        stream_descriptor: { name: string; namespace?: string };
        status: string;
      };
      if (!this.#streams.has(streamKey(descriptor.name, descriptor.namespace)))
        throw new SyncFailure('a status of a stream outside the catalog');
      const prefix = descriptor.namespace === undefined ? '' : `${descriptor.namespace}.`;
      this.#outcome.statuses.push(`${prefix}${descriptor.name} ${status}`);
    }
  }

  #killIfWanted(): void {
    const { kill } = this.#options;
    const { books } = this.#outcome;
    if (kill === undefined || this.#outcome.killed) return;
    const progress = { forwarded: books.forwarded, states: books.states, acknowledged: books.acknowledged.length };
    if (!kill.when(progress)) return;
    this.#outcome.killed = true;
    if (kill.how === 'cancel') {
      this.#source?.cancel();
      this.#destination.cancel();
      return;
    }
    // A pod whose destination has died is removed with its source.
    this.#source?.kill();
    if (kill.side === 'destination') this.#destination.kill();
  }

  #watchHeartbeat(): void {
    const { heartbeat } = this.#options;
    if (heartbeat === undefined || Date.now() - this.#lastBeat < heartbeat) return;
    this.#lastBeat = Infinity;
    this.#fail('platform', 'transient_error', 'Airbyte detected that the Source did not send any data');
    this.#source?.kill();
  }

  /** What breaks the platform's rules ends the attempt. */
  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof SyncFailure)) throw error;
      this.#fail('platform', 'system_error', error.message);
      this.#source?.kill();
      this.#destination.kill();
    }
  }

  #fail(origin: Failure['origin'], type: string, message: string): void {
    this.#outcome.failures.push({ origin, type, message });
  }
}

function valueAt(data: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), data);
}
