/**
 * A deployment's schema as schema.ts is pushed: what `JSON.parse(defineSchema({…}).export())` of the npm package
 * `convex` gives. (crates/common/src/schemas/json.rs)
 */
export interface SchemaJson {
  tables: TableSchemaJson[];
  schemaValidation?: boolean;
}

export interface TableSchemaJson {
  tableName: string;
  indexes?: { indexDescriptor: string; fields: string[] }[];
  documentType?: ValidatorJson | null;
  [more: string]: unknown;
}

export type ValidatorJson =
  | { type: 'null' | 'number' | 'bigint' | 'boolean' | 'string' | 'bytes' | 'any' }
  | { type: 'literal'; value: unknown }
  | { type: 'id'; tableName: string }
  | { type: 'array'; value: ValidatorJson }
  | { type: 'record'; keys: ValidatorJson; values: FieldJson }
  | { type: 'object'; value: Record<string, FieldJson> }
  | { type: 'union'; value: ValidatorJson[] };

export interface FieldJson {
  fieldType: ValidatorJson;
  optional: boolean;
}

/** The validator of a table's documents; undefined where the schema does not say anything of them. */
export function documentType(schema: SchemaJson | undefined, table: string): ValidatorJson | undefined {
  return schema?.tables.find(({ tableName }) => tableName === table)?.documentType ?? undefined;
}

/** A validator as messages print it. */
export function describeValidator(validator: ValidatorJson): string {
  switch (validator.type) {
    case 'number':
      return 'v.float64()';
    case 'bigint':
      return 'v.int64()';
    case 'null':
    case 'boolean':
    case 'string':
    case 'bytes':
    case 'any':
      return `v.${validator.type}()`;
    case 'literal':
      return `v.literal(${describeLiteral(validator.value)})`;
    case 'id':
      return `v.id("${validator.tableName}")`;
    case 'array':
      return `v.array(${describeValidator(validator.value)})`;
    case 'record':
      return `v.record(${describeValidator(validator.keys)}, ${describeValidator(validator.values.fieldType)})`;
    case 'object':
      return describeObject(validator.value);
    case 'union':
      return `v.union(${validator.value.map(describeValidator).join(', ')})`;
  }
}

export function describeObject(fields: Record<string, FieldJson>): string {
  const text = Object.entries(fields).map(([name, { fieldType, optional }]) => {
    const type = describeValidator(fieldType);
    return `${name}: ${optional ? `v.optional(${type})` : type}`;
  });
  return `v.object({${text.join(', ')}})`;
}

/** A literal int64 comes wrapped as `{"$integer": …}` and is not spelled out. */
export function describeLiteral(value: unknown): string {
  if (typeof value === 'object') return '<bigint>';
  if (typeof value === 'number' && Number.isInteger(value)) return `${value}.0`;
  return JSON.stringify(value);
}

/** `GET get_schema`: the active schema of the root component, all its lists present. */
export function schemaText(schema: SchemaJson | undefined): string {
  if (schema === undefined) return 'null';
  const tables = [...schema.tables]
    .sort((a, b) => (a.tableName < b.tableName ? -1 : 1))
    .map((table) => ({
      tableName: table.tableName,
      indexes: table.indexes ?? [],
      stagedDbIndexes: table['stagedDbIndexes'] ?? [],
      searchIndexes: table['searchIndexes'] ?? [],
      stagedSearchIndexes: table['stagedSearchIndexes'] ?? [],
      vectorIndexes: table['vectorIndexes'] ?? [],
      stagedVectorIndexes: table['stagedVectorIndexes'] ?? [],
      documentType: table.documentType ?? null,
    }));
  return JSON.stringify({ tables, schemaValidation: schema.schemaValidation ?? false });
}
