/** The source as a process against an emulated deployment, and what its output means. */
import { expect } from 'vitest';
import { startEmulator, type Emulator, type EmulatorOptions, type Format } from '../../emulator/index.ts';
import { Folder } from '../support/folder.ts';
import { logsOf, statesOf, streamName } from '../support/messages.ts';
import { recordsOf, replay } from '../support/records.ts';
import { startConnector, type Finished, type Running, type StartOptions } from '../support/process.ts';
import { expectProtocol } from './protocol.ts';

export { recordsOf, replay, type RecordLine } from '../support/records.ts';

/** A stream of a configured catalog; a name alone stands for an incremental stream of the root component. */
export type Wanted =
  string | { name: string; namespace?: string | null; mode?: string; syncId?: number | null; extra?: object };

export interface ReadOptions {
  streams: readonly Wanted[];
  /** A list of states, or the text of a state file. Without, no state file is given. */
  state?: unknown;
  config?: object;
  env?: Record<string, string>;
}

/** Waits between retries are short and states follow every page, so that a test sees what in life takes minutes. */
const ENV = {
  CONVEX_CONNECTOR_RETRY_MIN_MS: '1',
  CONVEX_CONNECTOR_CHECKPOINT_MS: '0',
  CONVEX_CONNECTOR_POLL_MS: '1',
};

/** What a run that reads the change log says of it. */
export const LOG_REMARK =
  'INFO The change log does not show tables that were imported over, restored from a backup, cleared or dropped. After such a change, refresh the streams concerned.';

/** The source and a deployment for it. */
export class Source {
  readonly emulator: Emulator;
  readonly folder = new Folder();
  readonly #defaults: object;
  #runs = 0;

  private constructor(emulator: Emulator, defaults: object) {
    this.emulator = emulator;
    this.#defaults = defaults;
  }

  /** Changes are read from the change log. */
  static async start(options: EmulatorOptions = {}): Promise<Source> {
    return new Source(await startEmulator(options), { changes_from: 'Change log' });
  }

  /** Changes are read as the source chooses: through Data Sync where the deployment has it. */
  static async startWithDataSync(options: EmulatorOptions = {}): Promise<Source> {
    return new Source(await startEmulator(options), {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulator.close();
    this.folder.remove();
  }

  get deployment(): Emulator['deployment'] {
    return this.emulator.deployment;
  }

  config(extra: object = {}): object {
    return { deployment_url: this.emulator.url, access_key: this.emulator.readOnlyKey, ...this.#defaults, ...extra };
  }

  async check(config: object = {}, env: Record<string, string> = {}): Promise<Finished> {
    return this.#start('check', this.config(config), [], { env }).finished;
  }

  async discover(config: object = {}, env: Record<string, string> = {}): Promise<Finished> {
    return this.#start('discover', this.config(config), [], { env }).finished;
  }

  /** Any verb that takes a configuration, with exactly this one. */
  async run(verb: 'check' | 'discover', config: unknown, env: Record<string, string> = {}): Promise<Finished> {
    return this.#start(verb, config, [], { env }).finished;
  }

  /** Reads to the end, and looks whether the output is as every output has to be. */
  async read(options: ReadOptions): Promise<Finished> {
    const finished = await this.startRead(options).finished;
    expectProtocol(finished, this.emulator.readOnlyKey.split('|')[1]!);
    return finished;
  }

  /** The same of a run that should read all streams completely: its lines. */
  async readAll(options: ReadOptions): Promise<string[]> {
    const { code, lines } = await this.read(options);
    expect(code, lines.filter((line) => !line.startsWith('{"type":"RECORD"')).join('\n')).toBe(0);
    return lines;
  }

  /** With these arguments beside the configuration and the catalog. */
  async readWith(args: readonly string[], { streams, config, env }: ReadOptions): Promise<Finished> {
    const catalog = this.folder.write(`catalog-${this.#runs}.json`, catalogOf(streams));
    return this.#start('read', this.config(config), ['--catalog', catalog, ...args], { env: { ...env } }).finished;
  }

  startRead({ streams, state, config, env }: ReadOptions, options: StartOptions = {}): Running {
    const run = this.#runs;
    const files = ['--catalog', this.folder.write(`catalog-${run}.json`, catalogOf(streams))];
    if (state !== undefined) files.push('--state', this.folder.write(`state-${run}.json`, state));
    return this.#start('read', this.config(config), files, { ...options, env: { ...env } });
  }

  /** The documents of a table as they are now: the canonical text of each by `_id`. */
  truth(table: string, component = '', format: Format = 'json'): Map<string, string> {
    return this.deployment.encoded(table, component, format);
  }

  #start(verb: string, config: unknown, files: string[], options: StartOptions): Running {
    const path = this.folder.write(`config-${this.#runs++}.json`, config);
    return startConnector('source-convex', [verb, '--config', path, ...files], {
      ...options,
      env: { ...ENV, ...options.env },
    });
  }
}

export function catalogOf(streams: readonly Wanted[]): object {
  return {
    streams: streams.map((wanted) => {
      const {
        name,
        namespace,
        mode = 'incremental',
        syncId,
        extra,
      } = typeof wanted === 'string' ? { name: wanted } : wanted;
      return {
        stream: {
          name,
          ...(namespace === undefined ? {} : { namespace }),
          json_schema: {},
          supported_sync_modes: ['full_refresh', 'incremental'],
        },
        sync_mode: mode,
        destination_sync_mode: mode === 'incremental' ? 'append_dedup' : 'overwrite',
        cursor_field: ['_ts'],
        primary_key: [['_id']],
        ...(syncId === undefined ? {} : { sync_id: syncId }),
        ...extra,
      };
    }),
  };
}

/** The last state of each stream: what a platform would hand to the next run. */
export function savedStates(...runs: readonly (readonly string[])[]): unknown[] {
  const last = new Map<string, unknown>();
  for (const state of runs.flatMap(statesOf)) {
    if (state.type !== 'STREAM') throw new Error(`a state is of type ${state.type}`);
    const { stream_descriptor, stream_state } = state.stream;
    last.set(streamName(stream_descriptor), { type: 'STREAM', stream: { stream_descriptor, stream_state } });
  }
  return [...last.values()];
}

/** The content of the last state of a stream. */
export function lastState(lines: readonly string[], stream: string): Record<string, unknown> | undefined {
  const states = statesOf(lines).flatMap((state) => (state.type === 'STREAM' ? [state.stream] : []));
  return states.findLast(({ stream_descriptor }) => streamName(stream_descriptor) === stream)?.stream_state;
}

/** The log, but for what differs from run to run: seconds, speeds, ports. */
export function steadyLogsOf(lines: readonly string[]): string[] {
  return logsOf(lines).map((line) => line.replace(/\d+\.\d s/g, 'N s').replace(/[\d,]+ records\/s/g, 'N records/s'));
}

/** A state of a stream as this source writes it. */
export function stateOf(stream: string, content: unknown, namespace?: string): object {
  const stream_descriptor = namespace === undefined ? { name: stream } : { name: stream, namespace };
  return { type: 'STREAM', stream: { stream_descriptor, stream_state: content } };
}

/** When an emulated deployment lives, for humans. */
export const NOW = '2026-09-21 14:13:20 UTC';

/** Documents to fill a table with. */
export function people(n: number, from = 0): object[] {
  return Array.from({ length: n }, (_, i) => ({ name: `Person ${from + i}` }));
}

/** Changes documents of a table in some transactions: updates, deletions, insertions. */
export function change(source: Source, table = 'users', component = ''): void {
  const [a, b, c] = [...source.deployment.documents(table, component)].map(({ _id }) => _id);
  source.deployment.transaction((tx) => {
    tx.patch(a!, { name: 'changed once' });
    tx.delete(b!);
  });
  source.deployment.transaction((tx) => {
    tx.patch(a!, { name: 'changed twice' });
    tx.patch(c!, { name: 'changed' });
    tx.insert(table, { name: 'new' }, component);
  });
}

/** Whether the records of all these runs, in order, leave what the table holds. */
export function expectTruth(source: Source, table: string, runs: readonly (readonly string[])[], component = ''): void {
  const stream = component === '' ? table : `${component}.${table}`;
  expect(replay(runs.flatMap(recordsOf), stream)).toEqual(source.truth(table, component));
}
