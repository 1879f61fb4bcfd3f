import type { Arguments } from '../http/arguments.ts';
import type { Deployment } from '../store/deployment.ts';
import { type Format, parseFormat } from '../values/json-format.ts';
import * as fragments from './json-schema-fragments.ts';
import { schemaFragment } from './schema-export.ts';
import { type Reduced, reduce } from './shape-reduction.ts';
import type { Tablet } from '../store/tablets.ts';

/**
 * `GET /api/json_schemas`: JSON Schemas of what the tables hold now, from the data and not from schema.ts. One table
 * whose shape is no object makes the request fail, unless a schema stands in for it (C80).
 * (crates/local_backend/src/streaming_export.rs)
 */
export function jsonSchemas(deployment: Deployment, args: Arguments): () => string {
  const deltaSchema = args.flag('deltaSchema');
  const byComponent = args.flag('byComponent');
  const format = args.optionalString('format');
  return () => schemasText(deployment, { deltaSchema, byComponent, format });
}

interface SchemaArguments {
  deltaSchema: boolean;
  byComponent: boolean;
  format: string | undefined;
}

function schemasText(
  deployment: Deployment,
  { deltaSchema, byComponent, format: formatText }: SchemaArguments,
): string {
  const flat = emptyMap<unknown>();
  const nested = emptyMap<Record<string, unknown>>();
  for (const component of deployment.components.at(deployment.nowForReads())) {
    const output = byComponent ? (nested[component] ??= emptyMap<unknown>()) : flat;
    const format = parseFormat(formatText);
    for (const tablet of byTablet(deployment, component)) {
      const schema = tableSchema(deployment, tablet, format);
      if (deltaSchema) Object.assign(schema.properties, DELTA_FIELDS);
      // Without byComponent a child's table takes the place of the root's of the same name.
      output[tablet.name] = { ...schema, $schema: 'http://json-schema.org/draft-07/schema#' };
    }
  }
  return JSON.stringify(byComponent ? nested : flat);
}

/** Tables and components may be called like what every object has. */
function emptyMap<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** Listed, but never required. */
const DELTA_FIELDS = {
  _table: { type: 'string' },
  _component: { type: 'string' },
  _ts: { type: 'integer' },
  _deleted: { type: 'boolean' },
};

function byTablet(deployment: Deployment, component: string): Tablet[] {
  return deployment.catalog.active(component).sort((a, b) => (a.id.order < b.id.order ? -1 : 1));
}

function tableSchema(deployment: Deployment, tablet: Tablet, format: Format): fragments.ObjectFragment {
  const { shape, nameOf } = reducedShape(deployment, tablet);
  if (shape.kind === 'never') return fragments.object(new Map(fragments.systemFields(tablet.name)));
  if (shape.kind !== 'object') return schemaFragment(deployment.schema(tablet.component), tablet.name, format);
  return fragments.object(objectFields(shape.fields, nameOf, format));
}

function reducedShape(deployment: Deployment, tablet: Tablet) {
  const tables = deployment.catalog.active(tablet.component);
  const names = new Map(tables.map(({ number, name }) => [number, name]));
  const shape = reduce(tablet.shape(), (table) => names.has(table));
  return { shape, nameOf: (table: number) => names.get(table) ?? '' };
}

function objectFields(
  fields: ReadonlyMap<string, { shape: Reduced; optional: boolean }>,
  nameOf: (table: number) => string,
  format: Format,
): Map<string, fragments.FieldFragment> {
  const entries = [...fields].map(([name, { shape, optional }]): [string, fragments.FieldFragment] => [
    name,
    { schema: fragmentOf(shape, nameOf, format), optional },
  ]);
  return new Map(entries);
}

function fragmentOf(shape: Reduced, nameOf: (table: number) => string, format: Format): fragments.Fragment {
  switch (shape.kind) {
    case 'unknown':
    case 'record':
      return fragments.any();
    case 'never':
      return fragments.never();
    case 'null':
      return fragments.nullType();
    case 'int64':
      return fragments.int64(format);
    case 'float64':
      return fragments.float64(shape.special, format);
    case 'boolean':
      return fragments.boolean();
    case 'string':
      return fragments.string();
    case 'bytes':
      return fragments.bytes(format);
    case 'id':
      return fragments.id(nameOf(shape.table));
    case 'array':
      return fragments.array(fragmentOf(shape.element, nameOf, format));
    case 'object':
      return fragments.object(objectFields(shape.fields, nameOf, format));
    case 'union':
      return fragments.union(shape.variants.map((variant) => fragmentOf(variant, nameOf, format)));
  }
}

/** `GET /api/get_table_column_names`: never fails; a table of odd shape has just the system fields. */
export function columnNames(deployment: Deployment): string {
  const byComponent = emptyMap<{ name: string; columns: string[] }[]>();
  for (const component of deployment.components.at(deployment.nowForReads()).sort()) {
    const tablets = deployment.catalog.active(component);
    // The backend's order is that of a hash table. Tablet ids are random, too: nobody may rely on names in order.
    const tables = tablets
      .sort((a, b) => (a.id.order < b.id.order ? -1 : 1))
      .map((tablet) => {
        const { shape } = reducedShape(deployment, tablet);
        const columns = shape.kind === 'object' ? [...shape.fields.keys()] : ['_creationTime', '_id'];
        return { name: tablet.name, columns };
      });
    if (tables.length > 0) byComponent[component] = tables;
  }
  return JSON.stringify({ byComponent });
}
