import type { Deployment } from '../store/deployment.ts';
import { JsonObject } from '../values/json-parse.ts';
import { ContentError } from './errors.ts';
import type { ImportedTable } from './parse.ts';
import { STORAGE, TABLES } from './parse.ts';
import type { Checkpoint, ImportMode } from './rows.ts';
import { tableEntry } from './table-numbers.ts';

/** Rows that are parsed before other work gets its turn. */
const ROWS_PER_TURN = 2000;

/** What is found out about an import before it is confirmed. */
export interface Summary {
  message: string;
  /** Whether something will be deleted. */
  needsConfirmation: boolean;
  checkpoints: Checkpoint[];
}

/**
 * Reads a whole file once: counts its rows and compares them with what the tables hold
 * (crates/application/src/snapshot_import/confirmation.rs). Only syntax is checked. `turn` lets other work go on.
 * @throws ContentError, HttpError
 */
export async function summarise(
  deployment: Deployment,
  mode: ImportMode,
  tables: readonly ImportedTable[],
  turn: () => Promise<void>,
): Promise<Summary> {
  const counts = new Map<string, { component: string; table: string; rows: number; isMissingId: boolean }>();
  const countOf = (component: string, table: string) => {
    const key = `${component}:${table}`;
    const count = counts.get(key) ?? { component, table, rows: 0, isMissingId: false };
    counts.set(key, count);
    return count;
  };
  for (const { component, table, rows } of tables) {
    const count = countOf(component, table);
    let row = 0;
    for (const json of rows()) {
      row++;
      if (table === TABLES) countOf(component, tableEntry(json, row).name);
      if (!(json instanceof JsonObject && json.has('_id'))) count.isMissingId = true;
      if (row % ROWS_PER_TURN === 0) await turn();
    }
    count.rows += row;
  }
  if (mode === 'ReplaceAll') for (const { component, name } of deployment.catalog.active()) countOf(component, name);

  const checkpoints = [...counts.values()]
    .filter(({ table }) => !table.startsWith('_') || table === STORAGE)
    .sort((a, b) => compare(a.component, b.component) || compare(a.table, b.table))
    .map(({ component, table, rows, isMissingId }): Checkpoint => {
      const existingRows = deployment.catalog.get(table, component)?.size ?? 0;
      if (mode === 'RequireEmpty' && existingRows > 0) throw tableExists(table);
      const rowsToDelete = mode === 'Replace' || mode === 'ReplaceAll' ? existingRows : 0;
      return {
        component,
        table,
        tabletId: undefined,
        rowsToWrite: rows,
        rowsWritten: 0,
        existingRows,
        rowsToDelete,
        isMissingId,
      };
    });
  return {
    message: messageOf(checkpoints),
    needsConfirmation: checkpoints.some(({ rowsToDelete }) => rowsToDelete > 0),
    checkpoints,
  };
}

export function tableExists(table: string): ContentError {
  return new ContentError(`Table ${table} already exists. Please choose a new table name or use replace/append modes.`);
}

/** A number with commas, as messages write it. */
export function withCommas(count: number): string {
  return count.toLocaleString('en-US');
}

function messageOf(checkpoints: readonly Checkpoint[]): string {
  const lines: string[] = [];
  for (const component of new Set(checkpoints.map((checkpoint) => checkpoint.component))) {
    if (component !== '') lines.push(`Component ${component}`);
    lines.push(...changesOf(checkpoints.filter((checkpoint) => checkpoint.component === component)));
  }
  if (lines.length > 0) lines.unshift('Import change summary:');
  lines.push(
    'Once the import has started, it will run in the background.\nInterrupting `npx convex import` will not cancel it.',
  );
  return lines.join('\n');
}

function changesOf(checkpoints: readonly Checkpoint[]): string[] {
  const cells = checkpoints.map(({ table, rowsToWrite, rowsToDelete, existingRows }) => [
    table,
    withCommas(rowsToWrite),
    `${withCommas(rowsToDelete)} of ${withCommas(existingRows)}${table === STORAGE ? ' files' : ''}`,
  ]);
  cells.unshift(['table', 'create', 'delete']);
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const [header = '', ...rest] = cells.map(
    (row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  return [header, '-'.repeat(header.length), ...rest];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
