/** The destination as a process against an emulated deployment, and what goes into it. */
import { startEmulator, type Emulator, type EmulatorOptions, type ValueObject } from '../../emulator/index.ts';
import { Folder } from '../support/folder.ts';
import { startConnector, type Finished, type Running, type StartOptions } from '../support/process.ts';

/** Timestamps that a double cannot hold. */
export const T1 = '1786000000123456789';
export const T2 = '1786000000123456791';

export const IMPORT = '/api/streaming_import/import_airbyte_records';
export const CLEAR = '/api/streaming_import/clear_tables';
export const INDEX = '/api/streaming_import/add_primary_key_indexes';
export const READY = '/api/streaming_import/primary_key_indexes_ready';

/** A stream of a configured catalog. */
export interface Wanted {
  name: string;
  namespace?: string | null;
  mode?: string;
  key?: (string | string[])[];
  generation?: number;
  minimum?: number;
  sync?: number;
  schema?: object;
  /** Members of the configured stream. */
  extra?: object;
}

export const append = (name: string, more: Partial<Wanted> = {}): Wanted => ({ name, mode: 'append', ...more });
export const overwrite = (name: string, more: Partial<Wanted> = {}): Wanted => ({ name, mode: 'overwrite', ...more });
export const dedup = (name: string, key: Wanted['key'] = ['_id'], more: Partial<Wanted> = {}): Wanted => ({
  name,
  mode: 'append_dedup',
  key,
  ...more,
});

export function catalogOf(streams: readonly Wanted[]): object {
  return {
    streams: streams.map(({ name, namespace, mode = 'append', key, generation, minimum, sync, schema, extra }) => ({
      stream: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        json_schema: schema ?? { type: 'object' },
        supported_sync_modes: ['full_refresh', 'incremental'],
      },
      sync_mode: mode === 'overwrite' ? 'full_refresh' : 'incremental',
      destination_sync_mode: mode,
      ...(key === undefined ? {} : { primary_key: key.map((path) => (typeof path === 'string' ? [path] : path)) }),
      ...(generation === undefined ? {} : { generation_id: generation }),
      ...(minimum === undefined ? {} : { minimum_generation_id: minimum }),
      ...(sync === undefined ? {} : { sync_id: sync }),
      ...extra,
    })),
  };
}

/** A RECORD line; `data` as JSON text keeps its bytes. */
export function record(stream: string, data: object | string, namespace?: string | null): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const space = namespace === undefined ? '' : `,"namespace":${JSON.stringify(namespace)}`;
  return `{"type":"RECORD","record":{"stream":${JSON.stringify(stream)}${space},"data":${text},"emitted_at":1767225600000}}`;
}

/** A STREAM state as the platform hands it on, with an integer of 19 digits and keys that the protocol does not know. */
export function state(stream: string, cursor: number | string, namespace?: string): string {
  const space = namespace === undefined ? '' : `,"namespace":"${namespace}"`;
  return `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"${stream}"${space}},"stream_state":{"cursor":${cursor},"at":${T1}}},"id":7,"sourceStats":{"recordCount":2.0}}}`;
}

export function status(stream: string, value: string, namespace?: string | null): string {
  return JSON.stringify({
    type: 'TRACE',
    trace: {
      type: 'STREAM_STATUS',
      emitted_at: 1767225600000,
      stream_status: {
        stream_descriptor: { name: stream, ...(namespace === undefined ? {} : { namespace }) },
        status: value,
      },
    },
  });
}

export const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** `destinationStats` of each echoed state as `records` or `records/rejected`, in order. */
export function countsOf(lines: readonly string[]): string[] {
  return statesIn(lines).map((line) => {
    const stats = /"destinationStats":\{"recordCount":([\d.]+)(?:,"rejectedRecordCount":([\d.]+))?\}/.exec(line);
    return stats === null ? 'none' : `${Number(stats[1])}${stats[2] === undefined ? '' : `/${Number(stats[2])}`}`;
  });
}

/** The STATE lines that came back. */
export function statesIn(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('{"type":"STATE"'));
}

/** An echoed state without what the destination put in. */
export function withoutStats(line: string): string {
  return line.replace(/,"destinationStats":\{[^}]*\}/, '');
}

export interface WriteOptions {
  streams: readonly Wanted[];
  config?: object;
  env?: Record<string, string>;
}

/** Waits are short, so that a test sees what in life takes minutes. */
const ENV = { CONVEX_CONNECTOR_RETRY_MIN_MS: '1', CONVEX_CONNECTOR_POLL_MS: '2' };

/** The destination and a deployment for it. */
export class Destination {
  readonly emulator: Emulator;
  readonly folder = new Folder();
  #runs = 0;

  private constructor(emulator: Emulator) {
    this.emulator = emulator;
  }

  static async start(options: EmulatorOptions = {}): Promise<Destination> {
    return new Destination(await startEmulator(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulator.close();
    this.folder.remove();
  }

  config(extra: object = {}): object {
    return { deployment_url: this.emulator.url, access_key: this.emulator.importOnlyKey, ...extra };
  }

  async check(config: object = {}, env: Record<string, string> = {}): Promise<Finished> {
    const path = this.folder.write(`config-${this.#runs++}.json`, this.config(config));
    return startConnector('destination-convex', ['check', '--config', path], { env: { ...ENV, ...env }, input: '' })
      .finished;
  }

  /** Writes these lines, to the end. */
  async write(options: WriteOptions, lines: readonly string[]): Promise<Finished> {
    return this.start(options, { input: text(lines) }).finished;
  }

  /** Starts a write whose stdin stays open, unless `input` is given. */
  start({ streams, config, env }: WriteOptions, options: StartOptions = {}): Running {
    const run = this.#runs++;
    const files = [
      ...['--config', this.folder.write(`config-${run}.json`, this.config(config))],
      ...['--catalog', this.folder.write(`catalog-${run}.json`, catalogOf(streams))],
    ];
    return startConnector('destination-convex', ['write', ...files], { ...options, env: { ...ENV, ...env } });
  }

  /** The documents of a table without their system fields, in the order of their creation. */
  rows(table: string): Record<string, unknown>[] {
    return [...this.emulator.deployment.documents(table)]
      .sort((a, b) => a._creationTime - b._creationTime)
      .map(({ _id, _creationTime, ...fields }) => ({ ...fields }));
  }

  tables(): string[] {
    return this.emulator.deployment.tables().map(({ table }) => table);
  }

  insert(table: string, ...documents: ValueObject[]): void {
    this.emulator.deployment.transaction((tx) => {
      for (const document of documents) tx.insert(table, document);
    });
  }

  /** Method, last part of the path and status of every request, in order. */
  requests(): string[] {
    return this.emulator.journal.entries.map(
      ({ method, path, status: answer }) => `${method} ${path.split('/').at(-1)} ${answer}`,
    );
  }
}
