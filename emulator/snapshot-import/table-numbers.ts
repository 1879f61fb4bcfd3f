import { badRequest } from '../http/errors.ts';
import type { Deployment } from '../store/deployment.ts';
import { tableNumberOf } from '../values/ids.ts';
import { type Json, JsonNumber, JsonObject } from '../values/json-parse.ts';
import { ContentError, identifierProblem } from './errors.ts';
import { type ImportedTable, STORAGE, TABLES } from './parse.ts';
import type { ImportMode } from './rows.ts';

/** User tables have numbers from here; those below belong to system tables. */
const FIRST_USER_NUMBER = 10_000;

/** A table of an import and the number that it must have; undefined: any. */
export interface NumberedTable {
  component: string;
  table: string;
  number: number | undefined;
}

/**
 * Which number each table of an import gets: that of `_tables`, that in the first row's `_id`, that of the table which
 * is there, or a new one. In mode replaceAll, tables of the schema that are not imported are in the result, too: they
 * become empty. (crates/application/src/snapshot_import/mod.rs)
 * @throws HttpError 400 `InvalidId`, `DuplicateTableName`, `TableConflict`; ContentError
 */
export function assignTableNumbers(
  deployment: Deployment,
  mode: ImportMode,
  imported: readonly ImportedTable[],
): NumberedTable[] {
  const assigned = new Map<string, NumberedTable>();
  const owners = new Map<string, string>();
  const assign = (component: string, table: string, number: number | undefined): void => {
    assigned.set(`${component}:${table}`, { component, table, number });
    if (number === undefined) return;
    const owner = owners.get(`${component}:${number}`);
    if (owner !== undefined) {
      throw badRequest(
        'InvalidId',
        `conflict between \`${owner}\` and \`${table}\`${inComponent(component)} with number ${number}`,
      );
    }
    owners.set(`${component}:${number}`, table);
  };
  const keepNumber = (component: string, table: string): void => {
    if (assigned.has(`${component}:${table}`)) return;
    const existing = deployment.catalog.get(table, component)?.number;
    assign(component, table, owners.has(`${component}:${existing}`) ? undefined : existing);
  };

  for (const { component, rows } of imported.filter(({ table }) => table === TABLES)) {
    let row = 0;
    for (const json of rows()) {
      const { name, number } = numberedEntry(json, ++row);
      if (assigned.has(`${component}:${name}`)) {
        throw badRequest(
          'DuplicateTableName',
          `\`_tables\` contains duplicate entries for \`${name}\`${inComponent(component)}`,
        );
      }
      assign(component, name, number);
    }
  }
  const tables = imported.filter(({ table }) => table !== TABLES);
  for (const { component, table, rows } of tables) {
    if (assigned.has(`${component}:${table}`)) continue;
    const number = firstNumber(rows());
    if (number !== undefined) assign(component, table, number);
  }
  for (const { component, table } of tables) keepNumber(component, table);
  if (mode === 'ReplaceAll') {
    for (const [component, schema] of deployment.schemas()) {
      for (const { tableName } of schema.tables) keepNumber(component, tableName);
    }
  } else {
    for (const { component, name, number } of deployment.catalog.active()) {
      const owner = owners.get(`${component}:${number}`);
      if (owner !== undefined && !assigned.has(`${component}:${name}`)) throw tableConflict(component, owner, name);
    }
  }
  for (const { component, table, number } of assigned.values()) {
    const isSystem = number !== undefined && number < FIRST_USER_NUMBER && table !== STORAGE;
    if (isSystem && !table.startsWith('_')) throw tableConflict(component, table, '_tables');
  }
  return [...assigned.values()].sort((a, b) => (`${a.component}:${a.table}` < `${b.component}:${b.table}` ? -1 : 1));
}

export function tableConflict(component: string, table: string, existing: string) {
  const start = `New table \`${table}\`${inComponent(component)} has IDs that conflict with existing `;
  return badRequest(
    'TableConflict',
    existing.startsWith('_')
      ? `${start}internal table. Consider importing this table without \`_id\` fields or import into a new deployment.`
      : `${start}table \`${existing}\`. To delete all existing tables, import with \`npx convex import --replace-all\`.`,
  );
}

export function inComponent(component: string): string {
  return component === '' ? '' : ` in '${component}'`;
}

/** The name of a row of `_tables`. @throws ContentError */
export function tableEntry(json: Json, row: number): { name: string; entry: JsonObject } {
  if (!(json instanceof JsonObject)) throw new ContentError(`Row ${row} wasn't an object`);
  const name = json.get('name');
  if (typeof name !== 'string') {
    throw new ContentError(`Row ${row} wasn't a valid Convex value: table requires name`);
  }
  const problem = identifierProblem(name);
  if (problem === undefined) return { name, entry: json };
  throw new ContentError(`${JSON.stringify(name)} isn't a valid table name: ${problem}`);
}

function numberedEntry(json: Json, row: number): { name: string; number: number } {
  const { name, entry } = tableEntry(json, row);
  const id = entry.get('id');
  const number = id instanceof JsonNumber ? Math.min(Math.max(Math.trunc(Number(id.text)), 0), 0xffff_ffff) : 0;
  if (number > 0) return { name, number };
  throw new ContentError(`Row ${row} wasn't a valid Convex value: table requires id`);
}

/** The table number in the `_id` of the first row. */
function firstNumber(rows: Generator<Json>): number | undefined {
  let first: IteratorResult<Json>;
  try {
    first = rows.next();
  } catch {
    return undefined; // The row is refused when its turn comes.
  }
  const id = first.done !== true && first.value instanceof JsonObject ? first.value.get('_id') : undefined;
  return typeof id === 'string' ? tableNumberOf(id) : undefined;
}
