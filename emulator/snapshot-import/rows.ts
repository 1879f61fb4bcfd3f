import { badRequest, HttpError } from '../http/errors.ts';
import { toMilliseconds } from '../store/clock.ts';
import type { Deployment } from '../store/deployment.ts';
import { newId } from '../values/ids.ts';
import { InternalFailure } from './errors.ts';
import { emptyObject, type Value, type ValueObject } from '../values/values.ts';

/** The number of the system table `_snapshot_imports`. */
export const IMPORTS_TABLE_NUMBER = 27;
const DAY = 86_400_000_000_000n;

export type ImportFormat =
  { format: 'csv' | 'jsonl' | 'json_array'; table: string } | { format: 'zip'; table: undefined };

export type ImportMode = 'RequireEmpty' | 'Append' | 'Replace' | 'ReplaceAll';

/** State of an import (crates/model/src/snapshot_imports/types.rs). */
export type ImportState =
  | { state: 'uploaded' }
  | { state: 'waiting_for_confirmation'; message_to_confirm: string; require_manual_confirmation: boolean }
  | { state: 'in_progress'; progress_message: string; checkpoint_messages: string[] }
  | { state: 'completed'; timestamp: bigint; num_rows_written: bigint }
  | { state: 'failed'; error_message: string };

/** What is known of one table of an import before it begins, and how far it is. */
export interface Checkpoint {
  component: string;
  table: string;
  /** The hidden tablet, once it is there: an attempt after a crash goes on in it. */
  tabletId: string | undefined;
  rowsToWrite: number;
  rowsWritten: number;
  existingRows: number;
  rowsToDelete: number;
  isMissingId: boolean;
}

/** A row of `_snapshot_imports`. */
export interface ImportRow {
  readonly id: string;
  /** Milliseconds. */
  readonly creationTime: number;
  readonly format: ImportFormat;
  readonly mode: ImportMode;
  readonly component: string;
  readonly objectKey: string;
  state: ImportState;
  checkpoints: Checkpoint[] | undefined;
}

const NEXT: Record<ImportState['state'], readonly ImportState['state'][]> = {
  uploaded: ['waiting_for_confirmation', 'failed'],
  waiting_for_confirmation: ['in_progress', 'failed'],
  in_progress: ['in_progress', 'completed', 'failed'],
  completed: [],
  failed: [],
};

/** All imports of a deployment, in order of creation. Each change is a write to a system table. */
export class ImportRows {
  readonly #deployment: Deployment;
  readonly #rows = new Map<string, ImportRow>();
  readonly #listeners = new Set<() => void>();

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  add(given: Pick<ImportRow, 'format' | 'mode' | 'component' | 'objectKey'>): ImportRow {
    const { random } = this.#deployment;
    const ts = this.#deployment.systemWrite(1);
    const id = newId(IMPORTS_TABLE_NUMBER, random, Number(ts / DAY));
    const creationTime = toMilliseconds(ts);
    const row: ImportRow = { ...given, id, creationTime, state: { state: 'uploaded' }, checkpoints: undefined };
    this.#rows.set(id, row);
    this.#notify();
    return row;
  }

  get(id: string): ImportRow | undefined {
    return this.#rows.get(id);
  }

  /** @throws 404 `ImportNotFound` */
  mustGet(id: string): ImportRow {
    const row = this.#rows.get(id);
    if (row === undefined) throw new HttpError(404, 'ImportNotFound', `import ${id} not found`);
    return row;
  }

  /** The newest imports, the newest first. */
  newest(count: number): ImportRow[] {
    return [...this.#rows.values()].slice(-count).reverse();
  }

  /** The oldest import in a state. */
  firstIn(state: ImportState['state']): ImportRow | undefined {
    for (const row of this.#rows.values()) if (row.state.state === state) return row;
    return undefined;
  }

  /** @throws InternalFailure for a step that the states do not have */
  move(row: ImportRow, state: ImportState, checkpoints = row.checkpoints): void {
    if (!NEXT[row.state.state].includes(state.state)) {
      throw new InternalFailure(`invalid import state transition ${row.state.state} -> ${state.state}`);
    }
    row.state = state;
    row.checkpoints = checkpoints;
    this.#deployment.systemWrite(1);
    this.#notify();
  }

  /** `perform_import`: starts an import that waits, and does nothing to any other. */
  confirm(id: string): void {
    const row = this.mustGet(id);
    if (row.state.state !== 'waiting_for_confirmation') return;
    this.move(row, { state: 'in_progress', progress_message: 'Importing', checkpoint_messages: [] });
  }

  /** @throws 400 `CannotCancelImport` for one that is over */
  cancel(id: string): void {
    const row = this.mustGet(id);
    const { state } = row.state;
    if (state === 'completed' || state === 'failed') {
      throw badRequest('CannotCancelImport', `Cannot cancel an import that has ${state}`);
    }
    this.move(row, { state: 'failed', error_message: 'Import canceled' });
  }

  /** Notes progress; ignores that the import may be over by now, as the backend does. */
  progress(row: ImportRow, message: string, checkpoint: Checkpoint | undefined, rowsWritten: number): void {
    if (row.state.state !== 'in_progress') return;
    if (checkpoint !== undefined) {
      if (checkpoint.rowsWritten > 0 && rowsWritten <= checkpoint.rowsWritten) return;
      checkpoint.rowsWritten = rowsWritten;
    }
    this.move(row, { ...row.state, progress_message: message });
  }

  /** A table is written. @throws InternalFailure where the import is over by now */
  tableDone(row: ImportRow, message: string, checkpoint: Checkpoint | undefined, rowsWritten: number): void {
    const { state } = row;
    const earlier = state.state === 'in_progress' ? state : { progress_message: 'Importing', checkpoint_messages: [] };
    const known = checkpoint !== undefined && rowsWritten <= checkpoint.rowsWritten;
    if (checkpoint !== undefined && !known) checkpoint.rowsWritten = rowsWritten;
    this.move(row, {
      state: 'in_progress',
      progress_message: known ? earlier.progress_message : message,
      checkpoint_messages: [...new Set([...earlier.checkpoint_messages, message])],
    });
  }

  /** Calls `listener` after every change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits until an import is in one of some states. */
  async until(row: ImportRow, states: readonly ImportState['state'][]): Promise<ImportState> {
    if (states.includes(row.state.state)) return row.state;
    return new Promise((resolve) => {
      const stop = this.onChange(() => {
        if (!states.includes(row.state.state)) return;
        stop();
        resolve(row.state);
      });
    });
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** An import as `_system/cli/queryImport` shows it. */
export function rowValue(row: ImportRow): ValueObject {
  return fields({
    _id: row.id,
    _creationTime: row.creationTime,
    checkpoints: row.checkpoints?.map(checkpointValue) ?? null,
    component_path: row.component === '' ? null : row.component,
    format: fields(row.format.table === undefined ? { format: 'zip' } : { ...row.format }),
    fq_object_key: row.objectKey,
    member_id: null,
    mode: row.mode,
    requestor: fields({ type: 'snapshotImport' }),
    state: fields({ ...row.state }),
  });
}

function checkpointValue(checkpoint: Checkpoint): ValueObject {
  return fields({
    component_path: checkpoint.component === '' ? null : checkpoint.component,
    display_table_name: checkpoint.table,
    existing_rows_in_table: BigInt(checkpoint.existingRows),
    existing_rows_to_delete: BigInt(checkpoint.rowsToDelete),
    is_missing_id_field: checkpoint.isMissingId,
    num_rows_written: BigInt(checkpoint.rowsWritten),
    tablet_id: checkpoint.tabletId ?? null,
    total_num_rows_to_write: BigInt(checkpoint.rowsToWrite),
  });
}

function fields(object: Record<string, Value>): ValueObject {
  return Object.assign(emptyObject(), object);
}
