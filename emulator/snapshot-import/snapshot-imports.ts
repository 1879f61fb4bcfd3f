import { tableNumberOf } from '../values/ids.ts';
import type { SystemQuery } from '../functions/system-queries.ts';
import { FunctionError } from '../functions/errors.ts';
import type { Deployment } from '../store/deployment.ts';
import type { Hold, HoldPoint } from './holds.ts';
import { type ImportRow, ImportRows, IMPORTS_TABLE_NUMBER, rowValue } from './rows.ts';
import { Uploads } from './uploads.ts';
import { ImportWorker, type WorkerOptions } from './worker.ts';

/** Imports that the list of them has. */
const LISTED = 20;

/** The imports of a deployment: uploaded files, rows of `_snapshot_imports`, and the worker. */
export class SnapshotImports {
  readonly uploads: Uploads;
  readonly rows: ImportRows;
  readonly #worker: ImportWorker;

  constructor(deployment: Deployment, options: WorkerOptions) {
    this.uploads = new Uploads(deployment.random);
    this.rows = new ImportRows(deployment);
    this.#worker = new ImportWorker(deployment, this.rows, this.uploads, options);
  }

  /** Stops the worker when it comes to `point` for the next time, or after it was there `skip` more times. */
  hold(point: HoldPoint, skip = 0): Hold {
    return this.#worker.holds.add(point, skip);
  }

  /** The row of an import. */
  get(importId: string): ImportRow | undefined {
    return this.rows.get(importId);
  }

  /** `_system/cli/queryImport`, which `npx convex import` polls. */
  queryImport(): SystemQuery {
    return {
      operation: 'deployment:backups:view',
      run: (args) => {
        const { importId } = args;
        const number = typeof importId === 'string' ? tableNumberOf(importId) : undefined;
        if (typeof importId !== 'string' || number !== IMPORTS_TABLE_NUMBER) {
          throw new FunctionError('ArgumentValidationError: Value does not match validator.\nPath: .importId');
        }
        const row = this.rows.get(importId);
        return row === undefined ? null : rowValue(row);
      },
    };
  }

  /** `_system/cli/queryImport:list`: the newest imports. */
  listImports(): SystemQuery {
    return {
      operation: 'deployment:backups:view',
      run: () => this.rows.newest(LISTED).map(rowValue),
    };
  }

  close(): void {
    this.#worker.close();
  }
}
