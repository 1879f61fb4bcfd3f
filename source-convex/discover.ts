/** The verb `discover`: every table of the deployment as a stream, those of components with the component's path as namespace. */
import type { Context } from '../shared/airbyte/connector.ts';
import { descriptorOf } from '../shared/airbyte/descriptor.ts';
import type { AirbyteCatalog, AirbyteStream } from '../shared/airbyte/protocol.generated.ts';
import { connect } from '../shared/connector/deployment.ts';
import { explain } from '../shared/connector/failures.ts';
import { ConvexError } from '../shared/convex/errors.ts';
import { tableKey } from '../shared/convex/selection.ts';
import { StreamingExport } from '../shared/convex/streaming-export.ts';
import type { SourceConfig } from './config.generated.ts';
import { columnsSchema, streamSchema, type JsonSchema } from './schema.ts';

interface Table {
  component: string;
  name: string;
  schema: JsonSchema;
}

export async function discover(config: SourceConfig, { log }: Context): Promise<AirbyteCatalog> {
  const { http, host } = connect(config, 'airbyte-export', 'sync', log);
  const api = new StreamingExport(http, config.value_format);
  try {
    const tables = new Map<string, Table>();
    for (const table of [...(await tablesByColumns(api)), ...(await tablesBySchema(api, log))]) {
      tables.set(tableKey(table.component, table.name), table);
    }
    const catalog = { streams: [...tables.values()].sort(byComponentAndName).map(stream) };
    if (catalog.streams.length === 0) log.warn(`${host} has no tables yet, so there is nothing to select.`);
    return catalog;
  } catch (error) {
    throw explain(error, { host, permission: 'deployment:data:view', during: 'check' });
  }
}

/** Every table, with the names of its columns: knows tables of any shape, but no types. Old backends do not have it. */
async function tablesByColumns(api: StreamingExport): Promise<Table[]> {
  try {
    const tables = await api.tableColumns();
    return [...tables].flatMap(([component, list]) =>
      list.map(({ name, columns }) => ({ component, name, schema: columnsSchema(columns) })),
    );
  } catch (error) {
    if (error instanceof ConvexError && error.status === 404) return [];
    throw error;
  }
}

/** Trap 27: one table whose documents have no common shape, and no schema in the app, makes the server refuse the schemas of all. */
async function tablesBySchema(api: StreamingExport, log: Context['log']): Promise<Table[]> {
  let schemas: Record<string, unknown>;
  try {
    schemas = await api.jsonSchemas();
  } catch (error) {
    if (!(error instanceof ConvexError) || error.reason !== 'refused') throw error;
    log.warn(
      `The deployment cannot give the types of its tables: ${error.detail ?? error.message} (${error.code ?? error.status}). All tables are listed with the names of their columns only; their columns may hold anything. A schema for that table in the app's schema.ts brings the types back.`,
    );
    return [];
  }
  // Backends without components answer with the tables themselves.
  const byComponent = '' in schemas ? schemas : { '': schemas };
  return Object.entries(byComponent).flatMap(([component, tables]) =>
    Object.entries(tables as Record<string, unknown>).map(([name, schema]) => ({
      component,
      name,
      schema: streamSchema(schema),
    })),
  );
}

function stream({ component, name, schema }: Table): AirbyteStream {
  return {
    ...descriptorOf(name, component),
    json_schema: schema as Record<string, unknown>,
    supported_sync_modes: ['full_refresh', 'incremental'],
    source_defined_cursor: true,
    default_cursor_field: ['_ts'],
    source_defined_primary_key: [['_id']],
    is_resumable: true,
  };
}

function byComponentAndName(a: Table, b: Table): number {
  return a.component === b.component ? compare(a.name, b.name) : compare(a.component, b.component);
}

/** By code unit: the same order on every machine, whatever its locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
