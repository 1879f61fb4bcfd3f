import type { Arguments } from './arguments.ts';
import type { Deployment } from './deployment.ts';

/** `GET /api/json_schemas` */
export function jsonSchemas(_deployment: Deployment, _args: Arguments): string {
  return '{}';
}

/** `GET /api/get_table_column_names` */
export function columnNames(deployment: Deployment): string {
  const byComponent: Record<string, { name: string; columns: string[] }[]> = {};
  for (const { component, table } of deployment.tables()) {
    const columns = new Set(['_creationTime', '_id']);
    for (const document of deployment.documents(table, component))
      for (const name of Object.keys(document)) columns.add(name);
    (byComponent[component] ??= []).push({ name: table, columns: [...columns].sort() });
  }
  return JSON.stringify({ byComponent });
}
