import { Keys } from './auth.ts';
import { Deployment, type DeploymentOptions } from './deployment.ts';
import { Faults } from './faults.ts';
import { Journal } from './journal.ts';
import type { DeltasWork } from './document-deltas.ts';
import { Random } from './random.ts';
import { type RouteOptions, Routes } from './routes.ts';
import { HttpServer } from './server.ts';

export interface EmulatorOptions extends DeploymentOptions, Partial<RouteOptions> {
  /** Default: any free port. */
  port?: number;
}

/** A running deployment: its address, its keys, its data, and what a test wants to know and to break. */
export interface Emulator {
  readonly url: string;
  readonly port: number;
  readonly instanceName: string;
  /** A deploy key that may do everything. */
  readonly key: string;
  /** May view data, may not import. */
  readonly readOnlyKey: string;
  /** May import, may not view data. */
  readonly importOnlyKey: string;
  readonly keys: Keys;
  readonly deployment: Deployment;
  readonly journal: Journal;
  readonly faults: Faults;
  /** What reading has cost the server. */
  readonly work: { snapshot: { resumed: number; initialised: number; logRows: number }; deltas: DeltasWork };
  close(): Promise<void>;
}

/** Starts a deployment on 127.0.0.1. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { instanceName = 'happy-otter-123', port = 0, seed = 1 } = options;
  const deployment = new Deployment(options);
  // Own generators, so that another key or fault does not change the documents' ids.
  const keys = new Keys(instanceName, new Random(seed + 1));
  const faults = new Faults(new Random(seed + 2));
  const journal = new Journal();
  const routes = new Routes(deployment, keys, { ...options, instanceName });
  const server = new HttpServer((request) => routes.answer(request), faults, journal, deployment.limits);
  const key = keys.make('all');
  const readOnlyKey = keys.make(['deployment:data:view']);
  const importOnlyKey = keys.make(['deployment:backups:import']);
  const actualPort = await server.listen(port);
  return {
    url: `http://127.0.0.1:${actualPort}`,
    port: actualPort,
    instanceName,
    key,
    readOnlyKey,
    importOnlyKey,
    keys,
    deployment,
    journal,
    faults,
    work: { snapshot: routes.listSnapshot.iterator.work, deltas: routes.documentDeltas.work },
    close: async () => {
      deployment.close();
      await server.close();
    },
  };
}
