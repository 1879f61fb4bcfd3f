import type { Limits } from '../store/limits.ts';
import { badRequest } from '../http/errors.ts';
import { type Json, JsonSyntaxError, parseJson } from '../values/json-parse.ts';
import { csvRows } from './csv.ts';
import { ContentError, identifierProblem } from './errors.ts';
import { jsonArray, jsonLines, jsonLinesOfEntry, linesOf } from './lines.ts';
import type { ImportFormat } from './rows.ts';
import { type ZipEntry, zipEntries } from './zip.ts';

/** The table of a ZIP file that fixes the numbers of the others. */
export const TABLES = '_tables';
/** Files; their rows are read and forgotten, since the emulator has no file storage. */
export const STORAGE = '_storage';

/** The rows of a file that go to one table. */
export interface ImportedTable {
  component: string;
  table: string;
  /** Whether values are written as format=export_json writes them. */
  uniform: boolean;
  /** Reads the rows from the start. @throws ContentError, HttpError */
  rows: () => Generator<Json>;
}

/**
 * Opens an uploaded file, without reading its rows (crates/application/src/snapshot_import/parse.rs). `component` is the
 * path below which the file's components are. `knowsUniform` is false for backends older than March 2026.
 * @throws HttpError 400, ContentError
 */
export function openImport(
  format: ImportFormat,
  component: string,
  pieces: readonly Buffer[],
  limits: Limits,
  knowsUniform: boolean,
): ImportedTable[] {
  const single = (table: string, rows: () => Generator<Json>) => [{ component, table, uniform: false, rows }];
  switch (format.format) {
    case 'jsonl':
      return single(format.table, () => jsonLines(pieces));
    case 'json_array':
      return single(format.table, () => jsonArray(pieces, limits.bytesWritten));
    case 'csv':
      return single(format.table, () => csvRows(pieces));
    case 'zip':
      return openZip(zipEntries(Buffer.concat(pieces)), component, knowsUniform);
  }
}

const ENTRY = /^(.*\/)?([^/]+)\/(documents|generated_schema)\.jsonl$/;
const COMPONENT = /^(.*\/)?_components\/([^/]+)\/$/;

function openZip(entries: ZipEntry[], base: string, knowsUniform: boolean): ImportedTable[] {
  const tables: ImportedTable[] = [];
  const uniform = new Set<string>();
  for (const { name, content } of entries) {
    const [, prefix = '', table = '', file] = ENTRY.exec(name) ?? [];
    if (file === undefined) continue;
    const problem = identifierProblem(table);
    if (problem !== undefined) throw badRequest('InvalidTableName', `table name '${table}' invalid: ${problem}`);
    const component = componentOf(prefix, base);
    if (file === 'generated_schema') {
      checkGeneratedSchema(name, content(), knowsUniform);
      uniform.add(`${component}:${table}`);
    } else if (!table.startsWith('_') || table === TABLES || table === STORAGE) {
      tables.push({ component, table, uniform: false, rows: () => jsonLinesOfEntry(content()) });
    }
  }
  return tables.map((table) => ({ ...table, uniform: uniform.has(`${table.component}:${table.table}`) }));
}

/** The component that a folder of a ZIP file belongs to; folders outside `_components` do not count. */
function componentOf(prefix: string, base: string): string {
  const names: string[] = [];
  for (let match = COMPONENT.exec(prefix); match !== null; match = COMPONENT.exec(prefix)) {
    const [, before = '', name = ''] = match;
    const problem = identifierProblem(name);
    if (problem !== undefined) throw badRequest('InvalidComponentName', `component name '${name}' invalid: ${problem}`);
    names.unshift(name);
    prefix = before;
  }
  return [...(base === '' ? [] : [base]), ...names].join('/');
}

function checkGeneratedSchema(file: string, content: Buffer, knowsUniform: boolean): void {
  const [line = Buffer.alloc(0)] = linesOf([content]);
  let value: Json;
  try {
    value = parseJson(line.toString('utf8'));
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new ContentError(`Row 1 wasn't valid JSON: ${error.message}`);
    throw error;
  }
  if (value === 'uniform' && knowsUniform) return;
  if (typeof value !== 'string') {
    throw new ContentError("Row 1 wasn't a valid Convex value: first line of generated_schema must be a string");
  }
  // The backend also reads the shapes that its exports had before March 2026; the emulator does not.
  throw badRequest('InvalidGeneratedSchema', `cannot parse ${file}: unexpected token at '${value}'`);
}
