/** Runs a source into a destination on one machine, as the platform does: two processes, a pipe between, states kept. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfiguredAirbyteCatalog } from '../shared/airbyte/protocol.generated.ts';
import { Connector, exitFailure } from './connector.ts';
import type { Exit, Show } from './connector.ts';
import { blocks, lines } from './lines.ts';
import { classify, describe, failureOf, streamStatusOf, parse } from './messages.ts';
import type { Failure } from './messages.ts';
import type { StateFile } from './states.ts';
import { StreamsOfSync } from './streams.ts';
import type { StreamCounts } from './streams.ts';

export interface SyncOptions {
  /** The commands, as words, to which `read …` and `write …` are appended. */
  source: readonly string[];
  destination: readonly string[];
  /** Paths of the configuration files. */
  sourceConfig: string;
  destinationConfig: string;
  catalog: ConfiguredAirbyteCatalog;
  states: StateFile;
  /**
   * Saves states only when the whole sync has succeeded: for runs that replace tables, since the next run replaces them again and has to read
   * everything. Default: each time the destination gives states back.
   */
  saveAtEnd?: boolean;
  show: Show;
}

/** Where a running sync stands. Counts only ever grow. */
export interface Progress {
  /** Records that the source has written. */
  read: number;
  /** Of these, the records in front of the last state that the destination has given back: they are durable. */
  committed: number;
  /** Records that the destination refused and reported in its states. */
  rejected: number;
  /** States that are in the state file. */
  states: number;
}

export interface Outcome extends Progress {
  streams: readonly StreamCounts[];
  /** Empty if and only if all went well. */
  failures: Failure[];
}

/** A sync under way. */
export interface Sync {
  readonly source: Connector;
  readonly destination: Connector;
  readonly progress: Readonly<Progress>;
  /** Counts of each stream, in the order of the catalog. They grow while the sync runs. */
  readonly streams: readonly StreamCounts[];
  readonly outcome: Promise<Outcome>;
  /** Stops the source; the destination commits what it has been given. */
  stop(reason: string): void;
}

export async function startSync(options: SyncOptions): Promise<Sync> {
  const folder = await mkdtemp(join(tmpdir(), 'sync-'));
  const catalog = join(folder, 'catalog.json');
  await writeFile(catalog, JSON.stringify(options.catalog));

  const state = options.states.size > 0 ? ['--state', options.states.path] : [];
  const read = ['read', '--config', options.sourceConfig, '--catalog', catalog, ...state];
  const write = ['write', '--config', options.destinationConfig, '--catalog', catalog];
  const run = new Run(
    new Connector('source', options.source, read, options.show),
    new Connector('destination', options.destination, write, options.show),
    options,
  );
  return {
    source: run.source,
    destination: run.destination,
    progress: run.progress,
    streams: run.streams.all,
    outcome: run.finish().finally(() => rm(folder, { recursive: true, force: true })),
    stop: (reason) => {
      if (!run.source.stopped) run.fail('sync', reason);
      run.source.stop();
    },
  };
}

class Run {
  readonly source: Connector;
  readonly destination: Connector;
  readonly progress: Progress = { read: 0, committed: 0, rejected: 0, states: 0 };
  readonly streams: StreamsOfSync;
  readonly #failures: Failure[] = [];
  readonly #states: StateFile;
  readonly #saveAtEnd: boolean;
  readonly #show: Show;
  /** How many records were in front of each state that has not come back yet. */
  readonly #inFront: number[] = [];
  #inputEnded = false;

  constructor(source: Connector, destination: Connector, { catalog, states, show, saveAtEnd = false }: SyncOptions) {
    this.source = source;
    this.destination = destination;
    this.streams = new StreamsOfSync(catalog);
    this.#states = states;
    this.#saveAtEnd = saveAtEnd;
    this.#show = show;
  }

  fail(who: Failure['who'], message: string): void {
    this.#failures.push({ who, message });
  }

  async finish(): Promise<Outcome> {
    const { source, destination } = this;
    // Each side notices the other's end by itself: the destination reads the end of its input, the source is stopped.
    const forwarded = this.#forward().catch(this.#broken);
    const committed = this.#commit().catch(this.#broken);
    void destination.exit.then(() => {
      if (!this.#inputEnded) source.stop();
    });
    const [sourceExit, destinationExit] = await Promise.all([source.exit, destination.exit, forwarded, committed]);

    this.#checkExit(source, sourceExit);
    this.#checkExit(destination, destinationExit);
    if (this.#failures.length === 0) {
      if (source.stopped) this.fail('destination', 'ended before it had read all its input');
      else if (this.#inFront.length > 0)
        this.fail('destination', `did not commit the last ${this.#inFront.length} states`);
    }
    if (this.#saveAtEnd && this.#failures.length === 0) await this.#states.save().catch(this.#broken);
    return { ...this.progress, streams: this.streams.all, failures: this.#failures };
  }

  /** An exit is worth telling unless the process was stopped from here, or has said itself why it failed. */
  #checkExit({ name, stopped }: Connector, exit: Exit): void {
    const explained = this.#failures.some(({ who }) => who === name);
    const failure = exitFailure(exit);
    if (failure !== undefined && !stopped && !(explained && exit.signal === null)) this.fail(name, failure);
  }

  /** The runner itself cannot go on, as when the state file cannot be written: nothing may run on unrecorded. */
  readonly #broken = (error: unknown): void => {
    this.fail('sync', error instanceof Error ? error.message : String(error));
    this.source.stop();
    this.destination.stop();
  };

  /** Source to destination: records, states and stream statuses, as they are, in runs as long as they come. */
  async #forward(): Promise<void> {
    for await (const block of blocks(this.source.child.stdout)) {
      if (block.cut && parse(block.bytes) === undefined) {
        this.fail('source', 'ended in the middle of a message');
        break;
      }
      const bytes = block.cut ? Buffer.concat([block.bytes, Buffer.from('\n')]) : block.bytes;
      // [from, end) is what may be written in one go; a line that is not passed on ends it.
      let from = 0;
      for (const [start, end] of lines(bytes)) {
        if (this.#passesOn(bytes.subarray(start, end))) continue;
        if (start > from) await this.destination.write(bytes.subarray(from, start));
        from = end;
      }
      if (from < bytes.length) await this.destination.write(bytes.subarray(from));
      if (this.destination.deaf) {
        this.source.stop();
        break;
      }
    }
    this.#inputEnded = true;
    this.destination.endInput();
  }

  #passesOn(line: Buffer): boolean {
    const found = classify(line);
    if (found.kind === 'RECORD') {
      this.progress.read++;
      this.streams.record(line);
      return true;
    }
    if (found.kind === 'STATE') {
      this.#inFront.push(this.progress.read);
      this.streams.state();
      return true;
    }
    this.#tell(this.source.name, line);
    const status = found.kind === 'MESSAGE' ? streamStatusOf(found.message) : undefined;
    if (status) this.streams.status(status.stream_descriptor, status.status);
    // The destination has to know which streams are complete.
    return status !== undefined;
  }

  /** Destination to state file: a state that comes back is a promise that all before it is durable. */
  async #commit(): Promise<void> {
    for await (const { bytes, cut } of blocks(this.destination.child.stdout)) {
      if (cut && parse(bytes) === undefined) {
        this.fail('destination', 'ended in the middle of a message');
        break;
      }
      let committed = false;
      for (const [start, end] of lines(bytes)) {
        const line = bytes.subarray(start, end);
        if (classify(line).kind !== 'STATE') {
          this.#tell(this.destination.name, line);
          continue;
        }
        const { destinationStats, stream } = this.#states.put(line);
        const rejected = destinationStats?.rejectedRecordCount ?? 0;
        this.progress.rejected += rejected;
        this.streams.committed(stream?.stream_descriptor, rejected);
        this.progress.committed = this.#inFront.shift() ?? this.progress.committed;
        this.progress.states++;
        committed = true;
      }
      if (committed && !this.#saveAtEnd) await this.#states.save();
    }
  }

  /** Shows a line that is neither a record nor a state, and remembers the failure that it may report. */
  #tell(who: 'source' | 'destination', line: Buffer): void {
    const found = classify(line);
    if (found.kind === 'TEXT') {
      const text = line.toString().trimEnd();
      if (text !== '') this.#show(who, text);
    } else if (found.kind === 'BROKEN') {
      // Never shown: it may hold a part of a document.
      this.fail(who, `wrote a line of ${line.length} bytes that begins like a message but is not JSON`);
    } else if (found.kind === 'MESSAGE') {
      const text = describe(found.message);
      if (text !== undefined) this.#show(who, text);
      const failure = failureOf(who, found.message);
      if (failure) this.#failures.push(failure);
    }
  }
}
