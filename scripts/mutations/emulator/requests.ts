import type { Mutation } from '../mutation.ts';

/** How requests are read: bodies that are lists, methods of routes; and what is answered of a schema. */

const ARGUMENTS = 'emulator/http/arguments.ts';
const SEQUENCES = 'test/emulator/http/sequences.test.ts';
const REQUESTS = 'test/emulator/http/requests.test.ts';
const READ_BACK = 'test/emulator/import/read-back.test.ts';

/** The structs of more than one field, in their order and in another one. */
const ORDERS: [file: string, fields: string, other: string][] = [
  ['emulator/import/import.ts', "['tables', 'messages']", "['messages', 'tables']"],
  ['emulator/import/import.ts', "['primaryKey', 'jsonSchema']", "['jsonSchema', 'primaryKey']"],
  ['emulator/import/import.ts', "['tableName', 'data']", "['data', 'tableName']"],
  [
    'emulator/snapshot-import/arguments.ts',
    "['tableName', 'componentPath', 'format', 'mode']",
    "['componentPath', 'tableName', 'format', 'mode']",
  ],
  [
    'emulator/snapshot-import/arguments.ts',
    "['import', 'uploadToken', 'partTokens']",
    "['uploadToken', 'import', 'partTokens']",
  ],
  [
    'emulator/data-sync/data-sync.ts',
    "'DataSyncArgs', fields: ['cursor', 'selection']",
    "'DataSyncArgs', fields: ['selection', 'cursor']",
  ],
  [
    'emulator/data-sync/data-sync.ts',
    "'DataSyncCursorFromDeltasArgs', fields: ['cursor', 'selection']",
    "'DataSyncCursorFromDeltasArgs', fields: ['selection', 'cursor']",
  ],
  [
    'emulator/functions/routes.ts',
    "'UdfPostRequest', fields: ['path', 'args',",
    "'UdfPostRequest', fields: ['args', 'path',",
  ],
  [
    'emulator/functions/routes.ts',
    "['componentPath', 'path', 'args', 'format']",
    "['path', 'componentPath', 'args', 'format']",
  ],
  ['emulator/functions/routes.ts', "['args', 'format'] };", "['format', 'args'] };"],
];

export const REQUESTS_OF_EMULATOR: Mutation[] = [
  ...ORDERS.map(([file, find, replace]) => ({
    name: `a list has its fields in another order: ${replace}`,
    file,
    find,
    replace,
    test: SEQUENCES,
  })),
  {
    name: 'a list may be too short',
    file: ARGUMENTS,
    find: 'if (value.length < fields.length - defaults) {',
    replace: 'if (value.length < 0) {',
    test: SEQUENCES,
  },
  {
    name: 'a list may be too long',
    file: ARGUMENTS,
    find: 'if (value.length > fields.length) {',
    replace: 'if (value.length > 99) {',
    test: SEQUENCES,
  },
  {
    name: 'a list has no defaults',
    file: ARGUMENTS,
    find: 'if (value.length < fields.length - defaults) {',
    replace: 'if (value.length < fields.length) {',
    test: SEQUENCES,
  },
  {
    name: 'list_snapshot takes a list',
    file: ARGUMENTS,
    find: "if (Array.isArray(this.#values)) throw this.error('', 'invalid type: sequence, expected a map');",
    replace: 'if (Array.isArray(this.#values)) return new JsonObject();',
    test: SEQUENCES,
    only: 'list_snapshot',
  },
  {
    name: 'allow: OPTIONS does not tell the methods',
    file: 'emulator/http/routes.ts',
    find: '{ ...preflightHeaders(request.headers), ...allowed(methods) }',
    replace: 'preflightHeaders(request.headers)',
    test: REQUESTS,
    only: 'OPTIONS',
  },
  {
    name: '405: a route takes any method',
    file: 'emulator/http/routes.ts',
    find: 'if (!methods.includes(method)) return',
    replace: "if (method === '') return",
    test: REQUESTS,
    only: 'OPTIONS',
  },
  ...['stagedDbIndexes', 'stagedSearchIndexes', 'stagedVectorIndexes'].map((list) => ({
    name: `get_schema: ${list} is left out`,
    file: 'emulator/store/schema.ts',
    find: `${list}: table['${list}'] ?? [],`,
    replace: '',
    test: 'test/emulator/import-facts.test.ts',
    only: 'lists indexes of each kind',
  })),
  {
    name: 'column names list tables in the order of their names',
    file: 'emulator/shapes/json-schemas.ts',
    find: '      .sort((a, b) => (a.id.order < b.id.order ? -1 : 1))\n',
    replace: '      .sort((a, b) => (a.name < b.name ? -1 : 1))\n',
    test: 'test/emulator/json-schemas.test.ts',
    only: 'no order that their names tell',
  },
  {
    name: 'IndexNotFoundError: an import by key needs no index',
    file: 'emulator/import/import.ts',
    find: 'if (index === undefined) throw',
    replace: "if (index === undefined && table === '') throw",
    test: READ_BACK,
    only: 'an import names the missing index',
  },
  {
    name: 'MissingIndex: an index that is not there is not ready',
    file: 'emulator/import/index-routes.ts',
    find: "if (index === undefined) throw badRequest('MissingIndex'",
    replace: "if (table === '') throw badRequest('MissingIndex'",
    test: READ_BACK,
    only: 'primary_key_indexes_ready names',
  },
  {
    name: 'FieldNotInIndex: a key of other fields finds nothing',
    file: 'emulator/import/import.ts',
    find: 'if (rank < 0) {',
    replace: 'if (rank < -1) {',
    test: READ_BACK,
    only: 'another key is refused',
  },
  {
    name: 'MissingPrimaryKeyValue: a missing value is null',
    file: 'emulator/import/import.ts',
    find: 'if (value !== undefined) return value;',
    replace: 'if (path.length > 0) return value ?? null;',
    test: READ_BACK,
  },
  {
    name: 'IndexBackfillingError: an index works while it is being built',
    file: 'emulator/import/import.ts',
    find: "if (index.state === 'enabled') return index;",
    replace: 'return index;',
    test: READ_BACK,
  },
];
