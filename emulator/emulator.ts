import { Keys } from './http/auth.ts';
import { Deployment, type DeploymentOptions } from './store/deployment.ts';
import { Faults } from './faults/faults.ts';
import { Journal } from './http/journal.ts';
import type { DataSyncWork } from './data-sync/page.ts';
import type { Progress } from './data-sync/progress.ts';
import type { DeltasWork } from './export/document-deltas.ts';
import type { Functions } from './functions/definitions.ts';
import { type HttpActions, Site } from './functions/http-actions.ts';
import { FunctionRoutes } from './functions/routes.ts';
import { FunctionRunner } from './functions/runner.ts';
import { Random } from './store/random.ts';
import { type RouteOptions, Routes } from './http/routes.ts';
import { HttpServer } from './http/server.ts';
import { SnapshotImportRoutes } from './snapshot-import/routes.ts';
import { SnapshotImports } from './snapshot-import/snapshot-imports.ts';
import type { WorkerOptions } from './snapshot-import/worker.ts';

export interface EmulatorOptions extends DeploymentOptions, Partial<RouteOptions>, WorkerOptions {
  /** Default: any free port. */
  port?: number;
  /** The app's functions. */
  functions?: Functions;
  /** The app's HTTP actions, which are served at `siteUrl`. */
  httpActions?: HttpActions;
  /** A backend without the routes of the snapshot import: an empty 404. */
  withoutSnapshotImport?: boolean;
  /** Keeps messages of errors and lines of logs from clients, as production deployments in the cloud do. */
  redact?: boolean;
}

/** A running deployment: its address, its keys, its data, and what a test wants to know and to break. */
export interface Emulator {
  readonly url: string;
  readonly port: number;
  /** Where HTTP actions are. */
  readonly siteUrl: string;
  readonly instanceName: string;
  /** A deploy key that may do everything. */
  readonly key: string;
  /** May view data and the state of imports, may not import. */
  readonly readOnlyKey: string;
  /** May import, may not view data. */
  readonly importOnlyKey: string;
  readonly keys: Keys;
  readonly deployment: Deployment;
  readonly journal: Journal;
  readonly faults: Faults;
  /** The snapshot imports, and a way to stop their worker. */
  readonly imports: SnapshotImports;
  /** What reading has cost the server. */
  readonly work: {
    snapshot: { resumed: number; initialised: number; logRows: number };
    deltas: DeltasWork;
    dataSync: DataSyncWork;
  };
  /** The table `_data_sync_progress`: its rows, how often they were written, and whether the counts they need are there. */
  readonly syncProgress: Pick<Progress, 'rows' | 'writes' | 'tableCounts'>;
  close(): Promise<void>;
}

/** Starts a deployment on 127.0.0.1. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { instanceName = 'happy-otter-123', port = 0, seed = 1, redact = false } = options;
  // By default, the same name and seed are the same deployment: cursors of one are good for the other.
  const { instanceSecret = `${instanceName}/${seed}` } = options;
  const deployment = new Deployment(options);
  // Own generators, so that another key or fault does not change the documents' ids.
  const keys = new Keys(instanceName, new Random(seed + 1));
  const faults = new Faults(new Random(seed + 2));
  const journal = new Journal();
  const { limits } = deployment;
  const imports = new SnapshotImports(deployment, options);
  const systemQueries = new Map(
    options.withoutSnapshotImport === true
      ? []
      : [
          ['_system/cli/queryImport', imports.queryImport()],
          ['_system/cli/queryImport:list', imports.listImports()],
        ],
  );
  const runner = new FunctionRunner(deployment, options.functions, systemQueries);
  const running = { runner, keys, limits, random: new Random(seed + 3), redact };
  const importRoutes = new SnapshotImportRoutes(imports, keys, limits.body, options.withoutSnapshotImport !== true);
  const routes = new Routes(
    deployment,
    keys,
    { ...options, instanceName, instanceSecret },
    new FunctionRoutes(running),
    importRoutes,
  );
  const site = new Site({ ...running, httpActions: options.httpActions });
  const server = new HttpServer((request) => routes.answer(request), faults, journal, limits);
  const siteServer = new HttpServer((request) => site.answer(request), faults, journal, limits);
  const key = keys.make('all');
  const readOnlyKey = keys.make(['deployment:data:view', 'deployment:backups:view']);
  const importOnlyKey = keys.make(['deployment:backups:import']);
  const actualPort = await server.listen(port);
  const sitePort = await siteServer.listen(0);
  return {
    url: `http://127.0.0.1:${actualPort}`,
    port: actualPort,
    siteUrl: `http://127.0.0.1:${sitePort}`,
    instanceName,
    key,
    readOnlyKey,
    importOnlyKey,
    keys,
    deployment,
    journal,
    faults,
    imports,
    work: {
      snapshot: routes.listSnapshot.iterator.work,
      deltas: routes.documentDeltas.work,
      dataSync: routes.dataSync.work,
    },
    syncProgress: routes.dataSync.progress,
    close: async () => {
      imports.close();
      deployment.close();
      await Promise.all([server.close(), siteServer.close()]);
    },
  };
}
