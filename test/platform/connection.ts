/**
 * A connection as users have one: a source, a destination and chosen streams; jobs of up to several attempts; states and generations that
 * are kept between them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runAttempt, type AttemptOptions, type Kill, type Outcome, type Side } from './attempt.ts';
import { streamKey } from './bookkeeping.ts';
import { isFullRefresh, type Mode, type Stream } from './catalog.ts';
import { Container } from './container.ts';
import { parseMessage, type JsonObject } from './exact.ts';

export interface ConnectionOptions {
  source: Side;
  destination: Side;
  /** The registry's flag of the destination. Custom connectors that are added in the interface do not have it. */
  supportsRefreshes: boolean;
}

export interface JobOptions {
  /** For each attempt, what kills it. */
  kills?: readonly (Kill | undefined)[];
  /** Attempts at most. Default: one more than there are kills. */
  attempts?: number;
  heartbeat?: number;
}

export interface Job {
  succeeded: boolean;
  attempts: Outcome[];
}

export class Connection {
  readonly states = new Map<string, JsonObject>();
  streams: Stream[] = [];
  readonly #options: ConnectionOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'platform-'));
  #jobs = 0;
  #folders = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** `spec`, `check` or `discover`: the first message of the wanted type, as the sidecar takes it. */
  async ask(side: 'source' | 'destination', verb: 'spec' | 'check' | 'discover'): Promise<JsonObject> {
    const folder = this.#newFolder();
    const { entrypoint, config, env = {} } = this.#options[side];
    writeFileSync(join(folder, 'connectorConfig.json'), JSON.stringify(config));
    const args = verb === 'spec' ? 'spec' : `${verb} --config ${folder}/connectorConfig.json`;
    const container = new Container({ entrypoint, args, folder, input: false, env });
    const wanted = { spec: 'SPEC', check: 'CONNECTION_STATUS', discover: 'CATALOG' }[verb];
    let found: JsonObject | undefined;
    for await (const line of createInterface({ input: container.stdout })) {
      const message = parseMessage(line);
      if (message?.type === wanted) found ??= message;
    }
    const code = await container.exit;
    if (found === undefined)
      throw new Error(`${side} ${verb} ended with ${code} and without a ${wanted}\n${container.stderr}`);
    return found;
  }

  /** The source's streams. */
  async discover(): Promise<JsonObject[]> {
    const { catalog } = (await this.ask('source', 'discover')) as { catalog: { streams: JsonObject[] } };
    return catalog.streams;
  }

  /** Selects these streams, in this mode. */
  select(streams: readonly JsonObject[], mode: Mode): void {
    this.streams = streams.map((stream) => ({
      name: stream['name'] as string,
      namespace: stream['namespace'] as string | undefined,
      mode,
      stream,
      primaryKey: stream['source_defined_primary_key'] as string[][] | undefined,
      cursorField: stream['default_cursor_field'] as string[] | undefined,
      generation: 0,
      minimumGeneration: 0,
    }));
  }

  /** A sync. Full refreshes begin a new generation with every attempt, and without a state. */
  async sync(options: JobOptions = {}): Promise<Job> {
    return this.#job(options, (stream) => {
      if (isFullRefresh(stream)) this.#newGeneration(stream, stream.mode !== 'full_refresh_append');
      else stream.minimumGeneration = 0;
    });
  }

  /** A refresh: everything is read anew. `truncate` removes what was there before, `merge` keeps it. */
  async refresh(kind: 'truncate' | 'merge', options: JobOptions = {}): Promise<Job> {
    return this.#job(options, (stream, attempt) => {
      if (attempt === 0 || isFullRefresh(stream)) this.#newGeneration(stream, kind === 'truncate');
    });
  }

  /** A clear: all that was synced is removed. */
  async clear(options: JobOptions = {}): Promise<Job> {
    const modes = this.streams.map(({ mode }) => mode);
    for (const stream of this.streams) stream.mode = 'full_refresh_overwrite';
    try {
      return await this.#job(options, (stream) => this.#newGeneration(stream, true), true);
    } finally {
      this.streams.forEach((stream, at) => (stream.mode = modes[at]!));
    }
  }

  #newGeneration(stream: Stream, truncate: boolean): void {
    stream.generation++;
    stream.minimumGeneration = truncate ? stream.generation : 0;
    this.states.delete(streamKey(stream.name, stream.namespace));
  }

  async #job(
    { kills = [], attempts = kills.length + 1, heartbeat }: JobOptions,
    prepare: (stream: Stream, attempt: number) => void,
    clear = false,
  ): Promise<Job> {
    const syncId = ++this.#jobs;
    const outcomes: Outcome[] = [];
    for (let attempt = 0; attempt < attempts; attempt++) {
      for (const stream of this.streams) prepare(stream, attempt);
      const options: AttemptOptions = {
        ...this.#options,
        streams: this.streams,
        states: this.states,
        syncId,
        folder: this.#newFolder(),
        kill: kills[attempt],
        heartbeat,
        clear,
      };
      const outcome = await runAttempt(options);
      outcomes.push(outcome);
      // A failure that somebody has to mend is not tried again.
      if (outcome.succeeded || (outcome.failures[0]?.type === 'config_error' && !outcome.killed)) break;
    }
    return { succeeded: outcomes.at(-1)?.succeeded === true, attempts: outcomes };
  }

  /** A file of an attempt that is over, such as `source/catalog.json`; the latest attempt by default. */
  file(name: string, attempt = this.#folders): unknown {
    return JSON.parse(readFileSync(join(this.#folder, String(attempt), name), 'utf8'));
  }

  #newFolder(): string {
    const folder = join(this.#folder, String(++this.#folders));
    mkdirSync(folder);
    return folder;
  }
}
