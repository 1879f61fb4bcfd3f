/** Discovers tables: each is a stream, with the component's path as namespace. */
import type { Log } from '../../shared/core/log.ts';
import { descriptorOf, descriptorText } from '../../shared/core/stream-descriptor.ts';
import { connect } from '../../shared/connector/deployment.ts';
import { explain } from '../../shared/connector/failures.ts';
import { ConvexApiError } from '../../shared/convex/errors.ts';
import { notConvex } from '../../shared/convex/client.ts';
import { StreamingExport, type ValueFormat } from '../../shared/convex/streaming-export.ts';
import type { DiscoveredStream } from '../catalog.ts';
import type { SourceConfig } from '../config.generated.ts';
import { sampleTables } from './sample.ts';
import { sampleSchema, streamSchema, type JsonSchema } from './schema.ts';

interface Named {
  component: string;
  name: string;
}

interface Table extends Named {
  schema: JsonSchema;
}

export async function discoverTables(config: SourceConfig, log: Log): Promise<DiscoveredStream[]> {
  const { http, host } = connect(config, 'airbyte-export', 'discover', log);
  const api = new StreamingExport(http, config.value_format);
  try {
    const tables = await tablesOf(api, config.value_format ?? 'json', log);
    if (tables.length === 0) log.warn(`${host} has no tables yet, so there is nothing to select.`);
    return tables.sort(byComponentAndName).map(stream);
  } catch (error) {
    throw explain(error, { host, permission: 'deployment:data:view', during: 'check' });
  }
}

/** One table whose documents have no common shape makes the request for schemas fail for all tables (C80). */
async function tablesOf(api: StreamingExport, format: ValueFormat, log: Log): Promise<Table[]> {
  try {
    return tablesBySchema(await api.jsonSchemas());
  } catch (error) {
    if (!(error instanceof ConvexApiError) || error.reason !== 'refused') throw error;
    // Sorted: Convex lists tables in no fixed order (C84), and the choice of samples must not vary.
    const tables = (await tablesByColumns(api, error)).sort(byComponentAndName);
    const samples = await sampleTables(
      api,
      tables.map(({ component, name }) => ({ component, table: name })),
      format,
    );
    const unseen = tables.length - samples.length;
    const rest =
      unseen === 0
        ? ''
        : ` Of ${unseen} of ${tables.length} tables no documents were read (a limit of time or number, or a failed request): only the names of their columns are known, as far as Convex lists them, and they may hold anything.`;
    log.warn(
      `Convex cannot describe the documents of ${oddTable(error, tables)} (${error.status} ${error.code}), and gives no types for any table then. Columns and types are taken from the first documents of each table; later documents may have other fields and types.${rest} A definition of that table in the app's schema.ts, as one object type, brings the types of all documents back.`,
    );
    return tables.map(({ component, name, columns }, i) => ({
      component,
      name,
      schema: sampleSchema(samples[i] ?? {}, columns),
    }));
  }
}

function tablesBySchema(schemas: Record<string, Record<string, unknown>>): Table[] {
  // Backends without components answer with the tables alone.
  const byComponent = Object.hasOwn(schemas, '') ? schemas : { '': schemas };
  return Object.entries(byComponent).flatMap(([component, tables]: [string, unknown]) => {
    if (typeof tables !== 'object' || tables === null || Array.isArray(tables))
      throw notConvex('the answer of /api/json_schemas lists something else than tables', 200);
    return Object.entries(tables).map(([name, schema]) => ({ component, name, schema: streamSchema(schema) }));
  });
}

interface Columns extends Named {
  columns: string[];
}

/** Every table with its column names (C84). Throws `refusal` if the backend lacks this route. */
async function tablesByColumns(api: StreamingExport, refusal: ConvexApiError): Promise<Columns[]> {
  try {
    const tables = await api.tableColumns();
    return [...tables].flatMap(([component, list]) => list.map((table) => ({ component, ...table })));
  } catch (error) {
    throw error instanceof ConvexApiError && error.status === 404 ? refusal : error;
  }
}

/** The table that the server could not describe. Only some of its refusals name it. */
function oddTable({ detail }: ConvexApiError, tables: readonly Columns[]): string {
  const named = /\btable "(\w+)"/.exec(detail ?? '')?.[1];
  if (named !== undefined) return `the table ${named}`;
  // Tables without an object shape have only system columns (C84). So do empty tables.
  const candidates = tables.filter(({ columns }) => columns.every((column) => column.startsWith('_')));
  const names = candidates.map(({ component, name }) => descriptorText(descriptorOf(name, component)));
  if (names.length === 0) return 'one of the tables';
  if (names.length === 1) return `the table ${names[0]}`;
  return `one of the tables ${names.slice(0, MAX_NAMES).join(', ')}${names.length > MAX_NAMES ? ', …' : ''}`;
}

const MAX_NAMES = 20;

function stream({ component, name, schema }: Table): DiscoveredStream {
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

function byComponentAndName(a: Named, b: Named): number {
  return a.component === b.component ? compare(a.name, b.name) : compare(a.component, b.component);
}

/** By code unit: the order does not depend on the machine's locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
