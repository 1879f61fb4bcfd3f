/** Two emulated deployments, and our connectors as a connection of the platform between them. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../emulator/index.ts';
import type { JsonObject } from './exact.ts';
import { Connection, type Mode } from './index.ts';

const root = join(import.meta.dirname, '..', '..');

/** As an image's AIRBYTE_ENTRYPOINT, with the paths of this machine. */
export function entrypoint(side: 'source' | 'destination'): string {
  return [process.execPath, join(root, `${side}-convex`, 'main.ts')].map((path) => `'${path}'`).join(' ');
}

/** Small batches and short waits: what takes megabytes and minutes in life is reached by a few documents. */
const ENV = {
  CONVEX_CONNECTOR_RETRY_MIN_MS: '1',
  CONVEX_CONNECTOR_CHECKPOINT_MS: '0',
  CONVEX_CONNECTOR_BATCH_RECORDS: '5',
  CONVEX_CONNECTOR_POLL_MS: '5',
  CONVEX_CONNECTOR_BATCH_AGE_MS: '20',
  // Hundreds of starts: Node need not compile the same files each time.
  NODE_COMPILE_CACHE: join(tmpdir(), 'convex-connector-tests'),
};

export interface PairOptions {
  supportsRefreshes: boolean;
  from?: EmulatorOptions;
  to?: EmulatorOptions;
  env?: Record<string, string>;
}

export class Pair {
  readonly from: Emulator;
  readonly to: Emulator;
  readonly connection: Connection;

  private constructor(from: Emulator, to: Emulator, { supportsRefreshes, env = {} }: PairOptions) {
    this.from = from;
    this.to = to;
    this.connection = new Connection({
      source: {
        entrypoint: entrypoint('source'),
        config: { deployment_url: from.url, access_key: from.readOnlyKey },
        env: { ...ENV, ...env },
      },
      destination: {
        entrypoint: entrypoint('destination'),
        config: { deployment_url: to.url, access_key: to.importOnlyKey },
        env: { ...ENV, ...env },
      },
      supportsRefreshes,
    });
  }

  static async start(options: PairOptions): Promise<Pair> {
    const from = await startEmulator({ limits: { snapshotPage: 7, deltaRows: 4 }, seed: 11, ...options.from });
    const to = await startEmulator({ instanceName: 'wise-heron-456', seed: 12, backfillDelayMs: 5, ...options.to });
    return new Pair(from, to, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection[Symbol.dispose]();
    await Promise.all([this.from.close(), this.to.close()]);
  }

  /** Selects all streams, those of components too, in one mode. Tests of one file have the same tables: the first one discovers them. */
  async select(mode: Mode): Promise<void> {
    discovered ??= await this.connection.discover();
    this.connection.select(discovered, mode);
  }
}

let discovered: JsonObject[] | undefined;
