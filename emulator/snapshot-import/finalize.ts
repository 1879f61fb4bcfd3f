import { badRequest } from '../http/errors.ts';
import type { Deployment } from '../store/deployment.ts';
import type { SchemaJson, ValidatorJson } from '../store/schema.ts';
import { swapTablets } from '../store/table-swaps.ts';
import type { Tablet } from '../store/tablets.ts';
import type { ImportRow } from './rows.ts';
import { tableConflict } from './table-numbers.ts';

/** Names of tables in an audit event. */
const AUDITED_TABLES = 20;

/** The schemas as they were when an import began. */
export type Schemas = ReadonlyMap<string, SchemaJson>;

/**
 * Puts the hidden tablets of an import in place, all in one commit, and drops what replaceAll drops; returns the
 * timestamp. `tablets` are all that the import wrote to, `before` are the schemas at its beginning.
 * @throws HttpError 400 `ImportSchemaChanged`, `ImportForeignKey`, `TableConflict`
 */
export function finalizeImport(
  deployment: Deployment,
  { mode, format: { format } }: Pick<ImportRow, 'mode' | 'format'>,
  tablets: readonly Tablet[],
  before: Schemas,
): bigint {
  const { catalog } = deployment;
  const imported = new Set(tablets.map(({ component, name }) => `${component}:${name}`));
  const others = catalog.active().filter(({ component, name }) => !imported.has(`${component}:${name}`));
  const dropped = mode === 'ReplaceAll' ? others : [];
  checkSchemas(deployment, tablets, before, new Set(dropped));

  const fresh = tablets.filter(({ active }) => !active);
  const staying = others.filter((tablet) => !dropped.includes(tablet));
  for (const { component, name, number } of fresh) {
    const conflict = staying.find((tablet) => tablet.component === component && tablet.number === number);
    if (conflict !== undefined) throw tableConflict(component, name, conflict.name);
  }
  const replaced = fresh.flatMap(({ component, name }) => catalog.get(name, component) ?? []);
  deployment.auditLog.push({
    action: 'snapshot_import',
    mode,
    format,
    tables: auditNames(tablets),
    tableCount: tablets.length,
    tablesDeleted: auditNames(dropped),
    tableCountDeleted: dropped.length,
  });
  return swapTablets(deployment, [...replaced, ...dropped], fresh);
}

/** The names of the audit event, by component: the first of them. */
function auditNames(tablets: readonly Tablet[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  const sorted = tablets.map(({ component, name }) => [component, name] as const).sort();
  for (const [component, name] of sorted.slice(0, AUDITED_TABLES)) {
    names.set(component, [...(names.get(component) ?? []), name]);
  }
  return names;
}

/** Documents of hidden tablets were checked against the schemas at the beginning, so these must still hold. */
function checkSchemas(
  deployment: Deployment,
  tablets: readonly Tablet[],
  before: Schemas,
  dropped: ReadonlySet<Tablet>,
): void {
  if (JSON.stringify([...deployment.schemas()]) !== JSON.stringify([...before])) {
    throw badRequest(
      'ImportSchemaChanged',
      'Could not complete import because schema changed. Avoid modifying schema.ts while importing tables',
    );
  }
  for (const [component, schema] of before) {
    for (const { tableName, documentType } of schema.tables) {
      const type = documentType ?? undefined;
      const isImported = tablets.some((tablet) => tablet.component === component && tablet.name === tableName);
      const referring = deployment.catalog.get(tableName, component);
      if (isImported || type === undefined || referring === undefined || referring.size === 0) continue;
      if (dropped.has(referring)) continue;
      for (const referred of tablesIn(type)) {
        const changed = tablets.find((tablet) => tablet.component === component && tablet.name === referred);
        const existing = deployment.catalog.get(referred, component);
        if (changed === undefined || existing === undefined || existing.number === changed.number) continue;
        throw badRequest(
          'ImportForeignKey',
          `Import changes table '${referred}' which is referenced by '${tableName}' in the schema`,
        );
      }
    }
  }
}

/** The tables that a validator's ids are of. */
function tablesIn(validator: ValidatorJson): string[] {
  if (validator.type === 'id') return [validator.tableName];
  if (validator.type === 'array') return tablesIn(validator.value);
  if (validator.type === 'union') return validator.value.flatMap(tablesIn);
  if (validator.type === 'record') return [...tablesIn(validator.keys), ...tablesIn(validator.values.fieldType)];
  if (validator.type !== 'object') return [];
  return Object.values(validator.value).flatMap(({ fieldType }) => tablesIn(fieldType));
}
